//! Judging a step by what it expects, as far as the conditions are met.

use super::attempt::{Context, Underway, scenes};
use super::cells::Cell;
use crate::assert::{Assertion, Condition, Scene, StepSeen};
use crate::record::Finding;
use crate::suite::template::{self, Vars};
use crate::suite::{At, Spot, Step};
use crate::transcript::End;
use crate::transport::Transport;
use crate::verdict::Judgement;

impl<T: Transport> Context<'_, T> {
    /// Judges a step by all that it expects.
    pub(super) fn judge(&self, step: &At<Step>, at: &mut Underway<'_>) -> Result<(), String> {
        let Underway { cell, vars, done, attempt } = at;
        let steps = scenes(done);
        let copies = done.last().map_or(0, |step| step.copies.len());
        for expect in &step.expect {
            let place = (expect.spot.line, expect.spot.column);
            for copy in 0..copies {
                let mut vars = vars.clone();
                vars.set("copy", copy);
                let assertion = template::fill_assertion(&expect.value, &vars)
                    .map_err(|error| format!("expect: {error}"))?;
                let scene = self.scene(&steps, &vars, copy);
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
