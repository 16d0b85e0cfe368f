//! Predicates on one value.

use chrono::DateTime;
use serde_json::Value;

use super::{Miss, Order, Predicate, Wanted};
use crate::assert::operand::{same, show, type_phrase};
use crate::text::printable;

/// How many bytes before a found text a message shows.
const CONTEXT_BYTES: usize = 24;

impl Predicate {
    /// How `value` misses it; nothing if it holds. Not for predicates about all items.
    pub(in crate::assert) fn misses(&self, value: &Value) -> Vec<Miss> {
        match self {
            Self::Is(wanted) => unless(same(value, wanted), value),
            Self::Not(unwanted) => unless(!same(value, unwanted), value),
            Self::In(wanted) => unless(is_among(value, wanted), value),
            Self::NotIn(unwanted) => unless(!is_among(value, unwanted), value),
            Self::Type(types) => {
                if types.iter().any(|name| has_type(value, name)) {
                    return Vec::new();
                }
                vec![match value {
                    Value::Null => Miss::of("null"),
                    value => Miss::of(format!("{}: {}", type_phrase(value), show(value))),
                }]
            }
            Self::Null(wanted) => unless(value.is_null() == *wanted, value),
            Self::Exists(wanted) => unless(*wanted, value),
            Self::Empty(wanted) => unless(is_empty(value) == Some(*wanted), value),
            Self::Compare(order, wanted) => unless(order.holds(value, wanted.value()), value),
            Self::Between(wanted) => match wanted.items() {
                [low, high] => unless(
                    Order::GreaterOrEqual.holds(value, low)
                        && Order::LessOrEqual.holds(value, high),
                    value,
                ),
                _ => vec![Miss::of("bounds that are not two numbers")],
            },
            Self::Approx { value: wanted, within } => near(value, wanted.value(), *within, ""),
            Self::Matches(regex) => on_text(value, |text| {
                if regex.is_match(text) { Vec::new() } else { vec![Miss::value(value)] }
            }),
            Self::NotMatches(regex) => on_text(value, |text| {
                regex
                    .find(text)
                    .map(|hit| found(text, hit.start(), hit.as_str()))
                    .into_iter()
                    .collect()
            }),
            Self::Contains(wanted) => contains(value, wanted),
            Self::NotContains(unwanted) => not_contains(value, unwanted),
            Self::StartsWith(starts) => on_text(value, |text| {
                unless(starts.iter().any(|start| text.starts_with(start.as_str())), value)
            }),
            Self::EndsWith(ends) => on_text(value, |text| {
                let mut misses = unless(ends.iter().any(|end| text.ends_with(end.as_str())), value);
                for miss in &mut misses {
                    miss.offset = Some(text.len());
                }
                misses
            }),
            Self::Schema(validator) => {
                validator.iter_errors(value).map(|error| schema_miss(&error)).collect()
            }
            Self::SubsetOf(wanted) => beside(value, wanted),
            Self::SameAs(wanted) => unless(same(value, wanted.value()), value),
            Self::MediaType(types) => on_text(value, |text| {
                let essence = essence(text);
                unless(types.contains(&essence), value)
            }),
            Self::HttpDateOrInt(wanted) => unless(is_date_or_int(value) == *wanted, value),
            Self::OneOf(lists) => unless(lists.iter().any(|list| same(value, list)), value),
            Self::AllSame(_) | Self::Distinct(_) | Self::Increasing(_) => Vec::new(),
        }
    }
}

impl Order {
    fn holds(self, value: &Value, wanted: &Value) -> bool {
        let (Some(value), Some(wanted)) = (value.as_f64(), wanted.as_f64()) else {
            return false;
        };
        match self {
            Self::Greater => value > wanted,
            Self::GreaterOrEqual => value >= wanted,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
        }
    }
}

/// A header value without its parameters, in lower case.
pub(in crate::assert) fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a value has one of the types of [`TYPES`](crate::assert::operand::TYPES).
fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        // `1.0` is no integer here: clients in typed languages read it as a float.
        "integer" => value.is_i64() || value.is_u64(),
        _ => false,
    }
}

fn unless(holds: bool, value: &Value) -> Vec<Miss> {
    if holds { Vec::new() } else { vec![Miss::value(value)] }
}

fn is_among(value: &Value, wanted: &Wanted) -> bool {
    wanted.items().iter().any(|item| same(value, item))
}

fn on_text(value: &Value, judge: impl FnOnce(&str) -> Vec<Miss>) -> Vec<Miss> {
    match value {
        Value::String(text) => judge(text),
        other => vec![Miss::of(format!("{}, not a text: {}", type_phrase(other), show(other)))],
    }
}

/// `None` for what can be neither empty nor full.
fn is_empty(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(true),
        Value::String(text) => Some(text.is_empty()),
        Value::Array(items) => Some(items.is_empty()),
        Value::Object(fields) => Some(fields.is_empty()),
        Value::Bool(_) | Value::Number(_) => None,
    }
}

