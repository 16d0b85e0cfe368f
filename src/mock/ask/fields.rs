//! Fields of a JSON object, read with OpenAI's complaints.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::mock::refusal::Refusal;

/// The fields of an object that stands at a path of the body.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a, 'p> {
    map: &'a Map<String, Value>,
    path: &'p str,
}

impl<'a, 'p> Fields<'a, 'p> {
    /// Fields of the body itself (`path` empty) or of an object in it.
    pub(crate) fn new(map: &'a Map<String, Value>, path: &'p str) -> Self {
        Self { map, path }
    }

    /// The name of a field as errors call it.
    pub(crate) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A field; null counts as absent, as it does at OpenAI for every optional field.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(value) = self.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| Refusal::wrong_type(&self.name(key), wanted, value))
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<&'a str>, Refusal> {
        self.typed(key, "a string", Value::as_str)
    }

    pub(crate) fn boolean(&self, key: &str) -> Result<Option<bool>, Refusal> {
        self.typed(key, "a boolean", Value::as_bool)
    }

    pub(crate) fn object(&self, key: &str) -> Result<Option<&'a Map<String, Value>>, Refusal> {
        self.typed(key, "an object", Value::as_object)
    }

    pub(crate) fn array(&self, key: &str) -> Result<Option<&'a Vec<Value>>, Refusal> {
        self.typed(key, "an array", Value::as_array)
    }

    pub(crate) fn integer(
        &self,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Refusal> {
        let value = self.typed(key, "an integer", |value| {
            value.as_i64().or_else(|| value.as_u64().map(|_| i64::MAX))
        })?;
        value.map(|value| self.within(key, "integer", value, range)).transpose()
    }

    pub(crate) fn decimal(
        &self,
        key: &str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<f64>, Refusal> {
        let value = self.typed(key, "a decimal", Value::as_f64)?;
        value.map(|value| self.within(key, "decimal", value, range)).transpose()
    }

    fn within<T: PartialOrd + Display>(
        &self,
        key: &str,
        kind: &str,
        value: T,
        range: RangeInclusive<T>,
    ) -> Result<T, Refusal> {
        let name = self.name(key);
        let (side, bound, sign, code) = if value < *range.start() {
            let code = if kind == "integer" {
                "integer_below_min_value"
            } else {
                "decimal_below_min_value"
            };
            ("below minimum", range.start(), ">=", code)
        } else if value > *range.end() {
            let code = if kind == "integer" {
                "integer_above_max_value"
            } else {
                "decimal_above_max_value"
            };
            ("above maximum", range.end(), "<=", code)
        } else {
            return Ok(value);
        };
        let message = format!(
            "Invalid '{name}': {kind} {side} value. Expected a value {sign} {bound}, but got {value} instead."
        );
        Err(Refusal::invalid(name, code, message))
    }
}

/// An array that may not have this length.
pub(super) fn wrong_length(name: &str, long: bool, bound: usize, seen: usize) -> Refusal {
    let (word, edge, code) = if seen == 0 {
        ("empty array", "minimum", "empty_array")
    } else if long {
        ("array too long", "maximum", "array_above_max_length")
    } else {
        ("array too short", "minimum", "array_below_min_length")
    };
    let got = if seen == 0 {
        "an empty array".to_owned()
    } else {
        format!("an array with length {seen}")
    };
    Refusal::invalid(
        name,
        code,
        format!(
            "Invalid '{name}': {word}. Expected an array with {edge} length {bound}, but got {got} instead."
        ),
    )
}
