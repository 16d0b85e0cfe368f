//! A stream before it becomes bytes.

use serde_json::{Value, json};

use super::script::{Cue, Ending, Head, Script};
use crate::transcript::Headers;
use crate::units::Nanos;

/// One event of a stream before it becomes bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// How long after the event before it.
    pub(crate) after: Nanos,
    pub(crate) part: Part,
    pub(crate) data: Data,
}

/// What part of the answer an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A choice opens with its role.
    Role,
    /// A piece of thought.
    Thought,
    /// A piece of text.
    Content,
    /// A piece of a tool call.
    Call,
    /// A choice ends.
    Finish,
    /// The usage chunk.
    Usage,
    /// The engine failed.
    Error,
    /// `[DONE]`.
    Done,
    /// Bytes of no OpenAI stream.
    Foreign,
    /// An event of the Responses API, whose `type` says what it is.
    Typed,
}

/// What an event holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Json(Value),
    /// An event with a name of its own, as the Responses API sends them.
    Named {
        name: Option<String>,
        value: Value,
    },
    /// The event's bytes, framing and all.
    Raw(String),
}

impl Event {
    pub(crate) fn json(after: Nanos, part: Part, value: Value) -> Self {
        Self { after, part, data: Data::Json(value) }
    }

    /// An event of the Responses API; its name is its `type`.
    pub(crate) fn typed(after: Nanos, value: Value) -> Self {
        let name = value.get("type").and_then(Value::as_str).map(str::to_owned);
        Self { after, part: Part::Typed, data: Data::Named { name, value } }
    }

    /// What the `type` of its data says; empty if there is none.
    pub(crate) fn kind(&self) -> &str {
        match &self.data {
            Data::Named { value, .. } => value.get("type").and_then(Value::as_str).unwrap_or(""),
            Data::Json(_) | Data::Raw(_) => "",
        }
    }

    pub(crate) fn raw(part: Part, bytes: impl Into<String>) -> Self {
        Self { after: Nanos(0), part, data: Data::Raw(bytes.into()) }
    }

    pub(crate) fn done() -> Self {
        Self::raw(Part::Done, "data: [DONE]\n\n")
    }

    /// The chunk, to be changed; `None` for an event that is none.
    pub(crate) fn chunk_mut(&mut self) -> Option<&mut Value> {
        match &mut self.data {
            Data::Json(value) | Data::Named { value, .. } => Some(value),
            Data::Raw(_) => None,
        }
    }

    /// The first choice of the chunk, to be changed.
    pub(crate) fn choice_mut(&mut self) -> Option<&mut Value> {
        self.chunk_mut()?.pointer_mut("/choices/0")
    }

    /// The delta of the first choice, to be changed.
    pub(crate) fn delta_mut(&mut self) -> Option<&mut Value> {
        self.chunk_mut()?.pointer_mut("/choices/0/delta")
    }

    /// The tool call fragment it holds, to be changed.
    pub(crate) fn call_mut(&mut self) -> Option<&mut Value> {
        self.chunk_mut()?.pointer_mut("/choices/0/delta/tool_calls/0")
    }

    /// The index of the choice it belongs to.
    pub(crate) fn choice(&self) -> Option<u64> {
        match &self.data {
            Data::Json(value) => value.pointer("/choices/0/index")?.as_u64(),
            Data::Named { .. } | Data::Raw(_) => None,
        }
    }

    /// The index of the tool call it belongs to.
    pub(crate) fn call_index(&self) -> Option<u64> {
        match &self.data {
            Data::Json(value) => value.pointer("/choices/0/delta/tool_calls/0/index")?.as_u64(),
            Data::Named { .. } | Data::Raw(_) => None,
        }
    }

    fn cue(self) -> Cue {
        let text = match self.data {
            Data::Json(value) | Data::Named { name: None, value } => format!("data: {value}\n\n"),
            Data::Named { name: Some(name), value } => {
                format!("event: {name}\ndata: {value}\n\n")
            }
            Data::Raw(text) => text,
        };
        Cue { after: self.after, bytes: text.into() }
    }
}

/// The bytes a stream becomes.
pub(crate) fn script(events: Vec<Event>, mut headers: Headers) -> Script {
    headers.set("content-type", "text/event-stream; charset=utf-8");
    headers.set("cache-control", "no-cache");
    Script {
        head: Head { after: Nanos(0), status: 200, headers },
        cues: events.into_iter().map(Event::cue).collect(),
        end: Ending::Complete,
        sized: false,
    }
}

/// An error event as OpenAI sends one inside a stream.
pub(crate) fn error(after: Nanos, error: &Value) -> Event {
    Event::json(after, Part::Error, json!({"error": error}))
}
