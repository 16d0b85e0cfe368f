//! Queries: `root.path | filter | filter`, the left side of an assertion.

mod apply;
mod below;
mod error;
mod filter;
mod find;
mod item;
mod parse;
mod root;
mod walk;

use std::fmt;

pub use error::QueryError;
pub use find::Found;

pub(super) use filter::{Filter, bad_pattern};
pub(super) use find::Answer;
pub(super) use item::{At, Item};
pub(super) use root::{is_error, stream, succeeded};

/// Where an assertion looks, parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    text: String,
    scope: Scope,
    root: Root,
    path: Vec<Segment>,
    filters: Vec<Filter>,
}

/// Whose exchanges a query looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    /// The step by name; the current one if absent.
    pub(super) step: Option<String>,
    /// All parallel copies instead of one.
    pub(super) all: bool,
}

/// What a query starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// The status code.
    Status,
    /// `1.0`, `1.1` or `2`.
    HttpVersion,
    /// The first value of a response header.
    Header(String),
    /// Every value of a response header.
    Headers(String),
    /// The body as JSON.
    Body,
    /// The body as text.
    Raw,
    /// Server-sent events.
    Events,
    /// Comment lines of the event stream.
    Comments,
    /// What a lenient reader would have passed over.
    Oddities,
    /// Events whose data is a JSON object.
    Chunks,
    /// The reply, rebuilt from a stream or as it came.
    Assembled,
    /// Times in seconds.
    Timing,
    /// How many socket reads held bytes of the body.
    Reads,
    /// How the exchange ended.
    End,
    /// The connection.
    Connection,
    /// What was masked.
    Redactions,
    /// How the body's length was told.
    Framing,
    /// The events' data as another reader sees them.
    SecondReader,
    /// The JSON body that was sent.
    Request,
    /// A captured value.
    Var(String),
}

/// One step down into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// `.name`, `["name"]`.
    Name(String),
    /// `["a", "b"]`: each of them.
    Names(Vec<String>),
    /// `[3]`, `[-1]`.
    Index(i64),
    /// `[1:]`, `[:-1]`, `[2:4]`.
    Slice(Option<i64>, Option<i64>),
    /// `[*]`, over the items of an array or the values of an object.
    Every,
}

impl Segment {
    /// Whether it can lead to any number of items.
    pub(super) const fn is_many(&self) -> bool {
        matches!(self, Self::Names(_) | Self::Slice(..) | Self::Every)
    }
}

impl Query {
    /// Reads a query.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::query(text)
    }

    /// The name of the step it looks at, if it names one.
    pub fn step(&self) -> Option<&str> {
        self.scope.step.as_deref()
    }

    /// Whether it asks how or when an exchange ended, so that a deadline of ours is an answer.
    pub(super) const fn is_about_the_end(&self) -> bool {
        self.root.is_about_the_end()
    }

    /// Whether it can find any number of values: it has a wildcard, a slice or `all.`, and no
    /// filter that makes one of many.
    pub fn is_many(&self) -> bool {
        let found_many = self.scope.all
            || matches!(self.root, Root::Headers(_))
            || self.path.iter().any(Segment::is_many);
        self.filters
            .iter()
            .fold(found_many, |many, filter| (many && !filter.makes_one()) || filter.makes_many())
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
