//! The shape of the report for scripts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::record::Planned;
use crate::report::harm::Harm;
use crate::report::readiness::Readiness;
use crate::suite::Hurt;
use crate::verdict::{Level, Verdict};

/// A check run, as `check --format json` and `report --format json` print it.
///
/// Every key is always there; what is not known is `null` or empty. Keys may be added within a
/// version, so readers pass over those they do not know. Times of exchanges are milliseconds from
/// the start of the exchange.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "proofhouse report")]
pub(super) struct Report<'a> {
    /// The version of this format: 1.
    pub(super) version: u32,
    /// The program that made the run.
    pub(super) tool: Tool<'a>,
    /// The command line, without secrets.
    pub(super) argv: &'a [String],
    /// When the run began, RFC 3339, UTC.
    pub(super) started: String,
    /// When it ended; null for a run that was cut short.
    pub(super) ended: Option<String>,
    /// Whether the run was interrupted.
    pub(super) interrupted: bool,
    /// Whether the record ends without its end.
    pub(super) truncated: bool,
    /// The seed of every random choice.
    pub(super) seed: u64,
    /// The suites that ran.
    pub(super) suites: Vec<SuiteOf<'a>>,
    /// One for each endpoint, in the order given.
    pub(super) targets: Vec<Target<'a>>,
    /// Doubts about the run.
    pub(super) warnings: Vec<WarningOf<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Tool")]
pub(super) struct Tool<'a> {
    /// `proofhouse`.
    pub(super) name: &'a str,
    /// Its version.
    pub(super) version: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Suite")]
pub(super) struct SuiteOf<'a> {
    /// The suite's id.
    pub(super) id: &'a str,
    /// Its title.
    pub(super) title: &'a str,
    /// Its revision.
    pub(super) revision: u32,
    /// The file's path as given, or `built in`.
    pub(super) origin: &'a str,
    /// SHA-256 of the file, in hexadecimal.
    pub(super) sha256: &'a str,
}

/// One judged endpoint.
#[derive(Serialize, JsonSchema)]
pub(super) struct Target<'a> {
    /// Its name, unique in the run.
    pub(super) name: &'a str,
    /// The base URL, without secrets.
    pub(super) base_url: &'a str,
    /// The model asked for.
    pub(super) model: &'a str,
    /// The profile in force.
    pub(super) profile: &'a str,
    /// How it authenticates, without the secret.
    pub(super) auth: &'a str,
    /// Capabilities as declared or probed.
    pub(super) capabilities: &'a BTreeMap<String, String>,
    /// What the server says of itself.
    pub(super) server: &'a BTreeMap<String, String>,
    /// What the run set out to send; null for a run that did not say.
    pub(super) planned: Option<Planned>,
    /// What the run says of it; the exit code follows the same rules.
    pub(super) standing: StandingOf,
    /// How many cases came to each verdict, without provisional ones.
    pub(super) summary: Summary,
    /// Cases that were decided, and those that applied.
    pub(super) coverage: Coverage,
    /// `must` cases that held, and those that were decided.
    pub(super) must: Must,
    /// Which clients can be used with it, in the order of `lens::all`.
    pub(super) readiness: Vec<Readiness>,
    /// In suite order.
    pub(super) cases: Vec<Case<'a>>,
}

/// What a run says of an endpoint.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Standing")]
pub(super) struct StandingOf {
    /// `conforms`, `conforms but for known deviations`, `does not conform`, `does not pass` (only
    /// what the command line asks for beyond is broken), `undecided` or `nothing to judge`.
    pub(super) word: &'static str,
    /// Why, for people.
    pub(super) why: String,
}

