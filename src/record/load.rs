//! The record of a load run: one line for each request, and the report made of them.
//!
//! `start.json` is written before the first request; `requests.jsonl` while the run goes on, flushed
//! every second; `load.json` is the report, written whole at the end; `load.hlog` has the histograms
//! of each second in the standard interval format. Times are milliseconds from the start of the load,
//! with microseconds.

mod server;
mod start;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::HostFacts;
pub use server::{Little, ServerCounts, ServerSample, ServerSide, ServerTimes, Whole};
pub use start::{Break, Part, Start};

mod work;

pub use work::{Cache, Prompts, SessionTurn, Sessions};

/// The version of `load.json`.
pub const VERSION: u32 = 1;
/// The report.
pub const REPORT: &str = "load.json";
/// One [`RequestLine`] a line.
pub const REQUESTS: &str = "requests.jsonl";
/// What was known at the start: a [`Start`].
pub const START: &str = "start.json";

/// `HdrHistogram` interval log: `ttft`, `icl`, `itl`, `tpot` and `e2e` of each second, in
/// microseconds.
pub const HISTOGRAMS: &str = "load.hlog";

/// The JSON Schema of `load.json`, which is what `load --format json` prints.
pub fn schema() -> Value {
    crate::suite::schema::titled(
        crate::document::shape::schema_of::<LoadReport>(),
        "A proofhouse load report",
    )
}

/// Token counts of one request, as the server gave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt: u64,
    /// Tokens of the reply, reasoning included.
    pub reply: u64,
    /// Prompt tokens that a cache had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
    /// Reply tokens that are reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

/// Which other tools would have counted a request as a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Others {
    /// `vllm bench serve`: all events parse, one has choices.
    pub vllm_bench: bool,
    /// SGLang `bench_serving`: all events parse.
    pub sglang_bench: bool,
    /// `GuideLLM`: no error, some text.
    pub guidellm: bool,
}

/// The part of a run a request was due in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Before the measured window.
    WarmUp,
    /// In it.
    Measured,
    /// After it.
    CoolDown,
}

/// One request. Times are milliseconds from the start of the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestLine {
    /// Its number in the plan, from 0.
    pub number: u64,
    /// The part of the run it was due in.
    pub stage: Stage,
    /// Which workload, from 0.
    pub workload: usize,
    /// Its turn in its session, from 0; left out if it belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
    /// When the plan wanted it to start.
    pub due_ms: f64,
    /// When it was taken up; null if it never was.
    #[serde(default)]
    pub started_ms: Option<f64>,
    /// When its last byte was handed to the socket; null if it never was.
    pub sent_ms: Option<f64>,
    /// How long its connection took to open; null on one that was open.
    pub connect_ms: Option<f64>,
    /// When the response's head was complete.
    pub headers_ms: Option<f64>,
    /// When the first event of any kind came.
    #[serde(default)]
    pub first_event_ms: Option<f64>,
    /// When the first event with something generated came.
    pub first_token_ms: Option<f64>,
    /// When the first event with a part of the answer came.
    pub first_visible_ms: Option<f64>,
    /// When the last event with something generated came.
    pub last_token_ms: Option<f64>,
    /// The end, whatever it was.
    pub end_ms: f64,
    /// Token deadlines missed, where the plan has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadlines_missed: Option<u64>,
    /// The longest gap between events with something generated.
    pub gap_max_ms: Option<f64>,
    /// Events with something generated.
    pub token_events: u32,
    /// Those that came with the same socket read as the one before.
    pub coalesced: u32,
    /// Token counts by the server.
    pub usage: Option<Usage>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Why the first choice ended.
    pub finish: Option<String>,
    /// Whether it was good.
    pub good: bool,
    /// The class of its failure; `shed` if it was never sent.
    pub class: Option<String>,
    /// What was wrong, for people.
    pub why: Option<String>,
    /// What `Retry-After` said, in seconds.
    pub retry_after_s: Option<f64>,
    /// Sent again because the open connection turned out closed.
    pub resent: bool,
    /// Which other tools would have counted it as a success.
    pub others: Others,
}

