//! `stream: rule` and `stream: {rule: setting}`, as a suite writes them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A stream rule by name, with its setting.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSpec {
    /// The rule's name.
    pub(in crate::assert) rule: String,
    /// Its setting; null for the rule's own.
    pub(in crate::assert) setting: Value,
}

impl<'de> Deserialize<'de> for StreamSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpecVisitor)
    }
}

struct SpecVisitor;

impl<'de> Visitor<'de> for SpecVisitor {
    type Value = StreamSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stream rule such as `done`, or `{closes_within: 2s}`")
    }
    fn visit_str<E>(self, text: &str) -> Result<StreamSpec, E> {
        Ok(StreamSpec { rule: text.to_owned(), setting: Value::Null })
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<StreamSpec, M::Error> {
        let (rule, setting) =
            map.next_entry()?.ok_or_else(|| M::Error::custom("`stream` names no rule"))?;
        if let Some(other) = map.next_key::<String>()? {
            return Err(M::Error::custom(format!(
                "`stream` names one rule; write another assertion for `{other}`"
            )));
        }
        Ok(StreamSpec { rule, setting })
    }
}

impl JsonSchema for StreamSpec {
    fn schema_name() -> Cow<'static, str> {
        "StreamSpec".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = super::names().collect();
        json_schema!({
            "description": "A named rule about the event stream, alone or with its setting.",
            "anyOf": [
                {"enum": names},
                {
                    "type": "object",
                    "propertyNames": {"enum": names},
                    "minProperties": 1,
                    "maxProperties": 1
                }
            ]
        })
    }
}
