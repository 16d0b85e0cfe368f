//! Requests read into asks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Fields, wrong_length};
use super::tool::Format;
use super::{Ask, ToolChoice, effort, message, tool};
use crate::mock::house::House;
use crate::mock::refusal::Refusal;
use crate::mock::request::Request;
use crate::mock::tokens;

/// What opens the assistant's turn.
pub(super) const REPLY_TOKENS: usize = 3;
/// OpenAI's bounds.
const STOPS_MAX: usize = 4;
const CHOICES_MAX: i64 = 128;
const TOP_LOGPROBS_MAX: i64 = 20;
const LEGACY_LOGPROBS_MAX: i64 = 5;
const LEGACY_LIMIT: usize = 16;

/// Reads a chat request.
pub(crate) fn chat(request: &Request, house: &House) -> Result<Ask, Refusal> {
    let fields = body(request)?;
    let model = model(fields)?;
    let messages = message::read(fields)?;
    let tools = tool::tools(fields)?;
    let mut ask = common(fields, request)?;
    ask.model = model;
    ask.choice = tool::choice(fields, &tools)?;
    ask.parallel = fields.boolean("parallel_tool_calls")?.unwrap_or(true);
    ask.format = tool::format(fields)?;
    ask.effort = effort::of_chat(fields)?;
    let limit = fields.integer("max_tokens", 1..=i64::MAX)?;
    let limit = fields.integer("max_completion_tokens", 1..=i64::MAX)?.or(limit);
    ask.limit = limit.map(to_usize);
    let wanted = fields.boolean("logprobs")?.unwrap_or(false);
    let top = fields.integer("top_logprobs", 0..=TOP_LOGPROBS_MAX)?;
    if top.is_some() && !wanted {
        return Err(Refusal::new(
            400,
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
        )
        .param("top_logprobs"));
    }
    ask.logprobs = wanted.then(|| top.map_or(0, to_usize));
    let tools_tokens = fields.get("tools").map_or(0, |tools| tokens::count(&tools.to_string()));
    ask.prompt_tokens =
        REPLY_TOKENS + tools_tokens + messages.iter().map(message::Message::tokens).sum::<usize>();
    ask.messages = messages;
    ask.tools = tools;
    admit(ask, house)
}

/// Reads a legacy completion.
pub(crate) fn completion(request: &Request, house: &House) -> Result<Ask, Refusal> {
    let fields = body(request)?;
    let model = model(fields)?;
    let prompts = prompts(fields)?;
    let mut ask = common(fields, request)?;
    ask.model = model;
    ask.echo = fields.boolean("echo")?.unwrap_or(false);
    let limit = fields.integer("max_tokens", 0..=i64::MAX)?;
    ask.limit = Some(limit.map_or(LEGACY_LIMIT, to_usize));
    ask.logprobs = fields.integer("logprobs", 0..=LEGACY_LOGPROBS_MAX)?.map(to_usize);
    ask.prompt_tokens = prompts.iter().map(|prompt| tokens::count(prompt)).sum();
    ask.prompts = prompts;
    admit(ask, house)
}

/// The body as an object.
pub(crate) fn body(request: &Request) -> Result<Fields<'_, '_>, Refusal> {
    match &request.json {
        Some(Value::Object(map)) => Ok(Fields::new(map, "")),
        Some(_) => Err(Refusal::new(400, "The JSON body of your request must be an object.")),
        None => Err(Refusal::new(
            400,
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        )),
    }
}

pub(super) fn model(fields: Fields<'_, '_>) -> Result<String, Refusal> {
    let model = fields.string("model")?.filter(|model| !model.is_empty());
    model
        .map(str::to_owned)
        .ok_or_else(|| Refusal::new(400, "you must provide a model parameter").param("model"))
}

/// Whether the house serves a model.
pub(crate) fn check_model(model: &str, house: &House) -> Result<(), Refusal> {
    if house.traits.any_model || house.config.models.iter().any(|known| known == model) {
        return Ok(());
    }
    let message = format!("The model `{model}` does not exist or you do not have access to it.");
    Err(Refusal::new(404, message).code("model_not_found"))
}

