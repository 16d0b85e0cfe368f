//! Why an assertion holds or fails: what was expected, what was seen, and where.

use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// The answer of one assertion.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// It holds.
    Holds,
    /// It does not; one piece of evidence for each place.
    Fails(Vec<Evidence>),
    /// What it asks about is not there to be judged.
    CannotTell {
        /// In a clause: `the stream was cut before any tool call`.
        why: String,
    },
}

impl Judgement {
    /// Fails with one piece of evidence.
    pub fn fail(expected: impl Into<String>, seen: impl Into<String>, place: Place) -> Self {
        Self::Fails(vec![Evidence { expected: expected.into(), seen: seen.into(), place }])
    }

    /// Holds when there is no evidence to the contrary.
    pub fn from_evidence(evidence: Vec<Evidence>) -> Self {
        if evidence.is_empty() { Self::Holds } else { Self::Fails(evidence) }
    }

    /// Cannot tell, and why.
    pub fn cannot_tell(why: impl Into<String>) -> Self {
        Self::CannotTell { why: why.into() }
    }
}

/// One reason why an assertion fails. `expected` and `seen` are noun phrases, so that every report
/// can set them side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the rule wants.
    pub expected: String,
    /// What was there instead.
    pub seen: String,
    /// Where it was there.
    pub place: Place,
}

/// Where in an exchange something was seen. Whatever is not known stays out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The exchange's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// For people: `status`, `header content-type`, `event 14`, `body`, `connection`.
    pub what: String,
    /// JSON pointer inside the body, the event's data or the assembled reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Index of the frame, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<usize>,
    /// Byte offset in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// When that byte arrived, from the start of the exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Nanos>,
    /// The bytes around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
}

impl Place {
    /// A place known by name only.
    pub fn named(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }
}

/// A few bytes, printable, with a mark under one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// One line, made by [`text::printable`](crate::text::printable).
    pub text: String,
    /// The character of `text` that the mark stands under; may be one past the end.
    pub mark: usize,
    /// What the mark says: `a blank line was due here`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

impl Excerpt {
    /// The bytes of `body` around `offset`, at most `around` on each side, marked at `offset`.
    pub fn around(body: &[u8], offset: usize, around: usize, label: impl Into<String>) -> Self {
        let offset = offset.min(body.len());
        let start = offset.saturating_sub(around);
        let end = offset.saturating_add(around).min(body.len());
        let before = crate::text::printable(body.get(start..offset).unwrap_or_default());
        let after = crate::text::printable(body.get(offset..end).unwrap_or_default());
        Self { mark: before.chars().count(), text: before + &after, label: label.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_under_the_byte_even_when_bytes_before_it_grow_in_print() {
        let excerpt = Excerpt::around(b"a\xff\nb", 3, 10, "here");
        assert_eq!(excerpt.text, "a\\xff⏎b");
        assert_eq!(excerpt.mark, 6);
    }
}
