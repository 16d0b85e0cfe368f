//! Faults of the Responses API: tools and formats.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{forget, put};
use super::responses::{body, hear, input, instead, is, items, refuse_item};
use crate::mock::act::{Act, ResponseAct, Scene};
use crate::mock::ask::Format;
use crate::mock::house::House;
use crate::mock::reply::Reply;
use crate::mock::request::Request;

/// The function that `tool_choice` names.
fn named(request: &Request) -> Option<String> {
    request.field("tool_choice")?.get("name")?.as_str().map(str::to_owned)
}

fn tool_names(request: &Request) -> Vec<String> {
    let tools = request.field("tools").and_then(Value::as_array).into_iter().flatten();
    tools.filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned)).collect()
}

fn name_another(request: &mut Request, _: &House) {
    let Some(name) = named(request) else { return };
    let names = tool_names(request);
    let other = names.iter().find(|other| **other != name);
    if let (true, Some(other)) = (names.contains(&name), other) {
        put(request, "tool_choice", json!({"type": "function", "name": other}));
    }
}

fn drop_orphans(request: &mut Request, _: &House) {
    let calls: Vec<Value> = input(request)
        .iter()
        .filter(|item| is(item, "type", "function_call"))
        .filter_map(|item| item.get("call_id").cloned())
        .collect();
    if let Some(items) = request.object_mut().and_then(|body| body.get_mut("input")?.as_array_mut())
    {
        items.retain(|item| {
            !is(item, "type", "function_call_output")
                || item.get("call_id").is_some_and(|id| calls.contains(id))
        });
    }
}

fn format_without_schema(request: &Request) -> bool {
    let format = request.field("text").and_then(|text| text.get("format"));
    format.is_some_and(|format| is(format, "type", "json_schema") && format.get("schema").is_none())
}

fn nest_tools(reply: &mut Reply, scene: &Scene<'_>) {
    let tools = body(reply, scene).and_then(|body| body.get_mut("tools")?.as_array_mut());
    for tool in tools.into_iter().flatten() {
        *tool = json!({"type": "function", "function": tool.take()});
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "responses-call-id-empty",
        "the first call has an empty call_id",
        &[Act::Plain(|reply, scene| {
            if let Some(item) = items(reply, scene, "function_call").into_iter().next() {
                item.insert("call_id".to_owned(), json!(""));
            }
        })],
    ),
    Fault::new(
        "responses-arguments-object",
        "arguments of a call as an object",
        &[Act::Plain(|reply, scene| {
            for item in items(reply, scene, "function_call") {
                let text = item.get("arguments").and_then(Value::as_str).unwrap_or_default();
                let object: Value = serde_json::from_str(text).unwrap_or_default();
                item.insert("arguments".to_owned(), object);
            }
        })],
    ),
    Fault::new(
        "responses-required-ignored",
        "tool_choice required is heard as none",
        &[hear(|request, _| {
            if request.field("tool_choice") == Some(&json!("required")) {
                put(request, "tool_choice", "none");
            }
        })],
    ),
    Fault::new(
        "responses-named-other",
        "another tool than the named one is called",
        &[hear(name_another)],
    ),
    Fault::new(
        "responses-none-ignored",
        "tool_choice none is heard as required",
        &[hear(|request, _| {
            // Where a tool has answered, the model has something to say.
            let answered =
                input(request).iter().any(|item| is(item, "type", "function_call_output"));
            if !answered && request.field("tool_choice") == Some(&json!("none")) {
                put(request, "tool_choice", "required");
            }
        })],
    ),
    Fault::new(
        "responses-undeclared-200",
        "a choice of an undeclared tool is heard as auto",
        &[hear(|request, _| {
            if named(request).is_some_and(|name| !tool_names(request).contains(&name)) {
                put(request, "tool_choice", "auto");
            }
        })],
    ),
    Fault::new(
        "responses-output-400",
        "400 on function_call_output",
        &[instead(|scene| {
            refuse_item(scene, "This item", |item| is(item, "type", "function_call_output"))
        })],
    ),
    Fault::new(
        "responses-orphan-200",
        "an output without its call is dropped",
        &[hear(drop_orphans)],
    ),
    Fault::new(
        "responses-tools-nested",
        "tools come back in the form of chats",
        &[Act::Plain(nest_tools)],
    ),
    Fault::new(
        "responses-call-ids-same",
        "one call_id for all calls",
        &[Act::Response(ResponseAct::Decide(|answer, _| {
            for choice in &mut answer.choices {
                let first = choice.calls.first().map(|call| call.id.clone());
                for call in &mut choice.calls {
                    call.id = first.clone().unwrap_or_default();
                }
            }
        }))],
    ),
    Fault::new(
        "responses-parallel-forced",
        "parallel_tool_calls is passed over",
        &[hear(|request, _| forget(request, "parallel_tool_calls"))],
    ),
    Fault::new(
        "responses-format-ignored",
        "prose although text.format has a schema",
        &[Act::Response(ResponseAct::Decide(|answer, scene| {
            if matches!(scene.ask.map(|ask| &ask.format), Some(Format::Schema(_))) {
                answer.choices.iter_mut().for_each(|choice| choice.set_content("Ada, of course."));
            }
        }))],
    ),
    Fault::new(
        "responses-format-not-echoed",
        "text.format comes back as text",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = body(reply, scene) {
                body.insert("text".to_owned(), json!({"format": {"type": "text"}}));
            }
        })],
    ),
    Fault::new(
        "responses-no-schema-200",
        "text.format without a schema is dropped",
        &[hear(|request, _| {
            if format_without_schema(request) {
                forget(request, "text");
            }
        })],
    ),
    Fault::new(
        "responses-json-prose",
        "prose although text.format is json_object",
        &[Act::Response(ResponseAct::Decide(|answer, scene| {
            if scene.ask.is_some_and(|ask| ask.format == Format::Json) {
                answer.choices.iter_mut().for_each(|choice| choice.set_content("Ada, of course."));
            }
        }))],
    ),
];
