//! A plain answer, made over into the package's own types.

use serde_json::{Value, json};

use super::model::{Invalid, counts, finish_reason, function, is_custom, usage};
use super::raised::{Fault, refused};
use crate::lens::decode::python::{attribute, plain, truthy};
use crate::lens::{Answer, Call, MADE_UP_ID, Taken};
use crate::transcript::Exchange;

pub(super) fn read(exchange: &Exchange) -> Taken {
    let completion = match plain(exchange) {
        Ok(completion) => completion,
        Err(stop) => return refused(exchange, stop),
    };
    if !completion.is_object() {
        let body = exchange.body();
        let said = String::from_utf8_lossy(&body);
        return Fault::inner(format!("Empty or invalid response from LLM endpoint. {said}"))
            .raise();
    }
    if let Some(error) = completion.get("error").and_then(told) {
        return error.raise();
    }
    match answer(&completion) {
        Ok(answer) => Taken::returns(answer),
        Err(Invalid) => Fault::inner(format!("Invalid response object {completion}")).raise(),
    }
}

/// The error that a body tells of, whatever its status.
fn told(error: &Value) -> Option<Fault> {
    let status = match error {
        Value::Null => return None,
        Value::Object(error) => {
            let message = error.get("message").filter(|message| truthy(message));
            let code = error.get("code");
            if message.is_none() && code.is_none_or(Value::is_null) {
                return None;
            }
            code.map_or(422, |code| {
                code.as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or_default()
            })
        }
        Value::String(text) if text.is_empty() => return None,
        _ => 422,
    };
    // Its words are lost on the way: the exception that carries them has no text.
    Some(Fault { status: Some(status), words: String::new() })
}

fn answer(completion: &Value) -> Result<Answer, Invalid> {
    let choices = attribute(completion, "choices").and_then(Value::as_array).ok_or(Invalid)?;
    let mut answers = Vec::new();
    for choice in choices {
        answers.push(self::choice(choice)?);
    }
    let mut answers = answers.into_iter();
    let mut first = answers.next().unwrap_or_default();
    first.others = answers.collect();
    first.usage = match attribute(completion, "usage") {
        None => Some(counts([0; 3])),
        Some(Value::Object(sent)) => Some(counts(usage(sent)?)),
        Some(_) => return Err(Invalid),
    };
    Ok(first)
}

fn choice(choice: &Value) -> Result<Answer, Invalid> {
    let message = choice.get("message").filter(|message| message.is_object()).ok_or(Invalid)?;
    let maybe_text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Invalid),
    };
    match message.get("role") {
        None => {}
        Some(role) if !truthy(role) => {}
        Some(Value::String(role))
            if ["assistant", "user", "system", "tool", "function"].contains(&role.as_str()) => {}
        _ => return Err(Invalid),
    }
    let tool_calls = match attribute(message, "tool_calls") {
        None => Vec::new(),
        Some(calls) => {
            calls.as_array().ok_or(Invalid)?.iter().map(call).collect::<Result<_, _>>()?
        }
    };
    let named = message.get("reasoning_content").or_else(|| message.get("reasoning"));
    let content = maybe_text(message.get("content"))?;
    let (reasoning, text) = match (named, content) {
        (None, Some(content)) => thought(content),
        (named, content) => (maybe_text(named)?, content),
    };
    let sent = attribute(choice, "finish_reason")
        .or_else(|| attribute(choice, "finish_details").filter(|details| truthy(details)));
    let finish = match sent.unwrap_or(&json!("stop")) {
        Value::Array(_) | Value::Object(_) => return Err(Invalid),
        Value::String(reason) if reason == "stop" && !tool_calls.is_empty() => "tool_calls",
        Value::String(reason) => finish_reason(reason),
        _ => "stop",
    };
    Ok(Answer {
        text,
        reasoning,
        tool_calls,
        finish_reason: Some(finish.to_owned()),
        ..Answer::default()
    })
}

/// Reasoning that stands at the beginning of the text between tags, apart from the text.
fn thought(content: String) -> (Option<String>, Option<String>) {
    for open in ["<think>", "<thinking>", "<budget:thinking>"] {
        let Some(rest) = content.strip_prefix(open) else { continue };
        let ends = ["</think>", "</thinking>", "</budget:thinking>"];
        let first = ends.iter().filter_map(|end| Some((rest.find(end)?, end.len()))).min();
        if let Some((at, len)) = first {
            let (inside, after) = rest.split_at(at);
            let after = after.get(len..).unwrap_or_default();
            return (Some(inside.to_owned()), Some(after.to_owned()));
        }
    }
    (None, Some(content))
}

fn call(call: &Value) -> Result<Call, Invalid> {
    if !call.is_object() {
        return Err(Invalid);
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if is_custom(call) {
        return Ok(Call { id: text(call.get("id")), name: None, arguments: json!(null) });
    }
    let function = function(call.get("function").ok_or(Invalid)?)?;
    let id = match attribute(call, "id") {
        None => Some(MADE_UP_ID.to_owned()),
        Some(id) => text(Some(id)),
    };
    let arguments = function.get("arguments").cloned().unwrap_or_default();
    Ok(Call { id, name: text(function.get("name")), arguments })
}
