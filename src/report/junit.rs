//! The report for CI systems: one test suite for each target and suite, one test case for each
//! case.
//!
//! JUnit knows failure, error and skipped. Whatever does not break the run and is not simply
//! true becomes skipped with its reason, and the verdict stands in a property. Characters that
//! XML cannot hold are left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{facts, phrase};
use crate::record::{CaseRecord, Cause, Run, TargetRun, Trouble};
use crate::units::Nanos;
use crate::verdict::Verdict;

pub(super) fn render(run: &Run) -> String {
    let mut report = Report::new("proofhouse");
    report.set_timestamp(run.meta.started);
    if let Some(ended) = run.meta.ended {
        report.set_time((ended - run.meta.started).to_std().unwrap_or_default());
    }
    for target in &run.targets {
        for (suite, cases) in suites(target) {
            report.add_test_suite(test_suite(run, target, suite, &cases));
        }
        report.add_test_suites(run_suite(run, target));
    }
    report.to_string().expect("a string takes whatever is written to it")
}

/// A target's cases under their suites, in the order of the first case of each.
fn suites(target: &TargetRun) -> Vec<(&str, Vec<&CaseRecord>)> {
    let mut suites: Vec<(&str, Vec<&CaseRecord>)> = Vec::new();
    let mut places = BTreeMap::new();
    for case in &target.cases {
        let place = *places.entry(case.suite.as_str()).or_insert_with(|| {
            suites.push((&case.suite, Vec::new()));
            suites.len() - 1
        });
        if let Some((_, cases)) = suites.get_mut(place) {
            cases.push(case);
        }
    }
    suites
}

fn test_suite(run: &Run, target: &TargetRun, suite: &str, cases: &[&CaseRecord]) -> TestSuite {
    let mut out = TestSuite::new(format!("{}/{suite}", target.meta.name));
    out.set_timestamp(run.meta.started);
    let took = cases.iter().fold(Nanos(0), |sum, case| sum + case.took);
    out.set_time(took.into());
    for (name, value) in [
        ("target", target.meta.name.as_str()),
        ("base_url", &target.meta.base_url),
        ("model", &target.meta.model),
        ("profile", &target.meta.profile),
        ("proofhouse", &run.meta.tool),
    ] {
        out.add_property(Property::new(name, value));
    }
    out.add_test_cases(cases.iter().map(|case| test_case(run, case)));
    out
}

/// What is wrong with the run itself: no case says it, and without it a CI system would be green.
fn run_suite(run: &Run, target: &TargetRun) -> Option<TestSuite> {
    let cases: Vec<_> = run
        .troubles(target)
        .iter()
        .filter_map(|trouble| {
            let name = match trouble {
                Trouble::Interrupted { .. } => "run interrupted",
                Trouble::CutShort => "record cut short",
                Trouble::LittleDecided { .. } => "coverage below what is wanted",
                Trouble::Broken(..) | Trouble::Unrun(_) => return None,
            };
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("run");
            status.set_message(phrase::visible(&facts::run_trouble(trouble)).as_ref());
            let mut case = TestCase::new(name, status);
            case.set_classname(format!("{}.run", target.meta.name));
            Some(case)
        })
        .collect();
    if cases.is_empty() {
        return None;
    }
    let mut suite = TestSuite::new(format!("{}/run", target.meta.name));
    suite.set_timestamp(run.meta.started);
    suite.add_test_cases(cases);
    Some(suite)
}

fn test_case(run: &Run, case: &CaseRecord) -> TestCase {
    let mut out = TestCase::new(case.id.as_str(), status(run, case));
    out.set_classname(format!("{}.{}", case.target, case.suite));
    out.set_time(case.took.into());
    out.extra.insert("file".into(), case.file.as_str().into());
    out.extra.insert("line".into(), case.spot.line.to_string().into());
    for (name, value) in
        [("level", case.level.name()), ("verdict", case.verdict.name()), ("title", &case.title)]
    {
        out.add_property(Property::new(name, value));
    }
    if case.provisional {
        out.add_property(Property::new("provisional", "true"));
    }
    if let Some(link) = case.known.as_ref().and_then(|known| known.link.as_deref()) {
        out.add_property(Property::new("known", link));
    }
    // What breaks the run says so in its status; the rest is told where it does not.
    let told = matches!(
        case.verdict,
        Verdict::Warn | Verdict::Info | Verdict::XFail | Verdict::XPass | Verdict::Fail
    );
    if told && run.meta.breaks(case).is_none() {
        out.set_system_out(details(run, case));
    }
    out
}

