//! The shapes of a record. Self-contained: a report needs no suite file.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Baseline;
use crate::suite::{Hurt, Spot};
use crate::transcript::Exchange;
use crate::units::Nanos;
use crate::verdict::{Evidence, Level, Tally, Verdict};

/// The version of the record format. A reader takes any minor version of its major one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatVersion {
    /// Raised when an old reader would misread a new record.
    pub major: u16,
    /// Raised when something was added.
    pub minor: u16,
}

impl FormatVersion {
    /// What this binary writes.
    pub const CURRENT: Self = Self { major: 1, minor: 1 };
    /// The oldest that this binary reads.
    pub const OLDEST: Self = Self { major: 1, minor: 0 };
}

impl std::fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunMeta {
    /// The format of this record.
    pub format: FormatVersion,
    /// The version of proofhouse that wrote it.
    pub tool: String,
    /// The command line after the program's name. Secrets are named in it, never given; values
    /// that could hold one all the same are masked.
    pub argv: Vec<String>,
    /// When the run began.
    pub started: DateTime<Utc>,
    /// When it ended; absent in a record that was cut short.
    pub ended: Option<DateTime<Utc>>,
    /// Whether it was interrupted.
    #[serde(default)]
    pub interrupted: bool,
    /// The seed of every random choice.
    pub seed: u64,
    /// Whether a broken `should` fails the run.
    #[serde(default)]
    pub strict: bool,
    /// Whether a known deviation that no longer deviates fails the run.
    #[serde(default)]
    pub strict_known: bool,
    /// The share of the applicable cases that must be decided, from 0 to 1; 0 in a record that
    /// does not say.
    #[serde(default)]
    pub min_coverage: f64,
    /// What held in an earlier run, if this one is held to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The client from whose point of view reports are made, by the id of its lens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The suites that ran.
    pub suites: Vec<SuiteRef>,
    /// The targets, in the order given.
    pub targets: Vec<TargetMeta>,
    /// The machine that asked.
    pub host: HostFacts,
}

/// A suite as it was when the run read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteRef {
    /// The suite's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its revision.
    pub revision: u32,
    /// The file's path as given, or `built in`.
    pub origin: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// One judged endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetMeta {
    /// Its name, unique in the run.
    pub name: String,
    /// The base URL, without secrets.
    pub base_url: String,
    /// The model asked for.
    pub model: String,
    /// The profile in force.
    pub profile: String,
    /// How it authenticates, without the secret: `bearer from $OPENAI_API_KEY`, `none`.
    pub auth: String,
    /// Capabilities as declared or probed: `yes`, `no`, or what the probe saw.
    #[serde(default)]
    pub capabilities: BTreeMap<String, String>,
    /// `server` header, `/version` and the like, as far as they were offered.
    #[serde(default)]
    pub server: BTreeMap<String, String>,
    /// What the run set out to send to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
}

/// What a run sets out to send to one target, before it begins.
///
/// Requests sent again because the endpoint was overloaded or closed an idle connection come on
/// top, and so does the handful by which a target is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// Cases that will be asked.
    pub cases: u64,
    /// Cases that are left out, because the profile says that the endpoint does not offer what they need.
    pub left_out: u64,
    /// Requests as the cases ask for them, one by one.
    pub asked: u64,
    /// Requests that will be sent, now that identical ones are sent once.
    pub requests: u64,
    /// The most that may be sent: what is asked until something holds, and attempts that a repeated
    /// case may add.
    pub requests_max: u64,
    /// The most tokens that the answers may have: the limits that the requests name, added up.
    pub output_tokens_max: u64,
    /// Requests among them that name no limit, so that the endpoint's own holds.
    pub unlimited: u64,
}

/// Facts of the machine that asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostFacts {
    /// `linux`, `macos`, …
    pub os: String,
    /// `x86_64`, `aarch64`, …
    pub arch: String,
    /// Processors available to us.
    pub cpus: usize,
}

