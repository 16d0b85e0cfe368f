//! What the page shows, ready for the template.

use serde::Serialize;

use super::Sheet;
use super::row::{Row, Text, rows_of, text};
use super::wire::Exchange;
use crate::record::{CaseRecord, Run, TargetRun, Warning};
use crate::report::facts;
use crate::report::harm::Harms;
use crate::report::phrase::{self, symbol, utc};
use crate::report::readiness::{self, State};
use crate::text::plural;
use crate::units::Nanos;
use crate::verdict::{Level, Verdict};

#[derive(Serialize)]
pub(super) struct Page<'a> {
    #[serde(flatten)]
    sheet: Sheet,
    title: String,
    tool: &'a str,
    started: String,
    facts: Vec<(&'static str, String)>,
    argv: String,
    incomplete: Option<&'static str>,
    warnings: Vec<Doubt<'a>>,
    targets: Vec<Target<'a>>,
    filters: Filters,
    rows: usize,
    suites: Vec<Suite<'a>>,
    exchanges: Vec<Exchange<'a>>,
    legend: Vec<Legend>,
}

/// A warning about the run.
#[derive(Serialize)]
struct Doubt<'a> {
    target: Option<&'a str>,
    seen: &'a str,
    meaning: &'a str,
    remedy: &'a str,
}

impl<'a> Doubt<'a> {
    fn of(warning: &'a Warning) -> Self {
        let Warning { target, seen, meaning, remedy } = warning;
        Self { target: target.as_deref(), seen, meaning, remedy }
    }
}

#[derive(Serialize)]
struct Legend {
    verdict: &'static str,
    symbol: &'static str,
    meaning: &'static str,
}

/// One endpoint, summed up.
#[derive(Serialize)]
struct Target<'a> {
    name: &'a str,
    verdict: &'static str,
    symbol: &'static str,
    word: &'static str,
    why: String,
    facts: Vec<(&'a str, String)>,
    counts: Vec<Count>,
    coverage: String,
    must: String,
    readiness: Vec<Ready>,
    /// What to look at first.
    broken: Vec<Broken<'a>>,
    known: Vec<Broken<'a>>,
}

/// Whether a client can be used with a target.
#[derive(Serialize)]
struct Ready {
    client: &'static str,
    state: &'static str,
    verdict: &'static str,
    symbol: &'static str,
    reasons: Vec<String>,
}

/// A count, and its part of the bar: `x` and `width` in thousandths.
#[derive(Serialize)]
struct Count {
    verdict: &'static str,
    symbol: &'static str,
    cases: usize,
    x: usize,
    width: usize,
}

#[derive(Serialize)]
struct Broken<'a> {
    anchor: String,
    id: &'a str,
    title: Vec<Text<'a>>,
    verdict: &'static str,
    symbol: &'static str,
    note: String,
}

#[derive(Serialize)]
struct Filters {
    verdicts: Vec<(&'static str, &'static str, usize)>,
    levels: Vec<(&'static str, usize)>,
    differ: usize,
}

#[derive(Serialize)]
struct Suite<'a> {
    id: &'a str,
    title: &'a str,
    origin: String,
    rows: Vec<Row<'a>>,
}

impl<'a> Page<'a> {
    pub(super) fn of(run: &'a Run, harms: &Harms<'_>, sheet: Sheet) -> Self {
        let rows = facts::rows(run);
        let filters = Filters::of(&rows);
        let names: Vec<_> = run.targets.iter().map(|target| target.meta.name.as_str()).collect();
        Self {
            sheet,
            title: format!("proofhouse: {}", names.join(", ")),
            tool: &run.meta.tool,
            started: utc(run.meta.started),
            facts: run_facts(run),
            argv: run.meta.argv.join(" "),
            incomplete: incomplete(run),
            warnings: run.warnings.iter().map(Doubt::of).collect(),
            targets: run.targets.iter().map(|target| Target::of(run, target, harms)).collect(),
            filters,
            rows: rows.len(),
            suites: suites(run, harms, rows),
            exchanges: exchanges(run),
            legend: Verdict::ALL
                .into_iter()
                .rev()
                .map(|verdict| Legend {
                    verdict: verdict.name(),
                    symbol: symbol(verdict),
                    meaning: phrase::meaning(verdict),
                })
                .collect(),
        }
    }
}

fn run_facts(run: &Run) -> Vec<(&'static str, String)> {
    let meta = &run.meta;
    let took = meta.ended.map_or("not finished".to_owned(), |ended| {
        let span = (ended - meta.started).to_std().unwrap_or_default();
        Nanos::from(span).to_string()
    });
    let host = &meta.host;
    vec![
        ("Started", utc(meta.started)),
        ("Took", took),
        ("Cases", run.targets.iter().map(|target| target.cases.len()).sum::<usize>().to_string()),
        ("Exchanges", run.exchanges.len().to_string()),
        ("Seed", meta.seed.to_string()),
        ("Record format", meta.format.to_string()),
        ("Run on", format!("{} {}, {}", host.os, host.arch, plural(host.cpus, "processor"))),
    ]
}

const fn incomplete(run: &Run) -> Option<&'static str> {
    if run.meta.interrupted {
        Some("The run was interrupted; cases that had not finished are missing.")
    } else if run.truncated {
        Some("The record ends without its end: the run crashed or is still going.")
    } else {
        None
    }
}

