//! Hugging Face's Text Generation Inference, as the sources of its 2.4 have it.

use serde_json::{Map, Value, json};

use super::hear::{default_model, forget};
use super::{Character, Habit};
use crate::mock::act::{Act, ResponseAct, Scene};
use crate::mock::event::{Event, Part};
use crate::mock::reply::{Content, Reply};
use crate::mock::route::Route;
use crate::mock::script::Script;

/// Where requests and answers are declared.
const LIB: &str =
    "https://github.com/huggingface/text-generation-inference/blob/v2.4.1/router/src/lib.rs";
/// Where they go through HTTP.
const SERVER: &str =
    "https://github.com/huggingface/text-generation-inference/blob/v2.4.1/router/src/server.rs";

pub(super) const CHARACTER: Character = Character {
    name: "tgi",
    title: "Text Generation Inference 2.4",
    layers: &[HABITS],
    gauge: Some("tgi_batch_current_size"),
};

const HABITS: &[Habit] = &[
    Habit::faults(
        "the model that is asked for is not looked at; an answer names the one there is",
        LIB,
        &["unknown-model-first"],
    ),
    Habit::new("a request without a model is served", LIB, &[Act::Hear(default_model)]),
    Habit::new(
        "n is passed over, and so is parallel_tool_calls: there is one choice, and one call at most",
        LIB,
        &[Act::Hear(|request, _| {
            forget(request, "n");
            if request.field("tools").is_some()
                && let Some(body) = request.object_mut()
            {
                body.insert("parallel_tool_calls".to_owned(), false.into());
            }
        })],
    ),
    Habit::faults(
        "max_completion_tokens is passed over",
        "https://github.com/huggingface/text-generation-inference/issues/2844",
        &["limit-new-name-ignored"],
    ),
    Habit::new(
        "json_object and json_schema are refused: TGI's own form has the schema in `value`",
        "https://github.com/huggingface/text-generation-inference/issues/2899",
        &[Act::Instead(own_format)],
    ),
    Habit::new(
        "there are no other routes: one model, embeddings, responses",
        SERVER,
        &[
            Act::Instead(missing_route),
            Act::Response(ResponseAct::Instead(|_| Some(Reply::new(404, Content::Nothing)))),
        ],
    ),
    Habit::new(
        "a stop that is no list and a logit_bias that is an object are refused",
        LIB,
        &[Act::Instead(own_types)],
    ),
    Habit::faults(
        "the arguments of a call are an object",
        "https://github.com/huggingface/text-generation-inference/issues/2136",
        &["tools-arguments-object"],
    ),
    Habit::new(
        "every call has the id 0, and an answer that calls ends with stop",
        "https://github.com/huggingface/text-generation-inference/pull/3111",
        &[Act::Decide(|answer, _| {
            for choice in &mut answer.choices {
                for call in &mut choice.calls {
                    "0".clone_into(&mut call.id);
                }
                if choice.finish == "tool_calls" {
                    "stop".clone_into(&mut choice.finish);
                }
            }
        })],
    ),
    Habit::new(
        "a streamed call is an object in `delta.tool_calls`, without id and name",
        LIB,
        &[Act::Events(|events, _| calls(events))],
    ),
    Habit::new(
        "every delta has the role, ids are empty, and no chunk opens a stream",
        LIB,
        &[Act::Events(chunks), Act::Plain(shape)],
    ),
    Habit::new(
        "an error is `{\"error\": \"…\", \"error_type\": \"…\"}`, with 422 for a request at fault",
        SERVER,
        &[Act::Error(error)],
    ),
    Habit::new("no x-request-id", SERVER, &[Act::Script(headers)]),
];

fn missing_route(scene: &Scene<'_>) -> Option<Reply> {
    let missing = matches!(scene.request.route, Route::Model(_) | Route::Embeddings);
    missing.then(|| Reply::new(404, Content::Nothing))
}

/// What the reader of JSON says, as text.
fn unreadable(what: &str) -> Reply {
    let text = format!("Failed to deserialize the JSON body into the target type: {what}");
    Reply::new(422, Content::Text { media_type: "text/plain; charset=utf-8", text })
}

fn own_format(scene: &Scene<'_>) -> Option<Reply> {
    let format = scene.request.field("response_format")?;
    let text = match format.get("type").and_then(Value::as_str) {
        Some("json" | "json_object" | "regex") if format.get("value").is_some() => return None,
        Some("json" | "json_object" | "regex") => {
            "response_format: missing field `value` at line 1 column 168".to_owned()
        }
        other => format!(
            "response_format: unknown variant `{}`, expected `json` or `regex` at line 1 column 168",
            other.unwrap_or_default()
        ),
    };
    Some(unreadable(&text))
}

