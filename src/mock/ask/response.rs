//! A request to the Responses API, understood and checked.

use serde_json::{Map, Value, json};

use super::fields::{Fields, wrong_length};
use super::message::PastCall;
use super::tool::{Format, check_schema, offered, one};
use super::{Ask, Message, Role, Tool, ToolChoice, effort, read};
use crate::mock::house::House;
use crate::mock::refusal::Refusal;
use crate::mock::request::Request;
use crate::mock::tokens;

/// OpenAI's least `max_output_tokens`.
const LIMIT_MIN: i64 = 16;

/// A request to the Responses API, understood and checked.
#[derive(Clone, Debug)]
pub(crate) struct ResponseAsk {
    pub(crate) ask: Ask,
    /// What this request brought, as items.
    pub(crate) input: Vec<Value>,
    /// Everything said before and with it: what the next turn builds on.
    pub(crate) context: Vec<Value>,
    /// Settings that the response repeats.
    pub(crate) echo: Map<String, Value>,
    /// Whether the response is kept for later turns.
    pub(crate) store: bool,
}

/// Reads a request to the Responses API.
pub(crate) fn response(request: &Request, house: &House) -> Result<ResponseAsk, Refusal> {
    let fields = read::body(request)?;
    let model = read::model(fields)?;
    if read::check_model(&model, house).is_err() {
        let message = format!("The requested model '{model}' does not exist.");
        return Err(Refusal::invalid("model", "model_not_found", message));
    }
    let previous = fields.string("previous_response_id")?;
    let mut context = match previous {
        None => Vec::new(),
        Some(id) => house.archive().context(id).ok_or_else(|| {
            let message = format!("Previous response with id '{id}' not found.");
            Refusal::invalid("previous_response_id", "previous_response_not_found", message)
        })?,
    };
    let input = input(fields, request.number, previous.is_some())?;
    context.extend(input.iter().cloned());
    let mut messages = messages(&context)?;
    if let Some(text) = fields.string("instructions")? {
        messages.insert(0, said(Role::System, text.to_owned()));
    }
    let tools = tools(fields)?;
    let mut ask = read::common(fields, request)?;
    ask.model = model;
    (ask.n, ask.stop) = (1, Vec::new());
    ask.choice = choice(fields, &tools)?;
    ask.parallel = fields.boolean("parallel_tool_calls")?.unwrap_or(true);
    ask.format = format(fields)?;
    let limit = fields.integer("max_output_tokens", LIMIT_MIN..=i64::MAX)?;
    ask.limit = limit.map(read::to_usize);
    let tools_tokens = fields.get("tools").map_or(0, |tools| tokens::count(&tools.to_string()));
    ask.prompt_tokens =
        read::REPLY_TOKENS + tools_tokens + messages.iter().map(Message::tokens).sum::<usize>();
    (ask.messages, ask.tools) = (messages, tools);
    let echo = echo(fields, &ask)?;
    if let Some(reasoning) = fields.object("reasoning")? {
        let named = effort::named(Fields::new(reasoning, "reasoning"), "effort")?;
        ask.effort = named.filter(|effort| *effort != effort::Effort::None);
    }
    let ask = read::admit(ask, house).map_err(|refusal| refusal.param("input"))?;
    Ok(ResponseAsk { ask, input, context, echo, store: fields.boolean("store")?.unwrap_or(true) })
}

fn said(role: Role, text: String) -> Message {
    Message { role, text, images: 0, calls: Vec::new(), answers: None }
}

/// The input as a list of items, each with an id.
fn input(fields: Fields<'_, '_>, number: u64, goes_on: bool) -> Result<Vec<Value>, Refusal> {
    let items = match fields.get("input") {
        None if goes_on => Vec::new(),
        None => {
            let message = "One of 'input', 'previous_response_id', 'prompt' or 'conversation' must be provided.";
            return Err(Refusal::invalid("input", "missing_required_parameter", message));
        }
        Some(Value::String(text)) => vec![json!({"role": "user", "content": text})],
        Some(Value::Array(items)) if items.is_empty() && !goes_on => {
            return Err(wrong_length("input", false, 1, 0));
        }
        Some(Value::Array(items)) => items.clone(),
        Some(other) => return Err(Refusal::wrong_type("input", "a string or an array", other)),
    };
    items.into_iter().enumerate().map(|(index, item)| whole(index, item, number)).collect()
}

