//! One attempt at a case in one cell of its matrix: steps in order, each judged as it comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::cells::Cell;
use super::sender::Sender;
use super::verdicts::broken;
use crate::assert::{Assertion, Found, Query, Scene, Seen, StepSeen};
use crate::record::Finding;
use crate::suite::load::Loaded;
use crate::suite::template::{self, Vars};
use crate::suite::{At, Case, Spot, Step, duration};
use crate::transcript::WireRequest;
use crate::transport::Transport;
use crate::transport::target::Target;
use crate::verdict::{Judgement, Level};

/// What one attempt came to.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    /// What did not hold or could not be judged.
    pub(super) findings: Vec<Finding>,
    /// Ids of its exchanges, in order.
    pub(super) exchanges: Vec<String>,
    /// The harness or the network got in the way.
    pub(super) fault: Option<String>,
    /// Why the precondition was not met.
    pub(super) unmet: Option<String>,
    /// Assertions whose condition was met, and those whose was not and why, by place in the file.
    pub(super) applied: BTreeSet<(u64, u64)>,
    pub(super) not_applied: BTreeMap<(u64, u64), String>,
    /// A clean refusal of a capability that the case needs.
    pub(super) refusal: Option<(String, String)>,
    /// The request that the first finding is about, or the first request, as it was sent; the key
    /// stands in it as the suite and the target name it.
    pub(super) shown: Option<WireRequest>,
}

impl Attempt {
    /// Whether it was judged to the end. What was never asked, because its condition was not met,
    /// did not hold either.
    pub(super) fn is_decided(&self) -> bool {
        self.fault.is_none()
            && self.unmet.is_none()
            && self.not_applied.keys().all(|place| self.applied.contains(place))
            && self.findings.iter().all(|f| f.cannot_tell.is_none())
    }
}

/// What every attempt of a case shares.
pub(super) struct Context<'a, T> {
    pub(super) loaded: &'a Loaded,
    pub(super) case: &'a Case,
    pub(super) sender: &'a Sender<'a, T>,
    pub(super) target: &'a Target,
    pub(super) seed: u64,
    pub(super) base: &'a BTreeMap<String, Value>,
    pub(super) limits: &'a BTreeMap<String, Value>,
    /// Capabilities that a clean refusal may excuse.
    pub(super) excusable: &'a [&'a str],
}

/// An attempt under way.
pub(super) struct Underway<'a> {
    pub(super) cell: &'a Cell,
    pub(super) vars: Vars,
    /// The steps so far.
    pub(super) done: Vec<StepDone>,
    pub(super) attempt: Attempt,
}

impl Underway<'_> {
    /// The first answer to the step that was sent last.
    pub(super) fn last(&self) -> Option<&Seen> {
        self.done.last().and_then(|step| step.copies.first()).map(AsRef::as_ref)
    }

    /// Other answers to that step take the place of its own.
    pub(super) fn retake(&mut self, (copies, asked): Answers) {
        if let Some(last) = self.done.last_mut() {
            last.copies = copies;
            last.asked = asked;
        }
    }
}

/// The answers to one step that was sent.
pub(super) struct StepDone {
    pub(super) name: String,
    pub(super) copies: Vec<Arc<Seen>>,
    /// Beside each copy, what was asked for; the exchange has what the transport made of it.
    pub(super) asked: Vec<WireRequest>,
}

/// What came back for one step, and what was asked for.
pub(super) type Answers = (Vec<Arc<Seen>>, Vec<WireRequest>);