/// A count for every verdict.
#[derive(Serialize, JsonSchema)]
pub(super) struct Summary {
    pub(super) pass: usize,
    pub(super) warn: usize,
    pub(super) fail: usize,
    pub(super) info: usize,
    pub(super) inconclusive: usize,
    pub(super) unsupported: usize,
    pub(super) skipped: usize,
    pub(super) xfail: usize,
    pub(super) xpass: usize,
    pub(super) error: usize,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Coverage {
    /// Neither inconclusive nor in error.
    pub(super) decided: usize,
    /// Neither skipped nor unsupported; cases that were not asked are among them.
    pub(super) applicable: usize,
    /// Cases that the run set out to judge and did not come to.
    pub(super) not_asked: usize,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Must {
    /// Known deviations do not count as held.
    pub(super) held: usize,
    pub(super) decided: usize,
}

/// What became of one case.
#[derive(Serialize, JsonSchema)]
pub(super) struct Case<'a> {
    /// `area.slug`.
    pub(super) id: &'a str,
    /// The suite's id.
    pub(super) suite: &'a str,
    /// How strongly it binds.
    pub(super) level: Level,
    /// What became of it.
    pub(super) verdict: Verdict,
    /// A claim about a conforming endpoint.
    pub(super) title: &'a str,
    /// A word on the verdict, where it needs one.
    pub(super) reason: Option<&'a str>,
    /// Every place where something was not as expected.
    pub(super) evidence: Vec<EvidenceOf<'a>>,
    /// Every assertion that could not be judged.
    pub(super) undecided: Vec<Undecided<'a>>,
    /// The known deviation that applies.
    pub(super) known: Option<Known<'a>>,
    /// Numbers of a repeated case.
    pub(super) attempts: Option<AttemptsOf>,
    /// Ids of its exchanges in the record.
    pub(super) exchanges: &'a [String],
    /// A shell command that asks the same.
    pub(super) curl: Option<&'a str>,
    /// Who is hurt when the rule is broken, and how.
    pub(super) why: &'a str,
    /// Who is hurt by the exchanges behind the evidence, the gravest first; only where the case
    /// failed or warned.
    pub(super) hurts: Vec<Harm>,
    /// Clients that the suite notes as hurt when the rule is broken.
    pub(super) known_hurts: &'a [Hurt],
    /// Where the rule is written.
    pub(super) source: &'a [String],
    /// Run and shown, never counted.
    pub(super) provisional: bool,
    /// The suite file.
    pub(super) file: &'a str,
    /// The case's line in it, from 1; 0 if unknown.
    pub(super) line: u64,
    /// Time spent, waiting included, in milliseconds.
    pub(super) took_ms: f64,
}

/// One thing that was not as expected.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Evidence")]
pub(super) struct EvidenceOf<'a> {
    /// What the rule wants.
    pub(super) expected: &'a str,
    /// What was there instead.
    pub(super) seen: &'a str,
    /// Where it was there.
    pub(super) place: PlaceOf<'a>,
    /// The assertion in its own words.
    pub(super) assertion: &'a str,
    /// The level of that assertion.
    pub(super) level: Level,
    /// Where the assertion stands.
    pub(super) spot: SpotOf<'a>,
    /// The step of the case.
    pub(super) step: &'a str,
    /// The combination of the matrix.
    pub(super) cell: &'a BTreeMap<String, Value>,
}

/// An assertion that could not be judged.
#[derive(Serialize, JsonSchema)]
pub(super) struct Undecided<'a> {
    /// Why not.
    pub(super) why: &'a str,
    pub(super) assertion: &'a str,
    pub(super) level: Level,
    pub(super) spot: SpotOf<'a>,
    pub(super) step: &'a str,
    pub(super) cell: &'a BTreeMap<String, Value>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Spot")]
pub(super) struct SpotOf<'a> {
    pub(super) file: &'a str,
    /// From 1; 0 if unknown.
    pub(super) line: u64,
    /// In characters, from 1; 0 if unknown.
    pub(super) column: u64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Place")]
pub(super) struct PlaceOf<'a> {
    /// The exchange's id.
    pub(super) exchange: Option<&'a str>,
    /// For people: `status`, `event 14`.
    pub(super) what: &'a str,
    /// JSON pointer inside it.
    pub(super) pointer: Option<&'a str>,
    /// Index of the frame, from 0.
    pub(super) frame: Option<usize>,
    /// Byte offset in the body.
    pub(super) offset: Option<usize>,
    /// When that byte arrived.
    pub(super) at_ms: Option<f64>,
    /// The bytes around it.
    pub(super) excerpt: Option<ExcerptOf<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Excerpt")]
pub(super) struct ExcerptOf<'a> {
    /// One printable line.
    pub(super) text: &'a str,
    /// The character of `text` that is meant; may be one past the end.
    pub(super) mark: usize,
    /// What is to be seen there.
    pub(super) label: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Known<'a> {
    /// Why it is accepted for now.
    pub(super) reason: &'a str,
    /// Where it is tracked.
    pub(super) link: Option<&'a str>,
    /// The day from which it counts, `YYYY-MM-DD`.
    pub(super) expires: Option<String>,
    /// Whether that day has come.
    pub(super) expired: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Attempts")]
pub(super) struct AttemptsOf {
    /// Attempts that were decided.
    pub(super) n: u32,
    /// Attempts that held.
    pub(super) held: u32,
    /// Transport faults and overload.
    pub(super) not_counted: u32,
    /// 95 % interval of the share, lower end.
    pub(super) low: f64,
    /// Upper end.
    pub(super) high: f64,
    /// The share asked for.
    pub(super) at_least: f64,
    /// How likely one, or all, of several attempts hold: pass@k and pass^k, as far as there were
    /// as many attempts.
    pub(super) pass: Vec<PassOf>,
}

/// pass@k and pass^k, estimated without bias.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Pass")]
pub(super) struct PassOf {
    /// Of how many attempts.
    pub(super) k: u32,
    /// pass@k: the chance that at least one of them holds.
    pub(super) any: f64,
    /// pass^k: the chance that all of them hold.
    pub(super) all: f64,
}

/// What was seen, what it may mean, what to do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Warning")]
pub(super) struct WarningOf<'a> {
    /// The target it is about, if about one.
    pub(super) target: Option<&'a str>,
    pub(super) seen: &'a str,
    pub(super) meaning: &'a str,
    pub(super) remedy: &'a str,
}
