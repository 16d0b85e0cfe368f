//! One attempt at a case in one cell of its matrix: steps in order, each judged as it comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value;

use super::cells::Cell;
use super::request;
use super::sender::{Sender, Sending};
use super::sharing;
use super::verdicts::broken;
use crate::assert::{Assertion, Condition, Found, Query, Scene, Seen, StepSeen};
use crate::record::Finding;
use crate::suite::load::Loaded;
use crate::suite::template::{self, Vars};
use crate::suite::{At, Case, Spot, Step, StepConnection, duration};
use crate::transcript::{End, WireRequest};
use crate::transport::target::{KEY_PLACEHOLDER, Target};
use crate::transport::{ConnectionChoice, Transport};
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

/// The answers to one step that was sent.
pub(super) struct StepDone {
    name: String,
    pub(super) copies: Vec<Arc<Seen>>,
    /// Beside each copy, what was asked for; the exchange has what the transport made of it.
    asked: Vec<WireRequest>,
}

impl StepDone {
    /// The answers to a later asking take the place of the earlier ones.
    pub(super) fn take(&mut self, (copies, asked): Answers) {
        self.copies = copies;
        self.asked = asked;
    }
}

/// What came back for one step, and what was asked for.
pub(super) type Answers = (Vec<Arc<Seen>>, Vec<WireRequest>);

