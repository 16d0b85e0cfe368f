//! The report for scripts. `schema/report.json` is generated from the types of its shape.

mod shape;

use serde_json::Value;

use self::shape::{
    AttemptsOf, Case, Coverage, EvidenceOf, ExcerptOf, Known, Must, PassOf, PlaceOf, Report,
    SpotOf, StandingOf, SuiteOf, Summary, Target, Tool, Undecided, WarningOf,
};
use super::harm::Harms;
use super::phrase::PASS_K;
use super::{facts, readiness};
use crate::record::{CaseRecord, Finding, Run, TargetRun, Warning};
use crate::stats::{pass_all, pass_at};
use crate::verdict::{Evidence, Verdict};

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
        targets: run.targets.iter().map(|one| target(run, one, harms)).collect(),
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

fn target<'a>(run: &'a Run, target: &'a TargetRun, harms: &Harms<'_>) -> Target<'a> {
    let meta = &target.meta;
    let tally = target.tally();
    let coverage = facts::coverage(target);
    let must = facts::must(target);
    let facts::Standing { word, why, .. } = facts::standing(run, target);
    Target {
        name: &meta.name,
        base_url: &meta.base_url,
        model: &meta.model,
        profile: &meta.profile,
        auth: &meta.auth,
        capabilities: &meta.capabilities,
        server: &meta.server,
        planned: meta.planned,
        standing: StandingOf { word, why },
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
        coverage: Coverage {
            decided: coverage.part,
            applicable: coverage.whole,
            not_asked: target.unasked,
        },
        must: Must { held: must.part, decided: must.whole },
        readiness: readiness::of(target, harms),
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
            pass: PASS_K
                .into_iter()
                .filter_map(|k| {
                    let any = pass_at(attempts.held, attempts.n, k)?;
                    let all = pass_all(attempts.held, attempts.n, k)?;
                    Some(PassOf { k, any, all })
                })
                .collect(),
        }),
        exchanges: &case.exchanges,
        curl: case.curl.as_deref(),
        why: &case.why,
        hurts: harms.of_case(case),
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