impl<'a> Target<'a> {
    fn of(run: &Run, target: &'a TargetRun, harms: &Harms<'_>) -> Self {
        let standing = facts::standing(run, target);
        let meta = &target.meta;
        let mut known_facts = vec![
            ("URL", meta.base_url.clone()),
            ("Model", meta.model.clone()),
            ("Profile", meta.profile.clone()),
            ("Authentication", meta.auth.clone()),
        ];
        let joined = |map: &std::collections::BTreeMap<String, String>| {
            map.iter().map(|(k, v)| format!("{k}: {v}")).collect::<Vec<_>>().join(", ")
        };
        if !meta.server.is_empty() {
            known_facts.push(("Server", joined(&meta.server)));
        }
        if !meta.capabilities.is_empty() {
            known_facts.push(("Capabilities", joined(&meta.capabilities)));
        }
        let broken = target
            .cases
            .iter()
            .filter(|case| !case.provisional)
            .filter(|case| matches!(case.verdict, Verdict::Fail | Verdict::Error | Verdict::XPass))
            .map(|case| Broken::of(case, String::new()));
        let known = facts::known(target).map(|case| {
            let note = case.known.as_ref().map(phrase::expiry).unwrap_or_default();
            Broken::of(case, note)
        });
        Self {
            name: &meta.name,
            verdict: standing.verdict.name(),
            symbol: symbol(standing.verdict),
            word: standing.word,
            why: standing.why,
            facts: known_facts,
            counts: counts(target),
            coverage: facts::coverage(target).to_string(),
            must: facts::must(target).to_string(),
            readiness: ready(target, harms),
            broken: broken.collect(),
            known: known.collect(),
        }
    }
}

/// Nothing where no lens had anything to look at.
fn ready(target: &TargetRun, harms: &Harms<'_>) -> Vec<Ready> {
    let readiness = readiness::of(target, harms).into_iter();
    readiness
        .filter(|client| client.state != State::Unknown)
        .map(|client| Ready {
            client: client.client,
            state: client.state.name(),
            verdict: client.state.verdict().name(),
            symbol: symbol(client.state.verdict()),
            reasons: client.reasons,
        })
        .collect()
}

impl<'a> Broken<'a> {
    fn of(case: &'a CaseRecord, note: String) -> Self {
        Self {
            anchor: super::row::anchor(&case.suite, &case.id),
            id: &case.id,
            title: text(&case.title),
            verdict: case.verdict.name(),
            symbol: symbol(case.verdict),
            note,
        }
    }
}

fn counts(target: &TargetRun) -> Vec<Count> {
    let tally = target.tally();
    let whole = tally.total().max(1);
    let mut before = 0;
    let mut counts = Vec::new();
    // What held, and then what did not, gravest first.
    let rest = Verdict::ALL.into_iter().filter(|verdict| *verdict != Verdict::Pass);
    for verdict in std::iter::once(Verdict::Pass).chain(rest) {
        let count = tally.count(verdict);
        if count == 0 {
            continue;
        }
        let x = before * 1000 / whole;
        before += count;
        let width = before * 1000 / whole - x;
        counts.push(Count {
            verdict: verdict.name(),
            symbol: symbol(verdict),
            cases: count,
            x,
            width,
        });
    }
    counts
}

impl Filters {
    fn of(rows: &[facts::Row<'_>]) -> Self {
        let with = |verdict: Verdict| {
            let has =
                |row: &&facts::Row<'_>| row.cells.iter().flatten().any(|c| c.verdict == verdict);
            rows.iter().filter(has).count()
        };
        let verdicts = Verdict::ALL
            .into_iter()
            .map(|verdict| (verdict.name(), symbol(verdict), with(verdict)))
            .filter(|(_, _, count)| *count > 0)
            .collect();
        let levels = [Level::Must, Level::Should, Level::May]
            .into_iter()
            .map(|level| (level.name(), rows.iter().filter(|row| row.level == level).count()))
            .filter(|(_, count)| *count > 0)
            .collect();
        Self { verdicts, levels, differ: rows.iter().filter(|row| row.differs()).count() }
    }
}

fn suites<'a>(run: &'a Run, harms: &Harms<'_>, rows: Vec<facts::Row<'a>>) -> Vec<Suite<'a>> {
    let mut suites: Vec<Suite<'a>> = Vec::new();
    for row in rows_of(run, harms, rows) {
        match suites.last_mut() {
            Some(suite) if suite.id == row.suite => suite.rows.push(row),
            _ => {
                let meta = run.meta.suites.iter().find(|suite| suite.id == row.suite);
                suites.push(Suite {
                    id: row.suite,
                    title: meta.map_or(row.suite, |meta| &meta.title),
                    origin: meta.map_or(String::new(), |meta| {
                        let digest: String = meta.sha256.chars().take(12).collect();
                        format!("{}, revision {}, sha256 {digest}…", meta.origin, meta.revision)
                    }),
                    rows: vec![row],
                });
            }
        }
    }
    suites
}

/// The exchanges that cases refer to, in the order in which they do.
fn exchanges(run: &Run) -> Vec<Exchange<'_>> {
    let mut seen = std::collections::BTreeSet::new();
    run.targets
        .iter()
        .flat_map(|target| &target.cases)
        .flat_map(super::row::exchange_ids)
        .filter(|id| seen.insert(*id))
        .filter_map(|id| run.exchanges.get(id))
        .map(Exchange::of)
        .collect()
}