impl<T: Transport> Context<'_, T> {
    pub(super) async fn attempt(&self, cell: &Cell, number: u32) -> Attempt {
        let mut attempt = Attempt::default();
        let mut vars = Vars::new(self.seed, &self.case.id, number);
        for (name, value) in self.base.iter().chain(cell) {
            vars.set(name, value.clone());
        }
        let mut done: Vec<StepDone> = Vec::new();
        for step in &self.case.steps {
            match self.step(step, cell, &mut vars, &mut done, &mut attempt).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(trouble) => {
                    attempt.fault = Some(trouble);
                    break;
                }
            }
        }
        if let Some(precondition) = &self.case.precondition {
            attempt.unmet = self.unmet(precondition, &vars, &done).unwrap_or_else(Some);
        }
        if attempt.unmet.is_some() {
            // What does not apply cannot be broken.
            attempt.findings.retain(|finding| finding.cannot_tell.is_some());
        }
        attempt
    }

    /// Runs one step; `false` ends the attempt.
    async fn step(
        &self,
        step: &At<Step>,
        cell: &Cell,
        vars: &mut Vars,
        done: &mut Vec<StepDone>,
        attempt: &mut Attempt,
    ) -> Result<bool, String> {
        if let Some(condition) = &step.condition
            && !template::truth(condition, vars).map_err(|error| error.to_string())?
        {
            return Ok(true);
        }
        if let Some(after) = &step.after {
            let text = template::fill_text(after, vars).map_err(|error| error.to_string())?;
            tokio::time::sleep(duration(&text)?.into()).await;
        }
        let (copies, asked) = self.send(step, cell, vars, done, attempt, 1).await?;
        done.push(StepDone { name: step.name.value.clone(), copies, asked });
        if attempt.shown.is_none() {
            attempt.shown = self.shown(None, done);
        }
        if let Some(until) = &step.until
            && !self.wait(until, step, cell, vars, done, attempt).await?
        {
            return Ok(false);
        }
        if let Some(converse) = &step.converse
            && !self.converse(converse, step, cell, vars, done, attempt).await?
        {
            return Ok(false);
        }
        if attempt.fault.is_some() {
            return Ok(false);
        }
        let clean = attempt.findings.is_empty();
        self.judge(step, cell, vars, done, attempt)?;
        if clean && let Some(finding) = attempt.findings.first() {
            attempt.shown = self.shown(Some(finding), done);
        }
        if broken(&attempt.findings) == Some(Level::Must) {
            return Ok(false);
        }
        Ok(self.capture(step, cell, vars, done, attempt))
    }

    pub(super) async fn send(
        &self,
        step: &At<Step>,
        cell: &Cell,
        vars: &Vars,
        done: &[StepDone],
        attempt: &mut Attempt,
        asking: u32,
    ) -> Result<Answers, String> {
        let copies = request::copies(&step.transport, vars)?;
        let mut carry = request::carry(&step.transport, vars)?;
        carry.connection = self.connection(step, done);
        let shared = asking == 1 && sharing::is_shared(self.case, step, copies, &carry);
        let (mut sends, mut asked) = (Vec::new(), Vec::new());
        for copy in 0..copies {
            let mut vars = vars.clone();
            vars.set("copy", copy);
            let (request, omitted) = request::request(&step.request, &vars, self.target)?;
            asked.push(request.clone());
            let mut id = self.exchange_id(step, cell, &vars, copies);
            if asking > 1 {
                let what = if step.converse.is_some() { "turn" } else { "asking" };
                id = format!("{id}/{what}={asking}");
            }
            let sending = Sending { shared, id, answers: &step.answers };
            let carry = crate::transport::Carry { omit_headers: omitted, ..carry.clone() };
            sends.push(async move { self.sender.send(&request, &carry, sending).await });
        }
        let sent = join_all(sends).await;
        for sent in &sent {
            attempt.exchanges.push(sent.seen.exchange.id.clone());
            if attempt.fault.is_none() {
                attempt.fault.clone_from(&sent.fault);
            }
            // A status that is listed as an answer is no refusal of the whole capability.
            let listed = sent.seen.exchange.status().is_some_and(|s| step.answers.contains(&s));
            if attempt.refusal.is_none() && !listed {
                attempt.refusal = super::capability::refusal(self.excusable, &sent.seen);
            }
        }
        Ok((sent.into_iter().map(|sent| sent.seen).collect(), asked))
    }

    /// The request behind `finding`, or else the last step's first, as it was sent. The record
    /// masks every secret, so the headers that hold one are given back the names of the secrets.
    fn shown(&self, finding: Option<&Finding>, done: &[StepDone]) -> Option<WireRequest> {
        let blamed = finding
            .and_then(|finding| finding.evidence.iter().find_map(|e| e.place.exchange.as_ref()));
        let pairs = || done.iter().flat_map(|step| step.copies.iter().zip(&step.asked));
        let (seen, asked) = pairs()
            .find(|(seen, _)| Some(&seen.exchange.id) == blamed)
            .or_else(|| done.last().and_then(|step| step.copies.first().zip(step.asked.first())))?;
        let mut request = seen.exchange.request.clone();
        let auth = self.target.auth.header();
        for line in &mut request.headers.0 {
            if asked.headers.get(&line.name).is_some() {
                let mut own = asked.headers.all(&line.name);
                if let Some(value) = own.find(|value| value.contains(KEY_PLACEHOLDER)) {
                    value.clone_into(&mut line.value);
                }
            } else if let Some((_, before)) =
                auth.filter(|(name, _)| line.name.eq_ignore_ascii_case(name))
            {
                line.value = format!("{before}{KEY_PLACEHOLDER}");
            }
        }
        Some(request)
    }

    fn exchange_id(&self, step: &At<Step>, cell: &Cell, vars: &Vars, copies: usize) -> String {
        let mut id = self.case.id.value.clone();
        for (name, value) in cell {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            id = format!("{id}/{name}={}", crate::text::ellipsis(&value, 24));
        }
        if self.case.repeat.is_some() {
            id = format!("{id}/attempt={}", vars.get("attempt").unwrap_or(&Value::Null));
        }
        id = format!("{id}/{}", step.name.value);
        if copies > 1 {
            id = format!("{id}/copy={}", vars.get("copy").unwrap_or(&Value::Null));
        }
        id
    }

    /// The connection a step asks for. A step whose connection a later one wants to reuse gets a
    /// new one, which no other case is given meanwhile.
    fn connection(&self, step: &At<Step>, done: &[StepDone]) -> ConnectionChoice {
        match &step.transport.connection {
            StepConnection::Reuse(name) => done
                .iter()
                .rev()
                .find(|earlier| earlier.name == *name)
                .and_then(|earlier| earlier.copies.first())
                .map_or(ConnectionChoice::New, |seen| {
                    ConnectionChoice::Number(seen.exchange.connection.number)
                }),
            StepConnection::Any | StepConnection::New => sharing::connection(self.case, step),
        }
    }

    fn judge(
        &self,
        step: &At<Step>,
        cell: &Cell,
        vars: &Vars,
        done: &[StepDone],
        attempt: &mut Attempt,
    ) -> Result<(), String> {
        let steps = scenes(done);
        let copies = done.last().map_or(0, |step| step.copies.len());
        for expect in &step.expect {
            let place = (expect.spot.line, expect.spot.column);
            for copy in 0..copies {
                let mut vars = vars.clone();
                vars.set("copy", copy);
                let assertion = template::fill_assertion(&expect.value, &vars)
                    .map_err(|error| format!("expect: {error}"))?;
                let scene = Scene {
                    steps: &steps,
                    current: steps.len().saturating_sub(1),
                    copy,
                    vars: vars.values(),
                    limits: self.limits,
                };
                match applies(&assertion, &vars, &scene)? {
                    Applies::Yes => {
                        attempt.applied.insert(place);
                    }
                    Applies::No(unmet) => {
                        if !assertion.holds_when_unmet() {
                            let why = no_answer(&steps, copy)
                                .unwrap_or_else(|| never_came_up(&assertion, unmet));
                            attempt.not_applied.insert(place, why);
                        }
                        continue;
                    }
                }
                let judgement = assertion.judge(&scene);
                // `all.` says the same of every copy; once is enough.
                if let Some(finding) = self.finding(&assertion, expect.spot, step, cell, judgement)
                    && !attempt.findings.contains(&finding)
                {
                    attempt.findings.push(finding);
                }
            }
        }
        Ok(())
    }

    fn finding(
        &self,
        assertion: &Assertion,
        spot: Spot,
        step: &At<Step>,
        cell: &Cell,
        judgement: Judgement,
    ) -> Option<Finding> {
        let (cannot_tell, evidence) = match judgement {
            Judgement::Holds => return None,
            Judgement::Fails(evidence) => (None, evidence),
            Judgement::CannotTell { why } => (Some(why), Vec::new()),
        };
        Some(Finding {
            assertion: assertion.describe(),
            level: assertion.level().unwrap_or(self.case.level),
            spot,
            line: self.loaded.line(spot).to_owned(),
            cell: cell.clone(),
            step: step.name.value.clone(),
            cannot_tell,
            evidence,
        })
    }

    /// Takes values for later steps; `false` when one is not there and the case cannot go on.
    fn capture(
        &self,
        step: &At<Step>,
        cell: &Cell,
        vars: &mut Vars,
        done: &[StepDone],
        attempt: &mut Attempt,
    ) -> bool {
        let mut captured = Vec::new();
        for (name, query) in &step.capture {
            let steps = scenes(done);
            let scene = Scene {
                steps: &steps,
                current: steps.len().saturating_sub(1),
                copy: 0,
                vars: vars.values(),
                limits: self.limits,
            };
            let why = match Query::parse(query).map(|query| query.find(&scene)) {
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
            attempt.findings.push(Finding {
                assertion: format!("capture {name}: {query}"),
                level: self.case.level,
                spot: step.spot,
                line: self.loaded.line(step.spot).to_owned(),
                cell: cell.clone(),
                step: step.name.value.clone(),
                cannot_tell: Some(why),
                evidence: Vec::new(),
            });
            return false;
        }
        for (name, value) in captured {
            vars.set(name, value);
        }
        true
    }

    fn unmet(
        &self,
        precondition: &At<Assertion>,
        vars: &Vars,
        done: &[StepDone],
    ) -> Result<Option<String>, String> {
        let assertion = template::fill_assertion(&precondition.value, vars)
            .map_err(|error| error.to_string())?;
        let steps = scenes(done);
        let scene = Scene {
            steps: &steps,
            current: steps.len().saturating_sub(1),
            copy: 0,
            vars: vars.values(),
            limits: self.limits,
        };
        Ok(match assertion.judge(&scene) {
            Judgement::Holds => None,
            Judgement::Fails(_) => Some(format!("`{}` was not met", assertion.describe())),
            Judgement::CannotTell { why } => Some(why),
        })
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

enum Applies {
    Yes,
    No(Unmet),
}

/// Why a condition is not met.
enum Unmet {
    /// Nothing can be told of it.
    Untold(String),
    /// The condition, and what there was instead.
    Fails(String, Option<String>),
}

/// Whether the assertion's `if` is met. A condition that cannot be told is not met.
fn applies(assertion: &Assertion, vars: &Vars, scene: &Scene<'_>) -> Result<Applies, String> {
    match assertion.condition() {
        None => Ok(Applies::Yes),
        Some(condition) => is_met(condition, vars, scene),
    }
}

fn is_met(condition: &Condition, vars: &Vars, scene: &Scene<'_>) -> Result<Applies, String> {
    let fails = |seen| Applies::No(Unmet::Fails(condition.describe(), seen));
    match condition {
        Condition::Template(text) => template::truth(text, vars)
            .map(|met| if met { Applies::Yes } else { fails(None) })
            .map_err(|error| format!("if: {error}")),
        Condition::Assertion(assertion) => Ok(match assertion.judge(scene) {
            Judgement::Holds => Applies::Yes,
            Judgement::Fails(evidence) => fails(evidence.into_iter().next().map(|e| e.seen)),
            Judgement::CannotTell { why } => Applies::No(Unmet::Untold(why)),
        }),
        Condition::All(all) => {
            for condition in all {
                let met = is_met(condition, vars, scene)?;
                if matches!(met, Applies::No(_)) {
                    return Ok(met);
                }
            }
            Ok(Applies::Yes)
        }
    }
}

/// Why there is no answer, if a step so far has none: then what came of it is the cause, and not
/// the condition.
fn no_answer(steps: &[StepSeen<'_>], copy: usize) -> Option<String> {
    steps.iter().find_map(|step| {
        let exchange = &step.copies.get(copy).or(step.copies.first())?.exchange;
        match (&exchange.end, exchange.status()) {
            (end, None) => Some(format!("no response: {}", end.describe())),
            (End::Complete | End::Left | End::LimitReached { .. }, Some(_)) => None,
            (end, Some(_)) => Some(format!("the answer broke off: {}", end.describe())),
        }
    })
}

/// Why an assertion was not judged, on one line that a terminal has room for.
fn never_came_up(assertion: &Assertion, unmet: Unmet) -> String {
    const SHOWN_CHARS: usize = 72;
    let short = |text: &str| crate::text::ellipsis(text, SHOWN_CHARS);
    let asked = match assertion.label() {
        Some(label) => short(label),
        None => format!("`{}`", short(&assertion.describe())),
    };
    match unmet {
        Unmet::Untold(why) => why,
        Unmet::Fails(condition, None) => {
            format!("{asked} never came up: `{}` was not met", short(&condition))
        }
        Unmet::Fails(condition, Some(seen)) => format!(
            "{asked} never came up: `{}` was not met, seen: {}",
            short(&condition),
            short(&seen)
        ),
    }
}
