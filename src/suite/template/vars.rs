//! The values that templates can name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::functions::NONCE_KEY;

/// The names that exist in every template: `model`, `limits`, `seed`, `attempt`.
pub const VARIABLES: [(&str, &str); 6] = [
    ("model", "the target's model"),
    ("limits", "the profile's limits: `limits.context_tokens`"),
    ("seed", "the run's seed, a number"),
    ("attempt", "which attempt of a repeated case this is, from 1"),
    ("copy", "which of a step's parallel copies this is, from 0"),
    ("key", "the target's key; only a mark stands here, the transport puts the key in its place"),
];

/// The values that templates can name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vars {
    values: BTreeMap<String, Value>,
    pub(super) nonce_key: String,
}

impl Vars {
    /// Values for one attempt of a case, with `seed` and `attempt` set; `nonce()` depends on the
    /// three of them and on nothing else.
    pub fn new(seed: u64, case: &str, attempt: u32) -> Self {
        let values = [("seed", Value::from(seed)), ("attempt", Value::from(attempt))];
        Self {
            values: values.map(|(name, value)| (name.to_owned(), value)).into(),
            nonce_key: format!("{seed}/{case}/{attempt}"),
        }
    }

    /// Gives `name` a value, replacing the one it had.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Every name and value, as assertions take them.
    pub const fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    pub(super) fn context(&self) -> minijinja::Value {
        let mut context: BTreeMap<&str, minijinja::Value> = self
            .values
            .iter()
            .map(|(name, value)| (name.as_str(), minijinja::value::Serde(value).into()))
            .collect();
        context.insert(NONCE_KEY, minijinja::Value::from(self.nonce_key.as_str()));
        minijinja::Value::from_pairs(context)
    }
}