/// The report of a load run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadReport {
    /// The version of this format.
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
    /// When the run began.
    #[schemars(with = "String")]
    pub started: DateTime<Utc>,
    /// When it ended.
    #[schemars(with = "String")]
    pub ended: DateTime<Utc>,
    /// Why it ended before its plan did, if so: `interrupted`, `60 % of 120 requests failed`.
    pub cut: Option<String>,
    /// The plan as it was run.
    pub plan: Value,
    /// Its digest: runs of equal digest send the same requests at the same times.
    pub plan_sha256: String,
    /// Counts.
    pub summary: Summary,
    /// Every metric by name.
    pub metrics: BTreeMap<String, Metric>,
    /// Work done per second.
    pub throughput: Throughput,
    /// Good requests.
    pub goodput: Goodput,
    /// The client's own part in the numbers.
    pub client: Client,
    /// Failed requests by class.
    pub errors: BTreeMap<String, u64>,
    /// An example of each class.
    pub error_examples: BTreeMap<String, String>,
    /// Requests that were refused for coming too fast.
    #[serde(default)]
    pub rate_limited: RateLimited,
    /// Failed requests that other tools would have counted as successes, by tool.
    pub false_successes: BTreeMap<String, u64>,
    /// The same by tool, and then by the class of the failure that the tool does not look for.
    pub false_success_classes: BTreeMap<String, BTreeMap<String, u64>>,
    /// Replies by finish reason.
    pub finish_reasons: BTreeMap<String, u64>,
    /// Tokens of the measured requests.
    pub tokens: Tokens,
    /// Deadlines of tokens; null where the plan has none.
    #[serde(default)]
    pub fluidity: Option<Fluidity>,
    /// Whether the run was in a steady state inside its window; null where it was too short to tell.
    #[serde(default)]
    pub steadiness: Option<Steadiness>,
    /// What had to hold.
    pub objectives: Vec<ObjectiveResult>,
    /// Lengths of prompts, asked for and seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Prompts>,
    /// What a prefix cache had of the prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// Sessions of several turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
    /// Doubts about the run: seen, meaning, remedy.
    pub warnings: Vec<String>,
    /// Each second of the run.
    pub seconds: Vec<Second>,
    /// The whole distribution of metrics, by name.
    #[serde(default)]
    pub curves: BTreeMap<String, Curve>,
    /// Failures of any part of the run by class: the second they ended in, and how many.
    #[serde(default)]
    pub errors_by_second: BTreeMap<String, Vec<(u32, u64)>>,
    /// Interruptions after which the run was continued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaks: Vec<Break>,
    /// What was counted from the first request to the last: what a server counts.
    #[serde(default)]
    pub whole: Whole,
    /// Whether what was sent fits what was in flight.
    #[serde(default)]
    pub little: Option<Little>,
    /// What the server says, by each `--scrape`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerSide>,
}

/// A distribution as `HdrHistogram` draws it: so that each step towards 100 % halves what is above.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Curve {
    /// Percentile and value in the metric's unit, from the actual send.
    pub actual: Vec<(f64, f64)>,
    /// From the intended one, where that differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intended: Vec<(f64, f64)>,
}

/// Counts of requests due in the measured window. `requests = good + failed + shed + never_sent`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Intended.
    pub requests: u64,
    /// Answered, whole, and by the rules.
    pub good: u64,
    /// Sent, or tried to, and not good.
    pub failed: u64,
    /// Never sent: as many as allowed were in flight.
    pub shed: u64,
    /// Never sent: the run ended before their time came.
    #[serde(default)]
    pub never_sent: u64,
    /// Of the failed: still in flight when the run ended.
    pub unfinished: u64,
    /// Requests before the window.
    pub warm_up: u64,
    /// Requests after it.
    pub cool_down: u64,
    /// The most that were in flight at once.
    pub in_flight_max: u64,
}

/// One metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// `ms`.
    pub unit: String,
    /// What is measured, from where to where.
    pub definition: String,
    /// Where token counts come from, if any are in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_source: Option<String>,
    /// What was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<String>,
    /// From the actual send.
    #[serde(flatten)]
    pub values: Values,
    /// From the moment the plan wanted it sent, where that differs: what objectives judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended: Option<Values>,
}

/// The statistics of a metric. A percentile is null when there are too few values for it; `needs`
/// says how many it takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Values {
    /// How many values.
    pub n: u64,
    /// Mean.
    pub mean: Option<f64>,
    /// Smallest.
    pub min: Option<f64>,
    /// Half are no larger.
    pub p50: Option<f64>,
    /// 90 % are no larger.
    pub p90: Option<f64>,
    /// 95 % are no larger.
    pub p95: Option<f64>,
    /// 99 % are no larger.
    pub p99: Option<f64>,
    /// 99.9 % are no larger.
    #[serde(rename = "p99.9")]
    pub p99_9: Option<f64>,
    /// 99.99 % are no larger.
    #[serde(rename = "p99.99")]
    pub p99_99: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// Bounds of the percentiles at 95 %, by order statistics; values of one stream are not
    /// independent, so those of `icl` and `itl` are narrower than they should be.
    pub ci95: BTreeMap<String, (f64, f64)>,
    /// How many values a percentile takes that is null here.
    pub needs: BTreeMap<String, u64>,
}

/// Work done per second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Throughput {
    /// Requests that ended well inside the window, by its length.
    pub requests_per_s: Option<f64>,
    /// Tokens generated inside the window by any request, by its length; null where nobody said
    /// how many tokens an answer had.
    pub output_tokens_per_s: Option<f64>,
    /// Prompt tokens of the requests that ended well inside the window, by its length.
    pub input_tokens_per_s: Option<f64>,
    /// Tokens of the whole run by its whole time, warm-up and drain included: what
    /// `vllm bench serve` prints.
    pub whole_run_output_tokens_per_s: Option<f64>,
    /// The window's length in seconds.
    pub window_s: f64,
    /// How tokens were counted.
    pub token_source: String,
}

