//! Whether a load was what its plan wanted: lengths of prompts, what a cache had, sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lengths of prompts in tokens: what the plan asked for, and what usage says. First turns only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prompts {
    /// How words were counted.
    pub source: String,
    /// Whether that is exact, but for what a chat template adds.
    pub exact: bool,
    /// Good measured requests with usage and a length to hold it against.
    pub n: u64,
    /// Mean of what was asked for.
    pub asked_mean: f64,
    /// Mean of what usage says.
    pub seen_mean: f64,
    /// The smallest difference: seen less asked.
    pub difference_min: i64,
    /// The largest.
    pub difference_max: i64,
}

/// What a prefix cache had of the measured prompts, by `cached_tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cache {
    /// Answers that told of cached tokens, 0 included.
    pub told: u64,
    /// Prompt tokens.
    pub prompt: u64,
    /// Those that a cache had.
    pub cached: u64,
    /// Their share; null where no answer told.
    pub share: Option<f64>,
    /// The share that the plan's prefixes make possible: a start that was sent before, of the
    /// prompt tokens of requests with a prefix.
    pub wanted_share: Option<f64>,
    /// The share that was seen of those requests.
    pub shared_share: Option<f64>,
}

/// Sessions that began in the measured window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sessions {
    /// Begun.
    pub started: u64,
    /// Every turn was answered, whole and by the rules.
    pub completed: u64,
    /// A turn failed or was shed, and none came after it.
    pub broken: u64,
    /// Still under way when the run ended.
    pub unfinished: u64,
    /// From the first turn's due time to the last reply's end, of those completed, in milliseconds.
    pub length_ms_p50: Option<f64>,
    /// 90 % are no longer.
    pub length_ms_p90: Option<f64>,
    /// By turn.
    pub turns: Vec<SessionTurn>,
}

/// One turn of all sessions: measured requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionTurn {
    /// Which, from 0.
    pub turn: u32,
    /// Sent.
    pub requests: u64,
    /// Good.
    pub good: u64,
    /// Failed.
    pub failed: u64,
    /// Never sent: as many requests as allowed were in flight.
    pub shed: u64,
    /// Median time to first token in milliseconds, from the actual send.
    pub ttft_ms_p50: Option<f64>,
    /// 90 % are no longer.
    pub ttft_ms_p90: Option<f64>,
    /// Mean prompt tokens, the conversation included.
    pub prompt_tokens: Option<f64>,
    /// The share of them that a cache had.
    pub cached_share: Option<f64>,
}
