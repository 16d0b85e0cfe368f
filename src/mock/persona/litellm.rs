//! LiteLLM's proxy in front of an OpenAI upstream, without a database, as it answers on the wire.

use serde_json::{Value, json};

use super::hear::any_media_type;
use super::{Character, Habit};
use crate::mock::act::{Act, Scene};
use crate::mock::event::{Event, Part};
use crate::mock::reply::{Content, Reply};
use crate::mock::request::Request;
use crate::mock::route::Route;
use crate::mock::script::Script;
use crate::mock::tokens;

/// Where streams are put together anew.
const STREAMS: &str =
    "https://github.com/BerriAI/litellm/blob/main/litellm/litellm_core_utils/streaming_handler.py";
/// Where requests are read, and errors written.
const PROXY: &str =
    "https://github.com/BerriAI/litellm/blob/main/litellm/proxy/common_request_processing.py";
/// What becomes of an upstream's errors.
const MAPPING: &str = "https://docs.litellm.ai/docs/exception_mapping";

/// Stop texts beyond these are dropped.
const STOPS: usize = 4;

pub(super) const CHARACTER: Character = Character {
    name: "litellm",
    title: "LiteLLM proxy 1.106, in front of an OpenAI upstream, without a database",
    layers: &[HABITS],
    gauge: None,
};

const HABITS: &[Habit] = &[
    Habit::new(
        "the usage chunk of a stream has a choice with an empty delta",
        "https://github.com/BerriAI/litellm/issues/28735",
        &[Act::Events(|events, scene| usage_beside_choice(events, scene))],
    ),
    Habit::new(
        "what is null is left out: `finish_reason` until the end, `logprobs`, `refusal`",
        "https://github.com/BerriAI/liteLLM-proxy/issues/19",
        &[Act::Events(|events, scene| chunks(events, scene)), Act::Plain(shape)],
    ),
    Habit::new(
        "a stream of several choices tells the end of the first that ends, and of no other",
        STREAMS,
        &[Act::Events(one_end)],
    ),
    Habit::new(
        "every fragment of a call has its `type`",
        STREAMS,
        &[Act::Events(|events, _| typed_fragments(events))],
    ),
    Habit::new(
        "in a streamed legacy completion every chunk has a usage of zeros, and the last one no text",
        STREAMS,
        &[Act::Events(|events, scene| legacy(events, scene))],
    ),
    Habit::faults("tool_choice without tools is dropped", PROXY, &["tools-required-no-tools-200"]),
    Habit::new(
        "a fifth stop text is dropped",
        "https://github.com/BerriAI/litellm/blob/main/litellm/utils.py",
        &[Act::Hear(|request, _| four_stops(request))],
    ),
    Habit::new(
        "the content-type of a request is not read, and a body that is no object is a 500",
        PROXY,
        &[Act::Hear(|request, _| any_media_type(request)), Act::Error(no_object)],
    ),
    Habit::new(
        "without a key the answer is a 500 in plain text",
        "https://github.com/BerriAI/litellm/pull/39244",
        &[Act::Error(no_key)],
    ),
    Habit::new(
        "a wrong key is a 400: `No connected db.`",
        "https://github.com/BerriAI/litellm/issues/12273",
        &[Act::Error(wrong_key)],
    ),
    Habit::faults(
        "streams of the Responses API have no event lines and end with [DONE]",
        "https://github.com/BerriAI/litellm/issues/22102",
        &["responses-no-event-name", "responses-done"],
    ),
    Habit::faults(
        "the Responses API takes a negative max_output_tokens, and an input of another type is a 500",
        PROXY,
        &["responses-negative-200", "responses-wrong-type-500"],
    ),
    Habit::new(
        "unknown routes and models that are asked for by path get `{\"detail\": …}`",
        "https://fastapi.tiangolo.com/tutorial/handling-errors/",
        &[Act::Error(detail)],
    ),
    Habit::new(
        "the code of an error is its status as a string, and its message names LiteLLM's exception",
        MAPPING,
        &[Act::Error(error)],
    ),
    Habit::new(
        "GET /responses/{id} with an id that is not of the proxy's own making names no deployment: 400",
        "https://github.com/BerriAI/litellm/issues/10359",
        &[Act::Error(no_deployment)],
    ),
    Habit::new(
        "x-litellm-call-id and not x-request-id",
        "https://docs.litellm.ai/docs/proxy/response_headers",
        &[Act::Script(headers)],
    ),
];

fn usage_beside_choice(events: &mut [Event], scene: &Scene<'_>) {
    if scene.request.route != Route::Chat {
        return;
    }
    for event in events.iter_mut().filter(|event| event.part == Part::Usage) {
        if let Some(choices) = event.chunk_mut().and_then(|chunk| chunk.get_mut("choices")) {
            *choices = json!([{"index": 0, "delta": {}}]);
        }
    }
}

fn leave_out_nulls(value: &mut Value, keys: &[&str]) {
    if let Some(map) = value.as_object_mut() {
        map.retain(|key, value| !value.is_null() || !keys.contains(&key.as_str()));
    }
}

fn chunks(events: &mut [Event], scene: &Scene<'_>) {
    if scene.request.route != Route::Chat {
        return;
    }
    for event in events.iter_mut().filter(|event| event.part != Part::Error) {
        if let Some(choice) = event.choice_mut() {
            leave_out_nulls(choice, &["finish_reason", "logprobs"]);
        }
        if let Some(delta) = event.delta_mut() {
            leave_out_nulls(delta, &["refusal", "content"]);
        }
        if let Some(chunk) = event.chunk_mut() {
            leave_out_nulls(chunk, &["usage"]);
        }
    }
}

