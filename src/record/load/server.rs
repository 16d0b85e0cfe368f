//! What the server says of itself during a load, from its Prometheus metrics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One `--scrape` URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerSide {
    /// Where it was read.
    pub url: String,
    /// Whose names the metrics have: `vLLM`, `SGLang`, `TGI`, `llama.cpp`; null where none is known.
    pub family: Option<String>,
    /// Times it was read.
    pub scrapes: u64,
    /// Times it could not be.
    pub failed: u64,
    /// Why, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What was counted between the reading before the first request and the one after the last.
    pub counted: ServerCounts,
    /// Time to first token by the server's own histogram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft: Option<ServerTimes>,
    /// Each reading.
    pub samples: Vec<ServerSample>,
}

/// Counts of a server between two readings. Null where it does not count such a thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerCounts {
    /// Requests that ended.
    pub requests: Option<f64>,
    /// Prompt tokens.
    pub prompt_tokens: Option<f64>,
    /// Generated tokens.
    pub reply_tokens: Option<f64>,
    /// Prompt tokens, or blocks, that were looked up in the prefix cache.
    pub cache_queries: Option<f64>,
    /// Those that were there.
    pub cache_hits: Option<f64>,
    /// Requests thrown out of the batch for want of memory.
    pub preemptions: Option<f64>,
}

/// Times that a server measured itself, from a histogram of its own buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerTimes {
    /// How many.
    pub n: f64,
    /// Mean, in milliseconds.
    pub mean_ms: Option<f64>,
    /// The bucket that holds the median, in milliseconds; null where its upper end is open.
    pub p50_ms: Option<(f64, f64)>,
    /// The bucket that holds the 99th percentile.
    pub p99_ms: Option<(f64, f64)>,
}

/// One reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerSample {
    /// When, in milliseconds from the start of the load.
    pub at_ms: f64,
    /// Requests at work.
    pub running: Option<f64>,
    /// Requests that wait.
    pub queued: Option<f64>,
    /// The part of the KV cache that is in use, from 0 to 1.
    pub kv_use: Option<f64>,
    /// Preemptions since the first reading.
    pub preemptions: Option<f64>,
}

/// What the client counted from the first request to the last, warm-up and cool-down included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Whole {
    /// Good requests.
    pub good: u64,
    /// Failed ones.
    pub failed: u64,
    /// Prompt tokens by usage.
    pub prompt_tokens: u64,
    /// Reply tokens by usage.
    pub reply_tokens: u64,
}

/// Little's law over the measured window: the mean number in flight is the rate of arrivals times
/// the mean time of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Little {
    /// Requests started per second.
    pub rate_per_s: f64,
    /// Mean time from start to end, in seconds; failed requests too.
    pub mean_s: f64,
    /// Their product: what must have been in flight.
    pub expected: f64,
    /// What was in flight by the client's gauge, looked at ten times a second.
    pub in_flight: f64,
    /// What the server said was at work and waiting, on average; of all that were scraped.
    pub server: Option<f64>,
}
