//! Assertions: `that: query | filter | predicate`, and named stream rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Placeholder until the vocabulary lands.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {}
