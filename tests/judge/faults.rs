//! The fault matrix: each fault of the mock is caught by exactly the checks listed for it, each
//! check is failed by some fault, and the clean mock passes everything.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse::engine::Options;
use proofhouse::mock;
use proofhouse::record::CaseRecord;
use proofhouse::suite::Case;
use proofhouse::suite::builtin;
use proofhouse::suite::load::Loaded;
use proofhouse::verdict::Verdict;

use crate::harness::{at_once, judge_mock, judge_seeded, runtime, table};
use crate::plan::disagreement;

/// Seeds of the clean mock; each makes it say something else. `MATRIX=whole` takes all of them.
const SEEDS: [u64; 20] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
/// How many of them everyday tests take.
const SEEDS_EVERYDAY: usize = 5;

fn is_whole() -> bool {
    std::env::var("MATRIX").is_ok_and(|matrix| matrix == "whole")
}

fn options() -> Options {
    Options { concurrency: 4, ..Options::default() }
}

/// Whether the case complains.
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

#[test]
fn the_clean_mock_passes_everything_whatever_its_seed() {
    let suites = builtin::all().unwrap();
    let timed = timed(&suites);
    let seeds = if is_whole() { SEEDS.len() } else { SEEDS_EVERYDAY };
    let alarms = at_once(&SEEDS[..seeds], |seed| {
        let judged = judge_seeded(&suites, |_| true, "", *seed, options());
        let judged = runtime().block_on(judged);
        // What a rule about time says of this machine under many mocks at once, it must say again alone.
        let stays = |case: &CaseRecord| {
            let id = case.id.as_str();
            let alone = |case: &Case| case.id.as_str() == id;
            let again = || judge_seeded(&suites, alone, "", *seed, options());
            !timed.contains(id)
                || runtime()
                    .block_on(again())
                    .cases
                    .iter()
                    .any(|case| case.verdict != Verdict::Pass)
        };
        let alarms = judged.cases.iter().filter(|case| case.verdict != Verdict::Pass);
        let alarms = alarms.filter(|case| stays(case)).map(told);
        let unplanned = disagreement(&suites, |_| true, &judged.exchanges);
        let alarms = alarms.chain(unplanned.map(|what| format!("planned were {what}")));
        alarms.map(|alarm| format!("seed {seed}: {alarm}")).collect::<Vec<_>>()
    });
    let wrong = alarms.concat();

    assert!(wrong.is_empty(), "{} false alarms:\n{}", wrong.len(), wrong.join("\n"));
}

/// Cases whose verdict depends on how soon this machine sends and reads.
fn timed(suites: &[Loaded]) -> BTreeSet<&str> {
    let cases = suites.iter().flat_map(|loaded| &loaded.suite.cases);
    let timed = cases.filter(|case| case.tags.iter().any(|tag| tag == "timing"));
    timed.map(|case| case.id.as_str()).collect()
}

/// Cases that cost as much as all the rest, each of which shows nothing new under most faults.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Costly {
    /// It fills the server.
    Crowd,
    /// It talks for several turns, several times.
    Loop,
}

impl Costly {
    fn of(case: &Case) -> Option<Self> {
        if case.needs.iter().any(|need| need.value == "load") {
            return Some(Self::Crowd);
        }
        (case.repeat.is_some() && case.steps.len() > 3).then_some(Self::Loop)
    }
}

/// Whether this case complains of this fault with nothing else at work.
fn stays(suites: &[Loaded], fault: &str, id: &str) -> bool {
    let judged = judge_mock(suites, |case| case.id.as_str() == id, fault, options());
    runtime().block_on(judged).cases.iter().any(caught)
}

#[test]
fn each_fault_is_caught_by_exactly_the_checks_listed() {
    let suites = builtin::all().unwrap();
    let table = table();
    // `FAULT=sse-no-done cargo test --test judge each_fault` looks at one row.
    let only = std::env::var("FAULT").ok();
    // A crowd for each fault takes as long as all the rest, and so do loops: `MATRIX=whole`. Else
    // only faults that a crowd should catch meet crowds, and the same with loops.
    let whole = only.is_some() || is_whole();
    let cases = suites.iter().flat_map(|loaded| &loaded.suite.cases);
    let costly: BTreeMap<&str, Costly> =
        cases.filter_map(|case| Some((case.id.as_str(), Costly::of(case)?))).collect();
    let all = mock::faults().iter().map(|fault| fault.name);
    let chosen: Vec<&str> = all.filter(|name| only.as_deref().is_none_or(|o| *name == o)).collect();
    let results: Vec<(&str, Vec<CaseRecord>)> = at_once(&chosen, |fault| {
        let listed = table.caught.get(*fault).into_iter().flatten();
        let listed: BTreeSet<Costly> =
            listed.filter_map(|id| costly.get(id.as_str()).copied()).collect();
        let wanted =
            |case: &Case| whole || Costly::of(case).is_none_or(|kind| listed.contains(&kind));
        let judged = judge_mock(&suites, wanted, fault, options());
        (*fault, runtime().block_on(judged).cases)
    });

    let timed = timed(&suites);
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for (fault, cases) in &results {
        let seen: Vec<&CaseRecord> = cases.iter().filter(|case| caught(case)).collect();
        if only.is_some() {
            eprintln!("{}", seen.iter().map(|case| told(case)).collect::<Vec<_>>().join("\n"));
        }
        let mut seen: BTreeSet<&str> = seen.iter().map(|case| case.id.as_str()).collect();
        used.extend(seen.iter().copied());
        let harmless = table.harmless.iter().any(|name| name == fault);
        let listed: BTreeSet<&str> =
            table.caught.get(*fault).into_iter().flatten().map(String::as_str).collect();
        // A rule about time judges the machine as well, and many mocks at once are a heavy load: what
        // it says unasked it must say again alone.
        seen.retain(|id| listed.contains(id) || !timed.contains(id) || stays(&suites, fault, id));
        if seen.is_empty() && !harmless {
            wrong.push(format!("{fault}: nobody catches it"));
        }
        for case in cases {
            let id = case.id.as_str();
            match (seen.contains(id), listed.contains(id)) {
                (true, false) => wrong.push(format!("{fault}: not listed: {}", told(case))),
                (false, true) => wrong.push(format!("{fault}: listed, but: {}", told(case))),
                _ => {}
            }
        }
    }
    for fault in table.caught.keys().chain(&table.harmless) {
        if !mock::faults().iter().any(|known| known.name == fault) {
            wrong.push(format!("{fault}: the table names it and the mock does not know it"));
        }
    }
    let unfailed: Vec<_> = suites
        .iter()
        .flat_map(|loaded| &loaded.suite.cases)
        .map(|case| case.id.as_str())
        .filter(|id| !used.contains(id))
        .collect();
    if !unfailed.is_empty() && only.is_none() {
        wrong.push(format!("no fault can fail these checks: {unfailed:?}"));
    }
    assert!(wrong.is_empty(), "{} places are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