/// Good requests. With latency objectives, only those that meet them are good here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Goodput {
    /// Good requests per second of the window.
    pub rate: Option<f64>,
    /// Of all that were intended; what failed, was shed or never sent is not good.
    pub fraction: Option<f64>,
    /// Lower bound of the fraction at 95 % (Clopper-Pearson).
    pub fraction_low95: Option<f64>,
}

/// The client's own part in the numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// Whether the client was the bottleneck, so that the numbers are not the server's.
    pub limited: bool,
    /// Why it is held to be.
    pub why: Vec<String>,
    /// From due to started, 99th percentile.
    pub start_lag_ms_p99: Option<f64>,
    /// From due to started, median.
    pub start_lag_ms_p50: Option<f64>,
    /// The largest.
    pub start_lag_ms_max: Option<f64>,
    /// How late the event loop came to a heartbeat of 10 ms, 99th percentile.
    pub stall_ms_p99: Option<f64>,
    /// The largest.
    pub stall_ms_max: Option<f64>,
    /// CPU time of the busiest event loop by wall time; 1 is a whole core.
    pub loop_cpu_share: Option<f64>,
    /// CPU time of the whole process, in seconds.
    pub cpu_s: Option<f64>,
    /// CPU time of the event loops per event of the streams, in microseconds.
    pub cpu_us_per_event: Option<f64>,
    /// Resident memory at its largest, in MiB.
    pub rss_mib: Option<f64>,
    /// Event loops.
    pub threads: u32,
    /// Events of all streams.
    pub events: u64,
    /// Of the events with something generated, the share that came with the same socket read as
    /// the one before.
    pub coalesced_share: Option<f64>,
    /// Connections opened.
    pub connections: u64,
    /// Requests sent again because an open connection turned out closed.
    pub resent: u64,
    /// The file limit of the process.
    pub file_limit: Option<u64>,
}

/// Requests that were answered with 429.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateLimited {
    /// How many.
    pub requests: u64,
    /// Those whose answer said when to come again.
    pub with_retry_after: u64,
    /// The longest wait that was asked for, in seconds. Nobody waited: the plan says when requests go.
    pub retry_after_s_max: Option<f64>,
}

/// Deadlines of tokens, after Etalon (arXiv 2407.07000). A token that comes late misses its deadline
/// and every further one that passes meanwhile; then they start anew. Good requests only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fluidity {
    /// To the first token, from the intended send.
    pub ttft_ms: f64,
    /// From when one token was due to when the next is.
    pub itl_ms: f64,
    /// Deadlines there were.
    pub deadlines: u64,
    /// Those missed.
    pub missed: u64,
    /// Those met, by all there were.
    pub share: Option<f64>,
    /// Requests with tokens.
    pub requests: u64,
    /// Those that missed nothing.
    pub requests_without_miss: u64,
    /// Those that met at least nine deadlines of ten.
    pub requests_met_90_percent: u64,
}

/// Whether a run was in a steady state inside its window, by the series of its whole seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Steadiness {
    /// No series has a trend, and none has a start that differs from the rest.
    pub stationary: bool,
    /// Seconds that were looked at.
    pub seconds: usize,
    /// What was found of each series.
    pub trends: Vec<Trend>,
}

/// What was found of one series of seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trend {
    /// `in_flight`, `ttft_ms_p50` or `token_events`.
    pub series: String,
    /// Kendall's tau against time, from -1 to 1; after the cut.
    pub tau: f64,
    /// How likely a tau as far from 0 is by chance (Mann and Kendall).
    pub p: f64,
    /// The change over the window, by the median slope of all pairs (Theil and Sen).
    pub change: f64,
    /// The median, after the cut.
    pub median: f64,
    /// A trend: `p` below 0.01, and a change of more than a fifth of the median.
    pub found: bool,
    /// Seconds at the start that MSER would cut off.
    pub cut: usize,
    /// They differ from the rest by more than a fifth of the median: the warm-up was too short.
    pub unsettled: bool,
}

/// Tokens of the measured requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Requests that came with usage.
    pub with_usage: u64,
    /// Prompt tokens of those.
    pub prompt: u64,
    /// Reply tokens of those.
    pub reply: u64,
    /// Prompt tokens that a cache had.
    pub cached: u64,
    /// Requests whose reply was not as long as was insisted on.
    pub length_missed: u64,
}

/// An objective and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveResult {
    /// As written.
    pub objective: String,
    /// Whether it was met; null when it cannot be told.
    pub met: Option<bool>,
    /// The number it is about: milliseconds for times.
    pub value: Option<f64>,
    /// Why it cannot be told.
    pub why: Option<String>,
}

/// A second of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Second {
    /// Requests started.
    pub started: u64,
    /// Requests that ended well.
    pub good: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests shed.
    pub shed: u64,
    /// Mean number in flight.
    pub in_flight: f64,
    /// Events with something generated.
    pub token_events: u64,
    /// Median time to first token of the requests that ended, in milliseconds.
    pub ttft_ms_p50: Option<f64>,
    /// 99th percentile, of however few.
    pub ttft_ms_p99: Option<f64>,
}
