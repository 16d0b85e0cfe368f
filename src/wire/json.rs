//! JSON, read strictly, with the facts that a parsed value no longer shows.
//!
//! Values come from `serde_json`. It keeps the last of two equal keys, says nothing of `NaN` beyond
//! "expected value", and forgets where things stood; the small scanner in `facts` answers those
//! questions and no others. Neither recurses on the nesting of a stranger's document.

mod facts;
mod span;
#[cfg(test)]
mod tests;
mod token;

use serde_json::Value;
use thiserror::Error;

pub use facts::{DEPTH_MAX, JsonFacts, Spot, facts};
pub use span::{literal, span_of};

/// Why bytes are not one JSON document, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message} at byte {offset}")]
pub struct JsonFault {
    /// A lower-case clause: `expected value`, `trailing characters`.
    pub message: String,
    /// Byte offset of the first byte that could not be read; the length, where more was expected.
    pub offset: usize,
}

/// Reads one JSON document: nothing before it, nothing but white space after it, no byte-order
/// mark, at most 128 levels deep.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonFault> {
    serde_json::from_slice(bytes).map_err(|error| fault(bytes, &error))
}

fn fault(bytes: &[u8], error: &serde_json::Error) -> JsonFault {
    if bytes.is_empty() {
        return JsonFault { message: "no bytes".to_owned(), offset: 0 };
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return JsonFault {
            message: "a byte-order mark before the document".to_owned(),
            offset: 0,
        };
    }
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let message = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    let offset = if error.is_eof() {
        bytes.len()
    } else {
        (line_offset(bytes, error.line()) + error.column().saturating_sub(1)).min(bytes.len())
    };
    JsonFault { message, offset }
}

/// Byte offset of a line counted from 1.
fn line_offset(bytes: &[u8], line: usize) -> usize {
    match line.checked_sub(2) {
        None => 0,
        Some(nth) => memchr::memchr_iter(b'\n', bytes).nth(nth).map_or(bytes.len(), |at| at + 1),
    }
}
