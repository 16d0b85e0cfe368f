//! What a rule looks at: the events, and the chunks in them that make up the reply.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::assert::operand::duration;
use crate::assert::query::is_error;
use crate::assert::scene::Seen;
use crate::dialect::openai::{Chunk, DONE};
use crate::transcript::Exchange;
use crate::units::Nanos;
use crate::verdict::{Evidence, Place};
use crate::wire::sse::{Event, Stream};

/// An exchange whose answer is an event stream.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) seen: &'a Seen,
    pub(super) stream: &'a Stream,
    pub(super) limits: &'a BTreeMap<String, Value>,
}

/// One choice of one chunk.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    /// The event's number, from 0.
    pub(super) event: usize,
    /// Its place in the array `choices`.
    pub(super) position: usize,
    /// What it is.
    pub(super) value: &'a Value,
}

impl<'a> Choice<'a> {
    /// The choice's `index`; 0 where it has none, which is another rule's business.
    pub(super) fn index(&self) -> u64 {
        self.value.get("index").and_then(Value::as_u64).unwrap_or(0)
    }

    /// The delta, if it is an object.
    pub(super) fn delta(&self) -> Option<&'a Value> {
        self.value.get("delta").filter(|delta| delta.is_object())
    }

    /// The finish reason, if there is one.
    pub(super) fn finish(&self) -> Option<&'a Value> {
        self.value.get("finish_reason").filter(|reason| !reason.is_null())
    }

    /// JSON pointer of `below` in the event's data.
    pub(super) fn pointer(&self, below: &str) -> String {
        format!("/choices/{}{below}", self.position)
    }
}

impl<'a> Look<'a> {
    pub(super) fn exchange(&self) -> &'a Exchange {
        &self.seen.exchange
    }

    pub(super) fn events(&self) -> &'a [Event] {
        &self.stream.events
    }

    /// The first `[DONE]`.
    pub(super) fn done(&self) -> Option<usize> {
        self.events().iter().position(|event| event.data == DONE)
    }

    /// The chunks of the reply. Errors, named events (`event: ping`) and what comes after `[DONE]`
    /// are left to the rules about them.
    pub(super) fn chunks(&self) -> impl DoubleEndedIterator<Item = &'a Chunk> + Clone + use<'a> {
        let events = self.events();
        let end = self.done().unwrap_or(usize::MAX);
        self.seen.reading().chunks.iter().filter(move |chunk| {
            let plain = events.get(chunk.event).is_some_and(|event| event.name == "message");
            plain && chunk.event < end && !is_error(&chunk.value)
        })
    }

    /// The choices of those chunks.
    pub(super) fn choices(&self) -> impl Iterator<Item = Choice<'a>> + Clone + use<'a> {
        self.chunks().flat_map(|chunk| {
            let choices = chunk.value.get("choices").and_then(Value::as_array);
            choices.into_iter().flatten().enumerate().map(|(position, value)| Choice {
                event: chunk.event,
                position,
                value,
            })
        })
    }

    /// The events that hold an error.
    pub(super) fn errors(&self) -> impl Iterator<Item = &'a Chunk> + use<'a> {
        let events = self.events();
        self.seen.reading().chunks.iter().filter(move |chunk| {
            let named = events.get(chunk.event).is_some_and(|event| event.name == "error");
            named || is_error(&chunk.value)
        })
    }

    /// When an event was complete.
    pub(super) fn arrival(&self, event: usize) -> Nanos {
        self.seen.arrival(event)
    }

    /// A value in an event's data.
    pub(super) fn place(&self, event: usize, pointer: &str, label: &str) -> Place {
        self.seen.in_event(event, pointer, None, label)
    }

    /// A span that a rule's setting or else the profile gives, or `default`.
    pub(super) fn span(&self, setting: &Value, limit: &str, default: Nanos) -> Nanos {
        let given = if setting.is_null() { self.limits.get(limit) } else { Some(setting) };
        given.and_then(|given| duration(given).ok()).unwrap_or(default)
    }
}

/// A piece of evidence.
pub(super) fn evidence(
    expected: impl Into<String>,
    seen: impl Into<String>,
    place: Place,
) -> Evidence {
    Evidence { expected: expected.into(), seen: seen.into(), place }
}

/// How a value is called in a message when it may be missing.
pub(super) fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), crate::assert::operand::show)
}

/// Whether it is a text with something in it.
pub(super) fn is_text(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}
