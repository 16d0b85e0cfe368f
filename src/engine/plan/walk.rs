//! One case, walked without sending.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Outline;
use super::tokens::{self, Tokens};
use crate::engine::cells::{Cell, cells};
use crate::engine::check::{base, limits};
use crate::engine::sender::fingerprint;
use crate::engine::{request, sharing};
use crate::suite::template::{self, Vars};
use crate::suite::{Case, Step, StepConnection};
use crate::transport::ConnectionChoice;
use crate::transport::target::Target;

/// A request that a case asks, once or more often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// What it shares with every request that the same answer will do for.
    pub(super) same: Option<[u8; 32]>,
    /// How often it is expected to be sent.
    pub(super) times: u64,
    /// How often it may be sent.
    pub(super) times_max: u64,
    /// The tokens of one answer.
    pub(super) tokens: Tokens,
}

pub(super) struct Walk<'a> {
    target: &'a Target,
    seed: u64,
    base: BTreeMap<String, Value>,
}

/// Where a case has got to.
struct Place {
    vars: Vars,
    /// What was asked so far; a value that is taken from an answer is known by it.
    asked: Vec<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(outline: &Outline<'a>) -> Self {
        let base = base(&outline.target.model, &limits(outline.profile));
        Self { target: outline.target, seed: outline.options.seed, base }
    }

    /// Everything that a case asks, in every cell of its matrix and every attempt.
    pub(super) fn case(&self, case: &Case) -> Vec<Ask> {
        let (attempts, attempts_max) = case.repeat.as_ref().map_or((1, 1), |repeat| {
            (repeat.attempts, repeat.max_attempts.unwrap_or(repeat.attempts).max(repeat.attempts))
        });
        let mut asks = Vec::new();
        for cell in cells(&case.matrix) {
            // Attempts differ in their nonces and not in what they ask.
            for mut ask in self.attempt(case, &cell) {
                ask.times *= u64::from(attempts);
                ask.times_max *= u64::from(attempts_max);
                asks.push(ask);
            }
        }
        asks
    }

    fn attempt(&self, case: &Case, cell: &Cell) -> Vec<Ask> {
        let mut vars = Vars::new(self.seed, &case.id, 1);
        for (name, value) in self.base.iter().chain(cell) {
            vars.set(name, value.clone());
        }
        let mut place = Place { vars, asked: Vec::new() };
        let mut asks = Vec::new();
        for step in &case.steps {
            // A condition on what an answer will say may come true.
            let runs = step
                .condition
                .as_ref()
                .is_none_or(|condition| template::truth(condition, &place.vars).unwrap_or(true));
            if runs {
                asks.extend(self.step(case, step, &mut place));
            }
        }
        asks
    }

    fn step(&self, case: &Case, step: &Step, place: &mut Place) -> Vec<Ask> {
        let copies = request::copies(&step.transport, &place.vars).unwrap_or(1);
        let (same, tokens) = self.look(case, step, copies, &place.vars);
        place.asked.push(match same {
            Some(same) => format!("{same:?}"),
            // Nobody else has its answer.
            None => format!("{} {:?} {}", *case.id, place.vars.values(), *step.name),
        });
        for (name, query) in &step.capture {
            place.vars.set(name, stand_in(&place.asked, query));
        }
        let copies = u64::try_from(copies).unwrap_or(u64::MAX);
        let mut asks = vec![Ask { same, times: copies, times_max: copies, tokens }];
        if let Some(until) = &step.until {
            // The first asking may be shared, every further one is sent.
            let again = u64::from(until.tries.max(1) - 1);
            asks.push(Ask { same: None, times: 0, times_max: again, tokens });
        }
        if let Some(converse) = &step.converse {
            // Whether there is a second turn is the model's to say.
            let more = u64::from(converse.turns.max(1) - 1);
            asks.push(Ask { same: None, times: 0, times_max: more, tokens });
        }
        asks
    }

    /// What a step's request shares and what its answer may have. A request that cannot be filled
    /// in without an answer is its own, and its limits are looked for by themselves.
    fn look(
        &self,
        case: &Case,
        step: &Step,
        copies: usize,
        vars: &Vars,
    ) -> (Option<[u8; 32]>, Tokens) {
        let mut vars = vars.clone();
        vars.set("copy", 0);
        let Ok((request, omitted)) = request::request(&step.request, &vars, self.target) else {
            let mut spec = step.request.clone();
            if let Some(Value::Object(json)) = &mut spec.json {
                json.retain(|_, value| template::fill_value(value, &vars).is_ok());
            }
            let request = request::request(&spec, &vars, self.target);
            return (None, request.map_or(Tokens::Unlimited, |(request, _)| tokens::of(&request)));
        };
        let tokens = tokens::of(&request);
        let Ok(mut carry) = request::carry(&step.transport, &vars) else { return (None, tokens) };
        carry.connection = match &step.transport.connection {
            StepConnection::Reuse(_) => ConnectionChoice::New,
            StepConnection::Any | StepConnection::New => sharing::connection(case, step),
        };
        let shared = sharing::is_shared(case, step, copies, &carry);
        carry.omit_headers = omitted;
        (shared.then(|| fingerprint(&request, &carry, &step.answers)), tokens)
    }
}

/// Stands in for what `query` will find once `asked` is answered: the same for the same question to
/// the same answers.
fn stand_in(asked: &[String], query: &str) -> String {
    // Only a query that names another step looks further back than the last.
    let back = if query.contains("step.") { asked.len() } else { 1 };
    let asked = asked.get(asked.len().saturating_sub(back)..).unwrap_or_default();
    let digest = Sha256::digest(format!("{asked:?} {query}"));
    format!("{:x?}", digest.as_slice())
}
