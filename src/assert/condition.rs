//! `if`: when an assertion applies.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Assertion;

/// When an assertion applies.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// When this template is true: `${stream}`, `!${usage}`.
    Template(String),
    /// When this assertion holds.
    Assertion(Box<Assertion>),
    /// When each of these is met.
    All(Vec<Condition>),
}

impl Condition {
    /// The assertions in it, in order.
    pub fn assertions(&self) -> Vec<&Assertion> {
        match self {
            Self::Template(_) => Vec::new(),
            Self::Assertion(assertion) => vec![assertion],
            Self::All(all) => all.iter().flat_map(Self::assertions).collect(),
        }
    }

    /// The condition in one line: `that: status, is: 200`.
    pub fn describe(&self) -> String {
        match self {
            Self::Template(text) => text.clone(),
            Self::Assertion(assertion) => match assertion.label() {
                Some(label) => label.to_owned(),
                None => assertion.describe(),
            },
            Self::All(all) => all.iter().map(Self::describe).collect::<Vec<_>>().join(" and "),
        }
    }

    /// The same, to be changed.
    pub(super) fn assertions_mut(&mut self) -> Vec<&mut Assertion> {
        match self {
            Self::Template(_) => Vec::new(),
            Self::Assertion(assertion) => vec![assertion],
            Self::All(all) => all.iter_mut().flat_map(Self::assertions_mut).collect(),
        }
    }
}

/// What an unmet `if` makes of its case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// A case whose `if` was met nowhere has shown nothing.
    #[default]
    Inconclusive,
    /// There is nothing to show: the rule is kept.
    Holds,
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConditionVisitor)
    }
}

struct ConditionVisitor;

impl<'de> Visitor<'de> for ConditionVisitor {
    type Value = Condition;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a template such as `${stream}`, an assertion, or a list of these")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Condition, E> {
        Ok(Condition::Template(value.to_string()))
    }
    fn visit_str<E>(self, text: &str) -> Result<Condition, E> {
        Ok(Condition::Template(text.to_owned()))
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Condition, S::Error> {
        let mut all = Vec::new();
        while let Some(condition) = items.next_element()? {
            all.push(condition);
        }
        Ok(Condition::All(all))
    }
    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Condition, M::Error> {
        let assertion = Assertion::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Condition::Assertion(Box::new(assertion)))
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let assertion = generator.subschema_for::<Assertion>();
        json_schema!({
            "description": "When an assertion applies: a template, an assertion that must hold, or a list of these, all of which must be met.",
            "anyOf": [
                {"type": ["string", "boolean"]},
                assertion,
                {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": ["string", "boolean"]}, assertion]}}
            ]
        })
    }
}
