//! llama.cpp's Responses API.

use serde_json::{Map, Value, json};

use crate::mock::act::Scene;
use crate::mock::event::{Data, Event};
use crate::mock::persona::hear::{forget, no_less};
use crate::mock::reply::Reply;
use crate::mock::request::Request;
use crate::mock::route::Route;

/// All that a response says.
const KEYS: [&str; 8] =
    ["completed_at", "created_at", "id", "model", "object", "output", "status", "usage"];
/// All that it says when it begins.
const OPENING_KEYS: [&str; 3] = ["id", "object", "status"];

pub(super) fn hear(request: &mut Request) {
    for name in ["text", "parallel_tool_calls"] {
        forget(request, name);
    }
    if request.field("tool_choice").is_some_and(Value::is_object) {
        forget(request, "tool_choice");
    }
    no_less(request, "max_output_tokens", 0);
}

/// A whole response; what the limit cut is complete to it.
fn bare(body: &mut Map<String, Value>) {
    body.retain(|key, _| KEYS.contains(&key.as_str()));
    body.insert("status".to_owned(), json!("completed"));
    let items = body.get_mut("output").and_then(Value::as_array_mut);
    for status in items.into_iter().flatten().filter_map(|item| item.get_mut("status")) {
        *status = json!("completed");
    }
    if let Some(usage) = body.get_mut("usage").and_then(Value::as_object_mut) {
        usage.shift_remove("output_tokens_details");
    }
}

pub(super) fn shape(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.request.route == Route::Responses
        && let Some(body) = reply.json_mut().and_then(Value::as_object_mut)
    {
        bare(body);
    }
}

pub(super) fn events(events: &mut Vec<Event>, _: &Scene<'_>) {
    events.retain(|event| event.kind() != "response.function_call_arguments.done");
    for event in events {
        let Data::Named { name, value } = &mut event.data else { continue };
        let Some(body) = value.as_object_mut() else { continue };
        for key in ["sequence_number", "output_index", "content_index"] {
            body.shift_remove(key);
        }
        let over = matches!(name.as_deref(), Some("response.completed" | "response.incomplete"));
        if over {
            *name = Some("response.completed".to_owned());
            body.insert("type".to_owned(), json!("response.completed"));
        }
        let failed = name.as_deref() == Some("response.failed");
        let response = body.get_mut("response").and_then(Value::as_object_mut);
        if let Some(response) = response.filter(|_| !failed) {
            if over {
                bare(response);
            } else {
                response.retain(|key, _| OPENING_KEYS.contains(&key.as_str()));
            }
        }
    }
}
