//! Legacy completions, whole and streamed.

use serde_json::{Value, json};

use super::schedule::{Piece, schedule};
use super::{Identity, logprob, usage};
use crate::mock::answer::Answer;
use crate::mock::ask::Ask;
use crate::mock::event::{self, Event, Part};
use crate::mock::house::House;
use crate::mock::refusal::Refusal;
use crate::units::Nanos;

fn identity(ask: &Ask, house: &House, number: u64) -> Identity {
    Identity::new("cmpl-", &ask.model, house, number)
}

/// A whole legacy completion.
pub(crate) fn completion(answer: &Answer, ask: &Ask, house: &House, number: u64) -> Value {
    let choices: Vec<Value> = answer
        .choices
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            let texts = choice.text.as_deref().unwrap_or_default();
            json!({
                "text": texts.concat(),
                "index": index,
                "logprobs": ask.logprobs.map(|count| logprob::legacy(texts, 0, 0, count)),
                "finish_reason": choice.finish,
            })
        })
        .collect();
    let identity = identity(ask, house, number);
    json!({
        "id": identity.id,
        "object": "text_completion",
        "created": identity.created,
        "model": identity.model,
        "choices": choices,
        "usage": usage(&answer.usage),
        "system_fingerprint": identity.fingerprint,
    })
}

/// The same as a stream.
pub(crate) fn completion_events(
    answer: &Answer,
    ask: &Ask,
    house: &House,
    number: u64,
) -> Vec<Event> {
    let identity = identity(ask, house, number);
    let chunk = |choices: Value, last: Option<Value>| {
        let mut chunk = json!({
            "id": identity.id,
            "object": "text_completion",
            "created": identity.created,
            "model": identity.model,
            "choices": choices,
            "system_fingerprint": identity.fingerprint,
        });
        if let (true, Some(map)) = (ask.include_usage, chunk.as_object_mut()) {
            map.insert("usage".to_owned(), last.unwrap_or_default());
        }
        chunk
    };
    let mut offsets = vec![0; answer.choices.len()];
    let mut events = Vec::new();
    for step in schedule(answer, house, false) {
        let (part, text, scores, finish) = match step.piece {
            Piece::Text(token, at) => {
                let scores = ask.logprobs.map(|count| {
                    let offset = offsets.get(step.index).copied().unwrap_or(0);
                    logprob::legacy(&[token.to_owned()], at, offset, count)
                });
                if let Some(offset) = offsets.get_mut(step.index) {
                    *offset += token.chars().count();
                }
                (Part::Content, token, scores, None)
            }
            Piece::Close => (Part::Finish, "", None, Some(step.choice.finish.as_str())),
            Piece::Failure => {
                let envelope = Refusal::engine().envelope();
                let error = envelope.get("error").unwrap_or(&Value::Null);
                events.push(event::error(step.after, error));
                return events;
            }
            _ => continue,
        };
        let choice = json!({
            "text": text,
            "index": step.index,
            "logprobs": scores,
            "finish_reason": finish,
        });
        events.push(Event::json(step.after, part, chunk(json!([choice]), None)));
    }
    if ask.include_usage {
        let last = chunk(json!([]), Some(usage(&answer.usage)));
        events.push(Event::json(Nanos(0), Part::Usage, last));
    }
    events.push(Event::done());
    events
}