fn near(value: &Value, wanted: &Value, within: f64, below: &str) -> Vec<Miss> {
    match (value, wanted) {
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => items
            .iter()
            .zip(others)
            .enumerate()
            .flat_map(|(index, (item, other))| {
                near(item, other, within, &format!("{below}/{index}"))
            })
            .collect(),
        (Value::Array(items), Value::Array(others)) => {
            vec![Miss::of(format!("{} items instead of {}", items.len(), others.len()))]
        }
        _ => match (value.as_f64(), wanted.as_f64()) {
            (Some(value), Some(wanted)) if (value - wanted).abs() <= within => Vec::new(),
            _ => vec![Miss { below: below.to_owned(), ..Miss::value(value) }],
        },
    }
}

/// What `contains` and `not_contains` look for: a list is several things, in a text and in an
/// array alike.
fn needles(wanted: &Wanted) -> &[Value] {
    match wanted {
        Wanted::Value(Value::Array(items)) => items,
        wanted => std::slice::from_ref(wanted.value()),
    }
}

fn holds_needle(value: &Value, needle: &Value) -> Option<bool> {
    match (value, needle) {
        (Value::String(text), Value::String(needle)) => Some(text.contains(needle.as_str())),
        (Value::Array(items), needle) => Some(items.iter().any(|item| same(item, needle))),
        (Value::Object(fields), Value::String(key)) => Some(fields.contains_key(key)),
        _ => None,
    }
}

fn contains(value: &Value, wanted: &Wanted) -> Vec<Miss> {
    let lacking: Vec<&Value> =
        needles(wanted).iter().filter(|needle| holds_needle(value, needle) != Some(true)).collect();
    match lacking.as_slice() {
        [] => Vec::new(),
        [_] if needles(wanted).len() == 1 => vec![Miss::value(value)],
        [first, ..] => vec![Miss::of(format!("{} without {}", show(value), show(first)))],
    }
}

fn not_contains(value: &Value, unwanted: &Wanted) -> Vec<Miss> {
    needles(unwanted)
        .iter()
        .filter_map(|needle| match (value, needle) {
            (Value::String(text), Value::String(needle)) => {
                text.find(needle.as_str()).map(|at| found(text, at, needle))
            }
            _ => match holds_needle(value, needle) {
                Some(false) => None,
                Some(true) => Some(Miss::of(format!("{} in it", show(needle)))),
                None => Some(Miss::of(format!("{}: {}", type_phrase(value), show(value)))),
            },
        })
        .collect()
}

fn found(text: &str, at: usize, hit: &str) -> Miss {
    let before = text.as_bytes().get(at.saturating_sub(CONTEXT_BYTES)..at).unwrap_or_default();
    let before = String::from_utf8_lossy(before);
    let before = before.trim_start_matches('\u{fffd}');
    let dots = if at > CONTEXT_BYTES { "…" } else { "" };
    let seen = format!("`{dots}{}{}`", printable(before.as_bytes()), printable(hit.as_bytes()));
    Miss { offset: Some(at), ..Miss::of(format!("{seen} in it, at byte {at}")) }
}

fn schema_miss(error: &jsonschema::ValidationError<'_>) -> Miss {
    Miss {
        seen: crate::text::ellipsis(&error.to_string(), 200),
        expected: Some(format!("a value that fits the schema, at `{}`", error.schema_path())),
        below: error.instance_path().to_string(),
        offset: None,
    }
}

/// Items of an array, keys of an object, or the value itself.
fn beside(value: &Value, wanted: &Wanted) -> Vec<Miss> {
    let odd = |item: &Value| !is_among(item, wanted);
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter(|(_, item)| odd(item))
            .map(|(index, item)| Miss { below: format!("/{index}"), ..Miss::value(item) })
            .collect(),
        Value::Object(fields) => fields
            .keys()
            .filter(|key| odd(&Value::String((*key).clone())))
            .map(|key| Miss {
                below: format!("/{}", escape(key)),
                ..Miss::of(format!("the key `{key}`"))
            })
            .collect(),
        other => unless(!odd(other), other),
    }
}

