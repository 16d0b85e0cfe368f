//! What a run sets out to send is what it sends.

use std::collections::BTreeSet;

use proofhouse::engine::{Options, Outline, Plan};
use proofhouse::record::Planned;
use proofhouse::suite::builtin;
use proofhouse::suite::load::Loaded;
use proofhouse::suite::{At, Case, Set, set};
use proofhouse::transcript::Exchange;
use proofhouse::verdict::{Level, Verdict};

use crate::harness::{blind, is_blind, judge_mock, mock_profile, runtime, target};

/// What the set `core` may cost at most.
const CORE_REQUESTS: u64 = 60;
const CORE_TOKENS: u64 = 5_000;

fn whole(suites: &[Loaded]) -> Vec<(&Loaded, Vec<&At<Case>>)> {
    suites.iter().map(|loaded| (loaded, loaded.suite.cases.iter().collect())).collect()
}

/// The plan for the embedded mock, and for its model that sees nothing.
fn plans(suites: &[Loaded], options: &Options) -> [Plan; 2] {
    let cases = whole(suites);
    let target = target("http://127.0.0.1:9/v1");
    [(mock_profile(), target.clone()), blind(&target)].map(|(profile, target)| {
        Plan::of(&Outline { target: &target, profile: &profile, cases: &cases, options })
    })
}

fn plan(suites: &[Loaded], options: &Options) -> Plan {
    let [seeing, _] = plans(suites, options);
    seeing
}

fn the_set(id: &str) -> Set {
    set::all().unwrap().into_iter().find(|set| *set.set == id).unwrap()
}

fn ids(suites: &[Loaded]) -> BTreeSet<String> {
    suites.iter().flat_map(|l| &l.suite.cases).map(|case| case.id.value.clone()).collect()
}

/// How the plan and what was sent disagree, if they do. On an endpoint that does everything right
/// the two differ only by what was asked again until it held, and by turns of conversations.
pub(crate) fn disagreement(
    suites: &[Loaded],
    wanted: impl Fn(&str) -> bool,
    exchanges: &[Exchange],
) -> Option<String> {
    let blind: BTreeSet<&str> = suites
        .iter()
        .flat_map(|loaded| &loaded.suite.cases)
        .filter(|case| is_blind(case))
        .map(|case| case.id.as_str())
        .collect();
    let [seeing, unseeing] = plans(suites, &Options::default());
    let planned = [
        seeing.only(|case| wanted(&case.id) && !blind.contains(case.id.as_str())),
        unseeing.only(|case| wanted(&case.id) && blind.contains(case.id.as_str())),
    ];
    let requests: u64 = planned.iter().map(|planned| planned.requests).sum();
    let requests_max: u64 = planned.iter().map(|planned| planned.requests_max).sum();
    let sent = exchanges.iter().filter(|x| !again(&x.id)).count() as u64;
    let all = exchanges.len() as u64;
    (sent != requests || all > requests_max)
        .then(|| format!("{planned:?}, but {all} were sent, {} of them again", all - sent))
}

/// Whether an exchange is one of those of which a plan knows only how many there can be.
fn again(id: &str) -> bool {
    id.contains("/asking=") || id.contains("/turn=")
}

fn core_planned(plan: &Plan, core: &BTreeSet<String>) -> Planned {
    plan.only(|case| core.contains(&case.id))
}

#[test]
fn core_stays_within_its_limits() {
    let suites = the_set("core").of(builtin::all().unwrap()).unwrap();
    let planned = plan(&suites, &Options::default()).total();
    assert!(planned.requests_max < CORE_REQUESTS, "{planned:?}");
    assert!(planned.output_tokens_max < CORE_TOKENS, "{planned:?}");

    let judged = judge_mock(&suites, |case| !is_blind(case), "", Options::default());
    let judged = runtime().block_on(judged);

    assert!((judged.exchanges.len() as u64) < CORE_REQUESTS, "{}", judged.exchanges.len());
    let alarms: Vec<&str> = judged
        .cases
        .iter()
        .filter(|case| case.verdict != Verdict::Pass)
        .map(|case| case.id.as_str())
        .collect();
    assert_eq!(alarms, Vec::<&str>::new());
    assert_eq!(judged.exchanges.len() as u64, planned.requests);
}

#[test]
fn no_must_is_left_out_of_core_that_would_cost_nothing_more() {
    let suites = builtin::all().unwrap();
    let set = the_set("core");
    let core = ids(&set.of(suites.clone()).unwrap());
    let plan = plan(&suites, &Options::default());
    let now = core_planned(&plan, &core);
    let on_purpose: Vec<&str> = set.skip.iter().map(String::as_str).collect();
    let cases = suites.iter().flat_map(|loaded| &loaded.suite.cases);
    let musts = cases.filter(|case| case.level == Level::Must && !core.contains(&case.id.value));
    let free: Vec<&str> = musts
        .filter(|case| {
            let refused = case.needs.iter().map(|need| format!("needs:{}", need.value));
            let refused = refused.chain(case.tags.iter().map(|tag| format!("tag:{tag}")));
            refused.into_iter().all(|word| !on_purpose.contains(&word.as_str()))
        })
        .filter(|case| {
            let with: BTreeSet<String> =
                core.iter().cloned().chain([case.id.value.clone()]).collect();
            let more = core_planned(&plan, &with);
            (more.requests_max, more.output_tokens_max, more.unlimited)
                == (now.requests_max, now.output_tokens_max, now.unlimited)
        })
        .map(|case| case.id.as_str())
        .collect();
    assert!(free.is_empty(), "suites/sets/core.yaml could have these for nothing: {free:?}");
}

#[test]
fn a_plan_without_sharing_sends_whatever_is_asked() {
    let suites = builtin::all().unwrap();
    let shared = plan(&suites, &Options::default()).total();
    let alone = plan(&suites, &Options { share: false, ..Options::default() }).total();
    assert_eq!((alone.asked, alone.requests), (shared.asked, shared.asked));
    assert!(shared.requests < shared.asked);
    assert!(shared.output_tokens_max < alone.output_tokens_max);
}

#[test]
fn the_suites_of_a_plan_add_up() {
    let suites = builtin::all().unwrap();
    let plan = plan(&suites, &Options::default());
    let total = plan.total();
    let sum = |number: fn(&Planned) -> u64| -> u64 {
        plan.by_suite().iter().map(|(_, planned)| number(planned)).sum()
    };
    assert_eq!(sum(|planned| planned.requests), total.requests);
    assert_eq!(sum(|planned| planned.output_tokens_max), total.output_tokens_max);
    assert_eq!(sum(|planned| planned.cases), total.cases);
    assert_eq!(plan.by_suite().len(), suites.len());
}
