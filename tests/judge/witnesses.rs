//! Two witnesses for each check: saved exchanges on which it holds, and on which it fails.
//!
//! They pin the judge itself: a change of the readers or the vocabulary that turns a verdict is
//! seen here, without a server. `BLESS=1 cargo test --test judge` records those that are missing
//! against the mock (the failing one with the first fault that the fault table lists for the
//! check); delete a file to have it recorded anew. Witnesses taken from real servers stay.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use proofhouse::engine::Options;
use proofhouse::record::CaseRecord;
use proofhouse::suite::builtin;
use proofhouse::suite::load::Loaded;
use proofhouse::transcript::{Exchange, read_jsonl, write_jsonl};
use proofhouse::transport::replay::Replay;
use proofhouse::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::harness::{judge, judge_mock, runtime, table, target};

/// The first line of a witness.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The check.
    case: String,
    /// What it must come to.
    verdict: Verdict,
    /// The assertion that fails, in its own words; for a failing witness only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assertion: Option<String>,
    /// Where the bytes come from: `mock`, `mock --fault x`, `vLLM 0.32`.
    origin: String,
}

fn path(id: &str, kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/witness/{id}/{kind}.jsonl"))
}

fn alone() -> Options {
    Options { concurrency: 1, share: false, ..Options::default() }
}

/// The first assertion that was broken outright.
fn broken(case: &CaseRecord) -> Option<String> {
    case.findings.iter().find(|f| f.cannot_tell.is_none()).map(|f| f.assertion.clone())
}

/// Records a witness; `false` when the check does not come out as wanted on this fault.
fn record(suites: &[Loaded], id: &str, kind: &str, fault: &str) -> bool {
    let collected =
        runtime().block_on(judge_mock(suites, |case| case.id.value == id, fault, alone()));
    let case = &collected.cases[0];
    let wanted = if kind == "holds" { Verdict::Pass } else { case.level.when_broken() };
    if case.verdict != wanted {
        return false;
    }
    let head = Head {
        case: id.to_owned(),
        verdict: case.verdict,
        assertion: broken(case),
        origin: if fault.is_empty() { "mock".to_owned() } else { format!("mock --fault {fault}") },
    };
    let mut text = serde_json::to_vec(&head).unwrap();
    text.push(b'\n');
    for exchange in &collected.exchanges {
        write_jsonl(&mut text, exchange).unwrap();
    }
    let path = path(id, kind);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    true
}

fn read(id: &str, kind: &str) -> Option<(Head, Vec<Exchange>)> {
    let text = fs::read_to_string(path(id, kind)).ok()?;
    let (head, exchanges) = text.split_once('\n').unwrap();
    Some((serde_json::from_str(head).unwrap(), read_jsonl(exchanges.as_bytes()).unwrap()))
}

/// What is wrong with one witness, if anything.
fn trouble(suites: &[Loaded], id: &str, kind: &str) -> Option<String> {
    let Some((head, exchanges)) = read(id, kind) else {
        return Some(format!("{id}: no `{kind}` witness; BLESS=1 records one"));
    };
    let target = target("http://127.0.0.1:9/v1");
    let replay = Replay::new(exchanges);
    let collected =
        runtime().block_on(judge(suites, |case| case.id.value == id, &replay, &target, alone()));
    let case = &collected.cases[0];
    if case.verdict != head.verdict {
        let reason = case.reason.clone().unwrap_or_default();
        return Some(format!(
            "{id} on its `{kind}` witness: {}, not {} {reason}",
            case.verdict.name(),
            head.verdict.name()
        ));
    }
    let right = match kind {
        "holds" => head.verdict == Verdict::Pass,
        _ => head.verdict == case.level.when_broken() && broken(case) == head.assertion,
    };
    (!right).then(|| format!("{id}: `{kind}` shows {} on {:?}", head.verdict.name(), broken(case)))
}

#[test]
fn every_check_has_a_witness_that_holds_and_one_that_fails() {
    let suites = builtin::all().unwrap();
    let mut faults: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let table = table();
    for (fault, checks) in &table.caught {
        for check in checks {
            faults.entry(check).or_default().push(fault);
        }
    }
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for case in suites.iter().flat_map(|loaded| &loaded.suite.cases) {
        let id = case.id.as_str();
        for kind in ["holds", "fails"] {
            if bless && !path(id, kind).exists() {
                let clean = vec![""];
                let tries = if kind == "holds" { Some(&clean) } else { faults.get(id) };
                tries.into_iter().flatten().any(|fault| record(&suites, id, kind, fault));
            }
            wrong.extend(trouble(&suites, id, kind));
        }
    }
    assert!(wrong.is_empty(), "{} witnesses are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_witness_is_left_of_a_check_that_is_gone() {
    let suites = builtin::all().unwrap();
    let known: Vec<&str> =
        suites.iter().flat_map(|l| &l.suite.cases).map(|case| case.id.as_str()).collect();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/witness");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name.as_str()), "fixtures/witness/{name} has no check");
    }
}
