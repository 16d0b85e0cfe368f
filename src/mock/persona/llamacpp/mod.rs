//! llama.cpp's HTTP server, `llama-server --jinja`, as it answers on the wire.

mod body;
mod response;

use serde_json::{Value, json};

use super::hear::{
    any_media_type, default_model, forget, named_is_auto, no_less, no_limit_beyond,
    no_schema_is_none, orphans_speak, put,
};
use super::{Character, Habit};
use crate::mock::act::{Act, ResponseAct, Scene};
use crate::mock::refusal::Refusal;
use crate::mock::reply::{Content, Reply};
use crate::mock::request::Request;
use crate::mock::route::Route;
use crate::mock::script::Script;

/// What the server documents of itself.
const README: &str = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md";
/// Where requests are read and errors are put together.
const COMMON: &str =
    "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-common.cpp";
/// Where answers are put together.
const TASK: &str = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-task.cpp";
/// The HTTP layer.
const HTTP: &str = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-http.cpp";

/// Alternatives that are listed for a token where none were asked for.
const ALTERNATIVES: u64 = 20;

pub(super) const CHARACTER: Character = Character {
    name: "llamacpp",
    title: "llama.cpp of October 2026, `llama-server --jinja`",
    layers: &[HABITS],
    gauge: Some("llamacpp:requests_processing"),
};

const HABITS: &[Habit] = &[
    Habit::new(
        "any model name, or none, is answered by the one model there is, under its own name",
        "https://github.com/ggml-org/llama.cpp/issues/10056",
        &[
            Act::Hear(|request, house| {
                default_model(request, house);
                only_model(request, house.config.models.first());
            }),
            Act::Response(ResponseAct::Hear(|request, house| {
                only_model(request, house.config.models.first());
            })),
        ],
    ),
    Habit::faults("an empty list of messages is answered", COMMON, &["error-empty-messages-200"]),
    Habit::new(
        "a tool message without its call is rendered by the chat template, and answered",
        COMMON,
        &[Act::Hear(|request, _| orphans_speak(request))],
    ),
    Habit::new(
        "a temperature of any size is taken, -1 means no limit, and a limit beyond the context is the context",
        README,
        &[Act::Hear(|request, house| {
            if request.field("temperature").and_then(Value::as_f64).is_some_and(|t| t > 2.0) {
                forget(request, "temperature");
            }
            no_less(request, "max_tokens", 0);
            no_less(request, "max_completion_tokens", 0);
            no_limit_beyond(request, house);
        })],
    ),
    Habit::new(
        "a named tool_choice is read as auto",
        "https://github.com/ggml-org/llama.cpp/issues/26535",
        &[Act::Hear(|request, _| named_is_auto(request))],
    ),
    Habit::faults("`required` without tools is answered", COMMON, &["tools-required-no-tools-200"]),
    Habit::faults(
        "parallel_tool_calls false imposes nothing",
        README,
        &["tools-parallel-false-ignored"],
    ),
    Habit::new(
        "a json_schema without a schema imposes nothing",
        COMMON,
        &[Act::Hear(|request, _| no_schema_is_none(request))],
    ),
    Habit::new(
        "without top_logprobs, 20 alternatives are listed",
        "https://github.com/ggml-org/llama.cpp/pull/10783",
        &[Act::Hear(|request, _| {
            if request.route == Route::Chat
                && request.field("logprobs") == Some(&Value::Bool(true))
                && request.field("top_logprobs").is_none()
            {
                put(request, "top_logprobs", ALTERNATIVES);
            }
        })],
    ),
    Habit::faults("echo is passed over", README, &["completions-echo-ignored"]),
    Habit::new(
        "an image for a model without a projector is a 500",
        COMMON,
        &[Act::Instead(no_images)],
    ),
    Habit::new(
        "the content-type of a request is not read, and only `Bearer` in these letters is a key",
        HTTP,
        &[Act::Hear(|request, _| {
            any_media_type(request);
            if request.header("authorization").is_some_and(|value| !value.starts_with("Bearer ")) {
                request.headers.remove("authorization");
            }
        })],
    ),
    Habit::new(
        "there is no route for one model, and `/v1/models` has a second list, `models`",
        README,
        &[Act::Instead(missing_route), Act::Plain(body::models)],
    ),
    Habit::new(
        "embeddings are a 501 unless the server was started for them",
        README,
        &[Act::Instead(no_embeddings)],
    ),
    Habit::new(
        "a choice has a logprobs key only where they were asked for, the first delta's content is null, and the last chunk has `timings`",
        TASK,
        &[Act::Plain(body::shape), Act::Events(|events, scene| body::chunks(events, scene))],
    ),
    Habit::new(
        "a response repeats no settings of its request, is completed though the limit cut it, and counts no details of its output",
        TASK,
        &[Act::Plain(response::shape)],
    ),
    Habit::new(
        "events of the Responses API have no sequence_number and no indexes, arguments end without an event, and a cut stream is completed",
        "https://github.com/ggml-org/llama.cpp/issues/24957",
        &[Act::Response(ResponseAct::Events(response::events))],
    ),
    Habit::new(
        "the Responses API passes over text.format, parallel_tool_calls, a named tool_choice, and a negative limit",
        README,
        &[Act::Response(ResponseAct::Hear(|request, _| response::hear(request)))],
    ),
    Habit::faults(
        "the Responses API lets an output without its call by",
        README,
        &["responses-orphan-200"],
    ),
    Habit::new("an error has an integer code and no param", COMMON, &[Act::Error(error)]),
    Habit::new(
        "no x-request-id; the connection closes after a stream and after an error",
        "https://github.com/ggml-org/llama.cpp/issues/17388",
        &[Act::Script(head)],
    ),
];

