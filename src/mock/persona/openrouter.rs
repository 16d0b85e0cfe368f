//! OpenRouter, as its documentation describes it.

use serde_json::{Map, Value, json};

use super::{Character, Habit};
use crate::mock::act::{Act, Scene};
use crate::mock::answer::base62;
use crate::mock::event::{Data, Event, Part};
use crate::mock::render::{self, EPOCH};
use crate::mock::reply::{Content, Reply};
use crate::mock::route::Route;
use crate::mock::script::Script;
use crate::mock::tokens;
use crate::units::Nanos;

const STREAMING: &str = "https://openrouter.ai/docs/api/reference/streaming";
const ERRORS: &str = "https://openrouter.ai/docs/api/reference/errors-and-debugging";
const OVERVIEW: &str = "https://openrouter.ai/docs/api-reference/overview";

/// Who answered behind it.
const PROVIDER: &str = "Mock";

pub(super) const CHARACTER: Character = Character {
    name: "openrouter",
    title: "OpenRouter, `https://openrouter.ai/api/v1`",
    layers: &[HABITS],
    gauge: None,
};

const HABITS: &[Habit] = &[
    Habit::new(
        "comments `: OPENROUTER PROCESSING` come while a request waits",
        STREAMING,
        &[Act::Events(comments)],
    ),
    Habit::new(
        "ids are `gen-…`, answers and chunks name their `provider`, and choices have a `native_finish_reason`",
        OVERVIEW,
        &[Act::Plain(shape), Act::Events(|events, scene| chunks(events, scene))],
    ),
    Habit::new(
        "the last chunk of every stream has the usage, asked for or not, with what it cost",
        "https://openrouter.ai/docs/use-cases/usage-accounting",
        &[Act::Events(usage_last), Act::Plain(cost)],
    ),
    Habit::faults(
        "thoughts are in `reasoning`",
        "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        &["reasoning-renamed"],
    ),
    Habit::faults(
        "the last delta is `{role, content: \"\"}` and not empty",
        "https://doublepost.link/guild/1091220969173028894/thread/1359779151443394702/p/1359779151443394702/",
        &["finish-delta-content"],
    ),
    Habit::faults(
        "a call without parameters has the arguments '' where the model is Anthropic's",
        "https://github.com/simonw/llm/issues/1164",
        &["tools-empty-arguments"],
    ),
    Habit::faults(
        "a parameter that the model does not support is passed over, such as logit_bias",
        OVERVIEW,
        &["logit-bias-ignored"],
    ),
    Habit::new(
        "an entry of the list of models has neither `object` nor `owned_by`",
        "https://github.com/mozilla-ai/any-llm/issues/1083",
        &[Act::Plain(models)],
    ),
    Habit::new(
        "an error has an integer code and neither type nor param",
        ERRORS,
        &[Act::Error(error)],
    ),
    Habit::new(
        "a plain answer that failed on its way is a 200 with an error",
        ERRORS,
        &[Act::Error(failed)],
    ),
    Habit::new(
        "an error inside a stream comes in a chunk, whose choice ends with finish_reason `error`",
        ERRORS,
        &[Act::Events(|events, scene| error_chunk(events, scene))],
    ),
    Habit::new("an answer has x-generation-id", STREAMING, &[Act::Script(headers)]),
];

/// The same for all that belongs to one answer.
fn id(scene: &Scene<'_>) -> String {
    let seed = scene.house.config.seed;
    let tail = base62(tokens::hash(format!("{seed}/{}", scene.number()).as_bytes()), 20);
    format!("gen-{}-{tail}", EPOCH + scene.number())
}

fn is_generation(scene: &Scene<'_>) -> bool {
    matches!(scene.request.route, Route::Chat | Route::Completions)
}

fn comments(events: &mut Vec<Event>, scene: &Scene<'_>) {
    if is_generation(scene) {
        events.insert(0, Event::raw(Part::Foreign, ": OPENROUTER PROCESSING\n\n"));
    }
}

/// What both forms of an answer share.
fn sign(body: &mut Map<String, Value>, scene: &Scene<'_>) {
    body.insert("id".to_owned(), json!(id(scene)));
    body.insert("provider".to_owned(), json!(PROVIDER));
    body.shift_remove("service_tier");
    let choices = body.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        let finish = choice.get("finish_reason").cloned().unwrap_or_default();
        choice.insert("native_finish_reason".to_owned(), finish);
    }
}

