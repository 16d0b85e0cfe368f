//! Values as a suite writes them beside a predicate, and as a report shows them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::text::ellipsis;
use crate::units::Nanos;

/// What an operand that is itself a query starts with.
pub(super) const QUERY: &str = "query:";

/// How many characters of a value a message shows.
const SHOWN_CHARS: usize = 120;

/// The value of a key, kept apart from the key's absence: `is: null` asks for null.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Operand(pub(super) Option<Value>);

impl<'de> Deserialize<'de> for Operand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

impl JsonSchema for Operand {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Operand".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}

/// A boolean, or a template that becomes one.
pub(super) fn flag(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "\\$\\{"}]})
}

/// A number, a template that becomes one, or `query:…`.
pub(super) fn number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^query:|\\$\\{"}]})
}

/// A list, a template that becomes one, or `query:…`.
pub(super) fn list(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [{"type": "array"}, {"type": "string", "pattern": "^query:|\\$\\{"}]})
}

/// One text or several.
pub(super) fn texts(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
}

/// One JSON type or several.
pub(super) fn types(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            {"enum": TYPES},
            {"type": "array", "items": {"enum": TYPES}, "minItems": 1},
            {"type": "string", "pattern": "\\$\\{"}
        ]
    })
}

/// The names that `type` knows.
pub(super) const TYPES: [&str; 7] =
    ["string", "integer", "number", "boolean", "array", "object", "null"];

/// Whether `text` holds a template that is still to be filled in.
pub(super) fn is_template(text: &str) -> bool {
    text.replace("$${", "").contains("${")
}

/// Whether anything in `value` is still to be filled in.
pub(super) fn holds_template(value: &Value) -> bool {
    match value {
        Value::String(text) => is_template(text),
        Value::Array(items) => items.iter().any(holds_template),
        Value::Object(fields) => fields.values().any(holds_template),
        _ => false,
    }
}

/// A value for people: compact JSON in backquotes, cut to a line.
pub(super) fn show(value: &Value) -> String {
    format!("`{}`", ellipsis(&value.to_string(), SHOWN_CHARS))
}

/// Values for people: `a`, `b` or `c`.
pub(super) fn show_any(values: &[Value]) -> String {
    let shown: Vec<String> = values.iter().map(show).collect();
    join_words(&shown, "or")
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn join_words(words: &[String], last: &str) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [front @ .., end] => format!("{} {last} {end}", front.join(", ")),
    }
}

/// The JSON type with its article: `a string`, `an integer`, `null`.
pub(super) fn type_phrase(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(n) if n.is_i64() || n.is_u64() => "an integer",
        Value::Number(_) => "a number with a fraction",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Equality as JSON has it: `1` is `1.0`, the order of keys does not count.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter().all(|(key, value)| y.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

/// A span as a suite writes it: `2s`, `500ms`, `1.5s`, or a number of seconds.
pub(super) fn duration(value: &Value) -> Result<Nanos, String> {
    let wrong = || format!("expected a span such as `2s` or `500ms`, found {}", show(value));
    let seconds = match value {
        Value::Number(number) => number.as_f64().ok_or_else(wrong)?,
        Value::String(text) => {
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let scale = match text.strip_prefix(digits) {
                Some("ms") => 1e-3,
                Some("s" | "") => 1.0,
                Some("m" | "min") => 60.0,
                _ => return Err(wrong()),
            };
            digits.trim().parse::<f64>().map_err(|_| wrong())? * scale
        }
        _ => return Err(wrong()),
    };
    std::time::Duration::try_from_secs_f64(seconds).map(Nanos::from).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_are_read_with_their_unit_and_bare_numbers_are_seconds() {
        for (written, ns) in [
            (json!("2s"), 2_000_000_000),
            (json!("500ms"), 500_000_000),
            (json!("1.5s"), 1_500_000_000),
            (json!(30.0), 30_000_000_000),
            (json!("1m"), 60_000_000_000),
        ] {
            assert_eq!(duration(&written), Ok(Nanos(ns)), "{written}");
        }
        for wrong in [json!("2 fortnights"), json!("-1s"), json!(true), json!("s")] {
            assert!(duration(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_equal_by_value_and_objects_without_order() {
        assert!(same(&json!(1), &json!(1.0)));
        assert!(same(&json!({"a": 1, "b": [2]}), &json!({"b": [2.0], "a": 1})));
        assert!(!same(&json!({"a": 1}), &json!({"a": 1, "b": null})));
        assert!(!same(&json!("1"), &json!(1)));
    }

    #[test]
    fn an_escaped_template_is_not_a_template() {
        assert!(is_template("a ${b}"));
        assert!(!is_template("a $${b}"));
    }
}
