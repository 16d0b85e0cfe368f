//! Which clients can be used with a target.

use schemars::JsonSchema;
use serde::Serialize;

use super::harm::Harms;
use crate::lens::{self, Api, Effect, Lens};
use crate::record::{CaseRecord, TargetRun};
use crate::verdict::{Level, Verdict};

/// Areas of the catalogue that every client of an API needs. An exception in another one limits a
/// client to what it has left.
const fn everyday(api: Api) -> &'static [&'static str] {
    match api {
        Api::Chat => &[
            "sse",
            "chunk",
            "chat",
            "roles",
            "finish",
            "http",
            "headers",
            "errors",
            "errstream",
            "auth",
        ],
        Api::Responses => &["responses", "http", "headers", "auth"],
    }
}

/// Areas of which a requirement must have been decided before a client is called ready: a plain
/// chat, a stream, its chunks, how an answer ends, and what a refusal looks like. The Responses API
/// has them in one.
const fn core(api: Api) -> &'static [&'static str] {
    match api {
        Api::Chat => &["chat", "sse", "chunk", "finish", "errors"],
        Api::Responses => &["responses"],
    }
}

/// Whether a client can be used with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub(super) enum State {
    /// Too little was seen to tell: no chat was answered, the run was cut short, or nothing required
    /// was decided of what every client needs.
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
    /// suite notes of the client, because no lens can tell, says so. Where the state is `UNKNOWN`,
    /// what was not seen comes first.
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
    let gaps = [Api::Chat, Api::Responses].map(|api| (api, gap(target, harms, api)));
    let gap = |lens: &Lens| gaps.iter().find(|(api, _)| *api == lens.api())?.1.as_deref();
    lens::all().iter().map(|lens| of_client(lens, target, harms, gap(lens))).collect()
}

/// Why no client of an API can be called ready, if so: what was not seen.
fn gap(target: &TargetRun, harms: &Harms<'_>, api: Api) -> Option<String> {
    let mut asked = target.cases.iter().flat_map(|case| &case.exchanges);
    if !asked.any(|id| harms.is_answered(id, api)) {
        return Some(match api {
            Api::Chat => "no chat was answered".to_owned(),
            Api::Responses => "nothing was answered by the Responses API".to_owned(),
        });
    }
    let decided = |area: &&str| {
        target.cases.iter().any(|case| {
            case.level == Level::Must
                && !case.provisional
                && case.verdict.is_decided()
                && area_of(case) == *area
        })
    };
    let undecided: Vec<&str> = core(api).iter().copied().filter(|area| !decided(area)).collect();
    if !undecided.is_empty() {
        return Some(format!("nothing required was decided of {}", undecided.join(", ")));
    }
    harms.cut_short.then(|| "the run was cut short".to_owned())
}

fn of_client(lens: &Lens, target: &TargetRun, harms: &Harms<'_>, gap: Option<&str>) -> Readiness {
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
    let worst = limits.first().map_or(State::Ready, |(state, ..)| *state);
    // What was not seen cannot excuse what was.
    let gap = gap.filter(|_| worst != State::NotReady);
    let state = if gap.is_some() { State::Unknown } else { worst };
    let limits = limits.into_iter().map(|(_, _, said)| said);
    let reasons = gap.map(str::to_owned).into_iter().chain(limits).collect();
    Readiness { client: lens.id, state, reasons }
}

/// What a case leaves of a client, if it takes anything from it: the lens says so, or where none
/// can tell, the suite.
fn limit(lens: &Lens, case: &CaseRecord, harms: &Harms<'_>) -> Option<(State, Effect, String)> {
    if let Some(harm) = harms.of_client(case, lens) {
        let grave =
            harm.effect == Effect::SilentlyWrong || harm.everyday && is_everyday(lens, case);
        return Some((weigh(case, grave), harm.effect, harm.said().to_owned()));
    }
    let noted = harms.noted(case, lens)?;
    Some((weigh(case, noted.everyday && is_everyday(lens, case)), Effect::Raises, noted.said()))
}

/// Silent damage by a broken requirement is never a mere limit; an exception is, where it comes
/// from a feature that one can go without.
fn weigh(case: &CaseRecord, grave: bool) -> State {
    if case.level == Level::Must && grave { State::NotReady } else { State::Limited }
}

fn is_everyday(lens: &Lens, case: &CaseRecord) -> bool {
    everyday(lens.api()).contains(&area_of(case))
}

/// The first word of a case's id.
fn area_of(case: &CaseRecord) -> &str {
    case.id.split('.').next().unwrap_or_default()
}
