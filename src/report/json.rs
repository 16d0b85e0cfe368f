//! The report for scripts. `schema/report.json` is generated from these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::facts;
use super::harm::{Harm, Harms, Readiness};
use crate::record::{CaseRecord, Finding, Planned, Run, TargetRun, Warning};
use crate::suite::Hurt;
use crate::verdict::{Evidence, Level, Verdict};

/// A check run, as `check --format json` and `report --format json` print it.
///
/// Every key is always there; what is not known is `null` or empty. Keys may be added within a
/// version, so readers pass over those they do not know. Times of exchanges are milliseconds from
/// the start of the exchange.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "proofhouse report")]
struct Report<'a> {
    /// The version of this format: 1.
    version: u32,
    /// The program that made the run.
    tool: Tool<'a>,
    /// The command line, without secrets.
    argv: &'a [String],
    /// When the run began, RFC 3339, UTC.
    started: String,
    /// When it ended; null for a run that was cut short.
    ended: Option<String>,
    /// Whether the run was interrupted.
    interrupted: bool,
    /// Whether the record ends without its end.
    truncated: bool,
    /// The seed of every random choice.
    seed: u64,
    /// The suites that ran.
    suites: Vec<SuiteOf<'a>>,
    /// One for each endpoint, in the order given.
    targets: Vec<Target<'a>>,
    /// Doubts about the run.
    warnings: Vec<WarningOf<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Tool")]
struct Tool<'a> {
    /// `proofhouse`.
    name: &'a str,
    /// Its version.
    version: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Suite")]
struct SuiteOf<'a> {
    /// The suite's id.
    id: &'a str,
    /// Its title.
    title: &'a str,
    /// Its revision.
    revision: u32,
    /// The file's path as given, or `built in`.
    origin: &'a str,
    /// SHA-256 of the file, in hexadecimal.
    sha256: &'a str,
}

/// One judged endpoint.
#[derive(Serialize, JsonSchema)]
struct Target<'a> {
    /// Its name, unique in the run.
    name: &'a str,
    /// The base URL, without secrets.
    base_url: &'a str,
    /// The model asked for.
    model: &'a str,
    /// The profile in force.
    profile: &'a str,
    /// How it authenticates, without the secret.
    auth: &'a str,
    /// Capabilities as declared or probed.
    capabilities: &'a BTreeMap<String, String>,
    /// What the server says of itself.
    server: &'a BTreeMap<String, String>,
    /// What the run set out to send; null for a run that did not say.
    planned: Option<Planned>,
    /// How many cases came to each verdict, without provisional ones.
    summary: Summary,
    /// Cases that were decided, and those that applied.
    coverage: Coverage,
    /// `must` cases that held, and those that were decided.
    must: Must,
    /// Which clients can be used with it, in the order of `lens::all`.
    readiness: Vec<Readiness>,
    /// In suite order.
    cases: Vec<Case<'a>>,
}

/// A count for every verdict.
#[derive(Serialize, JsonSchema)]
struct Summary {
    pass: usize,
    warn: usize,
    fail: usize,
    info: usize,
    inconclusive: usize,
    unsupported: usize,
    skipped: usize,
    xfail: usize,
    xpass: usize,
    error: usize,
}

#[derive(Serialize, JsonSchema)]
struct Coverage {
    /// Neither inconclusive nor in error.
    decided: usize,
    /// Neither skipped nor unsupported.
    applicable: usize,
}

#[derive(Serialize, JsonSchema)]
struct Must {
    /// Known deviations do not count as held.
    held: usize,
    decided: usize,
}

/// What became of one case.
#[derive(Serialize, JsonSchema)]
struct Case<'a> {
    /// `area.slug`.
    id: &'a str,
    /// The suite's id.
    suite: &'a str,
    /// How strongly it binds.
    level: Level,
    /// What became of it.
    verdict: Verdict,
    /// A claim about a conforming endpoint.
    title: &'a str,
    /// A word on the verdict, where it needs one.
    reason: Option<&'a str>,
    /// Every place where something was not as expected.
    evidence: Vec<EvidenceOf<'a>>,
    /// Every assertion that could not be judged.
    undecided: Vec<Undecided<'a>>,
    /// The known deviation that applies.
    known: Option<Known<'a>>,
    /// Numbers of a repeated case.
    attempts: Option<AttemptsOf>,
    /// Ids of its exchanges in the record.
    exchanges: &'a [String],
    /// A shell command that asks the same.
    curl: Option<&'a str>,
    /// Who is hurt when the rule is broken, and how.
    why: &'a str,
    /// Who is hurt by the exchanges behind the evidence, the gravest first; only where the case
    /// failed or warned.
    hurts: Vec<Harm>,
    /// Clients that the suite notes as hurt when the rule is broken.
    known_hurts: &'a [Hurt],
    /// Where the rule is written.
    source: &'a [String],
    /// Run and shown, never counted.
    provisional: bool,
    /// The suite file.
    file: &'a str,
    /// The case's line in it, from 1; 0 if unknown.
    line: u64,
    /// Time spent, waiting included, in milliseconds.
    took_ms: f64,
}

