//! TOML text into a tree.

use std::ops::Range;

use serde_json::Number;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::yaml::Lines;
use super::{Entry, Kind, Node, Problem};

/// Reads `text`; the tree holds what could be read, the problems are of TOML itself.
pub fn parse(text: &str) -> (Option<Node>, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| {
            let message = error.message().to_owned();
            Problem::new("syntax", message, error.span().unwrap_or(0..0))
        })
        .collect();
    let lines = Lines::of(text);
    let span = table.span();
    let kind = map(text, &lines, table.into_inner(), &mut problems);
    let spot = lines.spot(text, span.start);
    (Some(Node { kind, span, spot }), problems)
}

fn map(text: &str, lines: &Lines, table: DeTable<'_>, problems: &mut Vec<Problem>) -> Kind {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: key.span(),
            key: key.into_inner().into_owned(),
            value: node(text, lines, value, problems),
        })
        .collect();
    // The crate sorts by key; people and reports want the order written.
    entries.sort_by_key(|entry| entry.key_span.start);
    Kind::Map(entries)
}

fn node(
    text: &str,
    lines: &Lines,
    value: Spanned<DeValue<'_>>,
    problems: &mut Vec<Problem>,
) -> Node {
    let span: Range<usize> = value.span();
    let kind = match value.into_inner() {
        DeValue::String(value) => Kind::Text(value.into_owned()),
        DeValue::Boolean(value) => Kind::Bool(value),
        DeValue::Integer(value) => {
            let number = i64::from_str_radix(value.as_str(), value.radix());
            number.map_or_else(
                |_| refuse(problems, &span, "this number is too large"),
                |number| Kind::Number(number.into()),
            )
        }
        DeValue::Float(value) => {
            let number = value.as_str().parse().ok().and_then(Number::from_f64);
            number.map_or_else(
                || refuse(problems, &span, "a number must be finite here"),
                Kind::Number,
            )
        }
        DeValue::Datetime(value) => Kind::Text(value.to_string()),
        DeValue::Array(items) => {
            Kind::List(items.into_iter().map(|item| node(text, lines, item, problems)).collect())
        }
        DeValue::Table(table) => map(text, lines, table, problems),
    };
    Node { kind, spot: lines.spot(text, span.start), span }
}

fn refuse(problems: &mut Vec<Problem>, span: &Range<usize>, message: &str) -> Kind {
    problems.push(Problem::new("syntax", message.to_owned(), span.clone()));
    Kind::Null
}
