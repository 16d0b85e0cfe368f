//! Chat completions, whole and streamed.

use serde_json::{Value, json};

use super::schedule::{Piece, Step, schedule};
use super::{Identity, logprob, usage};
use crate::mock::answer::{Answer, Choice};
use crate::mock::ask::Ask;
use crate::mock::event::{self, Event, Part};
use crate::mock::house::House;
use crate::mock::refusal::Refusal;
use crate::units::Nanos;

fn identity(ask: &Ask, house: &House, number: u64) -> Identity {
    Identity::new("chatcmpl-", &ask.model, house, number)
}

/// A whole chat completion.
pub(crate) fn chat(answer: &Answer, ask: &Ask, house: &House, number: u64) -> Value {
    let identity = identity(ask, house, number);
    let choices: Vec<Value> = answer
        .choices
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            let texts = choice.text.as_deref().unwrap_or_default();
            json!({
                "index": index,
                "message": message(choice),
                "logprobs": ask.logprobs.map(|count| logprob::chat(texts, count)),
                "finish_reason": choice.finish,
            })
        })
        .collect();
    json!({
        "id": identity.id,
        "object": "chat.completion",
        "created": identity.created,
        "model": identity.model,
        "choices": choices,
        "usage": usage(&answer.usage),
        "service_tier": "default",
        "system_fingerprint": identity.fingerprint,
    })
}

fn message(choice: &Choice) -> Value {
    let content = choice.text.as_ref().map(|tokens| tokens.concat());
    let mut message = json!({"role": "assistant", "content": content});
    let Some(map) = message.as_object_mut() else { return message };
    if !choice.reasoning.is_empty() {
        map.insert("reasoning_content".to_owned(), choice.reasoning.concat().into());
    }
    if !choice.calls.is_empty() {
        let calls = choice.calls.iter().map(|call| {
            json!({
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.json()},
            })
        });
        map.insert("tool_calls".to_owned(), calls.collect::<Vec<_>>().into());
    }
    map.insert("refusal".to_owned(), Value::Null);
    map.insert("annotations".to_owned(), json!([]));
    message
}

/// The same as a stream.
pub(crate) fn chat_events(answer: &Answer, ask: &Ask, house: &House, number: u64) -> Vec<Event> {
    let identity = identity(ask, house, number);
    let mut events = Vec::new();
    for step in schedule(answer, house, true) {
        if matches!(step.piece, Piece::Failure) {
            let envelope = Refusal::engine().envelope();
            events.push(event::error(step.after, envelope.get("error").unwrap_or(&Value::Null)));
            return events;
        }
        let (part, choice) = chunk_choice(&step, ask);
        events.push(Event::json(step.after, part, chunk(&identity, &[choice], ask)));
    }
    if ask.include_usage {
        let mut last = chunk(&identity, &[], ask);
        if let Some(map) = last.as_object_mut() {
            map.insert("usage".to_owned(), usage(&answer.usage));
        }
        events.push(Event::json(Nanos(0), Part::Usage, last));
    }
    events.push(Event::done());
    events
}

fn chunk(identity: &Identity, choices: &[Value], ask: &Ask) -> Value {
    let mut chunk = json!({
        "id": identity.id,
        "object": "chat.completion.chunk",
        "created": identity.created,
        "model": identity.model,
        "service_tier": "default",
        "system_fingerprint": identity.fingerprint,
        "choices": choices,
    });
    if let (true, Some(map)) = (ask.include_usage, chunk.as_object_mut()) {
        map.insert("usage".to_owned(), Value::Null);
    }
    chunk
}

fn chunk_choice(step: &Step<'_>, ask: &Ask) -> (Part, Value) {
    let mut finish = None;
    let mut scores = Value::Null;
    let (part, delta) = match step.piece {
        Piece::Open => {
            // Text opens with an empty string, a call with null.
            let opening = if step.choice.text.is_some() { json!("") } else { Value::Null };
            (Part::Role, json!({"role": "assistant", "content": opening, "refusal": null}))
        }
        Piece::Thought(token) => (Part::Thought, json!({"reasoning_content": token})),
        Piece::Text(token, at) => {
            if let Some(count) = ask.logprobs {
                let entry = logprob::chat_entry(token, at, count);
                scores = json!({"content": [entry], "refusal": null});
            }
            (Part::Content, json!({"content": token}))
        }
        Piece::Call(call, index) => {
            let function = json!({"name": call.name, "arguments": ""});
            let fragment =
                json!({"index": index, "id": call.id, "type": "function", "function": function});
            (Part::Call, json!({"tool_calls": [fragment]}))
        }
        Piece::Arguments(token, index) => {
            let fragment = json!({"index": index, "function": {"arguments": token}});
            (Part::Call, json!({"tool_calls": [fragment]}))
        }
        Piece::Close | Piece::Failure => {
            finish = Some(step.choice.finish.as_str());
            (Part::Finish, json!({}))
        }
    };
    let choice = json!({
        "index": step.index,
        "delta": delta,
        "logprobs": scores,
        "finish_reason": finish,
    });
    (part, choice)
}