/// One thing that was not as expected.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Evidence")]
struct EvidenceOf<'a> {
    /// What the rule wants.
    expected: &'a str,
    /// What was there instead.
    seen: &'a str,
    /// Where it was there.
    place: PlaceOf<'a>,
    /// The assertion in its own words.
    assertion: &'a str,
    /// The level of that assertion.
    level: Level,
    /// Where the assertion stands.
    spot: SpotOf<'a>,
    /// The step of the case.
    step: &'a str,
    /// The combination of the matrix.
    cell: &'a BTreeMap<String, Value>,
}

/// An assertion that could not be judged.
#[derive(Serialize, JsonSchema)]
struct Undecided<'a> {
    /// Why not.
    why: &'a str,
    assertion: &'a str,
    level: Level,
    spot: SpotOf<'a>,
    step: &'a str,
    cell: &'a BTreeMap<String, Value>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Spot")]
struct SpotOf<'a> {
    file: &'a str,
    /// From 1; 0 if unknown.
    line: u64,
    /// In characters, from 1; 0 if unknown.
    column: u64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Place")]
struct PlaceOf<'a> {
    /// The exchange's id.
    exchange: Option<&'a str>,
    /// For people: `status`, `event 14`.
    what: &'a str,
    /// JSON pointer inside it.
    pointer: Option<&'a str>,
    /// Index of the frame, from 0.
    frame: Option<usize>,
    /// Byte offset in the body.
    offset: Option<usize>,
    /// When that byte arrived.
    at_ms: Option<f64>,
    /// The bytes around it.
    excerpt: Option<ExcerptOf<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Excerpt")]
struct ExcerptOf<'a> {
    /// One printable line.
    text: &'a str,
    /// The character of `text` that is meant; may be one past the end.
    mark: usize,
    /// What is to be seen there.
    label: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Known<'a> {
    /// Why it is accepted for now.
    reason: &'a str,
    /// Where it is tracked.
    link: Option<&'a str>,
    /// The day from which it counts, `YYYY-MM-DD`.
    expires: Option<String>,
    /// Whether that day has come.
    expired: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Attempts")]
struct AttemptsOf {
    /// Attempts that were decided.
    n: u32,
    /// Attempts that held.
    held: u32,
    /// Transport faults and overload.
    not_counted: u32,
    /// 95 % interval of the share, lower end.
    low: f64,
    /// Upper end.
    high: f64,
    /// The share asked for.
    at_least: f64,
}

/// What was seen, what it may mean, what to do.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Warning")]
struct WarningOf<'a> {
    /// The target it is about, if about one.
    target: Option<&'a str>,
    seen: &'a str,
    meaning: &'a str,
    remedy: &'a str,
}

/// The JSON Schema of this format, as committed in `schema/report.json`.
pub fn schema() -> Value {
    schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report<'static>>()
        .to_value()
}

pub(super) fn render(run: &Run, harms: &Harms<'_>) -> String {
    let report = Report {
        version: 1,
        tool: Tool { name: "proofhouse", version: &run.meta.tool },
        argv: &run.meta.argv,
        started: run.meta.started.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        ended: run
            .meta
            .ended
            .map(|ended| ended.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
        interrupted: run.meta.interrupted,
        truncated: run.truncated,
        seed: run.meta.seed,
        suites: run.meta.suites.iter().map(suite).collect(),
        targets: run.targets.iter().map(|run| target(run, harms)).collect(),
        warnings: run.warnings.iter().map(warning).collect(),
    };
    let mut text =
        serde_json::to_string_pretty(&report).expect("keys are strings and numbers are finite");
    text.push('\n');
    text
}

fn suite(suite: &crate::record::SuiteRef) -> SuiteOf<'_> {
    let crate::record::SuiteRef { id, title, revision, origin, sha256 } = suite;
    SuiteOf { id, title, revision: *revision, origin, sha256 }
}

