//! The shape of a plan file. `docs/plan-format.md` explains each key to its writers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Lengths, Pause, Span};

/// A load plan.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadPlan {
    /// The format's version; this binary reads version 1.
    pub proofhouse_plan: u32,
    /// One line for people.
    #[serde(default)]
    pub title: Option<String>,
    /// The seed of arrivals, lengths and prompts: the same plan and seed send the same requests at
    /// the same times.
    #[serde(default)]
    pub seed: u64,
    /// When requests start.
    pub arrival: Arrival,
    /// Load before the measured window, with prompts of its own; the load goes on without a break.
    #[serde(default)]
    pub warm_up: Span,
    /// How long the measured window lasts.
    #[serde(default)]
    pub duration: Option<Span>,
    /// Load after the measured window, so that its last requests end under load.
    #[serde(default)]
    pub cool_down: Span,
    /// The window ends after so many measured requests were started.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub requests: Option<u64>,
    /// More are never in flight at once: a request that is due then is shed, and counted.
    #[serde(default = "in_flight_max")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub in_flight_max: u32,
    /// How long requests in flight may take to end after the last start.
    #[serde(default = "drain")]
    pub drain: Span,
    /// When to give up early.
    #[serde(default)]
    pub stop: Stop,
    /// Deadlines of tokens: how many of them are met is told as `fluidity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadlines: Option<TokenDeadlines>,
    /// Answers slower than this are failed, as `slow`, however good they are otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
    /// How the tokens of prompts are counted.
    #[serde(default)]
    pub tokenizer: Tokenizer,
    /// What must hold of the result: `ttft.p99 < 500ms`, `goodput.fraction >= 0.99`.
    #[serde(default)]
    pub objectives: Vec<String>,
    /// What is sent; with several, each request is one of them by weight.
    pub workload: Vec<Workload>,
}

/// When tokens are due: the first one after the intended send, each further one after the one before
/// was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenDeadlines {
    /// To the first token.
    pub ttft: Span,
    /// From one token to the next: how fast somebody reads.
    pub itl: Span,
}

/// What is too slow to count as an answer, from the actual send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// A longer time to first token.
    #[serde(default)]
    pub ttft: Option<Span>,
    /// A longer gap between two events with something generated.
    #[serde(default)]
    pub gap: Option<Span>,
    /// A longer time to the end of the response.
    #[serde(default)]
    pub total: Option<Span>,
}

const fn in_flight_max() -> u32 {
    10_000
}

const fn drain() -> Span {
    Span::secs(60)
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

/// When requests start. All but `closed` are open: arrivals do not wait for answers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrival {
    /// So many users, each with one request at a time.
    Closed(Closed),
    /// Evenly spaced.
    Constant(Rate),
    /// Independent arrivals: exponential gaps.
    Poisson(Rate),
    /// Gamma-distributed gaps.
    Gamma(Gamma),
    /// A rate that rises or falls in a straight line.
    Ramp(Ramp),
    /// Rates one after the other.
    Steps(Steps),
    /// Many at once, again and again.
    Burst(Burst),
    /// The times, and lengths, of a recorded trace.
    Trace(Trace),
}

/// Users that wait for their answers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// How many.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub users: u32,
    /// The pause of each between an answer and its next request.
    #[serde(default)]
    pub think: Span,
    /// The span over which they start; 0.2 ms for each user if absent. A start of all at one moment
    /// (`0s`) is sent as fast as one thread can, and no faster.
    #[serde(default)]
    pub ramp: Option<Span>,
}

/// Requests per second.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests per second.
    #[schemars(range(min = 0.001, max = 1_000_000))]
    pub rate: f64,
}

/// Gamma-distributed gaps.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// Requests per second.
    #[schemars(range(min = 0.001, max = 1_000_000))]
    pub rate: f64,
    /// The gamma distribution's shape, as `vllm bench serve --burstiness` has it: 1 is Poisson,
    /// less is burstier, more is more even.
    #[schemars(range(min = 0.01, max = 1000))]
    pub burstiness: f64,
}

/// A rate that changes in a straight line, and then stays.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// Requests per second at the start.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub from: f64,
    /// Requests per second at the end.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub to: f64,
    /// How long it takes.
    pub over: Span,
    /// How arrivals are spaced.
    #[serde(default)]
    pub spacing: Spacing,
}

/// How arrivals of a varying rate are spaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// As even as the rate allows.
    #[default]
    Even,
    /// Independent arrivals.
    Poisson,
}

/// Rates one after the other; nothing starts after the last.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// The steps, in order.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepRate>,
    /// How arrivals are spaced.
    #[serde(default)]
    pub spacing: Spacing,
}

/// One rate, for a while.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepRate {
    /// Requests per second.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub rate: f64,
    /// For how long.
    #[serde(rename = "for")]
    pub lasts: Span,
}

/// Many at once.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// How many at once.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub size: u32,
    /// From one burst to the next.
    pub every: Span,
}

/// A recorded trace.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The file, from the plan's folder.
    pub file: String,
    /// How it is written.
    pub format: TraceFormat,
    /// Its times are multiplied by this: 0.5 is twice as fast.
    #[serde(default = "unscaled")]
    #[schemars(range(min = 0.000_001, max = 1_000_000))]
    pub scale: f64,
}

const fn unscaled() -> f64 {
    1.0
}

