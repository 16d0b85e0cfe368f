//! Ollama's OpenAI routes, as its sources have them.

use serde_json::{Map, Value, json};

use super::hear::{any_media_type, forget, no_less, orphans_speak, put};
use super::{Character, Habit};
use crate::mock::act::{Act, Scene};
use crate::mock::event::{Event, Part};
use crate::mock::house::House;
use crate::mock::refusal::Refusal;
use crate::mock::reply::{Content, Reply};
use crate::mock::request::Request;
use crate::mock::route::Route;
use crate::mock::script::Script;
use crate::mock::tokens;
use crate::units::Nanos;

/// Where requests are read and answers put together.
const OPENAI: &str = "https://github.com/ollama/ollama/blob/main/openai/openai.go";
/// Where both go through HTTP.
const MIDDLEWARE: &str = "https://github.com/ollama/ollama/blob/main/middleware/openai.go";
/// What is supported.
const DOCS: &str = "https://docs.ollama.com/api/openai-compatibility";

/// Tokens left for the answer where a prompt does not fit.
const ROOM: usize = 64;

pub(super) const CHARACTER: Character =
    Character { name: "ollama", title: "Ollama 0.32, `/v1`", layers: &[HABITS], gauge: None };

const HABITS: &[Habit] = &[
    Habit::new(
        "tool_choice is passed over",
        "https://github.com/ollama/ollama/issues/17921",
        &[Act::Hear(|request, _| forget(request, "tool_choice"))],
    ),
    Habit::new(
        "n, logit_bias, parallel_tool_calls and echo are passed over",
        DOCS,
        &[Act::Hear(|request, _| {
            for name in ["n", "logit_bias", "parallel_tool_calls", "echo"] {
                forget(request, name);
            }
        })],
    ),
    Habit::faults("thoughts are in `reasoning`", OPENAI, &["reasoning-renamed"]),
    Habit::faults(
        "max_completion_tokens is passed over",
        "https://github.com/ollama/ollama/issues/7125",
        &["limit-new-name-ignored"],
    ),
    Habit::new(
        "no number is held to its range: a negative limit means none, and a temperature of any size is taken",
        OPENAI,
        &[Act::Hear(|request, _| {
            no_less(request, "max_tokens", 0);
            if request.field("temperature").and_then(Value::as_f64).is_some_and(|t| t > 2.0) {
                forget(request, "temperature");
            }
        })],
    ),
    Habit::new(
        "a prompt that does not fit into the context is cut, and answered",
        "https://github.com/KeithCu/writeragent/issues/574",
        &[Act::Hear(cut_prompt)],
    ),
    Habit::new(
        "stream_options without stream, a response_format of another type, and a json_schema without a schema are passed over",
        OPENAI,
        &[Act::Hear(|request, _| formats(request))],
    ),
    Habit::new(
        "a tool message without its call is answered",
        OPENAI,
        &[Act::Hear(|request, _| orphans_speak(request))],
    ),
    Habit::new(
        "any key is accepted, or none, and the content-type is not read",
        DOCS,
        &[Act::Hear(|request, house| {
            any_media_type(request);
            if let Some(key) = &house.config.api_key {
                request.headers.set("authorization", format!("Bearer {key}"));
            }
        })],
    ),
    Habit::new(
        "a list of prompts is refused",
        "https://github.com/ollama/ollama/issues/5259",
        &[Act::Instead(one_prompt)],
    ),
    Habit::new(
        "a call comes whole, in one delta",
        OPENAI,
        &[Act::Events(|events, _| whole_calls(events))],
    ),
    Habit::new(
        "every delta has the role and a content, the last one too, and no chunk opens a stream",
        OPENAI,
        &[Act::Events(chunks)],
    ),
    Habit::new(
        "ids count below a thousand, and there are no logprobs, no refusal and no details of usage unless asked for",
        MIDDLEWARE,
        &[Act::Plain(shape)],
    ),
    Habit::new(
        "an error has no code and no param, and an unknown route is plain text",
        MIDDLEWARE,
        &[Act::Error(error)],
    ),
    Habit::new("no x-request-id", MIDDLEWARE, &[Act::Script(headers)]),
];

/// The prompt loses its beginning.
fn cut_prompt(request: &mut Request, house: &House) {
    let room = house.config.context_tokens.saturating_sub(ROOM);
    let mut left = room;
    let messages = request.object_mut().and_then(|body| body.get_mut("messages")?.as_array_mut());
    for content in
        messages.into_iter().flatten().rev().filter_map(|message| message.get_mut("content"))
    {
        let Some(text) = content.as_str() else { continue };
        let split = tokens::split(text);
        let over = split.len().saturating_sub(left);
        left = left.saturating_sub(split.len());
        if over > 0 {
            *content = split.into_iter().skip(over).collect::<String>().into();
        }
    }
    // What was cut leaves no room for a long answer.
    for name in ["max_tokens", "max_completion_tokens"] {
        let limit = request.field(name).and_then(Value::as_u64);
        if limit.is_some_and(|limit| limit > left as u64) {
            forget(request, name);
        }
    }
}

