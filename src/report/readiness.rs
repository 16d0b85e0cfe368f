//! Which clients can be used with a target.

use schemars::JsonSchema;
use serde::Serialize;

use super::harm::Harms;
use crate::lens::{self, Effect, Lens};
use crate::record::{CaseRecord, TargetRun};
use crate::verdict::{Level, Verdict};

/// Areas of the catalogue that every client needs. An exception in another one limits a client to
/// what it has left.
const EVERYDAY: [&str; 10] =
    ["sse", "chunk", "chat", "roles", "finish", "http", "headers", "errors", "errstream", "auth"];

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
    /// Every check whose exchanges hurt it, the gravest first: `CHECK: what it does`. What only the
    /// suite notes of the client, because no lens can tell, says so.
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

/// What can be said of every client on a target.
pub(super) fn of(target: &TargetRun, harms: &Harms<'_>) -> Vec<Readiness> {
    let met = target.cases.iter().flat_map(|case| &case.exchanges).any(|id| harms.is_chat(id));
    lens::all().iter().map(|lens| of_client(lens, target, harms, met)).collect()
}

fn of_client(lens: &Lens, target: &TargetRun, harms: &Harms<'_>, met: bool) -> Readiness {
    let mut limits: Vec<(State, Effect, String)> = target
        .cases
        .iter()
        .filter(|case| !case.provisional)
        .filter_map(|case| {
            let (state, effect, said) = limit(lens, case, harms)?;
            Some((state, effect, format!("{}: {said}", case.id)))
        })
        .collect();
    limits.sort_by_key(|(state, effect, _)| std::cmp::Reverse((*state, *effect)));
    // A suite's note alone says nothing of a client whose chats were never seen.
    let state = match limits.first() {
        _ if !met => State::Unknown,
        None => State::Ready,
        Some((state, ..)) => *state,
    };
    let reasons = limits.into_iter().map(|(_, _, said)| said).collect();
    Readiness { client: lens.id, state, reasons }
}

/// What a case leaves of a client, if it takes anything from it: the lens says so, or where none
/// can tell, the suite.
fn limit(lens: &Lens, case: &CaseRecord, harms: &Harms<'_>) -> Option<(State, Effect, String)> {
    if let Some(harm) = harms.of_client(case, lens) {
        let grave = harm.effect == Effect::SilentlyWrong || harm.everyday && is_everyday(case);
        return Some((weigh(case, grave), harm.effect, harm.said()));
    }
    let noted = harms.noted(case, lens)?;
    Some((weigh(case, noted.everyday && is_everyday(case)), Effect::Raises, noted.said()))
}

/// Silent damage by a broken requirement is never a mere limit; an exception is, where it comes
/// from a feature that one can go without.
fn weigh(case: &CaseRecord, grave: bool) -> State {
    if case.level == Level::Must && grave { State::NotReady } else { State::Limited }
}

fn is_everyday(case: &CaseRecord) -> bool {
    let area = case.id.split('.').next().unwrap_or_default();
    EVERYDAY.contains(&area)
}
