//! Where a value of a document stands in its bytes.

use std::ops::Range;

use super::token::{skip_space, string_end, string_text, value_end};

/// The bytes of the value that a JSON pointer (RFC 6901) names, for a caret under it.
///
/// Of two equal keys the last counts, as in the parsed value. `None` if there is no such value, or
/// if the bytes on the way to it are not JSON.
pub fn span_of(bytes: &[u8], pointer: &str) -> Option<Range<usize>> {
    let start = skip_space(bytes, 0);
    let mut span = start..value_end(bytes, start)?;
    if pointer.is_empty() {
        return Some(span);
    }
    for token in pointer.strip_prefix('/')?.split('/') {
        let name = token.replace("~1", "/").replace("~0", "~");
        span = match bytes.get(span.start)? {
            b'{' => member(bytes, span, &name)?,
            b'[' => element(bytes, span, &name)?,
            _ => return None,
        };
    }
    Some(span)
}

/// The value that a pointer names, as it was written: `1e3`, `12345678901234567890123`.
pub fn literal<'a>(bytes: &'a [u8], pointer: &str) -> Option<&'a str> {
    std::str::from_utf8(bytes.get(span_of(bytes, pointer)?)?).ok()
}

fn member(bytes: &[u8], object: Range<usize>, name: &str) -> Option<Range<usize>> {
    let mut found = None;
    let mut at = skip_space(bytes, object.start + 1);
    while bytes.get(at) == Some(&b'"') {
        let key_end = string_end(bytes, at)?;
        let colon = skip_space(bytes, key_end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        let start = skip_space(bytes, colon + 1);
        let end = value_end(bytes, start)?;
        if string_text(bytes.get(at..key_end)?) == name {
            found = Some(start..end);
        }
        at = after_comma(bytes, end)?;
    }
    found
}

fn element(bytes: &[u8], array: Range<usize>, index: &str) -> Option<Range<usize>> {
    if index.len() > 1 && index.starts_with('0') {
        return None;
    }
    let mut left: usize = index.parse().ok()?;
    let mut start = skip_space(bytes, array.start + 1);
    while bytes.get(start)? != &b']' {
        let end = value_end(bytes, start)?;
        if left == 0 {
            return Some(start..end);
        }
        left -= 1;
        start = after_comma(bytes, end)?;
    }
    None
}

/// The start of what follows a member or an element: the next one, or the closing bracket.
fn after_comma(bytes: &[u8], end: usize) -> Option<usize> {
    let at = skip_space(bytes, end);
    match bytes.get(at)? {
        b',' => Some(skip_space(bytes, at + 1)),
        b'}' | b']' => Some(at),
        _ => None,
    }
}
