//! SGLang, as its sources and its issues document it.

use serde_json::{Map, Value, json};

use super::hear::forget;
use super::{Character, Habit};
use crate::mock::act::{Act, ResponseAct, Scene};
use crate::mock::answer::Answer;
use crate::mock::event::{Event, Part};
use crate::mock::reply::{Content, Reply};
use crate::mock::route::Route;
use crate::mock::script::Script;
use crate::mock::tokens;

/// Where the shapes of requests and answers are declared.
const PROTOCOL: &str = "https://github.com/sgl-project/sglang/blob/main/python/sglang/srt/entrypoints/openai/protocol.py";
/// Where chat answers are put together.
const SERVING: &str = "https://github.com/sgl-project/sglang/blob/main/python/sglang/srt/entrypoints/openai/serving_chat.py";

pub(super) const CHARACTER: Character = Character {
    name: "sglang",
    title: "SGLang, `python -m sglang.launch_server`",
    layers: &[HABITS],
    gauge: Some("sglang:num_running_reqs"),
};

const HABITS: &[Habit] = &[
    Habit::new(
        "any model name is served",
        "https://github.com/sgl-project/sglang/issues/31404",
        &[Act::Traits(|traits| traits.any_model = true)],
    ),
    Habit::faults(
        "a json_schema without a schema is a 500",
        "https://github.com/sgl-project/sglang/issues/28090",
        &["structured-missing-schema-500"],
    ),
    Habit::new(
        "an error is flat: `object`, `message`, `type`, `param`, and an integer `code` at the top",
        PROTOCOL,
        &[Act::Error(flat)],
    ),
    Habit::new(
        "401 has the body `{\"error\": \"Unauthorized\"}`",
        "https://github.com/sgl-project/sglang/issues/25127",
        &[Act::Error(|reply, _| {
            if reply.status == 401 {
                *reply = Reply::new(401, Content::Json(json!({"error": "Unauthorized"})));
            }
        })],
    ),
    Habit::new(
        "unknown routes and methods get FastAPI's `{\"detail\": …}`",
        "https://fastapi.tiangolo.com/tutorial/handling-errors/",
        &[Act::Error(detail)],
    ),
    Habit::new(
        "`parallel_tool_calls: false` is not enforced",
        "https://github.com/sgl-project/sglang/issues/9696",
        &[Act::Hear(|request, _| forget(request, "parallel_tool_calls"))],
    ),
    Habit::new(
        "deltas carry `role`, `reasoning_content` and `tool_calls` as null",
        "https://github.com/mistralai/mistral-vibe/issues/795",
        &[Act::Events(|events, _| null_deltas(events))],
    ),
    Habit::new(
        "later fragments of a tool call carry `id` and `name` as null",
        "https://github.com/sgl-project/sglang/issues/35542",
        &[Act::Events(|events, _| null_fragments(events))],
    ),
    Habit::new(
        "a choice tells the stop text that ended it as `matched_stop`; there is no `service_tier` and no `system_fingerprint`",
        PROTOCOL,
        &[Act::Events(|events, scene| shape_events(events, scene)), Act::Plain(shape)],
    ),
    Habit::new(
        "a message says '' where it holds only calls, and `reasoning_content` and `tool_calls` are null where there are none",
        SERVING,
        &[Act::Decide(empty_text)],
    ),
    Habit::new(
        "an error inside a stream is followed by [DONE]",
        SERVING,
        &[Act::Events(done_after_error)],
    ),
    Habit::new(
        "the time of a response in the Responses API is a decimal",
        "https://github.com/sgl-project/sglang/issues/9963",
        &[
            Act::Plain(|reply, scene| {
                if scene.request.route == Route::Responses
                    && let Some(body) = reply.json_mut()
                {
                    decimal_time(body);
                }
            }),
            Act::Response(ResponseAct::Events(|events, _| {
                let chunks = events.iter_mut().filter_map(Event::chunk_mut);
                chunks.filter_map(|chunk| chunk.get_mut("response")).for_each(decimal_time);
            })),
        ],
    ),
    Habit::new("no x-request-id", SERVING, &[Act::Script(headers)]),
];

fn null(map: &mut Map<String, Value>, key: &str) {
    map.entry(key).or_insert(Value::Null);
}

fn flat(reply: &mut Reply, _: &Scene<'_>) {
    let status = reply.status;
    let Some(body) = reply.json_mut() else { return };
    let Some(error) = body.get("error").filter(|error| error.is_object()) else { return };
    let of = |key: &str| error.get(key).cloned().unwrap_or_default();
    let kind = match status {
        404 => "NotFoundError",
        429 => "RateLimitError",
        500 => "InternalServerError",
        503 => "ServiceUnavailableError",
        _ => "BadRequestError",
    };
    *body = json!({"object": "error", "message": of("message"), "type": kind, "param": of("param"), "code": status});
}

fn detail(reply: &mut Reply, scene: &Scene<'_>) {
    let text = match reply.status {
        404 if scene.request.route == Route::Unknown => "Not Found",
        405 => "Method Not Allowed",
        _ => return,
    };
    reply.content = Content::Json(json!({"detail": text}));
}

fn null_deltas(events: &mut [Event]) {
    for delta in events.iter_mut().filter_map(|event| event.delta_mut()?.as_object_mut()) {
        delta.shift_remove("refusal");
        for key in ["role", "content", "reasoning_content", "tool_calls"] {
            null(delta, key);
        }
    }
}

