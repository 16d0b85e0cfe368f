//! What is known when a load starts: with the requests, it is enough to make a report again.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::HostFacts;

/// `start.json`: written before the first request is sent, and again when the run is continued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Start {
    /// The version of the record's format.
    pub proofhouse_load: u32,
    /// The tool's version.
    pub tool: String,
    /// The command line, which holds no secrets.
    pub argv: Vec<String>,
    /// Where the run was made.
    pub host: HostFacts,
    /// The base URL.
    pub target: String,
    /// The model asked for.
    pub model: String,
    /// The plan as it is run.
    pub plan: Value,
    /// Its digest.
    pub plan_sha256: String,
    /// Event loops.
    pub threads: u32,
    /// The parts of the run: one, and another for each time it was continued.
    pub parts: Vec<Part>,
}

/// A part of a run that was continued.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// When it began.
    #[schemars(with = "String")]
    pub started: DateTime<Utc>,
    /// Where it goes on, in milliseconds of the load's time, which stands still between parts.
    pub from_ms: f64,
    /// Requests that were on record before it.
    pub lines: u64,
}

/// An interruption after which the run was continued.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Break {
    /// Where it lies, in milliseconds of the load's time, which stands still meanwhile.
    pub at_ms: f64,
    /// How long it was, by the clock on the wall, in seconds.
    pub lasted_s: f64,
    /// Requests that were in flight when it came, as far as known: they count nowhere.
    pub lost: u64,
}
