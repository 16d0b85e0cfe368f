//! Who is hurt by what a run saw: the lenses, looked through at the exchanges of its cases.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::lens::{self, Api, Asked, Effect, Lens, Sight};
use crate::record::{CaseRecord, Run};
use crate::suite::Hurt;
use crate::transcript::Exchange;
use crate::verdict::Verdict;

/// What a case does to the user of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Hurt")]
pub(super) struct Harm {
    /// The id of the lens: `openai-python`.
    pub(super) client: &'static str,
    /// What becomes of the client's user.
    pub(super) effect: Effect,
    /// A sentence on it; "in this exchange: …" where other checks complain of the same exchange, so
    /// that the harm may be theirs.
    pub(super) detail: String,
    /// Whether the request is one that every client makes.
    #[serde(skip)]
    pub(super) everyday: bool,
    /// The effect and its detail in one clause.
    #[serde(skip)]
    said: String,
}

impl Harm {
    fn of(lens: &Lens, exchange: &Exchange) -> Option<Self> {
        let Sight { effect, detail, .. } = lens.look(exchange)?;
        let everyday = Asked::of(exchange).is_some_and(|asked| asked.everyday);
        let said = effect.with(&detail);
        let harm = Self { client: lens.id, effect, detail, everyday, said };
        (effect != Effect::Ok).then_some(harm)
    }

    /// The effect and its detail in one clause.
    pub(super) fn said(&self) -> &str {
        &self.said
    }

    /// The same of an exchange of which other checks complain as well.
    fn shared(&self) -> Self {
        let said = match self.effect {
            Effect::SilentlyWrong => format!("silently wrong in this exchange: {}", self.detail),
            _ => format!("in this exchange: {}", self.detail),
        };
        Self { detail: format!("in this exchange: {}", self.detail), said, ..self.clone() }
    }

    /// What is graver comes last.
    const fn rank(&self) -> (Effect, bool) {
        (self.effect, self.everyday)
    }
}

/// What every exchange behind a broken case does to the users of clients.
pub(super) struct Harms<'a> {
    by_exchange: BTreeMap<&'a str, Vec<Harm>>,
    /// Exchanges that more than one case complains of: whose fault the harm is cannot be told.
    shared: BTreeSet<&'a str>,
    /// Chat exchanges, by id: those that some lens looks at.
    chats: BTreeMap<&'a str, Chat>,
    /// Whether the run ended before its end.
    pub(super) cut_short: bool,
}

/// A chat, by whichever API, as far as a suite's note on a client hangs on it.
#[derive(Clone, Copy, Debug)]
struct Chat {
    api: Api,
    /// Whether it was answered with an error status.
    refused: bool,
    /// Whether every client makes such requests.
    everyday: bool,
}

/// What a suite notes of a client, where no lens can tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted<'a> {
    /// What the suite says.
    pub(super) hurt: &'a Hurt,
    /// Whether it is a request of every client that is refused.
    pub(super) everyday: bool,
}

impl Noted<'_> {
    /// The note in a clause.
    pub(super) fn said(&self) -> String {
        format!("{} (as the suite notes)", self.hurt.effect)
    }
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

/// What an exchange does to the users of clients, the gravest first.
pub(super) fn of_exchange(exchange: &Exchange) -> Vec<Harm> {
    let mut harms: Vec<Harm> =
        lens::all().iter().filter_map(|lens| Harm::of(lens, exchange)).collect();
    harms.sort_by_key(|harm| std::cmp::Reverse(harm.effect));
    harms
}

