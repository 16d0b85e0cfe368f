//! Who is hurt by what a run saw: the lenses, looked through at the exchanges of its cases.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::lens::{self, Effect, Lens};
use crate::record::{CaseRecord, Run, TargetRun};
use crate::suite::Hurt;
use crate::verdict::{Level, Verdict};

/// Areas of the catalogue that every client needs. What is broken in another one limits a client
/// to what it has left.
const CORE: [&str; 11] = [
    "sse",
    "chunks",
    "delta",
    "chat",
    "roles",
    "finish",
    "http",
    "headers",
    "errors",
    "errstream",
    "auth",
];

/// What a case does to the user of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Hurt")]
pub(super) struct Harm {
    /// The id of the lens: `openai-python`.
    pub(super) client: &'static str,
    /// What becomes of the client's user.
    pub(super) effect: Effect,
    /// A sentence on it.
    pub(super) detail: String,
}

impl Harm {
    /// The effect and its detail in one clause.
    pub(super) fn said(&self) -> String {
        self.effect.with(&self.detail)
    }
}

/// What every exchange behind a broken case does to the users of clients.
pub(super) struct Harms<'a> {
    by_exchange: BTreeMap<&'a str, Vec<Harm>>,
    /// Chat exchanges, by id: those that some lens looks at.
    chats: BTreeSet<&'a str>,
}

/// Whether the case complains of its exchanges.
const fn complains(case: &CaseRecord) -> bool {
    matches!(case.verdict, Verdict::Fail | Verdict::Warn | Verdict::Info | Verdict::XFail)
        && !case.findings.is_empty()
}

/// The exchanges behind a case's evidence; all of the case if its evidence names none.
pub(super) fn behind(case: &CaseRecord) -> impl Iterator<Item = &str> {
    let named: BTreeSet<&str> = case
        .findings
        .iter()
        .flat_map(|finding| &finding.evidence)
        .filter_map(|evidence| evidence.place.exchange.as_deref())
        .collect();
    let all = named.is_empty().then(|| case.exchanges.iter().map(String::as_str));
    named.into_iter().chain(all.into_iter().flatten())
}

impl<'a> Harms<'a> {
    /// Looks through every lens at every exchange that a broken case points at.
    pub(super) fn of(run: &'a Run) -> Self {
        let cases = || run.targets.iter().flat_map(|target| &target.cases);
        let ids: BTreeSet<&str> = cases().filter(|case| complains(case)).flat_map(behind).collect();
        let mut by_exchange = BTreeMap::new();
        for id in ids {
            let Some((id, exchange)) = run.exchanges.get_key_value(id) else { continue };
            let harms: Vec<Harm> = lens::all()
                .iter()
                .filter_map(|lens| {
                    let sight = lens.look(exchange)?;
                    let harm = Harm { client: lens.id, effect: sight.effect, detail: sight.detail };
                    (harm.effect != Effect::Ok).then_some(harm)
                })
                .collect();
            by_exchange.insert(id.as_str(), harms);
        }
        let chats = run
            .exchanges
            .iter()
            .filter(|(_, exchange)| lens::all().iter().any(|lens| lens.applies(exchange)));
        Self { by_exchange, chats: chats.map(|(id, _)| id.as_str()).collect() }
    }

    /// Who is hurt by what a case complains of: for each client the gravest effect, the gravest
    /// first.
    pub(super) fn of_case(&self, case: &CaseRecord) -> Vec<&Harm> {
        if !complains(case) {
            return Vec::new();
        }
        let mut worst: Vec<&Harm> = Vec::new();
        for harm in behind(case).filter_map(|id| self.by_exchange.get(id)).flatten() {
            match worst.iter_mut().find(|known| known.client == harm.client) {
                Some(known) if known.effect < harm.effect => *known = harm,
                Some(_) => {}
                None => worst.push(harm),
            }
        }
        worst.sort_by_key(|harm| std::cmp::Reverse(harm.effect));
        worst
    }

    /// What can be said of every client on a target.
    pub(super) fn readiness(&self, target: &TargetRun) -> Vec<Readiness> {
        let met = target
            .cases
            .iter()
            .flat_map(|case| &case.exchanges)
            .any(|id| self.chats.contains(id.as_str()));
        lens::all().iter().map(|lens| self.readiness_of(lens, target, met)).collect()
    }

    fn readiness_of(&self, lens: &Lens, target: &TargetRun, met: bool) -> Readiness {
        let mut limits: Vec<(State, Effect, String)> = Vec::new();
        for case in target.cases.iter().filter(|case| !case.provisional) {
            let harms = self.of_case(case);
            let Some(harm) = harms.into_iter().find(|harm| harm.client == lens.id) else {
                continue;
            };
            let said = format!("{}: {}", case.id, harm.said());
            limits.push((weigh(case, harm.effect), harm.effect, said));
        }
        limits.sort_by_key(|(state, effect, _)| std::cmp::Reverse((*state, *effect)));
        let state = limits
            .first()
            .map_or(if met { State::Ready } else { State::Unknown }, |(state, ..)| *state);
        let reasons = limits.into_iter().map(|(_, _, said)| said).collect();
        Readiness { client: lens.id, state, reasons }
    }
}

/// What a harm leaves of a client. Silent damage by a broken requirement is never a mere limit; an
/// exception is, where it comes from a feature that one can go without.
fn weigh(case: &CaseRecord, effect: Effect) -> State {
    let area = case.id.split('.').next().unwrap_or_default();
    let grave = effect == Effect::SilentlyWrong || CORE.contains(&area);
    if case.level == Level::Must && grave { State::NotReady } else { State::Limited }
}

/// Whether a client can be used with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(super) enum State {
    /// No chat exchange was in the run.
    #[serde(rename = "UNKNOWN")]
    Unknown,
    /// Nothing that was checked hurts it.
    #[serde(rename = "READY")]
    Ready,
    /// With the limits that the reasons name.
    #[serde(rename = "READY WITH LIMITS")]
    Limited,
    /// A requirement is broken in a way that hurts it at its core, or silently.
    #[serde(rename = "NOT READY")]
    NotReady,
}

impl State {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Ready => "READY",
            Self::Limited => "READY WITH LIMITS",
            Self::NotReady => "NOT READY",
        }
    }

    /// The verdict whose colour it has.
    pub(super) const fn verdict(self) -> Verdict {
        match self {
            Self::Unknown => Verdict::Inconclusive,
            Self::Ready => Verdict::Pass,
            Self::Limited => Verdict::Warn,
            Self::NotReady => Verdict::Fail,
        }
    }
}

/// What can be said of a client on a target.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Readiness {
    /// The id of the lens: `openai-python`.
    pub(super) client: &'static str,
    /// Whether it can be used.
    pub(super) state: State,
    /// Every check whose exchanges hurt it, the gravest first: `CHECK: what it does`.
    pub(super) reasons: Vec<String>,
}

impl Readiness {
    /// The reasons in a line: the first, and how many more there are.
    pub(super) fn summary(&self) -> String {
        match self.reasons.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        }
    }
}

/// The run with what lenses say of each broken case in place of what its suite notes of clients.
pub(super) fn told(run: &Run, harms: &Harms<'_>) -> Run {
    let mut run = run.clone();
    for case in run.targets.iter_mut().flat_map(|target| &mut target.cases) {
        let seen = harms.of_case(case);
        if !seen.is_empty() {
            case.hurts = seen
                .iter()
                .map(|harm| Hurt { client: harm.client.to_owned(), effect: harm.said() })
                .collect();
        }
    }
    run
}
