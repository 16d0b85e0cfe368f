//! Asking again until something holds.

use super::attempt::{Context, Underway, scenes};
use crate::suite::template;
use crate::suite::{At, Step, Until, duration};
use crate::text::plural;
use crate::transport::Transport;
use crate::verdict::Judgement;

impl<T: Transport> Context<'_, T> {
    /// Asks a step again until its `until` holds, or its answer is no success; `false` when the
    /// tries ran out, and then nothing can be told.
    pub(super) async fn wait(
        &self,
        until: &Until,
        step: &At<Step>,
        at: &mut Underway<'_>,
    ) -> Result<bool, String> {
        let assertion = template::fill_assertion(&until.holds.value, &at.vars)
            .map_err(|error| format!("until: {error}"))?;
        let every = template::fill_text(&until.every, &at.vars)
            .map_err(|error| format!("until.every: {error}"))?;
        let every = duration(&every)?;
        for asking in 2..=until.tries.max(1) + 1 {
            let steps = scenes(&at.done);
            let held = assertion.judge(&self.scene(&steps, &at.vars, 0)) == Judgement::Holds;
            let status = at.last().and_then(|seen| seen.exchange.status());
            let succeeds = status.is_some_and(|status| (200..300).contains(&status));
            if held || at.attempt.fault.is_some() || !succeeds {
                return Ok(true);
            }
            if asking > until.tries {
                break;
            }
            tokio::time::sleep(every.into()).await;
            let answers = self.send(step, at, asking).await?;
            at.retake(answers);
        }
        let tries = plural(usize::try_from(until.tries).unwrap_or(usize::MAX), "asking");
        let why = format!("it did not come to hold in {tries}, {every} apart");
        let assertion = format!("until {}", assertion.describe());
        let untold = self.untold(step, at.cell, until.holds.spot, assertion, why);
        at.attempt.findings.push(untold);
        Ok(false)
    }
}