/// One line of `events.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RunEvent {
    /// What probing found out about a target; replaces the meta written at the start.
    TargetProbed(TargetMeta),
    /// A case was judged.
    Case(Box<CaseRecord>),
    /// A doubt about the run.
    Warning(Warning),
}

impl RunEvent {
    /// The kinds that this version knows, as they stand in the `event` key.
    pub const KINDS: [&'static str; 3] = ["target-probed", "case", "warning"];
}

/// What became of one case on one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// The target's name.
    pub target: String,
    /// `area.slug`.
    pub id: String,
    /// The suite's id.
    pub suite: String,
    /// A claim about a conforming endpoint.
    pub title: String,
    /// How strongly it binds.
    pub level: Level,
    /// What became of it.
    pub verdict: Verdict,
    /// For verdicts that need a word: why inconclusive, what refused, which error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Every assertion that did not hold, with its evidence.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Who is hurt when the rule is broken, and how.
    pub why: String,
    /// Where the rule is written.
    pub source: Vec<String>,
    /// Clients seen to be hurt.
    #[serde(default)]
    pub hurts: Vec<Hurt>,
    /// Run and shown, never counted.
    #[serde(default)]
    pub provisional: bool,
    /// The suite file as given, or `suites/<name>.yaml` for one built in.
    pub file: String,
    /// Where the case stands in it.
    pub spot: Spot,
    /// Ids of the exchanges it was judged on, in order.
    #[serde(default)]
    pub exchanges: Vec<String>,
    /// How many attempts and how many held, for repeated cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Attempts>,
    /// The known deviation that applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<KnownNote>,
    /// A shell command that asks the same; the key stands in it as a variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curl: Option<String>,
    /// Time spent, waiting included.
    pub took: Nanos,
}

/// One assertion that did not hold, or could not be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The assertion in its own words: `stream: done`.
    pub assertion: String,
    /// The level it was judged at.
    pub level: Level,
    /// Where the assertion stands in the suite file.
    pub spot: Spot,
    /// The line it stands on, for the caret; without indentation of its own.
    pub line: String,
    /// Which combination of the matrix, if any: `stream=true`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cell: BTreeMap<String, Value>,
    /// The step's name.
    pub step: String,
    /// Why it could not be judged; then there is no evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot_tell: Option<String>,
    /// What was expected, seen, and where.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

/// A repeated case in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempts {
    /// Attempts that were decided.
    pub n: u32,
    /// Attempts that held.
    pub held: u32,
    /// Transport faults and overload, which are not attempts.
    pub not_counted: u32,
    /// 95 % Clopper-Pearson interval of the share, lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The share asked for.
    pub at_least: f64,
}

/// A known deviation, as it applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownNote {
    /// Why it is accepted for now.
    pub reason: String,
    /// Where it is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The day from which on the deviation counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<NaiveDate>,
    /// Whether that day has passed: then the deviation counts.
    #[serde(default)]
    pub expired: bool,
}

/// A doubt about the run: what was seen, what it may mean, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The target it is about, if about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What was seen.
    pub seen: String,
    /// What it may mean.
    pub meaning: String,
    /// What to do about it.
    pub remedy: String,
}

/// A whole record, read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// `run.json`.
    pub meta: RunMeta,
    /// One for each target, in order.
    pub targets: Vec<TargetRun>,
    /// In order.
    pub warnings: Vec<Warning>,
    /// By id.
    pub exchanges: BTreeMap<String, Exchange>,
    /// The record ends without its end: the run crashed or is still going.
    pub truncated: bool,
}

/// One target's cases.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetRun {
    /// The target, as probed.
    pub meta: TargetMeta,
    /// In suite order.
    pub cases: Vec<CaseRecord>,
    /// Cases that the run set out to ask and did not come to.
    pub unasked: usize,
}

impl TargetRun {
    /// Counts of verdicts, without provisional cases.
    pub fn tally(&self) -> Tally {
        self.cases.iter().filter(|case| !case.provisional).map(|case| case.verdict).collect()
    }
}
