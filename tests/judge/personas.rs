//! Each persona breaks exactly the checks listed for it, and its own profile knows all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::NaiveDate;
use proofhouse::clock::Clock;
use proofhouse::engine::Options;
use proofhouse::mock::{Config, Persona, Server};
use proofhouse::profile::Capability;
use proofhouse::record::CaseRecord;
use proofhouse::suite::{Case, builtin};
use proofhouse::transport::http::HttpTransport;
use proofhouse::verdict::Verdict;

use crate::harness::{at_once, built_in, config, judge_as, runtime, target};

/// `fixtures/personas.yaml`: each persona and exactly the checks that its deviations break.
type Table = BTreeMap<String, Vec<String>>;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/personas.yaml");

const HEAD: &str = "\
# Which checks the deviations of each persona of the mock break: exactly these, with any verdict that is no pass. The
# profile of the same name knows all of them that are graver than a note. `BLESS=1 cargo test --test judge personas`
# writes this anew; read the difference.
";

/// What takes long, or depends on the machine, says nothing of a persona.
fn is_cheap(case: &Case) -> bool {
    // A persona's only model sees: what its server does with one that does not is not shown.
    let blind = !case.without.is_empty();
    let dear = |need: &str| matches!(need, "load" | "slow" | "batches");
    !blind
        && !case.needs.iter().any(|need| dear(&need.value))
        && !case.tags.iter().any(|tag| tag == "timing")
}

fn judged(persona: Persona) -> Vec<CaseRecord> {
    let suites = builtin::all().unwrap();
    let profile = if persona == Persona::OpenAi { "mock" } else { persona.name() };
    let mut profile = built_in(profile);
    // As `check` does where it finds the mock.
    profile.capabilities.insert("inject_errors".to_owned(), Capability::Yes);
    let server = Server::start(Config { persona, ..config(0) }).unwrap();
    let target = target(&server.base_url());
    let transport = HttpTransport::new(target.clone(), Clock::system()).unwrap();
    // A day on which no entry has expired.
    let today = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
    let options = Options { concurrency: 4, ..Options::default() };
    let collected = runtime()
        .block_on(judge_as(&profile, today, &suites, is_cheap, &transport, &target, options));
    server.stop();
    collected.cases
}

fn told(case: &CaseRecord) -> String {
    let mut text = format!("{} {}", case.verdict.name(), case.id);
    for evidence in case.findings.iter().flat_map(|finding| &finding.evidence) {
        write!(text, "\n      expected {}, seen {}", evidence.expected, evidence.seen).unwrap();
    }
    text
}

#[test]
fn personas_break_exactly_the_checks_listed_and_their_profiles_know_them() {
    // `PERSONA=ollama cargo test --test judge personas` looks at one.
    let only = std::env::var("PERSONA").ok();
    let bless = std::env::var_os("BLESS").is_some();
    let mut table: Table =
        serde_saphyr::from_str(&std::fs::read_to_string(PATH).unwrap_or_default())
            .unwrap_or_default();
    let chosen: Vec<Persona> = Persona::ALL
        .into_iter()
        .filter(|persona| only.as_deref().is_none_or(|only| only == persona.name()))
        .collect();
    let results = at_once(&chosen, |persona| (persona.name(), judged(*persona)));

    let mut wrong = Vec::new();
    for (name, cases) in &results {
        let broken: BTreeSet<&str> = cases
            .iter()
            .filter(|case| {
                use Verdict::{Fail, Info, Warn, XFail};
                matches!(case.verdict, Fail | Warn | Info | XFail)
            })
            .map(|case| case.id.as_str())
            .collect();
        for case in cases {
            match case.verdict {
                Verdict::Fail | Verdict::Warn => {
                    wrong.push(format!("{name}: its profile does not know: {}", told(case)));
                }
                Verdict::XPass => {
                    wrong.push(format!(
                        "{name}: its profile expects what does not show: {}",
                        case.id
                    ));
                }
                _ => {}
            }
        }
        if bless {
            table.insert((*name).to_owned(), broken.iter().map(|id| (*id).to_owned()).collect());
            continue;
        }
        let listed: BTreeSet<&str> =
            table.get(*name).into_iter().flatten().map(String::as_str).collect();
        wrong.extend(broken.difference(&listed).map(|id| format!("{name}: not listed: {id}")));
        wrong.extend(
            listed.difference(&broken).map(|id| format!("{name}: listed, not broken: {id}")),
        );
    }
    if bless {
        let mut text = HEAD.to_owned();
        for (name, checks) in &table {
            write!(text, "\n{name}:").unwrap();
            if checks.is_empty() {
                text.push_str(" []");
            }
            for check in checks {
                write!(text, "\n  - {check}").unwrap();
            }
            text.push('\n');
        }
        std::fs::write(PATH, text).unwrap();
    }
    assert!(wrong.is_empty(), "{} places are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