/// How a trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TraceFormat {
    /// JSON Lines with `timestamp` in milliseconds, `input_length` and `output_length`
    /// (kvcache-ai/Mooncake).
    Mooncake,
    /// CSV with `TIMESTAMP`, `ContextTokens` and `GeneratedTokens` (Azure/AzurePublicDataset).
    Azure,
}

/// When to give up before the end.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// More than this share of the finished requests failed, …
    #[schemars(range(min = 0, max = 1))]
    pub failed_share: Option<f64>,
    /// … once so many have finished; 100 if absent.
    pub after: Option<u64>,
}

/// How the tokens of prompts are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tokenizer {
    /// A common word is taken for one token.
    #[default]
    Words,
    /// The endpoint is asked, by its `/tokenize` (vLLM, SGLang, llama.cpp, TGI).
    Server,
    /// Two small requests before the start tell what words cost, by their usage.
    Calibrated,
    /// A `tokenizer.json`, from the plan's folder.
    File(String),
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Its name in the result.
    #[serde(default)]
    pub name: Option<String>,
    /// How often it is chosen, against the others.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub weight: u32,
    /// The interface.
    #[serde(default)]
    pub kind: Kind,
    /// What is asked.
    pub prompt: Prompt,
    /// The same text before every prompt: a system message.
    #[serde(default)]
    pub system: Option<String>,
    /// The limit of the reply in tokens; the server's own if absent.
    #[serde(default)]
    pub max_tokens: Option<Lengths>,
    /// Ask for the whole of `max_tokens`, with what the profile says that takes: `ignore_eos` and
    /// `min_tokens` unless it says otherwise.
    #[serde(default)]
    pub exact_output: bool,
    /// Stream the reply.
    #[serde(default = "yes")]
    pub stream: bool,
    /// Put something unique in front of every prompt, so that no prefix cache answers for the
    /// server. Without it equal prompts are equal requests.
    #[serde(default = "yes")]
    pub unique: bool,
    /// The same start for many prompts, so that a prefix cache has a wanted share of them.
    #[serde(default)]
    pub prefix: Option<Prefix>,
    /// Turn after turn, each with the replies before it, instead of one request.
    #[serde(default)]
    pub session: Option<Session>,
    /// Pictures with the prompt, as data URIs.
    #[serde(default)]
    pub images: Option<Images>,
    /// Texts in one request for embeddings; 1 if absent.
    #[serde(default)]
    pub batch: Option<Lengths>,
    /// Tools that the model may call.
    #[serde(default)]
    pub tools: Vec<Map<String, Value>>,
    /// Whether it must: `auto`, `required`, `none`, or one by name.
    #[serde(default)]
    pub tool_choice: Option<Value>,
    /// The form of the reply; replies that are not of it have failed.
    #[serde(default)]
    pub response_format: Option<Map<String, Value>>,
    /// Further keys of the request body: `temperature`, `stop`. They replace what is put there
    /// otherwise.
    #[serde(default)]
    pub body: Map<String, Value>,
}

impl Workload {
    /// Chats that ask `prompt`, with everything else as a plan has it that does not say.
    pub fn of(prompt: Prompt) -> Self {
        Self {
            name: None,
            weight: 1,
            kind: Kind::Chat,
            prompt,
            system: None,
            max_tokens: None,
            exact_output: false,
            stream: true,
            unique: true,
            prefix: None,
            session: None,
            images: None,
            batch: None,
            tools: Vec::new(),
            tool_choice: None,
            response_format: None,
            body: Map::new(),
        }
    }
}

/// The same start for many prompts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    /// How long it is.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub tokens: u32,
    /// How many different ones there are, each as likely.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub groups: u32,
    /// The share of the requests that begin with one of them; the others begin with one of the
    /// same length that nobody else has.
    #[serde(default = "unscaled")]
    #[schemars(range(min = 0, max = 1))]
    pub share: f64,
}

/// Turn after turn, each with the replies before it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// How many; all that a conversation of the data set has, if absent.
    #[serde(default)]
    pub turns: Option<Lengths>,
    /// From the end of a reply to the next turn.
    #[serde(default)]
    pub think: Pause,
    /// Tokens of what a tool gives back: a reply with tool calls is answered by their results and
    /// not by a prompt. 50 if absent.
    #[serde(default)]
    pub tool_result: Option<Lengths>,
}

/// Pictures with a prompt.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// How many with each prompt; 1 if absent.
    #[serde(default)]
    pub count: Option<Lengths>,
    /// Width in pixels.
    #[serde(default = "side")]
    #[schemars(range(min = 1, max = 16_384))]
    pub width: u32,
    /// Height in pixels.
    #[serde(default = "side")]
    #[schemars(range(min = 1, max = 16_384))]
    pub height: u32,
}

const fn side() -> u32 {
    512
}

/// The interface a request goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `/chat/completions`.
    #[default]
    Chat,
    /// `/completions`.
    Completions,
    /// `/embeddings`.
    Embeddings,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Prompt {
    /// This text.
    Text(String),
    /// One of these texts after the other.
    Texts(Vec<String>),
    /// So many tokens of plain English words, as `tokenizer` counts them.
    Tokens(Lengths),
    /// What people asked in a data set, from the plan's folder: a JSON array or lines of
    /// `{conversations: [{from, value}]}` (`ShareGPT`) or `{messages: [{role, content}]}`. The
    /// first turn of each, or all of them in a `session`.
    Sharegpt(String),
}
