//! Asking again until something holds.

use super::attempt::{Attempt, Context, StepDone, scenes};
use super::cells::Cell;
use crate::assert::Scene;
use crate::record::Finding;
use crate::suite::template::{self, Vars};
use crate::suite::{At, Step, Until, duration};
use crate::transport::Transport;
use crate::verdict::Judgement;

impl<T: Transport> Context<'_, T> {
    /// Asks a step again until its `until` holds, or its answer is no success; `false` when the
    /// tries ran out, and then nothing can be told.
    pub(super) async fn wait(
        &self,
        until: &Until,
        step: &At<Step>,
        cell: &Cell,
        vars: &Vars,
        done: &mut [StepDone],
        attempt: &mut Attempt,
    ) -> Result<bool, String> {
        let assertion = template::fill_assertion(&until.holds.value, vars)
            .map_err(|error| format!("until: {error}"))?;
        let every = template::fill_text(&until.every, vars)
            .map_err(|error| format!("until.every: {error}"))?;
        let every = duration(&every)?;
        for asking in 2..=until.tries.max(1) + 1 {
            let steps = scenes(done);
            let scene = Scene {
                steps: &steps,
                current: steps.len().saturating_sub(1),
                copy: 0,
                vars: vars.values(),
                limits: self.limits,
            };
            let held = assertion.judge(&scene) == Judgement::Holds;
            let status = done.last().and_then(|step| step.copies.first()?.exchange.status());
            if held || attempt.fault.is_some() || status.is_none_or(|s| !(200..300).contains(&s)) {
                return Ok(true);
            }
            if asking > until.tries {
                break;
            }
            tokio::time::sleep(every.into()).await;
            let answers = self.send(step, cell, vars, done, attempt, asking).await?;
            if let Some(last) = done.last_mut() {
                last.take(answers);
            }
        }
        let tries =
            crate::text::plural(usize::try_from(until.tries).unwrap_or(usize::MAX), "asking");
        attempt.findings.push(Finding {
            assertion: format!("until {}", assertion.describe()),
            level: self.case.level,
            spot: until.holds.spot,
            line: self.loaded.line(until.holds.spot).to_owned(),
            cell: cell.clone(),
            step: step.name.value.clone(),
            cannot_tell: Some(format!("it did not come to hold in {tries}, {every} apart")),
            evidence: Vec::new(),
        });
        Ok(false)
    }
}