/// An item with everything that a listing of it shows.
fn whole(index: usize, item: Value, number: u64) -> Result<Value, Refusal> {
    let path = format!("input[{index}]");
    let Value::Object(mut map) = item else {
        return Err(Refusal::wrong_type(&path, "an object", &item));
    };
    let kind = map.get("type").and_then(Value::as_str).unwrap_or("message").to_owned();
    let prefix = match kind.as_str() {
        "message" => "msg",
        "function_call" => "fc",
        "function_call_output" => "fco",
        "reasoning" => "rs",
        other => {
            let known = ["message", "function_call", "function_call_output", "reasoning"];
            return Err(Refusal::wrong_value(&format!("{path}.type"), other, &known));
        }
    };
    if let (true, Some(text)) =
        (kind == "message", map.get("content").and_then(Value::as_str).map(str::to_owned))
    {
        let part = if map.get("role").and_then(Value::as_str) == Some("assistant") {
            json!({"type": "output_text", "text": text, "annotations": []})
        } else {
            json!({"type": "input_text", "text": text})
        };
        map.insert("content".to_owned(), json!([part]));
    }
    map.insert("type".to_owned(), kind.into());
    map.entry("id").or_insert_with(|| format!("{prefix}_in{number:020}{index:03}").into());
    map.entry("status").or_insert_with(|| "completed".into());
    Ok(Value::Object(map))
}

/// The conversation that items make.
fn messages(items: &[Value]) -> Result<Vec<Message>, Refusal> {
    let mut messages: Vec<Message> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some(map) = item.as_object() else { continue };
        let path = format!("input[{index}]");
        let fields = Fields::new(map, &path);
        let need = |key: &str| {
            let text = fields.string(key)?;
            text.map(str::to_owned).ok_or_else(|| Refusal::missing(&fields.name(key)))
        };
        match fields.string("type")?.unwrap_or_default() {
            "function_call" => {
                let call = PastCall {
                    id: need("call_id")?,
                    name: need("name")?,
                    arguments: need("arguments")?,
                };
                open.push(call.id.clone());
                match messages.last_mut() {
                    // Calls side by side are one turn of the model.
                    Some(last) if !last.calls.is_empty() => last.calls.push(call),
                    _ => {
                        let mut message = said(Role::Assistant, String::new());
                        message.calls.push(call);
                        messages.push(message);
                    }
                }
            }
            "function_call_output" => {
                let id = need("call_id")?;
                if !messages.iter().flat_map(|m| &m.calls).any(|call| call.id == id) {
                    let message =
                        format!("No tool call found for function call output with call_id {id}.");
                    return Err(Refusal::new(400, message).param("input"));
                }
                open.retain(|call| *call != id);
                let text = match fields.get("output") {
                    None => return Err(Refusal::missing(&fields.name("output"))),
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Array(parts)) => joined(parts),
                    Some(other) => {
                        let name = fields.name("output");
                        return Err(Refusal::wrong_type(&name, "a string or an array", other));
                    }
                };
                messages.push(Message { answers: Some(id), ..said(Role::Tool, text) });
            }
            "message" => messages.push(message(fields)?),
            _ => {}
        }
    }
    if let Some(call) = open.first() {
        let message = format!("No tool output found for function call {call}.");
        return Err(Refusal::new(400, message).param("input"));
    }
    Ok(messages)
}

fn message(fields: Fields<'_, '_>) -> Result<Message, Refusal> {
    const ROLES: [(&str, Role); 4] = [
        ("assistant", Role::Assistant),
        ("system", Role::System),
        ("developer", Role::Developer),
        ("user", Role::User),
    ];
    let name = fields.string("role")?.ok_or_else(|| Refusal::missing(&fields.name("role")))?;
    let role = ROLES.iter().find(|(known, _)| *known == name).map(|(_, role)| *role);
    let role = role.ok_or_else(|| {
        Refusal::wrong_value(&fields.name("role"), name, &ROLES.map(|(known, _)| known))
    })?;
    let parts =
        fields.array("content")?.ok_or_else(|| Refusal::missing(&fields.name("content")))?;
    let kinds = ["input_text", "input_image", "input_file", "output_text", "refusal"];
    let of = |part: &Value| part.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (index, part) in parts.iter().enumerate() {
        let kind = of(part);
        if !kinds.contains(&kind.as_str()) {
            let name = format!("{}[{index}].type", fields.name("content"));
            return Err(Refusal::wrong_value(&name, &kind, &kinds));
        }
    }
    let images = parts.iter().filter(|part| of(part) == "input_image").count();
    Ok(Message { images, ..said(role, joined(parts)) })
}