impl<T: Transport> Context<'_, T> {
    pub(super) async fn attempt(&self, cell: &Cell, number: u32) -> Attempt {
        let mut vars = Vars::new(self.seed, &self.case.id, number);
        for (name, value) in self.base.iter().chain(cell) {
            vars.set(name, value.clone());
        }
        let mut at = Underway { cell, vars, done: Vec::new(), attempt: Attempt::default() };
        for step in &self.case.steps {
            match self.step(step, &mut at).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(trouble) => {
                    at.attempt.fault = Some(trouble);
                    break;
                }
            }
        }
        if let Some(precondition) = &self.case.precondition {
            at.attempt.unmet = self.unmet(precondition, &at).unwrap_or_else(Some);
        }
        if at.attempt.unmet.is_some() {
            // What does not apply cannot be broken.
            at.attempt.findings.retain(|finding| finding.cannot_tell.is_some());
        }
        at.attempt
    }

    /// Runs one step; `false` ends the attempt.
    async fn step(&self, step: &At<Step>, at: &mut Underway<'_>) -> Result<bool, String> {
        if let Some(condition) = &step.condition
            && !template::truth(condition, &at.vars).map_err(|error| error.to_string())?
        {
            return Ok(true);
        }
        if let Some(after) = &step.after {
            let text = template::fill_text(after, &at.vars).map_err(|error| error.to_string())?;
            tokio::time::sleep(duration(&text)?.into()).await;
        }
        let (copies, asked) = self.send(step, at, 1).await?;
        at.done.push(StepDone { name: step.name.value.clone(), copies, asked });
        if at.attempt.shown.is_none() {
            at.attempt.shown = self.shown(None, &at.done);
        }
        if let Some(until) = &step.until
            && !self.wait(until, step, at).await?
        {
            return Ok(false);
        }
        if let Some(converse) = &step.converse
            && !self.converse(converse, step, at).await?
        {
            return Ok(false);
        }
        if at.attempt.fault.is_some() {
            return Ok(false);
        }
        let clean = at.attempt.findings.is_empty();
        self.judge(step, at)?;
        if clean && let Some(finding) = at.attempt.findings.first() {
            at.attempt.shown = self.shown(Some(finding), &at.done);
        }
        if broken(&at.attempt.findings) == Some(Level::Must) {
            return Ok(false);
        }
        Ok(self.capture(step, at))
    }

    /// Takes values for later steps; `false` when one is not there and the case cannot go on.
    fn capture(&self, step: &At<Step>, at: &mut Underway<'_>) -> bool {
        let mut captured = Vec::new();
        for (name, query) in &step.capture {
            let steps = scenes(&at.done);
            let found = Query::parse(query);
            let why = match found.map(|query| query.find(&self.scene(&steps, &at.vars, 0))) {
                Ok(Found::Values(values)) => match values.into_iter().next() {
                    Some((_, value)) => {
                        captured.push((name, value));
                        continue;
                    }
                    None => format!("there is nothing at `{query}` to go on with"),
                },
                Ok(Found::CannotTell { why }) => why,
                Err(error) => error.to_string(),
            };
            let assertion = format!("capture {name}: {query}");
            at.attempt.findings.push(self.untold(step, at.cell, step.spot, assertion, why));
            return false;
        }
        for (name, value) in captured {
            at.vars.set(name, value);
        }
        true
    }

    fn unmet(
        &self,
        precondition: &At<Assertion>,
        at: &Underway<'_>,
    ) -> Result<Option<String>, String> {
        let assertion = template::fill_assertion(&precondition.value, &at.vars)
            .map_err(|error| error.to_string())?;
        let steps = scenes(&at.done);
        Ok(match assertion.judge(&self.scene(&steps, &at.vars, 0)) {
            Judgement::Holds => None,
            Judgement::Fails(_) => Some(format!("`{}` was not met", assertion.describe())),
            Judgement::CannotTell { why } => Some(why),
        })
    }

    /// What an assertion is judged on: the steps so far, of which the last is the current one.
    pub(super) fn scene<'s>(
        &'s self,
        steps: &'s [StepSeen<'s>],
        vars: &'s Vars,
        copy: usize,
    ) -> Scene<'s> {
        let current = steps.len().saturating_sub(1);
        Scene { steps, current, copy, vars: vars.values(), limits: self.limits }
    }

    /// That something which a step needs could not be told.
    pub(super) fn untold(
        &self,
        step: &At<Step>,
        cell: &Cell,
        spot: Spot,
        assertion: String,
        why: String,
    ) -> Finding {
        Finding {
            assertion,
            level: self.case.level,
            spot,
            line: self.loaded.line(spot).to_owned(),
            cell: cell.clone(),
            step: step.name.value.clone(),
            cannot_tell: Some(why),
            evidence: Vec::new(),
        }
    }
}

pub(super) fn scenes(done: &[StepDone]) -> Vec<StepSeen<'_>> {
    done.iter()
        .map(|step| StepSeen {
            name: &step.name,
            copies: step.copies.iter().map(AsRef::as_ref).collect(),
        })
        .collect()
}
