//! The schemas of the OpenAI-compatible provider: which answers and chunks it takes.

use serde_json::Value;

use super::property;

/// A field that may be missing or null, else must fit.
pub(super) fn maybe(value: &Value, name: &str, fits: impl Fn(&Value) -> bool) -> bool {
    property(value, name).is_none_or(fits)
}

/// A list that may be missing or null, else must be one of fitting items.
pub(super) fn maybe_list(value: &Value, name: &str, fits: impl Fn(&Value) -> bool) -> bool {
    maybe(value, name, |list| list.as_array().is_some_and(|list| list.iter().all(&fits)))
}

pub(super) fn list(value: &Value, name: &str, fits: impl Fn(&Value) -> bool) -> bool {
    value.get(name).and_then(Value::as_array).is_some_and(|list| list.iter().all(fits))
}

/// The fields that answers and chunks share.
pub(super) fn is_envelope(value: &Value) -> bool {
    value.is_object()
        && maybe(value, "id", Value::is_string)
        && maybe(value, "created", Value::is_number)
        && maybe(value, "model", Value::is_string)
        && maybe(value, "usage", is_usage)
}

fn is_usage(usage: &Value) -> bool {
    let counts = |value: &Value, names: &[&str]| {
        value.is_object() && names.iter().all(|name| maybe(value, name, Value::is_number))
    };
    counts(usage, &["prompt_tokens", "completion_tokens", "total_tokens"])
        && maybe(usage, "prompt_tokens_details", |details| counts(details, &["cached_tokens"]))
        && maybe(usage, "completion_tokens_details", |details| {
            let names =
                ["reasoning_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens"];
            counts(details, &names)
        })
}

fn is_content(content: &Value) -> bool {
    let is_part = |part: &Value| part.get("type").is_some_and(Value::is_string);
    content.is_string() || content.as_array().is_some_and(|parts| parts.iter().all(is_part))
}

/// The fields that messages and deltas share.
fn is_said(value: &Value) -> bool {
    value.is_object()
        && maybe(value, "content", is_content)
        && maybe(value, "reasoning_content", Value::is_string)
        && maybe(value, "reasoning", Value::is_string)
}

fn has_extra(call: &Value) -> bool {
    maybe(call, "extra_content", |extra| {
        extra.is_object()
            && maybe(extra, "google", |google| {
                google.is_object() && maybe(google, "thought_signature", Value::is_string)
            })
    })
}

/// A plain answer that the provider takes.
pub(super) fn is_completion(value: &Value) -> bool {
    let is_call = |call: &Value| {
        let function = call.get("function").unwrap_or(&Value::Null);
        maybe(call, "id", Value::is_string)
            && function.get("name").is_some_and(Value::is_string)
            && function.get("arguments").is_some_and(Value::is_string)
            && has_extra(call)
    };
    let is_message = |message: &Value| {
        is_said(message)
            && maybe(message, "role", |role| role == "assistant")
            && maybe_list(message, "tool_calls", is_call)
    };
    is_envelope(value)
        && list(value, "choices", |choice| {
            choice.get("message").is_some_and(is_message)
                && maybe(choice, "finish_reason", Value::is_string)
        })
}

/// A chunk that the provider takes for one.
pub(super) fn is_chunk(value: &Value) -> bool {
    let is_fragment = |fragment: &Value| {
        let function = fragment.get("function").unwrap_or(&Value::Null);
        maybe(fragment, "index", Value::is_number)
            && maybe(fragment, "id", Value::is_string)
            && function.is_object()
            && maybe(function, "name", Value::is_string)
            && maybe(function, "arguments", Value::is_string)
            && has_extra(fragment)
    };
    let is_delta = |delta: &Value| {
        is_said(delta)
            && maybe(delta, "role", |role| role == "assistant" || role == "")
            && maybe_list(delta, "tool_calls", is_fragment)
    };
    is_envelope(value)
        && list(value, "choices", |choice| {
            choice.is_object()
                && maybe(choice, "delta", is_delta)
                && maybe(choice, "finish_reason", Value::is_string)
        })
}

/// An error that the provider takes for one.
pub(super) fn is_error(value: &Value) -> bool {
    value.get("error").is_some_and(|error| {
        error.get("message").is_some_and(Value::is_string)
            && maybe(error, "type", Value::is_string)
            && maybe(error, "code", |code| code.is_string() || code.is_number())
    })
}
