//! The fault matrix: each fault of the mock is caught by exactly the checks listed for it, each
//! check is failed by some fault, and the clean mock passes everything.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use proofhouse::engine::Options;
use proofhouse::mock;
use proofhouse::record::CaseRecord;
use proofhouse::suite::builtin;
use proofhouse::suite::load::Loaded;
use proofhouse::verdict::Verdict;

use crate::harness::{judge_mock, runtime, table};

/// Faults under trial at once; each has a mock of its own.
const AT_ONCE: usize = 4;

fn options() -> Options {
    Options { concurrency: 8, ..Options::default() }
}

/// Whether the case complains. What a `may` says of the clean mock as well is no complaint.
fn caught(case: &CaseRecord) -> bool {
    matches!(case.verdict, Verdict::Fail | Verdict::Warn | Verdict::Info)
}

fn told(case: &CaseRecord) -> String {
    let mut text = format!("{} {}", case.verdict.name(), case.id);
    if let Some(reason) = &case.reason {
        text = format!("{text}: {reason}");
    }
    for finding in &case.findings {
        text = format!("{text}\n    {}", finding.assertion);
        for evidence in &finding.evidence {
            text = format!(
                "{text}\n      expected {}\n      seen {}",
                evidence.expected, evidence.seen
            );
        }
    }
    text
}

/// Checks whose verdict depends on how soon this machine reads what was sent.
fn timed(suites: &[Loaded]) -> BTreeSet<&str> {
    let cases = suites.iter().flat_map(|loaded| &loaded.suite.cases);
    cases.filter(|c| c.id.ends_with(".incremental")).map(|c| c.id.as_str()).collect()
}

#[test]
fn the_clean_mock_passes_everything() {
    let suites = builtin::all().unwrap();
    let collected = runtime().block_on(judge_mock(&suites, |_| true, "", options()));

    let wrong: Vec<String> =
        collected.cases.iter().filter(|case| case.verdict != Verdict::Pass).map(told).collect();

    assert!(wrong.is_empty(), "{} false alarms:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_fault_is_caught_by_exactly_the_checks_listed() {
    let suites = builtin::all().unwrap();
    let table = table();
    // `FAULT=sse-no-done cargo test --test judge each_fault` looks at one row.
    let only = std::env::var("FAULT").ok();
    let waits = |name: &str| table.waiting.iter().any(|waiting| waiting == name);
    let chosen = mock::faults()
        .iter()
        .filter(|f| only.as_deref().map_or_else(|| !waits(f.name), |only| f.name == only));
    let results: Vec<(&str, Vec<CaseRecord>)> = runtime().block_on(
        stream::iter(chosen)
            .map(async |fault| {
                let collected = judge_mock(&suites, |_| true, fault.name, options()).await;
                (fault.name, collected.cases)
            })
            .buffered(AT_ONCE)
            .collect(),
    );

    let timed = timed(&suites);
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for (fault, cases) in &results {
        let seen: Vec<&CaseRecord> = cases.iter().filter(|case| caught(case)).collect();
        if only.is_some() {
            eprintln!("{}", seen.iter().map(|case| told(case)).collect::<Vec<_>>().join("\n"));
        }
        let seen: BTreeSet<&str> = seen.iter().map(|case| case.id.as_str()).collect();
        used.extend(seen.iter().copied());
        let listed_here = table.caught.get(*fault);
        // How soon bytes are read depends on the machine: a timing check counts where it is listed.
        let seen: BTreeSet<&str> = seen
            .into_iter()
            .filter(|id| {
                !timed.contains(id) || listed_here.is_some_and(|l| l.iter().any(|x| x == id))
            })
            .collect();
        let harmless = table.harmless.iter().any(|name| name == fault);
        let listed: BTreeSet<&str> =
            table.caught.get(*fault).into_iter().flatten().map(String::as_str).collect();
        if seen.is_empty() && !harmless {
            wrong.push(format!("{fault}: nobody catches it; listed {listed:?}"));
        } else if seen != listed {
            let extra: Vec<_> = seen.difference(&listed).collect();
            let missing: Vec<_> = listed.difference(&seen).collect();
            wrong.push(format!("{fault}: not listed {extra:?}, listed but silent {missing:?}"));
        }
    }
    for fault in table.caught.keys().chain(&table.harmless).chain(&table.waiting) {
        if !mock::faults().iter().any(|known| known.name == fault) {
            wrong.push(format!("{fault}: the table names it and the mock does not know it"));
        }
    }
    let unfailed: Vec<_> = suites
        .iter()
        .flat_map(|loaded| &loaded.suite.cases)
        .map(|case| case.id.as_str())
        .filter(|id| !used.contains(id) && !table.none.iter().any(|none| none == id))
        .collect();
    if !unfailed.is_empty() && only.is_none() {
        wrong.push(format!("no fault can fail these checks: {unfailed:?}"));
    }
    assert!(wrong.is_empty(), "{} rows are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