fn shape(reply: &mut Reply, scene: &Scene<'_>) {
    if is_generation(scene)
        && let Some(body) = reply.json_mut().and_then(Value::as_object_mut)
    {
        sign(body, scene);
    }
}

fn chunks(events: &mut [Event], scene: &Scene<'_>) {
    for event in events.iter_mut().filter(|event| event.part != Part::Error) {
        if let Some(body) = event.chunk_mut().and_then(Value::as_object_mut) {
            sign(body, scene);
        }
    }
}

fn with_cost(usage: &mut Value) {
    if let Some(usage) = usage.as_object_mut() {
        usage.insert("cost".to_owned(), json!(0.00012));
        usage.insert("cost_details".to_owned(), json!({"upstream_inference_cost": null}));
    }
}

fn cost(reply: &mut Reply, scene: &Scene<'_>) {
    if is_generation(scene)
        && let Some(usage) = reply.json_mut().and_then(|body| body.get_mut("usage"))
    {
        with_cost(usage);
    }
}

fn usage_last(events: &mut Vec<Event>, scene: &Scene<'_>) {
    let (true, Some(answer)) = (is_generation(scene), scene.answer) else { return };
    let Some(done) = events.iter().position(|event| event.part == Part::Done) else { return };
    if !events.iter().any(|event| event.part == Part::Usage) {
        let like = events.iter().find_map(|event| match &event.data {
            Data::Json(chunk) => Some(chunk.clone()),
            Data::Named { .. } | Data::Raw(_) => None,
        });
        let Some(mut chunk) = like else { return };
        if let Some(map) = chunk.as_object_mut() {
            map.insert("choices".to_owned(), json!([]));
            map.insert("usage".to_owned(), render::usage(&answer.usage));
        }
        events.insert(done, Event::json(Nanos(0), Part::Usage, chunk));
    }
    let last = events.iter_mut().find(|event| event.part == Part::Usage);
    if let Some(usage) = last.and_then(|event| event.chunk_mut()?.get_mut("usage")) {
        with_cost(usage);
    }
}

fn models(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.request.route != Route::Models {
        return;
    }
    let entries = reply.json_mut().and_then(|body| body.get_mut("data")?.as_array_mut());
    for entry in entries.into_iter().flatten() {
        let of = |key: &str| entry.get(key).cloned().unwrap_or_default();
        *entry = json!({
            "id": of("id"),
            "name": of("id"),
            "created": of("created"),
            "context_length": scene.house.config.context_tokens,
            "pricing": {"prompt": "0", "completion": "0"},
        });
    }
}

fn error(reply: &mut Reply, _: &Scene<'_>) {
    let status = reply.status;
    let message = reply.json_mut().and_then(|body| body.pointer("/error/message").cloned());
    if let Some(message) = message {
        let error = json!({"message": message, "code": status});
        reply.content = Content::Json(json!({"error": error}));
    }
}

fn failed(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.answer.is_some() && reply.status == 500 {
        reply.status = 200;
        let error = json!({"message": "Provider returned error", "code": 502});
        reply.content = Content::Json(json!({"error": error}));
    }
}

fn error_chunk(events: &mut [Event], scene: &Scene<'_>) {
    let Some(last) = events.last_mut().filter(|event| event.part == Part::Error) else { return };
    let model = scene.ask.map(|ask| ask.model.clone());
    if let Some(chunk) = last.chunk_mut() {
        *chunk = json!({
            "id": id(scene),
            "object": "chat.completion.chunk",
            "created": EPOCH + scene.number(),
            "model": model,
            "provider": PROVIDER,
            "error": {"code": "server_error", "message": "Provider disconnected unexpectedly"},
            "choices": [{
                "index": 0,
                "delta": {"content": ""},
                "finish_reason": "error",
                "native_finish_reason": "error",
            }],
        });
    }
}

fn headers(script: &mut Script, scene: &Scene<'_>) {
    if is_generation(scene) && script.head.status < 400 {
        script.head.headers.push("x-generation-id", id(scene));
    }
}