/// A key as one token of a JSON pointer (RFC 6901).
pub(in crate::assert) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn is_date_or_int(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_u64(),
        Value::String(text) => {
            (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
                || (text.ends_with("GMT") && DateTime::parse_from_rfc2822(text).is_ok())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every predicate on a value on which it holds, and on one on which it fails.
    #[test]
    fn each_predicate_holds_on_one_value_and_fails_on_another() {
        let table = [
            ("is", json!(null), json!(null), json!(0)),
            ("is", json!({"a": [1]}), json!({"a": [1.0]}), json!({"a": [1, 2]})),
            ("not", json!("stop"), json!("length"), json!("stop")),
            ("in", json!(["stop", "length"]), json!("length"), json!("tool_calls")),
            ("not_in", json!([500, 502]), json!(400), json!(502)),
            ("type", json!("integer"), json!(1), json!(1.0)),
            ("type", json!(["string", null]), json!(null), json!(400)),
            ("null", json!(true), json!(null), json!("")),
            ("null", json!(false), json!(""), json!(null)),
            ("exists", json!(true), json!(null), json!(null)),
            ("empty", json!(true), json!([]), json!([0])),
            ("empty", json!(false), json!("a"), json!("")),
            ("gt", json!(1), json!(1.5), json!(1)),
            ("ge", json!(1), json!(1), json!(0.5)),
            ("lt", json!(1), json!(0), json!("0")),
            ("le", json!(1), json!(1), json!(2)),
            ("between", json!([0, 1]), json!(1), json!(1.1)),
            ("approx", json!({"value": 1.5, "within": 0.1}), json!(1.45), json!(1.7)),
            ("approx", json!({"value": [1, 2], "within": 0.1}), json!([1.05, 2]), json!([1, 3])),
            ("matches", json!("^chatcmpl-"), json!("chatcmpl-1"), json!("cmpl-1")),
            ("not_matches", json!("(?i)traceback"), json!("bad"), json!("x\nTraceback")),
            ("contains", json!("17"), json!("it is 17 °C"), json!("it is warm")),
            ("contains", json!(["a", "b"]), json!(["b", "c", "a"]), json!(["a", "c"])),
            ("contains", json!("usage"), json!({"usage": 1}), json!({"use": 1})),
            ("not_contains", json!(["<tool_call>", "[TOOL"]), json!("hi"), json!("hi <tool_call>")),
            ("not_contains", json!(3), json!([1, 2]), json!([1, 3])),
            ("starts_with", json!(["call_", "chatcmpl-tool-"]), json!("call_1"), json!("1")),
            ("ends_with", json!("."), json!("End."), json!("End")),
            ("schema", json!({"required": ["a"]}), json!({"a": 1}), json!({})),
            ("schema", json!({"format": "date"}), json!("2024-02-29"), json!("2023-02-29")),
            ("subset_of", json!(["id", "object"]), json!(["id"]), json!(["id", "x"])),
            ("subset_of", json!(["id", "object"]), json!({"id": 1}), json!({"x": 1})),
            ("same_as", json!("a"), json!("a"), json!("b")),
            (
                "media_type",
                json!("text/event-stream"),
                json!("Text/Event-Stream; charset=utf-8"),
                json!("application/json"),
            ),
            (
                "http_date_or_int",
                json!(true),
                json!("Sun, 06 Nov 1994 08:49:37 GMT"),
                json!("soon"),
            ),
            ("http_date_or_int", json!(true), json!("120"), json!("1.5")),
            ("one_of", json!([[0, 1], [1, 0]]), json!([1, 0]), json!([0])),
        ];
        for (name, operand, good, bad) in table {
            let predicate = Predicate::new(name, &operand).unwrap();
            assert_eq!(predicate.misses(&good), [], "{name}: {operand} on {good}");
            if (name, &operand) != ("exists", &json!(true)) {
                assert_ne!(predicate.misses(&bad), [], "{name}: {operand} on {bad}");
            }
        }
    }

    #[test]
    fn what_is_found_in_a_text_is_shown_with_its_place() {
        let predicate = Predicate::new("not_contains", &json!("Traceback")).unwrap();
        let misses = predicate.misses(&json!("Internal error:\nTraceback (most recent)"));
        assert_eq!(misses[0].offset, Some(16));
        insta::assert_snapshot!(misses[0].seen, @"`Internal error:⏎Traceback` in it, at byte 16");
    }

    #[test]
    fn a_schema_error_says_where_in_the_value_and_in_the_schema() {
        let schema =
            json!({"properties": {"city": {"type": "string"}}, "additionalProperties": false});
        let predicate = Predicate::new("schema", &schema).unwrap();
        let misses = predicate.misses(&json!({"city": 3, "x": 1}));
        let said: Vec<String> = misses
            .iter()
            .map(|m| format!("{} | {} | {}", m.below, m.seen, m.expected.as_deref().unwrap()))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        /city | 3 is not of type "string" | a value that fits the schema, at `/properties/city/type`
         | Additional properties are not allowed ('x' was unexpected) | a value that fits the schema, at `/additionalProperties`
        "#);
    }

    #[test]
    fn a_schema_never_fetches_anything() {
        let fetching = json!({"$ref": "https://example.com/schema.json"});
        assert!(Predicate::new("schema", &fetching).is_err());
    }

    #[test]
    fn a_wrong_operand_is_named() {
        for (name, operand) in [
            ("in", json!("stop")),
            ("in", json!([])),
            ("type", json!("strng")),
            ("null", json!("yes")),
            ("gt", json!("1")),
            ("between", json!([1, 0])),
            ("between", json!([1])),
            ("approx", json!({"value": 1, "withn": 1})),
            ("matches", json!("(")),
            ("starts_with", json!([1])),
            ("schema", json!({"type": "strin"})),
            ("schema", json!("x")),
            ("media_type", json!("json")),
            ("one_of", json!([1])),
            ("same_as", json!("query:chnks")),
        ] {
            let problem = Predicate::new(name, &operand).unwrap_err();
            assert!(problem.contains('`'), "{name}: {operand}: {problem}");
        }
        insta::assert_snapshot!(Predicate::new("type", &json!("strng")).unwrap_err(), @"there is no type `strng`; did you mean `string`?");
    }
}
