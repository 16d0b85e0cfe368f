//! vLLM's streams.

use serde_json::{Map, Value, json};

use super::body::{stop_reason, usage};
use super::{fingerprint, hex};
use crate::mock::act::Scene;
use crate::mock::event::{Event, Part};
use crate::mock::route::Route;

/// The chunks' fields as vLLM has them.
pub(super) fn shape(events: &mut Vec<Event>, scene: &Scene<'_>) {
    let chat = scene.request.route == Route::Chat;
    merge_finish(events, scene);
    let prefix = if chat { "chatcmpl-" } else { "cmpl-" };
    let id = format!("{prefix}{}", hex(scene, "id"));
    for event in events.iter_mut() {
        let part = event.part;
        let index = event.choice().and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
        if part == Part::Error {
            continue;
        }
        let Some(chunk) = event.chunk_mut().and_then(Value::as_object_mut) else { continue };
        chunk.insert("id".to_owned(), json!(id));
        chunk.shift_remove("service_tier");
        chunk.shift_remove("system_fingerprint");
        let counts = chunk.shift_remove("usage").filter(|counts| !counts.is_null());
        if let Some(counts) = counts {
            chunk.insert("usage".to_owned(), usage(&counts).into());
        }
        if part == Part::Role {
            chunk.insert("prompt_token_ids".to_owned(), Value::Null);
            chunk.insert("prompt_text".to_owned(), Value::Null);
        }
        let choice = event.choice_mut().and_then(Value::as_object_mut);
        if let Some(choice) = choice {
            if chat {
                chat_choice(choice, part, stop_reason(scene, index));
            } else {
                text_choice(choice);
            }
        }
    }
    let mut last = events.iter_mut().rev().filter(|event| event.part != Part::Error);
    if let Some(last) = last.find_map(|event| event.chunk_mut()?.as_object_mut()) {
        last.insert("system_fingerprint".to_owned(), json!(fingerprint(scene)));
    }
}

fn chat_choice(choice: &mut Map<String, Value>, part: Part, stop: Value) {
    if let Some(logprobs) = choice.get_mut("logprobs").and_then(Value::as_object_mut) {
        logprobs.shift_remove("refusal");
    }
    if let Some(delta) = choice.get_mut("delta") {
        match part {
            Part::Role => *delta = json!({"role": "assistant", "content": ""}),
            Part::Thought => {
                let thought = delta.get("reasoning_content").cloned().unwrap_or_default();
                *delta = json!({"reasoning": thought});
            }
            Part::Call => {
                let calls = delta.get("tool_calls").cloned().unwrap_or_default();
                *delta = json!({"content": null, "tool_calls": calls});
            }
            _ => {}
        }
    }
    if choice.get("finish_reason").is_some_and(Value::is_string) {
        choice.insert("stop_reason".to_owned(), stop);
    }
    if part != Part::Role {
        choice.insert("token_ids".to_owned(), Value::Null);
    }
}

fn text_choice(choice: &mut Map<String, Value>) {
    for key in ["stop_reason", "prompt_token_ids", "token_ids"] {
        choice.insert(key.to_owned(), Value::Null);
    }
}

/// The engine ends with a token of its own only where the model ends; a limit or a stop text is
/// noticed on the last token that is sent.
fn merge_finish(events: &mut Vec<Event>, scene: &Scene<'_>) {
    let Some(answer) = scene.answer else { return };
    for (index, choice) in answer.choices.iter().enumerate() {
        let by_model = choice.finish != "length" && choice.stopped_at.is_none();
        if by_model || !choice.calls.is_empty() {
            continue;
        }
        let of = |event: &Event, part: Part| {
            event.part == part && event.choice() == u64::try_from(index).ok()
        };
        let finish = events.iter().position(|event| of(event, Part::Finish));
        let said = |event: &Event| of(event, Part::Content) || of(event, Part::Thought);
        let (Some(finish), Some(last)) = (finish, events.iter().rposition(said)) else { continue };
        events.remove(finish);
        if let Some(last) =
            events.get_mut(last).and_then(|event| event.choice_mut()?.as_object_mut())
        {
            last.insert("finish_reason".to_owned(), json!(choice.finish));
        }
    }
}

/// The first fragment of a call: other order, and no arguments.
pub(super) fn first_fragment(events: &mut [Event]) {
    for call in events.iter_mut().filter_map(Event::call_mut) {
        if let (Some(id), Some(index)) = (call.get("id").cloned(), call.get("index").cloned()) {
            let name = call.pointer("/function/name").cloned();
            *call =
                json!({"id": id, "type": "function", "index": index, "function": {"name": name}});
        }
    }
}

pub(super) fn done_after_error(events: &mut Vec<Event>, _: &Scene<'_>) {
    let Some(last) = events.last_mut().filter(|event| event.part == Part::Error) else { return };
    if let Some(error) = last.chunk_mut().and_then(|body| body.get_mut("error")?.as_object_mut()) {
        error.insert("type".to_owned(), json!("InternalServerError"));
        error.insert("code".to_owned(), json!(500));
    }
    events.push(Event::done());
}
