//! How endpoints differ in what a load asks of them, by their profile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an endpoint differs from others in what a load asks of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Manners {
    /// Whether its streams end with `[DONE]`. If it documents none, a request whose stream ends
    /// without is good.
    pub done: bool,
    /// The keys that make a reply as long as `max_tokens`, all of them together. Without any,
    /// `exact_output` asks for nothing and only counts the replies of other lengths.
    pub exact_output: Vec<ExactKey>,
    /// Where it tokenizes, from the root of the server: `/tokenize`. Found out by asking if absent.
    pub tokenize: Option<String>,
}

/// A key that keeps a reply from ending early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExactKey {
    /// `ignore_eos: true`.
    IgnoreEos,
    /// `min_tokens`, with the length.
    MinTokens,
    /// `min_new_tokens`, with the length.
    MinNewTokens,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            done: true,
            exact_output: vec![ExactKey::IgnoreEos, ExactKey::MinTokens],
            tokenize: None,
        }
    }
}

impl ExactKey {
    /// The key in the body.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IgnoreEos => "ignore_eos",
            Self::MinTokens => "min_tokens",
            Self::MinNewTokens => "min_new_tokens",
        }
    }
}
