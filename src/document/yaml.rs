//! YAML text into a tree: the core schema of YAML 1.2, with its remaining traps refused.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Spanned};

use super::{Entry, Kind, Node, Problem, Spot};

/// Reads `text`. The tree is there unless the text is not YAML; the problems are of YAML itself:
/// syntax, a key given twice, a number that YAML reads otherwise than it looks.
pub fn parse(text: &str) -> (Option<Node>, Vec<Problem>) {
    match read(text, DuplicateKeyPolicy::Error) {
        Ok(tree) => finish(text, tree, Vec::new()),
        Err(error) => match error.without_snippet() {
            Error::DuplicateMappingKey { key, location } => {
                let again = span_of(text, location);
                let key = key.clone().unwrap_or_default();
                // Read once more, so that the other problems of the file are reported as well.
                match read(text, DuplicateKeyPolicy::FirstWins) {
                    Ok(tree) => {
                        let first = first_of(&tree, &key, &again, text);
                        finish(text, tree, vec![duplicate(&key, again, first)])
                    }
                    Err(_) => (None, vec![duplicate(&key, again, None)]),
                }
            }
            other => (None, vec![syntax(text, other)]),
        },
    }
}

fn read(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Raw, Error> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        duplicate_keys: duplicate_keys,
    };
    serde_saphyr::from_str_with_options::<Spanned<RawKind>>(text, options)
}

type Raw = Spanned<RawKind>;

fn duplicate(key: &str, again: Range<usize>, first: Option<Range<usize>>) -> Problem {
    let problem = Problem::new("duplicate-key", format!("the key `{key}` is given twice"), again);
    match first {
        Some(span) => problem.also(span, "first here"),
        None => problem,
    }
}

fn syntax(text: &str, error: &Error) -> Problem {
    let mut span = error.location().map_or(0..0, |location| span_of(text, &location));
    span.end = span.end.max(span.start);
    if matches!(error, Error::MultipleDocuments { .. }) {
        let message = "the file holds more than one YAML document";
        return Problem::new("syntax", message.to_owned(), span)
            .help("put each suite or profile in a file of its own".to_owned());
    }
    let said = error.to_string();
    // The position is in the caret; the crate's own advice names options that a writer cannot set.
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(message, _)| message);
    let tag = matches!(error, Error::Message { .. }) && said.starts_with("unsupported tag");
    let problem = Problem::new("syntax", said.to_owned(), span);
    if tag { problem.help("quote the value if it is meant as text".to_owned()) } else { problem }
}

/// The key of the same name that stands nearest before `again`, in the same column if the map is a
/// block.
fn first_of(tree: &Raw, key: &str, again: &Range<usize>, text: &str) -> Option<Range<usize>> {
    let column = |span: &Range<usize>| spot_of(text, span.start).column;
    let mut found: Vec<Range<usize>> = Vec::new();
    visit_keys(tree, &mut |name, location| {
        let span = span_of(text, location);
        if name == key && span.start < again.start {
            found.push(span);
        }
    });
    let same_line = |span: &&Range<usize>| {
        spot_of(text, span.start).line == spot_of(text, again.start).line
            || column(span) == column(again)
    };
    found.iter().filter(same_line).max_by_key(|span| span.start).cloned()
}

fn visit_keys(node: &Raw, see: &mut dyn FnMut(&str, &Location)) {
    match &node.value {
        RawKind::List(items) => items.iter().for_each(|item| visit_keys(item, see)),
        RawKind::Map(entries) => {
            for (key, value) in entries {
                see(key.value.as_deref().unwrap_or("null"), &key.defined);
                visit_keys(value, see);
            }
        }
        RawKind::Null
        | RawKind::Bool(_)
        | RawKind::Number(_)
        | RawKind::Infinite
        | RawKind::Text(_) => {}
    }
}

fn finish(text: &str, tree: Raw, mut problems: Vec<Problem>) -> (Option<Node>, Vec<Problem>) {
    let lines = Lines::of(text);
    let node = settle(text, &lines, tree, &mut problems);
    // An anchored value is met once for each alias.
    problems.sort_by_key(|problem| problem.span.start);
    problems.dedup();
    (Some(node), problems)
}

