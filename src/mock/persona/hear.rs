//! How a lenient server hears a request: what it passes over, and what it takes for something else.

use serde_json::{Value, json};

use crate::mock::house::House;
use crate::mock::request::Request;
use crate::mock::route::Route;

/// Passes a field over.
pub(super) fn forget(request: &mut Request, name: &str) {
    if let Some(object) = request.object_mut() {
        object.shift_remove(name);
    }
}

/// Hears something else in a field.
pub(super) fn put(request: &mut Request, name: &str, value: impl Into<Value>) {
    if let Some(object) = request.object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

fn is_generation(request: &Request) -> bool {
    matches!(request.route, Route::Chat | Route::Completions)
}

/// A request without a model is for the first.
pub(super) fn default_model(request: &mut Request, house: &House) {
    let first = house.config.models.first();
    if let Some(first) = first
        && is_generation(request)
        && request.field("model").is_none()
    {
        put(request, "model", first.clone());
    }
}

/// Any media type is taken for JSON.
pub(super) fn any_media_type(request: &mut Request) {
    if request.json.is_some() {
        request.headers.set("content-type", "application/json");
    }
}

/// A field that holds a number below this is passed over.
pub(super) fn no_less(request: &mut Request, name: &str, least: i64) {
    if request.field(name).and_then(Value::as_i64).is_some_and(|number| number < least) {
        forget(request, name);
    }
}

/// A limit beyond the context is the context.
pub(super) fn no_limit_beyond(request: &mut Request, house: &House) {
    for name in ["max_tokens", "max_completion_tokens"] {
        let limit = request.field(name).and_then(Value::as_u64);
        if limit.is_some_and(|limit| limit > house.config.context_tokens as u64) {
            forget(request, name);
        }
    }
}

/// A tool message without its call is rendered by the chat template as any other.
pub(super) fn orphans_speak(request: &mut Request) {
    let messages = request.object_mut().and_then(|body| body.get_mut("messages")?.as_array_mut());
    let mut called: Vec<Value> = Vec::new();
    for message in messages.into_iter().flatten().filter_map(Value::as_object_mut) {
        let calls = message.get("tool_calls").and_then(Value::as_array);
        called.extend(calls.into_iter().flatten().filter_map(|call| call.get("id").cloned()));
        let orphan = message.get("role").is_some_and(|role| role == "tool")
            && !message.get("tool_call_id").is_some_and(|id| called.contains(id));
        if orphan {
            message.insert("role".to_owned(), json!("user"));
        }
    }
}

/// A named `tool_choice` is heard as `auto`.
pub(super) fn named_is_auto(request: &mut Request) {
    if request.field("tool_choice").is_some_and(Value::is_object) {
        forget(request, "tool_choice");
    }
}

/// A `json_schema` without a schema imposes nothing.
pub(super) fn no_schema_is_none(request: &mut Request) {
    let format = request.field("response_format");
    let without = format.is_some_and(|format| {
        format.get("type").is_some_and(|kind| kind == "json_schema")
            && format.pointer("/json_schema/schema").is_none()
    });
    if without {
        forget(request, "response_format");
    }
}
