//! The shape of a suite file. `docs/suite-format.md` explains each key to its writers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::assert::Assertion;
pub use crate::document::{At, Spot};
use crate::verdict::Level;

/// One suite file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The format's version; this binary reads version 1.
    pub proofhouse: At<u32>,
    /// The suite's id: lower-case words joined by `-`.
    pub suite: At<String>,
    /// One line for people.
    pub title: String,
    /// Which edition of the suite this is; raised when a verdict may change.
    #[serde(default = "first_revision")]
    pub revision: u32,
    /// A place for YAML anchors; its content is not read.
    #[serde(default)]
    #[schemars(with = "Value")]
    pub define: Value,
    /// In the order in which they run.
    pub cases: Vec<At<Case>>,
}

const fn first_revision() -> u32 {
    1
}

/// One thing that an endpoint must, should or may do.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `area.slug`; never reused.
    pub id: At<String>,
    /// A claim about a conforming endpoint.
    pub title: String,
    /// How strongly it binds.
    pub level: Level,
    /// Where the rule is written: specification sections, issues, client sources.
    pub source: Vec<String>,
    /// Who is hurt when it is broken, and how. Markdown.
    pub why: String,
    /// Clients seen to be hurt, from measurement.
    #[serde(default)]
    pub hurts: Vec<Hurt>,
    /// Capabilities without which the case does not apply: `stream`, `tools`, `json_schema` …
    #[serde(default)]
    pub needs: Vec<At<String>>,
    /// Capabilities that the endpoint must be known not to have: its profile says `no` to them.
    #[serde(default)]
    pub without: Vec<At<String>>,
    /// Free words to select by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Run and shown but never counted, until the next minor version.
    #[serde(default)]
    pub provisional: bool,
    /// The case runs once for each combination of these values.
    #[serde(default)]
    pub matrix: Matrix,
    /// Run several times and decide by share.
    #[serde(default)]
    pub repeat: Option<Repeat>,
    /// When this does not hold after all steps, the case is inconclusive. It names its step:
    /// `that: step.call.assembled…`.
    #[serde(default)]
    pub precondition: Option<At<Assertion>>,
    /// In order; a step that breaks a `must` ends the case.
    pub steps: Vec<At<Step>>,
}

/// A client that was seen to be hurt.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Hurt {
    /// `openai-python .stream()`, `strands-agents` …
    pub client: String,
    /// What it does then: `ends the turn as end_turn with half the text`.
    pub effect: String,
}

/// Names and the values they take in turn.
pub type Matrix = BTreeMap<String, Vec<Value>>;

/// Header names and values of a request, in the order written.
pub type HeaderMap = serde_json::Map<String, Value>;

/// How often to run a case, and how to decide.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// How many attempts.
    pub attempts: u32,
    /// The share of attempts that must hold, 0 to 1.
    pub at_least: f64,
    /// Observed share, or its confidence bound.
    #[serde(default)]
    pub decide: Decide,
    /// With `decide: bound` and `refute`, attempts may be added up to this many.
    #[serde(default)]
    pub max_attempts: Option<u32>,
    /// Attempts under way at once.
    #[serde(default = "one_at_a_time")]
    pub concurrency: u32,
}

const fn one_at_a_time() -> u32 {
    1
}

/// How a repeated case is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decide {
    /// k of n against the threshold.
    #[default]
    Observed,
    /// One-sided 95 % Clopper-Pearson bounds against the threshold; in between is inconclusive.
    Bound,
    /// k of n to pass; to fail, the upper bound must lie below the threshold. In between is
    /// inconclusive.
    Refute,
}

/// One request and what is expected of its answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How later steps call it; `main` if absent.
    #[serde(default = "main_step")]
    pub name: At<String>,
    /// Only when this template is true.
    #[serde(default, rename = "if")]
    pub condition: Option<String>,
    /// Wait before it starts: `2s`.
    #[serde(default)]
    pub after: Option<String>,
    /// Asked again until an assertion holds, a bounded number of times.
    #[serde(default)]
    pub until: Option<Until>,
    /// Tools are run and their results sent back, a bounded number of turns.
    #[serde(default)]
    pub converse: Option<Converse>,
    /// What is asked.
    pub request: RequestSpec,
    /// How it is carried.
    #[serde(default)]
    pub transport: TransportSpec,
    /// Never answered from an identical request that was sent before in this run.
    #[serde(default)]
    pub fresh: bool,
    /// Statuses that are an answer and not overload: a listed 429 or 503 is judged, not retried.
    #[serde(default)]
    pub answers: Vec<u16>,
    /// What must hold.
    #[serde(default)]
    pub expect: Vec<At<Assertion>>,
    /// Names for values of the answer: `call_id: "assembled.choices[0].message.tool_calls[0].id"`.
    #[serde(default)]
    pub capture: BTreeMap<String, String>,
}