impl<'a> Harms<'a> {
    /// Looks through every lens at every exchange that a broken case points at.
    pub(super) fn of(run: &'a Run) -> Self {
        let cases = || run.targets.iter().flat_map(|target| &target.cases);
        let mut complaints: BTreeMap<&str, usize> = BTreeMap::new();
        for id in cases().filter(|case| complains(case)).flat_map(behind) {
            *complaints.entry(id).or_default() += 1;
        }
        let known = complaints.keys().filter_map(|id| run.exchanges.get_key_value(*id));
        let by_exchange = known.map(|(id, exchange)| (id.as_str(), of_exchange(exchange)));
        let by_exchange = by_exchange.collect();
        let shared = complaints.into_iter().filter(|(_, cases)| *cases > 1).map(|(id, _)| id);
        let chats = run.exchanges.iter().filter_map(|(id, exchange)| {
            let asked = Asked::of(exchange)?;
            let refused = exchange.status().is_some_and(|status| !(200..300).contains(&status));
            Some((id.as_str(), Chat { api: asked.api, refused, everyday: asked.everyday }))
        });
        let cut_short = run.truncated || run.meta.interrupted;
        Self { by_exchange, shared: shared.collect(), chats: chats.collect(), cut_short }
    }

    /// Who is hurt by what a case complains of: for each client the gravest effect, the gravest
    /// first.
    pub(super) fn of_case(&self, case: &CaseRecord) -> Vec<Harm> {
        if !complains(case) {
            return Vec::new();
        }
        let mut worst: Vec<(bool, &Harm)> = Vec::new();
        for id in behind(case) {
            let shared = self.shared.contains(id);
            for harm in self.by_exchange.get(id).into_iter().flatten() {
                // Of two that are as grave, the one that is this case's alone tells more.
                let rank = |shared: bool, harm: &Harm| (harm.rank(), !shared);
                match worst.iter_mut().find(|(_, known)| known.client == harm.client) {
                    Some(known) if rank(known.0, known.1) < rank(shared, harm) => {
                        *known = (shared, harm);
                    }
                    Some(_) => {}
                    None => worst.push((shared, harm)),
                }
            }
        }
        worst.sort_by_key(|(_, harm)| std::cmp::Reverse(harm.effect));
        let told =
            |(shared, harm): (bool, &Harm)| if shared { harm.shared() } else { harm.clone() };
        worst.into_iter().map(told).collect()
    }

    /// Whether the exchange is a chat by this API that some lens looks at and that was not refused.
    pub(super) fn is_answered(&self, id: &str, api: Api) -> bool {
        self.chats.get(id).is_some_and(|chat| chat.api == api && !chat.refused)
    }

    /// What a case does to the user of one client.
    pub(super) fn of_client(&self, case: &CaseRecord, lens: &Lens) -> Option<Harm> {
        self.of_case(case).into_iter().find(|harm| harm.client == lens.id)
    }

    /// What the suite notes of a client, where its lens cannot tell: because the case complains of
    /// no chat at all (embeddings, say), or of the status by which a chat was refused that this
    /// client could have asked. A lens that saw an answer is the better witness.
    pub(super) fn noted<'c>(&self, case: &'c CaseRecord, lens: &Lens) -> Option<Noted<'c>> {
        if !complains(case) {
            return None;
        }
        let mut chats = behind(case).filter_map(|id| self.chats.get(id)).peekable();
        if chats.peek().is_none() {
            // Said of the client as a whole, and told once.
            if lens.api() != Api::Chat {
                return None;
            }
            let hurt = case.hurts.iter().find(|hurt| lens.is_client(&hurt.client))?;
            return Some(Noted { hurt, everyday: false });
        }
        let hurt = case.hurts.iter().find(|hurt| lens.is_called(&hurt.client))?;
        let evidence = case.findings.iter().flat_map(|finding| &finding.evidence);
        let refused = evidence
            .filter(|evidence| evidence.place.what == "status")
            .filter_map(|evidence| self.chats.get(evidence.place.exchange.as_deref()?))
            .find(|chat| chat.api == lens.api() && chat.refused)?;
        Some(Noted { hurt, everyday: refused.everyday })
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
                .map(|harm| Hurt { client: harm.client.to_owned(), effect: harm.said().to_owned() })
                .collect();
        }
    }
    run
}
