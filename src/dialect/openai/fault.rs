//! What of a stream could not be put together.

use std::fmt;

use serde_json::Value;

use crate::text::ellipsis;
use crate::wire::json::JsonFault;

/// Something in an event that the reference accumulator could not take as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssemblyFault {
    /// Index of the event in the stream.
    pub event: usize,
    /// JSON pointer into the event's data: `/choices/0/delta`; empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub problem: Problem,
}

impl fmt::Display for AssemblyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, pointer, problem } = self;
        let place = if pointer.is_empty() { "its data" } else { pointer };
        write!(f, "event {event}: {place} is {problem}")
    }
}

/// What is wrong with a place in an event, as a noun phrase after "is".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The event's data is not JSON. The event is passed over.
    NotJson(JsonFault),
    /// The event's data is JSON, but no object. The event is passed over.
    NotAnObject(Kind),
    /// An object with an `error`. The event is passed over.
    Error {
        /// Its message, cut after 120 characters; empty if it has none.
        message: String,
    },
    /// A chunk after `[DONE]`. It is passed over.
    AfterDone,
    /// Something of another type than the dialect gives it. It is left out.
    Mistyped {
        /// The type it should have.
        want: Want,
        /// The type it has.
        seen: Kind,
    },
    /// A value that is set once and came again, different. The first is kept (of two finish reasons
    /// the last).
    Changed {
        /// The first value, as JSON.
        first: String,
        /// The later one, as JSON.
        again: String,
    },
    /// A value that is set once and came again, equal.
    Repeated,
}

impl Problem {
    pub(super) fn at(self, event: usize, pointer: impl Into<String>) -> AssemblyFault {
        AssemblyFault { event, pointer: pointer.into(), problem: self }
    }

    /// Whether something of the stream is missing from the assembled completion because of it.
    pub const fn loses_content(&self) -> bool {
        match self {
            Self::NotJson(_)
            | Self::NotAnObject(_)
            | Self::Error { .. }
            | Self::Mistyped { .. }
            | Self::Changed { .. } => true,
            Self::AfterDone | Self::Repeated => false,
        }
    }

    /// The kind in kebab case.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not-json",
            Self::NotAnObject(_) => "not-an-object",
            Self::Error { .. } => "error",
            Self::AfterDone => "after-done",
            Self::Mistyped { .. } => "mistyped",
            Self::Changed { .. } => "changed",
            Self::Repeated => "repeated",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(fault) => write!(f, "not JSON ({fault})"),
            Self::NotAnObject(seen) => write!(f, "{} and no object", seen.phrase()),
            Self::Error { message } if message.is_empty() => f.write_str("an error"),
            Self::Error { message } => write!(f, "an error ({message})"),
            Self::AfterDone => f.write_str("a chunk after [DONE]"),
            Self::Mistyped { want, seen: Kind::Missing } => {
                write!(f, "missing where {} was due", want.phrase())
            }
            Self::Mistyped { want, seen } => {
                write!(f, "{} where {} was due", seen.phrase(), want.phrase())
            }
            Self::Changed { first, again } => {
                write!(f, "{} after it was {}", ellipsis(again, 60), ellipsis(first, 60))
            }
            Self::Repeated => f.write_str("set a second time"),
        }
    }
}

/// The JSON type of a value, or that it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not there at all.
    Missing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    pub(super) const fn of(value: Option<&Value>) -> Self {
        match value {
            None => Self::Missing,
            Some(Value::Null) => Self::Null,
            Some(Value::Bool(_)) => Self::Bool,
            Some(Value::Number(_)) => Self::Number,
            Some(Value::String(_)) => Self::String,
            Some(Value::Array(_)) => Self::Array,
            Some(Value::Object(_)) => Self::Object,
        }
    }

    /// With its article: `an array`, `null`.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// The type that the dialect gives a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A string, or null where nothing is said.
    String,
    /// An object.
    Object,
    /// An array.
    Array,
    /// A whole number from zero.
    Index,
}

impl Want {
    const fn phrase(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Object => "an object",
            Self::Array => "an array",
            Self::Index => "an index (a whole number from 0)",
        }
    }
}