fn only_model(request: &mut Request, model: Option<&String>) {
    if let Some(model) = model {
        put(request, "model", model.clone());
    }
}

fn no_images(scene: &Scene<'_>) -> Option<Reply> {
    let mut parts =
        scene.request.messages().iter().filter_map(|m| m.get("content")?.as_array()).flatten();
    let text = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj";
    parts.any(|part| part.get("image_url").is_some()).then(|| Refusal::new(500, text).reply())
}

fn no_embeddings(scene: &Scene<'_>) -> Option<Reply> {
    let text = "This server does not support embeddings. Start it with `--embeddings`";
    (scene.request.route == Route::Embeddings).then(|| Refusal::new(501, text).reply())
}

fn missing_route(scene: &Scene<'_>) -> Option<Reply> {
    matches!(scene.request.route, Route::Model(_)).then(not_found)
}

fn not_found() -> Reply {
    Refusal::new(404, "File Not Found").reply()
}

fn error(reply: &mut Reply, scene: &Scene<'_>) {
    // A route that takes other methods only is none for this one.
    if reply.status == 405 || scene.request.route == Route::Unknown {
        *reply = not_found();
    }
    let status = reply.status;
    let Some(error) = reply.json_mut().and_then(|body| body.get("error")) else { return };
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let overflow = text("code") == "context_length_exceeded";
    let kind = match status {
        _ if overflow => "exceed_context_size_error",
        401 => "authentication_error",
        404 => "not_found_error",
        500 => "server_error",
        501 => "not_supported_error",
        503 => "unavailable_error",
        _ => "invalid_request_error",
    };
    let message = if status == 401 { "Invalid API Key" } else { text("message") };
    let error = json!({"code": status, "message": message, "type": kind});
    reply.content = Content::Json(json!({"error": error}));
}

fn head(script: &mut Script, _: &Scene<'_>) {
    let closes = script.is_stream() || script.head.status >= 400;
    let headers = &mut script.head.headers;
    for name in ["x-request-id", "openai-processing-ms", "openai-version", "cache-control"] {
        headers.remove(name);
    }
    headers.push("server", "llama.cpp");
    if closes {
        headers.push("connection", "close");
    }
}
