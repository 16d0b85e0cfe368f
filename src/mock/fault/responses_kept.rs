//! Faults of the Responses API: refusals, and what is kept.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{error_text, forget, put, set_500};
use super::responses::{body, hear};
use crate::mock::act::{Act, Scene};
use crate::mock::archive::Stored;
use crate::mock::house::House;
use crate::mock::reply::{Content, Reply};
use crate::mock::request::Request;
use crate::mock::route::Route;

fn known_previous(request: &Request, house: &House) -> Option<bool> {
    let id = request.field("previous_response_id")?.as_str()?;
    Some(house.archive().response(id).is_some())
}

/// What the client wrote, before anything was misheard.
fn written(scene: &Scene<'_>, key: &str) -> Value {
    let body: Value = serde_json::from_slice(&scene.request.body).unwrap_or_default();
    body.get(key).cloned().unwrap_or_default()
}

fn is_get(scene: &Scene<'_>) -> bool {
    matches!(scene.request.route, Route::Response(_)) && scene.request.method == "GET"
}

fn is_delete(scene: &Scene<'_>) -> bool {
    matches!(scene.request.route, Route::Response(_)) && scene.request.method == "DELETE"
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "responses-missing-input-200",
        "a request without input is answered",
        &[hear(|request, _| {
            if request.field("input").is_none() && request.field("previous_response_id").is_none() {
                put(request, "input", "");
            }
        })],
    ),
    Fault::new(
        "responses-error-flat",
        "refusals of responses as {detail}",
        &[Act::Error(|reply, scene| {
            if scene.request.route == Route::Responses {
                let detail = error_text(reply, "message");
                reply.content = Content::Json(json!({"detail": detail}));
            }
        })],
    ),
    Fault::new(
        "responses-wrong-type-500",
        "500 on an input of the wrong type",
        &[Act::Error(|reply, scene| {
            if scene.request.route == Route::Responses
                && error_text(reply, "code") == "invalid_type"
            {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "responses-unknown-item-200",
        "items of an unknown type are dropped",
        &[hear(|request, _| {
            let items = request.object_mut().and_then(|body| body.get_mut("input")?.as_array_mut());
            if let Some(items) = items {
                let known = ["message", "function_call", "function_call_output", "reasoning"];
                let is_known = |item: &Value| {
                    item.get("type")
                        .and_then(Value::as_str)
                        .is_none_or(|kind| known.contains(&kind))
                };
                items.retain(is_known);
            }
        })],
    ),
    Fault::new(
        "responses-unknown-model-200",
        "an unknown model is answered by the first, on this route only",
        &[hear(|request, house| {
            let asked = request.field("model").and_then(Value::as_str).unwrap_or_default();
            if let (false, Some(first)) = (
                house.config.models.iter().any(|known| known == asked),
                house.config.models.first(),
            ) {
                put(request, "model", first.clone());
            }
        })],
    ),
    Fault::new(
        "responses-negative-200",
        "a negative max_output_tokens is passed over",
        &[hear(|request, _| {
            if request
                .field("max_output_tokens")
                .and_then(Value::as_i64)
                .is_some_and(|limit| limit < 0)
            {
                forget(request, "max_output_tokens");
            }
        })],
    ),
    Fault::new(
        "responses-stream-200",
        "200 SSE with the error of a bad request",
        &[Act::Error(|reply, scene| {
            if scene.request.route == Route::Responses
                && scene.request.wants_stream()
                && reply.status == 400
            {
                let event = json!({"type": "error", "message": error_text(reply, "message")});
                let text = format!("event: error\ndata: {event}\n\n");
                *reply = Reply::text(200, "text/event-stream", text);
            }
        })],
    ),
    Fault::new(
        "responses-retrieve-empty",
        "a stored response comes back without output",
        &[Act::Plain(|reply, scene| {
            if is_get(scene)
                && let Some(output) = reply.json_mut().and_then(|body| body.get_mut("output"))
            {
                *output = json!([]);
            }
        })],
    ),
    Fault::new(
        "responses-unknown-200",
        "200 for any id of a response",
        &[Act::Error(|reply, scene| {
            if let (true, Route::Response(id)) = (is_get(scene), &scene.request.route)
                && reply.status == 404
            {
                *reply =
                    Reply::json(json!({"id": id, "object": "response", "status": "in_progress"}));
            }
        })],
    ),
    Fault::new(
        "responses-input-items-404",
        "no route for the input of a response",
        &[Act::Instead(|scene| {
            matches!(scene.request.route, Route::ResponseInput(_)).then(|| {
                let message = format!("Invalid URL (GET {})", scene.request.path);
                crate::mock::refusal::Refusal::new(404, message).reply()
            })
        })],
    ),
    Fault::new(
        "responses-delete-keeps",
        "a deleted response can still be read",
        &[Act::Plain(|_, scene| {
            if let (true, Route::Response(id)) = (is_delete(scene), &scene.request.route) {
                let body =
                    json!({"id": id, "object": "response", "status": "completed", "output": []});
                let stored =
                    Stored { id: id.clone(), body, input: Vec::new(), context: Vec::new() };
                scene.house.archive().keep_response(stored);
            }
        })],
    ),
    Fault::new(
        "responses-delete-bare",
        "deleting is answered with an empty object",
        &[Act::Plain(|reply, scene| {
            if is_delete(scene) {
                *reply = Reply::json(json!({}));
            }
        })],
    ),
    Fault::new(
        "responses-store-anyway",
        "a response is kept although store is false",
        &[hear(|request, _| put(request, "store", true))],
    ),
    Fault::new(
        "responses-previous-ignored",
        "the conversation before is dropped",
        &[
            hear(|request, house| {
                if known_previous(request, house) == Some(true) {
                    forget(request, "previous_response_id");
                }
            }),
            Act::Plain(|reply, scene| {
                let previous = written(scene, "previous_response_id");
                if let Some(body) = body(reply, scene) {
                    body.insert("previous_response_id".to_owned(), previous);
                }
            }),
        ],
    ),
    Fault::new(
        "responses-previous-not-echoed",
        "previous_response_id comes back null",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = body(reply, scene) {
                body.insert("previous_response_id".to_owned(), Value::Null);
            }
        })],
    ),
    Fault::new(
        "responses-previous-unknown-200",
        "an unknown previous_response_id is dropped",
        &[hear(|request, house| {
            if known_previous(request, house) == Some(false) {
                forget(request, "previous_response_id");
            }
        })],
    ),
];