fn own_types(scene: &Scene<'_>) -> Option<Reply> {
    if scene.request.route != Route::Chat {
        return None;
    }
    if let Some(Value::String(text)) = scene.request.field("stop") {
        let what = format!("stop: invalid type: string {text:?}, expected a sequence");
        return Some(unreadable(&what));
    }
    let bias = scene.request.field("logit_bias")?;
    bias.is_object().then(|| unreadable("logit_bias: invalid type: map, expected a sequence"))
}

fn calls(events: &mut [Event]) {
    for event in events.iter_mut().filter(|event| event.part == Part::Call) {
        let Some(calls) = event.delta_mut().and_then(|delta| delta.get_mut("tool_calls")) else {
            continue;
        };
        let arguments = calls.pointer("/0/function/arguments").cloned().unwrap_or(json!(""));
        *calls = json!({
            "index": 0,
            "id": "",
            "type": "function",
            "function": {"name": null, "arguments": arguments},
        });
    }
}

/// What both forms of an answer share.
fn sign(body: &mut Map<String, Value>) {
    body.insert("id".to_owned(), json!(""));
    body.insert("system_fingerprint".to_owned(), json!("2.4.1-native"));
    body.shift_remove("service_tier");
    if let Some(usage) = body.get_mut("usage").and_then(Value::as_object_mut) {
        usage.retain(|key, _| !key.ends_with("_details"));
    }
}

fn shape(reply: &mut Reply, scene: &Scene<'_>) {
    if !matches!(scene.request.route, Route::Chat | Route::Completions) {
        return;
    }
    let Some(body) = reply.json_mut().and_then(Value::as_object_mut) else { return };
    sign(body);
    let choices = body.get_mut("choices").and_then(Value::as_array_mut);
    for message in choices.into_iter().flatten().filter_map(|choice| choice.get_mut("message")) {
        if let Some(message) = message.as_object_mut() {
            message.shift_remove("refusal");
            message.shift_remove("annotations");
            if message.get("content").is_some_and(Value::is_null) {
                message.shift_remove("content");
            }
        }
    }
}

fn chunks(events: &mut Vec<Event>, scene: &Scene<'_>) {
    if scene.request.route == Route::Chat {
        // The first token opens the stream.
        let opens = |event: &Event| event.part == Part::Role;
        let wait = events.iter().find(|event| opens(event)).map(|event| event.after);
        events.retain(|event| !opens(event));
        if let (Some(wait), Some(first)) = (wait, events.first_mut()) {
            first.after = wait;
        }
    }
    for event in events.iter_mut().filter(|event| event.part != Part::Error) {
        let is_call = event.part == Part::Call;
        if let Some(delta) = event.delta_mut().and_then(Value::as_object_mut) {
            delta.insert("role".to_owned(), json!("assistant"));
            if !is_call {
                delta.entry("content").or_insert(json!(""));
            }
        }
        if let Some(chunk) = event.chunk_mut().and_then(Value::as_object_mut) {
            sign(chunk);
        }
    }
}

fn error(reply: &mut Reply, scene: &Scene<'_>) {
    let status = reply.status;
    if scene.request.route == Route::Unknown || status == 405 {
        reply.content = Content::Nothing;
        return;
    }
    let Some(error) = reply.json_mut().and_then(|body| body.get("error")) else { return };
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let (code, param, message) = (text("code"), text("param"), text("message"));
    let refused = match status {
        413 => "Failed to buffer the request body: length limit exceeded",
        415 => "Expected request with `Content-Type: application/json`",
        400 if scene.request.json.is_none() => {
            "Failed to parse the request body as JSON: expected value"
        }
        _ => "",
    };
    if !refused.is_empty() {
        reply.content =
            Content::Text { media_type: "text/plain; charset=utf-8", text: refused.to_owned() };
        return;
    }
    match (status, code) {
        (400, "missing_required_parameter") => {
            *reply = unreadable(&format!("missing field `{param}` at line 1 column 17"));
        }
        (400, "invalid_type") => {
            *reply = unreadable(&format!("{param}: invalid type at line 1 column 17"));
        }
        _ => {
            let (status, kind) = match status {
                400 => (422, "validation"),
                401 => (401, "unauthorized"),
                429 | 503 => (429, "overloaded"),
                404 => (404, "not_found"),
                _ => (424, "generation"),
            };
            let text = format!("Input validation error: {message}");
            let message = if kind == "validation" { text } else { message.to_owned() };
            reply.status = status;
            reply.content = Content::Json(json!({"error": message, "error_type": kind}));
        }
    }
}

fn headers(script: &mut Script, _: &Scene<'_>) {
    let headers = &mut script.head.headers;
    for name in ["x-request-id", "openai-processing-ms", "openai-version", "cache-control"] {
        headers.remove(name);
    }
}
