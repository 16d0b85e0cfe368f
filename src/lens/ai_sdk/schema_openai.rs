//! The schemas of the SDK's own OpenAI provider.

use serde_json::Value;

use super::schema::{is_envelope, list, maybe, maybe_list};

fn has_number(value: &Value, name: &str) -> bool {
    value.get(name).is_some_and(Value::is_number)
}

fn has_text(value: &Value, name: &str) -> bool {
    value.get(name).is_some_and(Value::is_string)
}

/// The fields that messages and deltas share.
fn is_said(value: &Value) -> bool {
    value.is_object()
        && maybe(value, "role", |role| role == "assistant")
        && maybe(value, "content", Value::is_string)
        && maybe(value, "refusal", Value::is_string)
        && maybe_list(value, "annotations", |annotation| {
            let citation = annotation.get("url_citation").unwrap_or(&Value::Null);
            annotation.get("type").is_some_and(|kind| kind == "url_citation")
                && has_number(citation, "start_index")
                && has_number(citation, "end_index")
                && has_text(citation, "url")
                && has_text(citation, "title")
        })
}

/// The fields that plain choices and those of chunks share.
fn is_choice(choice: &Value) -> bool {
    let is_scored = |token: &Value| has_text(token, "token") && has_number(token, "logprob");
    let is_token = |token: &Value| is_scored(token) && list(token, "top_logprobs", is_scored);
    has_number(choice, "index")
        && maybe(choice, "finish_reason", Value::is_string)
        && maybe(choice, "logprobs", |logprobs| {
            logprobs.is_object()
                && maybe_list(logprobs, "content", is_token)
                && maybe_list(logprobs, "refusal", is_token)
        })
}

/// A plain answer that the provider takes.
pub(super) fn is_completion(value: &Value) -> bool {
    let is_call = |call: &Value| {
        let function = call.get("function").unwrap_or(&Value::Null);
        maybe(call, "id", Value::is_string)
            && call.get("type").is_some_and(|kind| kind == "function")
            && has_text(function, "name")
            && has_text(function, "arguments")
    };
    let is_audio =
        |audio: &Value| audio.is_object() && maybe(audio, "transcript", Value::is_string);
    let is_message = |message: &Value| {
        is_said(message)
            && maybe(message, "audio", is_audio)
            && maybe_list(message, "tool_calls", is_call)
    };
    is_envelope(value)
        && list(value, "choices", |choice| {
            is_choice(choice) && choice.get("message").is_some_and(is_message)
        })
}

/// A chunk that the provider takes for one.
pub(super) fn is_chunk(value: &Value) -> bool {
    let is_fragment = |fragment: &Value| {
        let function = fragment.get("function").unwrap_or(&Value::Null);
        has_number(fragment, "index")
            && maybe(fragment, "id", Value::is_string)
            && maybe(fragment, "type", |kind| kind == "function")
            && function.is_object()
            && maybe(function, "name", Value::is_string)
            && maybe(function, "arguments", Value::is_string)
    };
    let is_delta = |delta: &Value| is_said(delta) && maybe_list(delta, "tool_calls", is_fragment);
    is_envelope(value)
        && list(value, "choices", |choice| is_choice(choice) && maybe(choice, "delta", is_delta))
}