fn null_fragments(events: &mut [Event]) {
    for call in events.iter_mut().filter_map(|event| event.call_mut()?.as_object_mut()) {
        null(call, "id");
        call.insert("type".to_owned(), json!("function"));
        if let Some(function) = call.get_mut("function").and_then(Value::as_object_mut) {
            null(function, "name");
        }
    }
}

/// The stop text that ended a choice.
fn matched_stop(scene: &Scene<'_>, index: usize) -> Value {
    let choice = scene.answer.and_then(|answer| answer.choices.get(index));
    choice.and_then(|choice| choice.stopped_at.clone()).map_or(Value::Null, Value::String)
}

fn usage(counts: &Value) -> Value {
    let of = |pointer: &str| counts.pointer(pointer).cloned().unwrap_or_default();
    json!({
        "prompt_tokens": of("/prompt_tokens"),
        "total_tokens": of("/total_tokens"),
        "completion_tokens": of("/completion_tokens"),
        "prompt_tokens_details": null,
        "reasoning_tokens": of("/completion_tokens_details/reasoning_tokens"),
    })
}

/// An id as uuid's hexadecimal digits.
fn id(scene: &Scene<'_>) -> String {
    let hash = |part: u8| {
        let text = format!("{}/{}/{part}", scene.house.config.seed, scene.number());
        tokens::hash(text.as_bytes())
    };
    format!("{:016x}{:016x}", hash(0), hash(1))
}

fn shape_events(events: &mut [Event], scene: &Scene<'_>) {
    let id = id(scene);
    for event in events.iter_mut().filter(|event| event.part != Part::Error) {
        let index = event.choice().and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
        let Some(chunk) = event.chunk_mut().and_then(Value::as_object_mut) else { continue };
        chunk.insert("id".to_owned(), json!(id));
        chunk.shift_remove("service_tier");
        chunk.shift_remove("system_fingerprint");
        if let Some(counts) = chunk.get_mut("usage").filter(|counts| !counts.is_null()) {
            *counts = usage(counts);
        }
        if let Some(choice) = event.choice_mut().and_then(Value::as_object_mut) {
            let ended = choice.get("finish_reason").is_some_and(Value::is_string);
            let stop = if ended { matched_stop(scene, index) } else { Value::Null };
            choice.insert("matched_stop".to_owned(), stop);
        }
    }
}

fn shape(reply: &mut Reply, scene: &Scene<'_>) {
    let Some(body) = reply.json_mut().and_then(Value::as_object_mut) else { return };
    match scene.request.route {
        Route::Chat | Route::Completions => {}
        Route::Models => return shape_models(body, scene),
        _ => return,
    }
    body.insert("id".to_owned(), json!(id(scene)));
    body.shift_remove("service_tier");
    body.shift_remove("system_fingerprint");
    if let Some(counts) = body.get_mut("usage") {
        *counts = usage(counts);
    }
    let choices = body.get_mut("choices").and_then(Value::as_array_mut);
    for (index, choice) in choices.into_iter().flatten().enumerate() {
        if let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) {
            message.shift_remove("refusal");
            message.shift_remove("annotations");
            null(message, "reasoning_content");
            null(message, "tool_calls");
        }
        let calls = choice.pointer_mut("/message/tool_calls").and_then(Value::as_array_mut);
        for (index, call) in calls.into_iter().flatten().enumerate() {
            if let Some(call) = call.as_object_mut() {
                call.insert("index".to_owned(), json!(index));
            }
        }
        if let Some(choice) = choice.as_object_mut() {
            choice.insert("matched_stop".to_owned(), matched_stop(scene, index));
        }
    }
    body.insert("metadata".to_owned(), json!({"weight_version": "default"}));
}

fn shape_models(body: &mut Map<String, Value>, scene: &Scene<'_>) {
    let entries = body.get_mut("data").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten().filter_map(Value::as_object_mut) {
        let root = entry.get("id").cloned().unwrap_or_default();
        entry.insert("owned_by".to_owned(), json!("sglang"));
        entry.insert("root".to_owned(), root);
        entry.insert("max_model_len".to_owned(), json!(scene.house.config.context_tokens));
    }
}

fn empty_text(answer: &mut Answer, _: &Scene<'_>) {
    for choice in &mut answer.choices {
        choice.text.get_or_insert_default();
        // `call_` and 24 hexadecimal digits.
        for call in &mut choice.calls {
            let hash = tokens::hash(call.id.as_bytes());
            call.id = format!("call_{hash:016x}{:08x}", hash.rotate_left(13) >> 32);
        }
    }
}

fn done_after_error(events: &mut Vec<Event>, _: &Scene<'_>) {
    let Some(last) = events.last_mut().filter(|event| event.part == Part::Error) else { return };
    if let Some(error) = last.chunk_mut().and_then(|body| body.get_mut("error")?.as_object_mut()) {
        error.insert("object".to_owned(), json!("error"));
        error.insert("type".to_owned(), json!("InternalServerError"));
        error.insert("code".to_owned(), json!(500));
    }
    events.push(Event::done());
}

fn decimal_time(response: &mut Value) {
    let time = response.get_mut("created_at");
    if let Some(time) = time.filter(|time| time.is_u64()) {
        *time = json!(time.as_f64());
    }
}

fn headers(script: &mut Script, _: &Scene<'_>) {
    let headers = &mut script.head.headers;
    for name in ["x-request-id", "openai-processing-ms", "openai-version", "cache-control"] {
        headers.remove(name);
    }
    headers.push("server", "uvicorn");
}