fn target<'a>(target: &'a TargetRun, harms: &Harms<'_>) -> Target<'a> {
    let meta = &target.meta;
    let tally = target.tally();
    let coverage = facts::coverage(target);
    let must = facts::must(target);
    Target {
        name: &meta.name,
        base_url: &meta.base_url,
        model: &meta.model,
        profile: &meta.profile,
        auth: &meta.auth,
        capabilities: &meta.capabilities,
        server: &meta.server,
        planned: meta.planned,
        summary: Summary {
            pass: tally.count(Verdict::Pass),
            warn: tally.count(Verdict::Warn),
            fail: tally.count(Verdict::Fail),
            info: tally.count(Verdict::Info),
            inconclusive: tally.count(Verdict::Inconclusive),
            unsupported: tally.count(Verdict::Unsupported),
            skipped: tally.count(Verdict::Skipped),
            xfail: tally.count(Verdict::XFail),
            xpass: tally.count(Verdict::XPass),
            error: tally.count(Verdict::Error),
        },
        coverage: Coverage { decided: coverage.part, applicable: coverage.whole },
        must: Must { held: must.part, decided: must.whole },
        readiness: harms.readiness(target),
        cases: target.cases.iter().map(|record| case(record, harms)).collect(),
    }
}

fn case<'a>(case: &'a CaseRecord, harms: &Harms<'_>) -> Case<'a> {
    Case {
        id: &case.id,
        suite: &case.suite,
        level: case.level,
        verdict: case.verdict,
        title: &case.title,
        reason: super::phrase::reason(case),
        evidence: case
            .findings
            .iter()
            .flat_map(|finding| finding.evidence.iter().map(|e| evidence(case, finding, e)))
            .collect(),
        undecided: case.findings.iter().filter_map(|finding| undecided(case, finding)).collect(),
        known: case.known.as_ref().map(|known| Known {
            reason: &known.reason,
            link: known.link.as_deref(),
            expires: known.expires.map(|day| day.to_string()),
            expired: known.expired,
        }),
        attempts: case.attempts.map(|attempts| AttemptsOf {
            n: attempts.n,
            held: attempts.held,
            not_counted: attempts.not_counted,
            low: attempts.low,
            high: attempts.high,
            at_least: attempts.at_least,
        }),
        exchanges: &case.exchanges,
        curl: case.curl.as_deref(),
        why: &case.why,
        hurts: harms.of_case(case).into_iter().cloned().collect(),
        known_hurts: &case.hurts,
        source: &case.source,
        provisional: case.provisional,
        file: &case.file,
        line: case.spot.line,
        took_ms: case.took.as_millis_f64(),
    }
}

fn evidence<'a>(
    case: &'a CaseRecord,
    finding: &'a Finding,
    evidence: &'a Evidence,
) -> EvidenceOf<'a> {
    let Evidence { expected, seen, place } = evidence;
    EvidenceOf {
        expected,
        seen,
        place: PlaceOf {
            exchange: place.exchange.as_deref(),
            what: &place.what,
            pointer: place.pointer.as_deref(),
            frame: place.frame,
            offset: place.offset,
            at_ms: place.at.map(crate::units::Nanos::as_millis_f64),
            excerpt: place.excerpt.as_ref().map(|excerpt| ExcerptOf {
                text: &excerpt.text,
                mark: excerpt.mark,
                label: &excerpt.label,
            }),
        },
        assertion: &finding.assertion,
        level: finding.level,
        spot: spot(case, finding),
        step: &finding.step,
        cell: &finding.cell,
    }
}

fn undecided<'a>(case: &'a CaseRecord, finding: &'a Finding) -> Option<Undecided<'a>> {
    Some(Undecided {
        why: finding.cannot_tell.as_deref()?,
        assertion: &finding.assertion,
        level: finding.level,
        spot: spot(case, finding),
        step: &finding.step,
        cell: &finding.cell,
    })
}

fn spot<'a>(case: &'a CaseRecord, finding: &Finding) -> SpotOf<'a> {
    SpotOf { file: &case.file, line: finding.spot.line, column: finding.spot.column }
}

fn warning(warning: &Warning) -> WarningOf<'_> {
    let Warning { target, seen, meaning, remedy } = warning;
    WarningOf { target: target.as_deref(), seen, meaning, remedy }
}
