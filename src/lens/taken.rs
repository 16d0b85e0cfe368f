//! What a client hands to its caller.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a client hands to its caller: how the call ended, and what of the answer had arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// How the call ended.
    pub outcome: Outcome,
    /// What of the answer reached the caller; of a stream also what came before an exception.
    pub answer: Answer,
}

impl Taken {
    /// The call returned.
    pub fn returns(answer: Answer) -> Self {
        Self { outcome: Outcome::Returns, answer }
    }

    /// The call raised, after `answer` had reached the caller.
    pub fn raises(
        exception: impl Into<String>,
        message: impl Into<String>,
        answer: Answer,
    ) -> Self {
        let outcome = Outcome::Raises { exception: exception.into(), message: message.into() };
        Self { outcome, answer }
    }

    /// The call waits for its own timeout.
    pub fn hangs(answer: Answer) -> Self {
        Self { outcome: Outcome::Hangs, answer }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// It returned.
    Returns,
    /// It raised.
    Raises {
        /// The class as the caller sees it: `openai.APIError`, `json.JSONDecodeError`.
        exception: String,
        /// Its text, as far as the lens knows it; may be empty.
        message: String,
    },
    /// It waits for the client's own timeout.
    Hangs,
}

/// What of an answer reached the caller.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The text of the first choice.
    pub text: Option<String>,
    /// Its reasoning, where the client hands it over.
    pub reasoning: Option<String>,
    /// Its tool calls, in the client's order.
    pub tool_calls: Vec<Call>,
    /// Why it ended, in the client's own word.
    pub finish_reason: Option<String>,
    /// The token counts.
    pub usage: Option<Usage>,
    /// Further choices, in the client's order, when more than one was there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Answer>,
}

/// A tool call as handed over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Its id.
    pub id: Option<String>,
    /// The function's name.
    pub name: Option<String>,
    /// The arguments: a string as handed over, or what the client parsed from it.
    pub arguments: Value,
}

/// Token counts as handed over; null for what is not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Of the prompt.
    pub prompt_tokens: Value,
    /// Of the answer.
    pub completion_tokens: Value,
    /// Of both.
    pub total_tokens: Value,
}
