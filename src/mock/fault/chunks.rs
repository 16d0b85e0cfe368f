//! Faults of the chunks of a stream.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{chunks, parts};
use crate::mock::act::Act;
use crate::mock::event::{Event, Part};
use crate::mock::route::Route;
use crate::units::Nanos;

/// Sets a field of every chunk to something.
fn set_all(events: &mut [Event], key: &str, value: impl Fn(usize) -> Value) {
    for (index, chunk) in chunks(events).enumerate() {
        if let Some(map) = chunk.as_object_mut() {
            map.insert(key.to_owned(), value(index));
        }
    }
}

/// Sets a field of every delta after the first of its choice.
fn set_later(events: &mut [Event], key: &str, value: &Value) {
    for event in events.iter_mut().filter(|event| event.part != Part::Role) {
        if let Some(delta) = event.delta_mut().and_then(Value::as_object_mut) {
            delta.insert(key.to_owned(), value.clone());
        }
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "chunk-object-wrong",
        "object chat.completion",
        &[Act::Events(|events, _| set_all(events, "object", |_| json!("chat.completion")))],
    ),
    Fault::new(
        "chunk-object-empty",
        "object is the empty string",
        &[Act::Events(|events, _| set_all(events, "object", |_| json!("")))],
    ),
    Fault::new(
        "chunk-id-rotates",
        "new id per chunk",
        &[Act::Events(|events, _| {
            set_all(events, "id", |index| json!(format!("chatcmpl-piece{index}")));
        })],
    ),
    Fault::new(
        "chunk-created-rotates",
        "created = now per chunk",
        &[Act::Events(|events, _| {
            set_all(events, "created", |index| json!(crate::mock::render::EPOCH + index as u64));
        })],
    ),
    Fault::new(
        "chunk-model-rotates",
        "model '' on the first chunk",
        &[Act::Events(|events, _| {
            if let Some(first) = chunks(events).next().and_then(Value::as_object_mut) {
                first.insert("model".to_owned(), json!(""));
            }
        })],
    ),
    Fault::new(
        "chunk-choices-missing",
        "usage chunk without choices",
        &[Act::Events(|events, _| {
            for usage in
                parts(events, Part::Usage).filter_map(|event| event.chunk_mut()?.as_object_mut())
            {
                usage.shift_remove("choices");
            }
        })],
    ),
    Fault::new(
        "chunk-choices-null",
        "usage chunk with choices null",
        &[Act::Events(|events, _| {
            for usage in
                parts(events, Part::Usage).filter_map(|event| event.chunk_mut()?.as_object_mut())
            {
                usage.insert("choices".to_owned(), Value::Null);
            }
        })],
    ),
    Fault::new(
        "chunk-azure-filter-first",
        "first chunk with id '', object '', choices [], prompt_filter_results",
        &[Act::Events(|events, scene| {
            let filter = json!({
                "choices": [], "created": 0, "id": "", "model": "", "object": "",
                "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
            });
            if scene.request.route == Route::Chat {
                events.insert(0, Event::json(Nanos(0), Part::Foreign, filter));
            }
        })],
    ),
    Fault::new(
        "chunk-index-missing",
        "omit choices[].index",
        &[Act::Events(|events, _| {
            for choice in events.iter_mut().filter_map(|event| event.choice_mut()?.as_object_mut())
            {
                choice.shift_remove("index");
            }
        })],
    ),
    Fault::new(
        "chunk-delta-null",
        "delta null on the finish chunk",
        &[Act::Events(|events, _| {
            for delta in parts(events, Part::Finish).filter_map(Event::delta_mut) {
                *delta = Value::Null;
            }
        })],
    ),
    Fault::new(
        "chunk-role-missing",
        "no role in any delta",
        &[Act::Events(|events, _| {
            for delta in events.iter_mut().filter_map(|event| event.delta_mut()?.as_object_mut()) {
                delta.shift_remove("role");
            }
        })],
    ),
    Fault::new(
        "chunk-role-repeat",
        "role assistant in every delta",
        &[Act::Events(|events, _| set_later(events, "role", &json!("assistant")))],
    ),
    Fault::new(
        "chunk-role-null",
        "role null on later deltas",
        &[Act::Events(|events, _| set_later(events, "role", &Value::Null))],
    ),
    Fault::new(
        "chunk-role-empty",
        "role '' on later deltas",
        &[Act::Events(|events, _| set_later(events, "role", &json!("")))],
    ),
    Fault::new(
        "chunk-content-parts",
        "delta.content as an array of parts",
        &[Act::Events(|events, _| {
            for delta in parts(events, Part::Content).filter_map(Event::delta_mut) {
                let text = delta.get("content").cloned();
                if let (Some(text), Some(delta)) = (text, delta.as_object_mut()) {
                    delta.insert("content".to_owned(), json!([{"type": "text", "text": text}]));
                }
            }
        })],
    ),
    Fault::new(
        "chunk-tool-calls-null",
        "tool_calls null on every delta",
        &[Act::Events(|events, _| {
            let silent = events.iter_mut().filter(|event| event.part != Part::Call);
            for delta in silent.filter_map(|event| event.delta_mut()?.as_object_mut()) {
                delta.insert("tool_calls".to_owned(), Value::Null);
            }
        })],
    ),
    Fault::legal(
        "chunk-extra-fields",
        "add timings, stop_reason, token_ids, provider",
        &[Act::Events(|events, _| {
            set_all(events, "timings", |_| json!({"predicted_ms": 1.5}));
            set_all(events, "provider", |_| json!("mock"));
            for choice in events.iter_mut().filter_map(|event| event.choice_mut()?.as_object_mut())
            {
                choice.insert("stop_reason".to_owned(), Value::Null);
                choice.insert("token_ids".to_owned(), Value::Null);
            }
        })],
    ),
    Fault::new(
        "chunk-duplicate-final-text",
        "the last content chunk holds the whole text, not the rest",
        &[Act::Events(|events, _| {
            let text =
                |event: &mut Event| event.delta_mut()?.get("content")?.as_str().map(str::to_owned);
            let whole: String = parts(events, Part::Content).filter_map(text).collect();
            if let Some(delta) = parts(events, Part::Content).last().and_then(Event::delta_mut)
                && let Some(content) = delta.get_mut("content")
            {
                *content = json!(whole);
            }
        })],
    ),
];
