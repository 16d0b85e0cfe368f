//! What JavaScript does with values.

use std::fmt::Write as _;

use serde_json::Value;

/// A property that is neither `null` nor `undefined`.
pub(in crate::lens) use super::json::member as property;
use super::json::{self, Looseness};

/// How a call fails in a JavaScript client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lens) enum Stop {
    /// An exception: class and text.
    Raises(&'static str, String),
    /// Its own timeout, or none at all.
    Hangs,
}

impl Stop {
    pub(in crate::lens) fn raises(class: &'static str, message: impl Into<String>) -> Self {
        Self::Raises(class, message.into())
    }
}

/// `JSON.parse`.
pub(in crate::lens) fn parse(text: &str) -> Option<Value> {
    json::read(text, Looseness { not_numbers: false })
}

/// A `TextDecoder` as it comes: a byte-order mark is dropped, what is not UTF-8 becomes U+FFFD.
pub(in crate::lens) fn utf8(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether JavaScript takes a value for true; `None` is `undefined`.
pub(in crate::lens) fn truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(value)) => *value,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(_) | Value::Object(_)) => true,
    }
}

/// `String(value)`: what adding a value to a text appends.
pub(in crate::lens) fn to_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number_text(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let items = list.iter().map(|item| match item {
                Value::Null => String::new(),
                item => to_text(item),
            });
            items.collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

fn number_text(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    // Minus zero has no sign in JavaScript.
    format!("{}", number + 0.0)
}

/// `JSON.stringify(value)`.
pub(in crate::lens) fn stringify(value: &Value) -> String {
    match value {
        Value::Number(_) => to_text(value),
        Value::Array(list) => {
            let items: Vec<_> = list.iter().map(stringify).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(map) => {
            let mut text = "{".to_owned();
            for (index, (key, value)) in map.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                let key = Value::from(key.as_str());
                let _ = write!(text, "{comma}{key}:{}", stringify(value));
            }
            text + "}"
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn adding_a_value_to_a_text_appends_what_javascript_would() {
        for (value, text) in [
            (json!({"a": 1}), "[object Object]"),
            (json!([1, null, [true, "x"]]), "1,,true,x"),
            (json!(1.0), "1"),
            (json!(-0.0), "0"),
            (json!(0.1), "0.1"),
            (json!(1e21), "1e+21"),
            (json!(1.5e-7), "1.5e-7"),
            (json!(null), "null"),
        ] {
            assert_eq!(to_text(&value), text, "{value}");
        }
    }

    #[test]
    fn a_value_is_written_as_json_stringify_writes_it() {
        let value = json!({"b": [1.0, "x\n", null], "a": {"c": false}});

        assert_eq!(stringify(&value), "{\"b\":[1,\"x\\n\",null],\"a\":{\"c\":false}}");
    }

    #[test]
    fn nothing_and_nought_are_false_and_empty_lists_are_true() {
        for (value, expected) in [
            (json!(null), false),
            (json!(0), false),
            (json!(""), false),
            (json!([]), true),
            (json!({}), true),
            (json!("0"), true),
        ] {
            assert_eq!(truthy(Some(&value)), expected, "{value}");
        }
        assert!(!truthy(None));
    }

    #[test]
    fn a_text_decoder_drops_one_mark_and_forgives_bad_bytes() {
        assert_eq!(utf8(b"\xef\xbb\xbf\xef\xbb\xbfa\xe6\x97b"), "\u{feff}a\u{fffd}b");
    }
}