fn formats(request: &mut Request) {
    if !request.wants_stream() {
        forget(request, "stream_options");
    }
    let Some(format) = request.field("response_format") else { return };
    let imposes = match format.get("type").and_then(Value::as_str) {
        Some("json_object") => true,
        Some("json_schema") => format.pointer("/json_schema/schema").is_some(),
        _ => false,
    };
    if !imposes {
        forget(request, "response_format");
    } else if request.field("response_format").is_some_and(|f| f.get("json_schema").is_some()) {
        let mut format = request.field("response_format").cloned().unwrap_or_default();
        // The name is not looked at.
        if let Some(schema) = format.get_mut("json_schema").and_then(Value::as_object_mut) {
            schema.entry("name").or_insert(json!("schema"));
        }
        put(request, "response_format", format);
    }
}

fn one_prompt(scene: &Scene<'_>) -> Option<Reply> {
    let list = scene.request.field("prompt").is_some_and(Value::is_array);
    let text =
        "json: cannot unmarshal array into Go struct field CompletionRequest.prompt of type string";
    (scene.request.route == Route::Completions && list).then(|| Refusal::new(400, text).reply())
}

fn id(scene: &Scene<'_>) -> String {
    let prefix = if scene.request.route == Route::Chat { "chatcmpl" } else { "cmpl" };
    format!("{prefix}-{}", scene.number() % 999)
}

/// What both forms of an answer share.
fn sign(body: &mut Map<String, Value>, scene: &Scene<'_>) {
    body.insert("id".to_owned(), json!(id(scene)));
    body.insert("system_fingerprint".to_owned(), json!("fp_ollama"));
    body.shift_remove("service_tier");
    if let Some(usage) = body.get_mut("usage").and_then(Value::as_object_mut) {
        usage.retain(|key, _| !key.ends_with("_details"));
    }
    if body.get("usage").is_some_and(Value::is_null) {
        body.shift_remove("usage");
    }
    let choices = body.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        if choice.get("logprobs").is_some_and(Value::is_null) {
            choice.shift_remove("logprobs");
        }
        let message = choice.get_mut("message").and_then(Value::as_object_mut);
        if let Some(message) = message {
            message.shift_remove("refusal");
            message.shift_remove("annotations");
            if message.get("content").is_some_and(Value::is_null) {
                message.insert("content".to_owned(), json!(""));
            }
        }
    }
}

fn shape(reply: &mut Reply, scene: &Scene<'_>) {
    if matches!(scene.request.route, Route::Chat | Route::Completions)
        && let Some(body) = reply.json_mut().and_then(Value::as_object_mut)
    {
        sign(body, scene);
    }
}

fn whole_calls(events: &mut Vec<Event>) {
    let place = |event: &Event| Some((event.choice()?, event.call_index()?));
    let arguments = |event: &mut Event| {
        let arguments = event.call_mut()?.pointer("/function/arguments")?.as_str();
        arguments.map(str::to_owned)
    };
    let mut at = 0;
    while at < events.len() {
        if let Some(call) = events.get(at).and_then(place) {
            let (mut whole, mut wait, mut seen) = (String::new(), Nanos(0), false);
            events.retain_mut(|event| {
                if place(event) != Some(call) {
                    return true;
                }
                whole.push_str(&arguments(event).unwrap_or_default());
                wait = wait + event.after;
                !std::mem::replace(&mut seen, true)
            });
            if let Some(event) = events.get_mut(at) {
                event.after = wait;
                let call = event.call_mut();
                if let Some(place) = call.and_then(|call| call.pointer_mut("/function/arguments")) {
                    *place = json!(whole);
                }
            }
        }
        at += 1;
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
    for event in events.iter_mut() {
        if let Some(delta) = event.delta_mut() {
            let mut whole = json!({"role": "assistant", "content": ""});
            if let (Some(whole), Some(own)) = (whole.as_object_mut(), delta.as_object()) {
                whole.extend(own.clone());
            }
            *delta = whole;
        }
        if event.part != Part::Error
            && let Some(chunk) = event.chunk_mut().and_then(Value::as_object_mut)
        {
            sign(chunk, scene);
        }
    }
}

fn error(reply: &mut Reply, scene: &Scene<'_>) {
    let text = match reply.status {
        404 if scene.request.route == Route::Unknown => "404 page not found",
        405 => "405 method not allowed",
        _ => "",
    };
    if !text.is_empty() {
        reply.content = Content::Text { media_type: "text/plain", text: text.to_owned() };
        return;
    }
    let (status, route) = (reply.status, &scene.request.route);
    let Some(error) = reply.json_mut().and_then(|body| body.get("error")) else { return };
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let message = match (text("code"), route) {
        ("model_not_found", Route::Model(name)) => format!("model '{name}' not found"),
        ("model_not_found", _) => {
            let name = scene.request.field("model").and_then(Value::as_str).unwrap_or_default();
            format!("model '{name}' not found")
        }
        ("empty_array", _) => "[] is too short - 'messages'".to_owned(),
        _ => text("message").to_owned(),
    };
    let kind = match status {
        400 => "invalid_request_error",
        404 => "not_found_error",
        _ => "api_error",
    };
    let error = json!({"message": message, "type": kind, "param": null, "code": null});
    reply.content = Content::Json(json!({"error": error}));
}

fn headers(script: &mut Script, _: &Scene<'_>) {
    let headers = &mut script.head.headers;
    for name in ["x-request-id", "openai-processing-ms", "openai-version", "cache-control"] {
        headers.remove(name);
    }
}
