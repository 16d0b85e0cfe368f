//! Answers in the shape of OpenAI's wire format.

mod chat;
mod completion;
mod embedding;
mod logprob;
mod model;
mod response;
mod schedule;

use serde_json::{Value, json};

use super::answer::{Answer, Usage, base62};
use super::house::House;
use super::tokens;

pub(crate) use chat::{chat, chat_events};
pub(crate) use completion::{completion, completion_events};
pub(crate) use embedding::embeddings;
pub(crate) use model::{model, models};
pub(crate) use response::{response, response_events};

/// 2026-01-01. Answers are dated from here by their number, so that the same seed gives the same
/// bytes.
pub(crate) const EPOCH: u64 = 1_767_225_600;

/// Who an answer is: the fields that stay the same through a stream.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) created: u64,
    pub(crate) model: String,
    pub(crate) fingerprint: String,
}

impl Identity {
    pub(crate) fn new(prefix: &str, model: &str, house: &House, number: u64) -> Self {
        Self {
            id: format!("{prefix}{}", unique(house.config.seed, number, 29)),
            created: EPOCH + number,
            model: model.to_owned(),
            fingerprint: format!(
                "fp_{:010x}",
                house.config.seed.wrapping_add(0x5e_ed) & 0xff_ffff_ffff
            ),
        }
    }
}

/// A name that is unique within a server and the same for the same seed.
pub(crate) fn unique(seed: u64, number: u64, len: usize) -> String {
    let salt = tokens::hash(format!("{seed}/{number}").as_bytes());
    let tail = 8.min(len);
    format!("{}{}", base62(salt, len - tail), base62(number, tail))
}

/// The counts of a chat or a legacy completion.
pub(crate) fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// How many tokens an answer has, choices side by side: what its making takes.
pub(crate) fn steps(answer: &Answer) -> usize {
    schedule::steps(answer)
}