fn shape(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.request.route != Route::Chat {
        return;
    }
    let choices = reply.json_mut().and_then(|body| body.get_mut("choices")?.as_array_mut());
    for choice in choices.into_iter().flatten() {
        leave_out_nulls(choice, &["logprobs"]);
        if let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) {
            message.shift_remove("refusal");
            message.insert("provider_specific_fields".to_owned(), json!({"refusal": null}));
        }
    }
}

fn one_end(events: &mut Vec<Event>, scene: &Scene<'_>) {
    if scene.request.route != Route::Chat {
        return;
    }
    let mut ended = false;
    events.retain(|event| event.part != Part::Finish || !std::mem::replace(&mut ended, true));
}

fn typed_fragments(events: &mut [Event]) {
    for call in events.iter_mut().filter_map(|event| event.call_mut()?.as_object_mut()) {
        call.insert("type".to_owned(), json!("function"));
    }
}

fn legacy(events: &mut [Event], scene: &Scene<'_>) {
    if scene.request.route != Route::Completions {
        return;
    }
    for event in events.iter_mut().filter(|event| event.part != Part::Usage) {
        let ends = event.part == Part::Finish;
        if let Some(choice) = event.choice_mut() {
            leave_out_nulls(choice, &["finish_reason", "logprobs"]);
            if let Some(choice) = choice.as_object_mut().filter(|_| ends) {
                choice.shift_remove("text");
            }
        }
        if let Some(chunk) = event.chunk_mut().and_then(Value::as_object_mut) {
            let zeros = json!({"completion_tokens": 0, "prompt_tokens": 0, "total_tokens": 0});
            chunk.insert("usage".to_owned(), zeros);
        }
    }
}

fn four_stops(request: &mut Request) {
    let stops = request.object_mut().and_then(|body| body.get_mut("stop")?.as_array_mut());
    if let Some(stops) = stops {
        stops.truncate(STOPS);
    }
}

fn crash() -> Reply {
    let text = "Internal Server Error".to_owned();
    Reply::new(500, Content::Text { media_type: "text/plain; charset=utf-8", text })
}

fn no_object(reply: &mut Reply, scene: &Scene<'_>) {
    let json = scene.request.json.as_ref();
    if reply.status == 400 && json.is_some_and(|json| !json.is_object()) {
        *reply = crash();
    }
}

fn no_key(reply: &mut Reply, scene: &Scene<'_>) {
    if reply.status == 401 && scene.request.header("authorization").is_none() {
        *reply = crash();
    }
}

fn wrong_key(reply: &mut Reply, _: &Scene<'_>) {
    if reply.status == 401 {
        let error = json!({
            "message": "No connected db.",
            "type": "no_db_connection",
            "param": null,
            "code": "400",
        });
        *reply = Reply::new(400, Content::Json(json!({"error": error})));
    }
}

fn detail(reply: &mut Reply, scene: &Scene<'_>) {
    let text = match &scene.request.route {
        Route::Unknown if reply.status == 404 => "Not Found".to_owned(),
        Route::Model(name) if reply.status == 404 => {
            format!("The model `{name}` does not exist or is not accessible")
        }
        _ if reply.status == 405 => "Method Not Allowed".to_owned(),
        _ => return,
    };
    reply.content = Content::Json(json!({"detail": text}));
}

fn error(reply: &mut Reply, scene: &Scene<'_>) {
    let status = reply.status;
    let Some(error) = reply.json_mut().and_then(|body| body.get("error")?.as_object()) else {
        return;
    };
    let of = |key: &str| error.get(key).cloned().unwrap_or_default();
    if of("type") == "no_db_connection" {
        return;
    }
    let said = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let (status, message) = if of("code") == "model_not_found" {
        let name = scene.request.field("model").and_then(Value::as_str).unwrap_or_default();
        let text = format!(
            "/chat/completions: Invalid model name passed in model={name}. Call `/v1/models` to view available models for your key."
        );
        (400, text)
    } else {
        let class = match status {
            _ if of("code") == "context_length_exceeded" => "ContextWindowExceededError",
            429 => "RateLimitError",
            500 => "InternalServerError",
            503 => "ServiceUnavailableError",
            _ => "BadRequestError",
        };
        (status, format!("litellm.{class}: OpenAIException - {said}"))
    };
    let error = json!({
        "message": message,
        "type": of("type"),
        "param": of("param"),
        "code": status.to_string(),
    });
    reply.status = status;
    reply.content = Content::Json(json!({"error": error}));
}

fn no_deployment(reply: &mut Reply, scene: &Scene<'_>) {
    if reply.status == 404 && matches!(scene.request.route, Route::Response(_)) {
        let message = "litellm.BadRequestError: You passed in model=None. There are no healthy deployments for this model";
        let error = json!({
            "message": message,
            "type": "invalid_request_error",
            "param": null,
            "code": "400",
        });
        *reply = Reply::new(400, Content::Json(json!({"error": error})));
    }
}

fn headers(script: &mut Script, scene: &Scene<'_>) {
    let headers = &mut script.head.headers;
    headers.remove("x-request-id");
    let seed = scene.house.config.seed;
    let id = tokens::hash(format!("{seed}/{}", scene.number()).as_bytes());
    headers.push("x-litellm-call-id", format!("{id:016x}"));
    headers.push("x-litellm-version", "1.106.2");
}
