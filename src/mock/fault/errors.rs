//! Faults of error answers and of authentication.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{body, error, error_text, put, set_500, set_html};
use crate::mock::act::{Act, Scene};
use crate::mock::refusal::Refusal;
use crate::mock::reply::{Content, Reply};
use crate::mock::route::Route;

/// Errors that say that a field is missing or of a wrong type.
const VALIDATION: [&str; 2] = ["missing_required_parameter", "invalid_type"];

fn is_validation(reply: &mut Reply) -> bool {
    VALIDATION.contains(&error_text(reply, "code").as_str())
}

fn set(reply: &mut Reply, key: &str, value: Value) {
    if let Some(error) = error(reply) {
        error.insert(key.to_owned(), value);
    }
}

fn flat(reply: &mut Reply, _: &Scene<'_>) {
    let Some(body) = body(reply) else { return };
    if let Some(Value::Object(inner)) = body.shift_remove("error") {
        body.insert("object".to_owned(), json!("error"));
        body.extend(inner);
    }
}

fn bearer(scene: &Scene<'_>) -> Option<String> {
    let value = scene.request.header("authorization")?;
    value.split_once(' ').map(|(_, key)| key.to_owned())
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("error-flat", "{object:error,message,...} at top level", &[Act::Error(flat)]),
    Fault::new("error-200", "200 with {error:..}", &[Act::Error(|reply, _| reply.status = 200)]),
    Fault::new(
        "error-code-int",
        "code 400 as a number",
        &[Act::Error(|reply, _| {
            let status = reply.status;
            set(reply, "code", json!(status));
        })],
    ),
    Fault::new(
        "error-echoes-token",
        "401 message holds the token",
        &[Act::Error(|reply, scene| {
            if let (401, Some(key)) = (reply.status, bearer(scene)) {
                set(reply, "message", json!(format!("Incorrect API key provided: {key}.")));
            }
        })],
    ),
    Fault::new(
        "error-empty-message",
        "message ''",
        &[Act::Error(|reply, _| set(reply, "message", json!("")))],
    ),
    Fault::new(
        "error-type-empty",
        "type ''",
        &[Act::Error(|reply, _| set(reply, "type", json!("")))],
    ),
    Fault::new("error-html", "HTML body", &[Act::Error(|reply, _| set_html(reply, "Bad Request"))]),
    Fault::new(
        "error-malformed-500",
        "500 text/plain on bad JSON",
        &[Act::Error(|reply, scene| {
            let bad = !scene.request.json.as_ref().is_some_and(Value::is_object);
            if scene.request.route.method() == "POST" && bad && reply.status == 400 {
                reply.status = 500;
                reply.content = Content::Text {
                    media_type: "text/plain",
                    text: "Internal Server Error".into(),
                };
            }
        })],
    ),
    Fault::new(
        "error-mixed-envelopes",
        "other envelope on another route",
        &[Act::Error(|reply, scene| {
            if matches!(
                scene.request.route,
                Route::Completions | Route::Embeddings | Route::Model(_)
            ) {
                let message = error_text(reply, "message");
                reply.content = Content::Json(json!({"detail": message}));
            }
        })],
    ),
    Fault::new(
        "error-param-object",
        "param holds the bad value",
        &[Act::Error(|reply, _| {
            let param = error_text(reply, "param");
            set(reply, "param", json!({"loc": ["body", param], "input": null}));
        })],
    ),
    Fault::new(
        "error-param-missing",
        "no param in the envelope",
        &[Act::Error(|reply, _| {
            if let Some(error) = error(reply) {
                error.shift_remove("param");
            }
        })],
    ),
    Fault::new(
        "error-traceback",
        "traceback in message",
        &[Act::Error(|reply, _| {
            let message = error_text(reply, "message");
            set(
                reply,
                "message",
                json!(format!(
                    "Traceback (most recent call last):\n  File \"/app/server.py\", line 212, in create\nValueError: {message}"
                )),
            );
        })],
    ),
    Fault::new(
        "error-validation-422",
        "FastAPI {detail:[..]} with 422",
        &[Act::Error(|reply, _| {
            if is_validation(reply) {
                let (param, message) = (error_text(reply, "param"), error_text(reply, "message"));
                reply.status = 422;
                reply.content = Content::Json(
                    json!({"detail": [{"type": "missing", "loc": ["body", param], "msg": message}]}),
                );
            }
        })],
    ),
    Fault::new(
        "error-validation-500",
        "500 on a wrong type",
        &[Act::Error(|reply, _| {
            if is_validation(reply) {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "error-retryable",
        "x-should-retry: true on a 400",
        &[Act::Error(|reply, _| reply.headers.push("x-should-retry", "true"))],
    ),
    Fault::new(
        "error-empty-messages-200",
        "200 on []",
        &[Act::Hear(|request, _| {
            if request.field("messages").and_then(Value::as_array).is_some_and(Vec::is_empty) {
                put(request, "messages", json!([{"role": "user", "content": ""}]));
            }
        })],
    ),
    Fault::new(
        "unknown-path-html",
        "HTML 404",
        &[Act::Error(|reply, scene| {
            if scene.request.route == Route::Unknown {
                set_html(reply, "404 Not Found");
            }
        })],
    ),
    Fault::new(
        "media-type-accepted",
        "accept text/plain",
        &[Act::Hear(|request, _| {
            if request.header("content-type").is_some() {
                request.headers.set("content-type", "application/json");
            }
        })],
    ),
    Fault::new(
        "too-large-reset",
        "reset on a large body",
        &[Act::Traits(|traits| traits.resets_large = true)],
    ),
    Fault::new(
        "rate-limit-empty",
        "429 with no body",
        &[Act::Error(|reply, _| {
            if reply.status == 429 {
                reply.content = Content::Nothing;
            }
        })],
    ),
    Fault::new(
        "auth-error-string",
        "{error:'Unauthorized'}",
        &[Act::Error(|reply, _| {
            if reply.status == 401 {
                reply.content = Content::Json(json!({"error": "Unauthorized"}));
            }
        })],
    ),
    Fault::new(
        "auth-403-html",
        "403 HTML",
        &[Act::Error(|reply, _| {
            if reply.status == 401 {
                reply.status = 403;
                set_html(reply, "403 Forbidden");
            }
        })],
    ),
    Fault::new(
        "auth-missing-200",
        "no key, no question",
        &[Act::Hear(|request, house| {
            if let (None, Some(key)) = (request.header("authorization"), &house.config.api_key) {
                let value = format!("Bearer {key}");
                request.headers.push("authorization", value);
            }
        })],
    ),
    Fault::new(
        "auth-case-sensitive",
        "401 on lower-case bearer",
        &[Act::Instead(|scene| {
            let lower =
                scene.request.header("authorization").is_some_and(|v| v.starts_with("bearer "));
            (lower && scene.request.route.needs_key()).then(|| {
                Refusal::new(401, "Incorrect API key provided.").code("invalid_api_key").reply()
            })
        })],
    ),
];