fn status(run: &Run, case: &CaseRecord) -> TestCaseStatus {
    if let Some(cause) = run.meta.breaks(case) {
        return broken(run, case, NonSuccessKind::Failure, Some(cause));
    }
    match case.verdict {
        Verdict::Error if !case.provisional => broken(run, case, NonSuccessKind::Error, None),
        Verdict::Skipped | Verdict::Unsupported | Verdict::Inconclusive | Verdict::XFail => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(phrase::visible(&skipped_message(case)).as_ref());
            status
        }
        Verdict::Error
        | Verdict::Fail
        | Verdict::XPass
        | Verdict::Warn
        | Verdict::Info
        | Verdict::Pass => TestCaseStatus::success(),
    }
}

fn broken(
    run: &Run,
    case: &CaseRecord,
    kind: NonSuccessKind,
    breaks: Option<Cause>,
) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(format!("{}.{}", case.level.name(), case.verdict.name()));
    let message = match (breaks, &case.known) {
        (Some(Cause::Expired), Some(known)) => {
            format!("a known deviation has {}: {}", phrase::expiry(known), message(case))
        }
        (Some(Cause::Outdated), _) => {
            format!("a known deviation no longer deviates: {}", message(case))
        }
        (Some(Cause::Regressed), _) => {
            let before = run.meta.baseline.as_ref().map_or("", |baseline| &baseline.run);
            format!("held in {before} and broke: {}", message(case))
        }
        _ => message(case),
    };
    status.set_message(phrase::visible(&message).as_ref());
    status.set_description(details(run, case));
    status
}

/// One line: the first thing that was not as expected.
fn message(case: &CaseRecord) -> String {
    let first = case.findings.iter().flat_map(|finding| &finding.evidence).next();
    match (first, phrase::reason(case)) {
        (Some(evidence), _) => {
            format!("{}: expected {}, seen {}", case.title, evidence.expected, evidence.seen)
        }
        (None, Some(reason)) => format!("{}: {reason}", case.title),
        (None, None) => case.title.clone(),
    }
}

fn skipped_message(case: &CaseRecord) -> String {
    let word = case.verdict.name();
    if let Some(known) = &case.known {
        let link = known.link.as_deref().unwrap_or_default();
        let said = format!("{word}: {} ({}) {link}", known.reason, phrase::expiry(known));
        return said.trim_end().to_owned();
    }
    let reason = phrase::reason(case).unwrap_or(phrase::meaning(case.verdict));
    format!("{word}: {reason}")
}

/// Everything that was seen, in lines.
fn details(run: &Run, case: &CaseRecord) -> String {
    let mut out = String::new();
    for finding in &case.findings {
        for evidence in &finding.evidence {
            let spot = finding.spot;
            let _ = writeln!(out, "expected  {}", evidence.expected);
            let _ = writeln!(out, "    seen  {}", evidence.seen);
            let _ = writeln!(out, "   where  {}", phrase::place(run, &evidence.place));
            if let Some(excerpt) = &evidence.place.excerpt {
                let _ = writeln!(out, "   bytes  {}", excerpt.text);
                let mark = format!("{}^ {}", " ".repeat(excerpt.mark), excerpt.label);
                let _ = writeln!(out, "          {}", mark.trim_end());
            }
            let _ = writeln!(
                out,
                "   suite  {}:{}:{}  {}",
                case.file, spot.line, spot.column, finding.assertion
            );
        }
    }
    if let Some(reason) = phrase::reason(case) {
        let _ = writeln!(out, "  reason  {reason}");
    }
    if let Some(attempts) = &case.attempts {
        let _ = writeln!(out, "    rate  {}", phrase::attempts(attempts));
    }
    for hurt in &case.hurts {
        let _ = writeln!(out, "   hurts  {}: {}", hurt.client, hurt.effect);
    }
    let _ = writeln!(out, "     why  {}", case.why);
    if let Some(curl) = &case.curl {
        let _ = writeln!(out, "\n{curl}");
    }
    phrase::visible(&out).into_owned()
}
