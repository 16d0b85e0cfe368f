//! Faults of conversations with tools that go on for several turns.

use serde_json::Value;

use super::Fault;
use super::reach::{has_role, no, parts};
use crate::mock::act::{Act, Scene};
use crate::mock::event::{Event, Part};
use crate::mock::request::Request;

/// A longer history is refused by one of the faults.
const MESSAGES_MAX: usize = 32;
/// So much of a longer history is kept by another: whole rounds of a call and its result.
const MESSAGES_KEPT: usize = 16;

/// Whether a message is the result of a tool that failed.
fn is_failure(message: &Value) -> bool {
    let text = message.get("content").and_then(Value::as_str).unwrap_or_default();
    has_role(message, "tool") && text.contains("\"error\"")
}

/// Forgets a failed call and its result, so that the model finds itself before the call.
fn forget_failure(request: &mut Request) {
    let Some(messages) = messages_mut(request) else { return };
    let user = messages.iter().rposition(|message| has_role(message, "user"));
    if let Some(user) = user
        && messages.last().is_some_and(is_failure)
    {
        messages.truncate(user + 1);
    }
}

fn messages_mut(request: &mut Request) -> Option<&mut Vec<Value>> {
    request.object_mut()?.get_mut("messages")?.as_array_mut()
}

/// Keeps the beginning and the end of a long history.
fn forget_middle(request: &mut Request) {
    let Some(messages) = messages_mut(request) else { return };
    let rounds = messages.iter().filter(|message| has_role(message, "tool")).count();
    if messages.len() > MESSAGES_MAX && rounds * 2 + 1 == messages.len() {
        let end = messages.len() - MESSAGES_KEPT;
        messages.drain(1..end);
    }
}

/// Sends the text that stands before a call again with the call.
fn say_again(events: &mut [Event], _: &Scene<'_>) {
    let piece = |event: &mut Event| event.delta_mut()?.get("content")?.as_str().map(str::to_owned);
    let whole: String = parts(events, Part::Content).filter_map(piece).collect();
    if let (false, Some(delta)) = (
        whole.is_empty(),
        parts(events, Part::Call).next().and_then(|event| event.delta_mut()?.as_object_mut()),
    ) {
        delta.insert("content".to_owned(), whole.into());
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "reject-tool-error",
        "400 on a result that tells of an error",
        &[Act::Instead(|scene| {
            let failed = scene.request.messages().iter().any(is_failure);
            failed.then(|| no("A result that is an error"))
        })],
    ),
    Fault::new(
        "agent-error-lost",
        "results that tell of an error do not reach the model",
        &[Act::Hear(|request, _| forget_failure(request))],
    ),
    Fault::new(
        "reject-long-history",
        "400 above 32 messages",
        &[Act::Instead(|scene| {
            (scene.request.messages().len() > MESSAGES_MAX).then(|| no("More than 32 messages"))
        })],
    ),
    Fault::new(
        "agent-history-cut",
        "the middle of a long history is dropped in silence",
        &[Act::Hear(|request, _| forget_middle(request))],
    ),
    Fault::new(
        "agent-text-doubled",
        "the text before a call comes again with the call",
        &[Act::Events(|events, scene| say_again(events, scene))],
    ),
];