pub(super) fn common(fields: Fields<'_, '_>, request: &Request) -> Result<Ask, Refusal> {
    let stream = fields.boolean("stream")?.unwrap_or(false);
    let options = fields.object("stream_options")?;
    if options.is_some() && !stream {
        return Err(Refusal::new(
            400,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        )
        .param("stream_options"));
    }
    let include_usage = match options {
        Some(options) => Fields::new(options, "stream_options").boolean("include_usage")?,
        None => None,
    };
    let n = fields.integer("n", 1..=CHOICES_MAX)?.map_or(1, to_usize);
    let temperature = fields.decimal("temperature", 0.0..=2.0)?.unwrap_or(1.0);
    fields.decimal("top_p", 0.0..=1.0)?;
    fields.decimal("frequency_penalty", -2.0..=2.0)?;
    fields.decimal("presence_penalty", -2.0..=2.0)?;
    fields.string("user")?;
    Ok(Ask {
        model: String::new(),
        messages: Vec::new(),
        prompts: Vec::new(),
        stream,
        include_usage: include_usage.unwrap_or(false),
        tools: Vec::new(),
        choice: ToolChoice::None,
        parallel: true,
        format: Format::Text,
        stop: stop(fields)?,
        limit: None,
        n,
        seed: fields.integer("seed", i64::MIN..=i64::MAX)?,
        temperature,
        logprobs: None,
        bias: bias(fields)?,
        // An extension of vLLM and SGLang; unknown fields are let by without a look.
        ignore_eos: fields.get("ignore_eos") == Some(&Value::Bool(true)),
        echo: false,
        effort: None,
        prompt_tokens: 0,
        fail_after: request.orders().fail_after,
    })
}

fn stop(fields: Fields<'_, '_>) -> Result<Vec<String>, Refusal> {
    let texts = match fields.get("stop") {
        None => Vec::new(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(texts)) => {
            if texts.len() > STOPS_MAX {
                return Err(wrong_length("stop", true, STOPS_MAX, texts.len()));
            }
            let read = |(index, text): (usize, &Value)| {
                let name = format!("stop[{index}]");
                text.as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| Refusal::wrong_type(&name, "a string", text))
            };
            texts.iter().enumerate().map(read).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(Refusal::wrong_type("stop", "a string or an array", other)),
    };
    // An empty text would stop every answer before it begins.
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

fn bias(fields: Fields<'_, '_>) -> Result<BTreeMap<u64, f64>, Refusal> {
    let Some(map) = fields.object("logit_bias")? else { return Ok(BTreeMap::new()) };
    let inner = Fields::new(map, "logit_bias");
    map.keys()
        .map(|key| {
            let id = key.parse().map_err(|_| {
                let message = format!("Invalid key in 'logit_bias': {key}. You should only be submitting non-negative integers.");
                Refusal::new(400, message).param("logit_bias")
            })?;
            Ok((id, inner.decimal(key, -100.0..=100.0)?.unwrap_or(0.0)))
        })
        .collect()
}

fn prompts(fields: Fields<'_, '_>) -> Result<Vec<String>, Refusal> {
    let ids = |ids: &[Value]| {
        // Ids have no text here; their numbers stand for it, so that they count as tokens.
        ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    match fields.get("prompt") {
        None => Err(Refusal::missing("prompt")),
        Some(Value::String(prompt)) => Ok(vec![prompt.clone()]),
        Some(Value::Array(prompts)) if prompts.is_empty() => {
            Err(wrong_length("prompt", false, 1, 0))
        }
        Some(Value::Array(prompts)) if prompts.iter().all(Value::is_u64) => Ok(vec![ids(prompts)]),
        Some(Value::Array(prompts)) => prompts
            .iter()
            .enumerate()
            .map(|(index, prompt)| match prompt {
                Value::String(prompt) => Ok(prompt.clone()),
                Value::Array(tokens) if tokens.iter().all(Value::is_u64) => Ok(ids(tokens)),
                other => {
                    let name = format!("prompt[{index}]");
                    Err(Refusal::wrong_type(&name, "a string", other))
                }
            })
            .collect(),
        Some(other) => Err(Refusal::wrong_type("prompt", "a string or an array", other)),
    }
}

/// The last checks: the model exists, and everything fits into its context.
pub(super) fn admit(ask: Ask, house: &House) -> Result<Ask, Refusal> {
    check_model(&ask.model, house)?;
    let images = ask.messages.iter().any(|message| message.images > 0);
    if images && house.config.blind.contains(&ask.model) {
        // As OpenAI says it.
        let message = "Invalid content type. image_url is only supported by certain models.";
        return Err(Refusal::new(400, message).param("messages"));
    }
    let max = house.config.context_tokens;
    let wanted = ask.limit.unwrap_or(0);
    let total = ask.prompt_tokens.saturating_add(wanted);
    let fits = total <= max || (house.traits.clamps_limit && wanted <= max);
    if ask.prompt_tokens >= max || !fits {
        let param = if ask.messages.is_empty() { "prompt" } else { "messages" };
        let message = if wanted == 0 {
            format!(
                "This model's maximum context length is {max} tokens. However, your messages resulted in {} tokens. Please reduce the length of the messages.",
                ask.prompt_tokens
            )
        } else {
            format!(
                "This model's maximum context length is {max} tokens. However, you requested {total} tokens ({} in the messages, {wanted} in the completion). Please reduce the length of the messages or completion.",
                ask.prompt_tokens
            )
        };
        return Err(Refusal::invalid(param, "context_length_exceeded", message));
    }
    Ok(ask)
}

pub(super) fn to_usize(value: i64) -> usize {
    usize::try_from(value).unwrap_or_default()
}
