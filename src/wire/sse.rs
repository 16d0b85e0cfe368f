//! Server-sent events, read to the letter of the HTML standard (section 9.2).
//!
//! Browsers forgive; a conformance harness must not. The [`Scanner`] dispatches exactly the events
//! that the standard dispatches and, besides, reports what the standard tells a client to drop or
//! to overlook: a byte-order mark, comments, events without data, a last event with no blank line
//! after it, invalid UTF-8, line ends other than LF. Reading never fails: what cannot be read
//! becomes an [`Oddity`], and whether an oddity matters is the suite's business.

mod oddity;
mod scanner;
#[cfg(test)]
pub(in crate::wire) mod tests;

pub use oddity::{Oddity, OddityKind};
pub use scanner::{LINE_BYTES_MAX, Scanner};

/// Everything read from one body so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Dispatched events, in order.
    pub events: Vec<Event>,
    /// Comment lines, in order.
    pub comments: Vec<Comment>,
    /// What a lenient reader would not have noticed, in the order of discovery.
    pub oddities: Vec<Oddity>,
    /// How many `data` lines were read, those of events that were never dispatched included. Zero
    /// means that the body is no event stream at all.
    pub data_lines: usize,
}

impl Stream {
    /// The first oddity of a kind, by its [name](OddityKind::name).
    pub fn oddity(&self, name: &str) -> Option<&Oddity> {
        self.oddities.iter().find(|oddity| oddity.kind.name() == name)
    }
}

/// A dispatched event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event's type: the value of its last `event` field, or `message`.
    pub name: String,
    /// Whether an `event` field gave the name.
    pub named: bool,
    /// The values of its `data` fields, joined by line feeds.
    pub data: String,
    /// The value of its last `id` field without NUL, if it had one. The standard carries the last
    /// id over to later events; this does not.
    pub id: Option<String>,
    /// Body offset, in bytes, of its first field line (comments before it are not part of it).
    pub start: usize,
    /// Body offset, in bytes, after the blank line that dispatched it.
    pub end: usize,
    /// How many `data` fields it had; at least one.
    pub data_lines: usize,
}

/// A comment line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What follows the colon, without one leading space.
    pub text: String,
    /// Body offset, in bytes, of its colon.
    pub offset: usize,
    /// Whether the next line is blank. Some clients dispatch an empty event there.
    pub blank_follows: bool,
}

/// Reads a whole body.
pub fn read(body: &[u8]) -> Stream {
    let mut stream = Stream::default();
    let mut scanner = Scanner::new();
    scanner.feed(body, &mut stream);
    scanner.finish(&mut stream);
    stream
}
