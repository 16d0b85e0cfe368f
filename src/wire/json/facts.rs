//! What the bytes of a JSON document say and its parsed value does not.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::token::{skip_space, string_end, string_text, word_end};

/// How deep the scanner goes into a document. `parse` stops at 128 levels; this is only so that a
/// document of nothing but brackets cannot fill the memory.
pub const DEPTH_MAX: usize = 20_000;

/// A document of nothing but duplicate keys may not fill the memory with notes.
const SPOTS_MAX: usize = 256;

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// JSON pointer (RFC 6901) of the value.
    pub pointer: String,
    /// Byte offset of the token.
    pub offset: usize,
    /// The token as it was written, cut after 60 bytes.
    pub text: String,
}

/// Facts about the bytes of one document. Of a document that is not JSON, those found before the
/// first fault of its structure. Of each kind the first 256 are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonFacts {
    /// Keys that an object has twice: the pointer is that of the member, the offset that of the
    /// second key.
    pub duplicate_keys: Vec<Spot>,
    /// `NaN`, `Infinity` and `-Infinity` in the place of a value, which JSON does not have.
    pub non_finite: Vec<Spot>,
    /// Strings (or keys) with an escape for half of a surrogate pair, as in `"\ud83d"`.
    pub lone_surrogates: Vec<Spot>,
    /// Byte offset of the first byte after the document that is not white space.
    pub trailing: Option<usize>,
    /// Whether a byte-order mark stands before the document.
    pub byte_order_mark: bool,
    /// How many levels of arrays and objects there are.
    pub depth: usize,
    /// Byte offset at which the structure stopped being JSON (or became too deep to follow).
    pub stopped: Option<usize>,
}

/// Reads the facts of a document.
pub fn facts(bytes: &[u8]) -> JsonFacts {
    let mut facts = JsonFacts::default();
    let mark = bytes.starts_with(b"\xef\xbb\xbf");
    facts.byte_order_mark = mark;
    let mut walk = Walk { bytes, at: if mark { 3 } else { 0 }, open: Vec::new(), facts };
    match walk.document() {
        Some(()) => {
            let end = skip_space(bytes, walk.at);
            walk.facts.trailing = (end < bytes.len()).then_some(end);
        }
        None => walk.facts.stopped = Some(walk.at.min(bytes.len())),
    }
    walk.facts
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The arrays and objects around `at`, outermost first.
    open: Vec<Level>,
    facts: JsonFacts,
}

enum Level {
    Array { index: usize },
    Object { key: String, seen: HashSet<String> },
}

impl Walk<'_> {
    /// `None` where the structure stops being JSON.
    fn document(&mut self) -> Option<()> {
        loop {
            self.space();
            match self.peek()? {
                b'{' => {
                    self.enter(Level::Object { key: String::new(), seen: HashSet::new() })?;
                    if self.peek()? == b'}' {
                        self.leave();
                    } else {
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.enter(Level::Array { index: 0 })?;
                    if self.peek()? == b']' {
                        self.leave();
                    } else {
                        continue;
                    }
                }
                b'"' => {
                    self.string()?;
                }
                _ => self.word()?,
            }
            if self.close()? {
                return Some(());
            }
        }
    }

    /// After a value: closes what ends here and goes on to the next value; `true` at the end.
    fn close(&mut self) -> Option<bool> {
        loop {
            let Some(level) = self.open.last_mut() else { return Some(true) };
            self.at = skip_space(self.bytes, self.at);
            match (level, self.bytes.get(self.at)?) {
                (Level::Array { index }, b',') => {
                    *index += 1;
                    self.at += 1;
                    return Some(false);
                }
                (Level::Object { .. }, b',') => {
                    self.at += 1;
                    self.space();
                    self.key()?;
                    return Some(false);
                }
                (Level::Array { .. }, b']') | (Level::Object { .. }, b'}') => self.leave(),
                _ => return None,
            }
        }
    }

    fn enter(&mut self, level: Level) -> Option<()> {
        if self.open.len() >= DEPTH_MAX {
            return None;
        }
        self.open.push(level);
        self.facts.depth = self.facts.depth.max(self.open.len());
        self.at += 1;
        self.space();
        Some(())
    }

    fn leave(&mut self) {
        self.open.pop();
        self.at += 1;
    }

    fn key(&mut self) -> Option<()> {
        let start = self.at;
        if self.peek()? != b'"' {
            return None;
        }
        let end = string_end(self.bytes, start)?;
        let token = self.bytes.get(start..end)?;
        let text = string_text(token);
        let Some(Level::Object { key, seen }) = self.open.last_mut() else { return None };
        key.clone_from(&text);
        if !seen.insert(text) {
            self.note(|facts| &mut facts.duplicate_keys, start, token);
        }
        self.string()?;
        self.space();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        let end = string_end(self.bytes, start)?;
        let token = self.bytes.get(start..end)?;
        if memchr::memchr(b'\\', token).is_some() && has_lone_surrogate(token) {
            self.note(|facts| &mut facts.lone_surrogates, start, token);
        }
        self.at = end;
        Some(())
    }

    fn word(&mut self) -> Option<()> {
        let start = self.at;
        let end = word_end(self.bytes, start);
        let token = self.bytes.get(start..end)?;
        match token {
            b"NaN" | b"Infinity" | b"-Infinity" => {
                self.note(|facts| &mut facts.non_finite, start, token);
            }
            b"true" | b"false" | b"null" => {}
            number => drop(serde_json::from_slice::<&serde_json::value::RawValue>(number).ok()?),
        }
        self.at = end;
        Some(())
    }

    fn space(&mut self) {
        self.at = skip_space(self.bytes, self.at);
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn note(&mut self, kind: fn(&mut JsonFacts) -> &mut Vec<Spot>, offset: usize, token: &[u8]) {
        if kind(&mut self.facts).len() < SPOTS_MAX {
            let spot = self.spot(offset, token);
            kind(&mut self.facts).push(spot);
        }
    }

    fn spot(&self, offset: usize, token: &[u8]) -> Spot {
        let mut pointer = String::new();
        for level in &self.open {
            match level {
                Level::Array { index } => {
                    let _ = write!(pointer, "/{index}");
                }
                Level::Object { key, .. } => {
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        let shown = token.get(..60).unwrap_or(token);
        Spot { pointer, offset, text: String::from_utf8_lossy(shown).into_owned() }
    }
}

/// Whether a string token has a `\u` escape of a surrogate without its other half.
fn has_lone_surrogate(token: &[u8]) -> bool {
    let mut rest = token;
    let mut high = false;
    while let Some((first, after)) = rest.split_first() {
        let (unit, next) = match (first, after.split_first()) {
            (b'\\', Some((b'u', hex))) => (hex.get(..4).and_then(code_unit), hex.get(4..)),
            (b'\\', Some((_, next))) => (None, Some(next)),
            _ => (None, Some(after)),
        };
        match unit {
            Some(0xd800..=0xdbff) if high => return true,
            Some(0xd800..=0xdbff) => high = true,
            Some(0xdc00..=0xdfff) if high => high = false,
            Some(0xdc00..=0xdfff) => return true,
            _ if high => return true,
            _ => {}
        }
        rest = next.unwrap_or_default();
    }
    high
}

fn code_unit(hex: &[u8]) -> Option<u16> {
    u16::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}