/// Asks again until something holds: for what a server does in its own time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// What ends the asking. An answer that is no success ends it too.
    pub holds: At<Assertion>,
    /// How often at most. If it never holds, the case is inconclusive.
    pub tries: u32,
    /// The pause between two tries: `500ms`.
    pub every: String,
}

/// Goes on with a conversation while the answers hold calls: each call is answered, and the whole is
/// asked again.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Converse {
    /// How many requests at most, the first one included.
    pub turns: u32,
    /// What each tool gives, by its name: a template, in which `arguments` is what it was called
    /// with. What is no text is sent as JSON.
    pub tools: BTreeMap<String, Value>,
    /// Fields of the request that are others after the first turn: `{tool_choice: auto}`; null
    /// takes one away.
    #[serde(default)]
    pub then: serde_json::Map<String, Value>,
}

fn main_step() -> At<String> {
    At { value: "main".to_owned(), spot: Spot::default() }
}

/// A request. Strings are templates: `${model}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestSpec {
    /// `POST` if absent.
    #[serde(default = "post")]
    pub method: String,
    /// Below the base URL: `/chat/completions`. `root:/ping` is below the server's root.
    pub path: String,
    /// Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, Value>,
    /// Added to the target's; `null` takes one of those away (`authorization: null`).
    #[serde(default)]
    pub headers: HeaderMap,
    /// A JSON body; sets the content type.
    #[serde(default, deserialize_with = "present")]
    pub json: Option<Value>,
    /// A text body, sent as written.
    #[serde(default)]
    pub text: Option<String>,
    /// A body in base64.
    #[serde(default)]
    pub base64: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

/// `json: null` is a body of `null`, not the absence of one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// How a request is carried. Absent keys leave the transport's defaults.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransportSpec {
    /// `new`, or `reuse:<step>` for the connection that step used.
    #[serde(default)]
    pub connection: StepConnection,
    /// Cut the request's bytes into pieces.
    #[serde(default)]
    pub split: Option<Split>,
    /// Read the response slowly.
    #[serde(default)]
    pub read: Option<Reading>,
    /// Leave before the end.
    #[serde(default)]
    pub disconnect: Option<Disconnect>,
    /// Close our sending side after the request.
    #[serde(default)]
    pub half_close: bool,
    /// Send the body chunked instead of with a content length.
    #[serde(default)]
    pub chunked: bool,
    /// How many copies run at once. `expect` judges each; `all.<query>` sees them together.
    #[serde(default)]
    #[schemars(with = "Option<Value>")]
    pub parallel: Option<Value>,
    /// The whole exchange's deadline: `60s`.
    #[serde(default)]
    pub timeout: Option<String>,
}

/// Which connection a step uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StepConnection {
    /// Whichever is idle, or a new one.
    #[default]
    Any,
    /// A new one.
    New,
    /// The one that the named step used.
    Reuse(String),
}

impl<'de> Deserialize<'de> for StepConnection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix("reuse:") {
            Some(step) if !step.is_empty() => Ok(Self::Reuse(step.to_owned())),
            _ if text == "new" => Ok(Self::New),
            _ if text == "any" => Ok(Self::Any),
            _ => Err(serde::de::Error::custom("expected `any`, `new` or `reuse:<step>`")),
        }
    }
}

impl JsonSchema for StepConnection {
    fn schema_name() -> Cow<'static, str> {
        "StepConnection".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(any|new|reuse:.+)$",
            "x-expected": "`any`, `new` or `reuse:<step>`",
        })
    }
}

/// Cuts the request into pieces of `bytes`, with a pause between them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Size of a piece.
    pub bytes: usize,
    /// Pause between two pieces: `5ms`.
    #[serde(default)]
    pub gap: Option<String>,
}

/// Reads at most `bytes` every `every`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Bytes of one read.
    pub bytes: usize,
    /// Pause between two reads: `100ms`.
    pub every: String,
}

/// When to leave early.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disconnect {
    /// After this many stream events.
    #[serde(default)]
    pub after_events: Option<usize>,
    /// After this long: `200ms`.
    #[serde(default)]
    pub after: Option<String>,
}
