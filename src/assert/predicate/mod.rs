//! Predicates: what may stand beside `that`, compiled once for each judgement.

mod build;
mod group;
mod item;
mod say;

use std::sync::Arc;

use jsonschema::Validator;
use regex::Regex;
use serde_json::Value;

use super::query::Query;

pub(super) use build::json_number;
pub(super) use group::Member;
pub(super) use item::{escape, essence};

/// What is asked of a value, or of several together.
#[derive(Clone, Debug)]
pub(super) enum Predicate {
    Is(Value),
    Not(Value),
    In(Wanted),
    NotIn(Wanted),
    Type(Vec<&'static str>),
    Null(bool),
    Exists(bool),
    Empty(bool),
    Compare(Order, Wanted),
    Between(Wanted),
    Approx { value: Wanted, within: f64 },
    Matches(Regex),
    NotMatches(Regex),
    Contains(Wanted),
    NotContains(Wanted),
    StartsWith(Vec<String>),
    EndsWith(Vec<String>),
    Schema(Arc<Validator>),
    SubsetOf(Wanted),
    SameAs(Wanted),
    AllSame(bool),
    Distinct(bool),
    Increasing(bool),
    MediaType(Vec<String>),
    HttpDateOrInt(bool),
    OneOf(Vec<Value>),
}

/// An operand: a value, or a query whose answer is the value.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// As written.
    Value(Value),
    /// Written as `query:…`, not yet asked.
    Query(Box<Query>),
    /// What a query has found.
    Found {
        /// The answer; an array if the query can find many.
        value: Value,
        /// Whether it can.
        many: bool,
        /// The query, for messages.
        query: String,
    },
}

impl Wanted {
    /// The value; null as long as a query was not asked.
    pub(super) const fn value(&self) -> &Value {
        match self {
            Self::Value(value) | Self::Found { value, .. } => value,
            Self::Query(_) => &Value::Null,
        }
    }

    /// The items of a list; nothing if it is none.
    fn items(&self) -> &[Value] {
        self.value().as_array().map_or(&[], Vec::as_slice)
    }
}

/// How two numbers are to stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// How one value misses what is asked of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Miss {
    /// What was there: a noun phrase.
    pub(super) seen: String,
    /// What was due, where that is finer than the predicate's own phrase.
    pub(super) expected: Option<String>,
    /// JSON pointer below the value.
    pub(super) below: String,
    /// Byte offset in the text, where the fault lies inside a text.
    pub(super) offset: Option<usize>,
}

impl Miss {
    fn of(seen: impl Into<String>) -> Self {
        Self { seen: seen.into(), ..Self::default() }
    }

    fn value(value: &Value) -> Self {
        Self::of(super::operand::show(value))
    }
}

impl Predicate {
    /// Whether it is about several items together.
    pub(super) fn is_about_all(&self, many: bool) -> bool {
        match self {
            Self::AllSame(_) | Self::Distinct(_) | Self::Increasing(_) => true,
            Self::OneOf(_) => many,
            Self::SameAs(wanted) => {
                many && (matches!(wanted, Wanted::Found { many: true, .. })
                    || matches!(wanted, Wanted::Value(Value::Array(_))))
            }
            _ => false,
        }
    }

    /// Whether the absence of a value is what it asks for.
    pub(super) const fn holds_on_nothing(&self) -> bool {
        matches!(self, Self::Null(true) | Self::Exists(false) | Self::Empty(true))
    }

    /// Whether finding no item at all is what it asks for.
    pub(super) const fn holds_on_no_item(&self) -> bool {
        matches!(self, Self::Exists(false))
    }

    /// The operands that may be queries.
    pub(super) fn wanted_mut(&mut self) -> Option<&mut Wanted> {
        match self {
            Self::In(wanted)
            | Self::NotIn(wanted)
            | Self::Compare(_, wanted)
            | Self::Between(wanted)
            | Self::Approx { value: wanted, .. }
            | Self::Contains(wanted)
            | Self::NotContains(wanted)
            | Self::SubsetOf(wanted)
            | Self::SameAs(wanted) => Some(wanted),
            _ => None,
        }
    }
}
