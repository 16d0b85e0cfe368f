//! The package's own types, which validate what they are given.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::lens::Usage;
use crate::lens::decode::python::{attribute, lax_int, truthy};

/// What does not fit the package's types.
#[derive(Debug)]
pub(super) struct Invalid;

/// Token counts: none is nought, and what is no whole number does not fit.
pub(super) fn usage(usage: &Map<String, Value>) -> Result<[i64; 3], Invalid> {
    let count = |name| match usage.get(name) {
        Some(value) if truthy(value) => lax_int(value).ok_or(Invalid),
        _ => Ok(0),
    };
    Ok([count("prompt_tokens")?, count("completion_tokens")?, count("total_tokens")?])
}

/// Token counts as a caller reads them.
pub(super) fn counts([prompt, completion, total]: [i64; 3]) -> Usage {
    Usage {
        prompt_tokens: json!(prompt),
        completion_tokens: json!(completion),
        total_tokens: json!(total),
    }
}

/// The dialect's word for a finish reason; `stop` for one that is not known.
pub(super) fn finish_reason(reason: &str) -> &'static str {
    match reason {
        "length" | "max_tokens" | "MAX_TOKENS" | "compaction" => "length",
        "tool_calls" | "tool_use" => "tool_calls",
        "function_call" => "function_call",
        "content_filter"
        | "content_filtered"
        | "refusal"
        | "ERROR_TOXIC"
        | "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "OTHER"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "NO_IMAGE"
        | "IMAGE_RECITATION"
        | "IMAGE_OTHER"
        | "ESCALATION"
        | "sensitive"
        | "guardrail_intervened" => "content_filter",
        _ => "stop",
    }
}

/// A function's name and arguments; arguments that are an object become their JSON.
pub(super) fn function(function: &Value) -> Result<Value, Invalid> {
    let function = function.as_object().ok_or(Invalid)?;
    let name = function.get("name").cloned().unwrap_or_default();
    if !(name.is_null() || name.is_string()) {
        return Err(Invalid);
    }
    let arguments = match function.get("arguments") {
        None | Some(Value::Null) => json!(""),
        Some(Value::String(text)) => json!(text),
        Some(object @ Value::Object(_)) => json!(dumps(object)),
        Some(_) => return Err(Invalid),
    };
    Ok(json!({"name": name, "arguments": arguments}))
}

/// Python's `json.dumps`: with a space after each comma and colon, and ASCII alone.
fn dumps(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let items: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", dumps(&json!(key)), dumps(value)))
                .collect();
            format!("{{{}}}", items.join(", "))
        }
        Value::Array(list) => {
            format!("[{}]", list.iter().map(dumps).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => {
            let mut out = String::new();
            for char in json!(text).to_string().chars() {
                if char.is_ascii() {
                    out.push(char);
                } else {
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
            }
            out
        }
        other => other.to_string(),
    }
}

/// Whether a call is one of a custom tool.
pub(super) fn is_custom(call: &Value) -> bool {
    attribute(call, "type").is_some_and(|kind| kind == "custom")
        || attribute(call, "custom").is_some()
}

/// A delta with its calls and reasoning as the package's type holds them.
pub(super) fn delta(delta: &Map<String, Value>) -> Result<Value, Invalid> {
    let mut made = delta.clone();
    let calls = match delta.get("tool_calls") {
        Some(Value::Array(list)) => {
            let mut without_index = 0;
            let calls: Result<Vec<Option<Value>>, Invalid> =
                list.iter().map(|call| fragment(call, &mut without_index)).collect();
            Value::Array(calls?.into_iter().flatten().collect())
        }
        other => other.cloned().unwrap_or_default(),
    };
    made.insert("tool_calls".into(), calls);
    if attribute(&Value::Object(delta.clone()), "reasoning_content").is_none()
        && let Some(reasoning) = made.remove("reasoning")
    {
        made.insert("reasoning_content".into(), reasoning);
    }
    Ok(Value::Object(made))
}

/// A piece of a call; what is no object is passed over. `without_index` counts those before it that
/// had no index: that is the index they are given.
fn fragment(call: &Value, without_index: &mut i64) -> Result<Option<Value>, Invalid> {
    if !call.is_object() {
        return Ok(None);
    }
    let index = if let Some(index) = attribute(call, "index") {
        lax_int(index).ok_or(Invalid)?
    } else {
        *without_index += 1;
        *without_index - 1
    };
    if is_custom(call) {
        return Ok(Some(json!({"index": index, "id": attribute(call, "id")})));
    }
    let id = call.get("id").cloned().unwrap_or_default();
    if !(id.is_null() || id.is_string()) {
        return Err(Invalid);
    }
    if attribute(call, "type").is_some_and(|kind| !kind.is_string()) {
        return Err(Invalid);
    }
    let function = function(call.get("function").ok_or(Invalid)?)?;
    Ok(Some(json!({"index": index, "id": id, "function": function})))
}