fn settle(text: &str, lines: &Lines, raw: Raw, problems: &mut Vec<Problem>) -> Node {
    let span = span_of(text, &raw.defined);
    let written = text.get(span.clone()).unwrap_or_default();
    let kind = match raw.value {
        RawKind::Null => Kind::Null,
        RawKind::Bool(value) => Kind::Bool(value),
        RawKind::Number(value) => {
            problems.extend(trap(written, &value, &span));
            Kind::Number(value)
        }
        RawKind::Infinite => {
            let message = format!("`{written}` is not a number that JSON can say");
            problems.push(
                Problem::new("scalar-trap", message, span.clone())
                    .help(format!("quote it if it is meant as text: \"{written}\"")),
            );
            Kind::Null
        }
        RawKind::Text(value) => Kind::Text(value),
        RawKind::List(items) => {
            Kind::List(items.into_iter().map(|item| settle(text, lines, item, problems)).collect())
        }
        RawKind::Map(entries) => Kind::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    key_span: span_of(text, &key.defined),
                    // `null: true` is a predicate here, not a key that is missing.
                    key: key.value.unwrap_or_else(|| "null".to_owned()),
                    value: settle(text, lines, value, problems),
                })
                .collect(),
        ),
    };
    let spot = lines.spot(text, span.start);
    Node { kind, span, spot }
}

/// A plain scalar that is read as a number which looks otherwise: `014` is 14, `1_000` is 1000 and
/// `1.10` is 1.1.
fn trap(written: &str, value: &Number, span: &Range<usize>) -> Option<Problem> {
    let digits = written.trim_start_matches(['-', '+']);
    let leading_zero =
        digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    let trailing_zero = digits.contains('.')
        && digits.ends_with('0')
        && !digits.ends_with(".0")
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let other_base = digits.len() > 1
        && digits.starts_with('0')
        && digits.as_bytes().get(1).is_some_and(u8::is_ascii_alphabetic);
    let too_big = value.is_f64() && !digits.contains(['.', 'e', 'E']);
    let odd = leading_zero
        || trailing_zero
        || other_base
        || too_big
        || written.contains('_')
        || written.starts_with('+');
    odd.then(|| {
        let value = value.to_string();
        let value = value.strip_suffix(".0").unwrap_or(&value);
        let message = format!("YAML reads the bare `{written}` as the number {value}");
        Problem::new("scalar-trap", message, span.clone())
            .help(format!("write {value} for the number, or \"{written}\" for the text"))
    })
}

/// Bytes of a location; a collection's span may be empty.
fn span_of(text: &str, location: &Location) -> Range<usize> {
    let span = location.span();
    let at = |offset: Option<u64>| offset.and_then(|offset| usize::try_from(offset).ok());
    // The scanner's own errors know line and column only.
    let start = at(span.byte_offset())
        .unwrap_or_else(|| Lines::of(text).offset(text, location.line(), location.column()))
        .min(text.len());
    let end = (start + at(span.byte_len()).unwrap_or(0)).min(text.len());
    // A block scalar's span includes the line end and the next line's indent.
    let trimmed = text.get(start..end).map_or(0, |written| written.trim_end().len());
    start..start + trimmed
}

fn spot_of(text: &str, offset: usize) -> Spot {
    Lines::of(text).spot(text, offset)
}

/// Where each line of a text starts.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect())
    }

    /// The byte offset of a line and column; the start if there is none.
    fn offset(&self, text: &str, line: u64, column: u64) -> usize {
        let index = |number: u64| usize::try_from(number).unwrap_or(0).saturating_sub(1);
        let start = self.0.get(index(line)).copied().unwrap_or(0);
        let rest = text.get(start..).unwrap_or_default();
        rest.char_indices().nth(index(column)).map_or(text.len(), |(at, _)| start + at)
    }

    /// Line and column of a byte offset, from 1.
    pub(super) fn spot(&self, text: &str, offset: usize) -> Spot {
        let line = self.0.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.0.get(index)).copied().unwrap_or(0);
        let before = text.get(start..offset).map_or(0, |part| part.chars().count());
        Spot { line: line as u64, column: before as u64 + 1 }
    }
}

/// What the YAML crate gives, before positions are settled.
#[derive(Clone)]
enum RawKind {
    Null,
    Bool(bool),
    Number(Number),
    Infinite,
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Spanned<Option<String>>, Raw)>),
}

impl<'de> Deserialize<'de> for RawKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }
    fn visit_none<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<RawKind, D::Error> {
        RawKind::deserialize(inner)
    }
    fn visit_bool<E>(self, value: bool) -> Result<RawKind, E> {
        Ok(RawKind::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<RawKind, E> {
        Ok(RawKind::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<RawKind, E> {
        Ok(RawKind::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<RawKind, E> {
        Ok(Number::from_f64(value).map_or(RawKind::Infinite, RawKind::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<RawKind, E> {
        Ok(RawKind::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<RawKind, E> {
        Ok(RawKind::Text(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawKind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(RawKind::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawKind, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(RawKind::Map(entries))
    }
}