fn joined(parts: &[Value]) -> String {
    let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// Functions in their flat form: no `function` around name and parameters.
fn tools(fields: Fields<'_, '_>) -> Result<Vec<Tool>, Refusal> {
    let Some(tools) = fields.array("tools")? else { return Ok(Vec::new()) };
    let read = |(index, tool): (usize, &Value)| {
        let path = format!("tools[{index}]");
        let map = tool.as_object().ok_or_else(|| Refusal::wrong_type(&path, "an object", tool))?;
        let outer = Fields::new(map, &path);
        let kind = outer.string("type")?;
        match kind.ok_or_else(|| Refusal::missing(&outer.name("type")))? {
            "function" => one(&path, map),
            other => Err(Refusal::wrong_value(&outer.name("type"), other, &["function"])),
        }
    };
    tools.iter().enumerate().map(read).collect()
}

fn choice(fields: Fields<'_, '_>, tools: &[Tool]) -> Result<ToolChoice, Refusal> {
    let choice = match fields.get("tool_choice") {
        None if tools.is_empty() => ToolChoice::None,
        None => ToolChoice::Auto,
        Some(Value::String(word)) => match word.as_str() {
            "none" => ToolChoice::None,
            "auto" => ToolChoice::Auto,
            "required" => ToolChoice::Required,
            other => {
                let known = ["none", "auto", "required"];
                return Err(Refusal::wrong_value("tool_choice", other, &known));
            }
        },
        Some(Value::Object(map)) => {
            let name = Fields::new(map, "tool_choice").string("name")?;
            let name = name.ok_or_else(|| Refusal::missing("tool_choice.name"))?;
            ToolChoice::Named(name.to_owned())
        }
        Some(other) => {
            return Err(Refusal::wrong_type("tool_choice", "a string or an object", other));
        }
    };
    offered(choice, tools)
}

fn format(fields: Fields<'_, '_>) -> Result<Format, Refusal> {
    let Some(text) = fields.object("text")? else { return Ok(Format::Text) };
    let Some(map) = Fields::new(text, "text").object("format")? else { return Ok(Format::Text) };
    let outer = Fields::new(map, "text.format");
    let need = |key: &str| outer.string(key)?.ok_or_else(|| Refusal::missing(&outer.name(key)));
    match need("type")? {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            let name = need("name")?;
            let schema = outer.object("schema")?;
            let schema = schema.ok_or_else(|| Refusal::missing(&outer.name("schema")))?;
            let schema = Value::Object(schema.clone());
            check_schema(&schema).map_err(|why| {
                let message = format!("Invalid schema for response_format '{name}': {why}");
                Refusal::invalid("text.format.schema", "invalid_json_schema", message)
            })?;
            Ok(Format::Schema(schema))
        }
        other => {
            let known = ["json_object", "json_schema", "text"];
            Err(Refusal::wrong_value("text.format.type", other, &known))
        }
    }
}

/// The settings as the response repeats them, defaults filled in.
fn echo(fields: Fields<'_, '_>, ask: &Ask) -> Result<Map<String, Value>, Refusal> {
    let or = |key: &str, default: Value| fields.get(key).cloned().unwrap_or(default);
    let mut tools = or("tools", json!([]));
    for tool in tools.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        tool.entry("description").or_insert(Value::Null);
        tool.entry("strict").or_insert(Value::Bool(true));
    }
    let mut text = or("text", json!({}));
    if let Some(map) = text.as_object_mut() {
        map.entry("format").or_insert_with(|| json!({"type": "text"}));
        map.entry("verbosity").or_insert_with(|| "medium".into());
    }
    let mut reasoning = json!({"effort": null, "summary": null});
    if let (Some(map), Some(given)) = (reasoning.as_object_mut(), fields.object("reasoning")?) {
        map.extend(given.clone());
    }
    let settings = json!({
        "instructions": or("instructions", Value::Null),
        "max_output_tokens": or("max_output_tokens", Value::Null),
        "max_tool_calls": or("max_tool_calls", Value::Null),
        "metadata": or("metadata", json!({})),
        "parallel_tool_calls": ask.parallel,
        "previous_response_id": or("previous_response_id", Value::Null),
        "reasoning": reasoning,
        "service_tier": "default",
        "store": or("store", Value::Bool(true)),
        "temperature": ask.temperature,
        "text": text,
        "tool_choice": or("tool_choice", "auto".into()),
        "tools": tools,
        "top_logprobs": or("top_logprobs", 0.into()),
        "top_p": or("top_p", json!(1.0)),
        "truncation": or("truncation", "disabled".into()),
        "user": or("user", Value::Null),
    });
    Ok(settings.as_object().cloned().unwrap_or_default())
}
