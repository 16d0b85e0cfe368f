//! Sending a step: what its requests are, under which ids and on which connections they go.

use futures_util::future::join_all;
use serde_json::Value;

use super::attempt::{Answers, Context, StepDone, Underway};
use super::cells::Cell;
use super::sender::Sending;
use super::{request, sharing};
use crate::record::Finding;
use crate::suite::template::Vars;
use crate::suite::{At, Step, StepConnection};
use crate::transcript::WireRequest;
use crate::transport::target::KEY_PLACEHOLDER;
use crate::transport::{ConnectionChoice, Transport};

impl<T: Transport> Context<'_, T> {
    /// Sends a step, each of its copies once.
    pub(super) async fn send(
        &self,
        step: &At<Step>,
        at: &mut Underway<'_>,
        asking: u32,
    ) -> Result<Answers, String> {
        let copies = request::copies(&step.transport, &at.vars)?;
        let mut carry = request::carry(&step.transport, &at.vars)?;
        carry.connection = self.connection(step, &at.done);
        let shared = asking == 1 && sharing::is_shared(self.case, step, copies, &carry);
        let (mut sends, mut asked) = (Vec::new(), Vec::new());
        for copy in 0..copies {
            let mut vars = at.vars.clone();
            vars.set("copy", copy);
            let (request, omitted) = request::request(&step.request, &vars, self.target)?;
            asked.push(request.clone());
            let mut id = self.exchange_id(step, at.cell, &vars, copies);
            if asking > 1 {
                let what = if step.converse.is_some() { "turn" } else { "asking" };
                id = format!("{id}/{what}={asking}");
            }
            let sending = Sending { shared, id, answers: &step.answers };
            let carry = crate::transport::Carry { omit_headers: omitted, ..carry.clone() };
            sends.push(async move { self.sender.send(&request, &carry, sending).await });
        }
        let sent = join_all(sends).await;
        let attempt = &mut at.attempt;
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
    pub(super) fn shown(
        &self,
        finding: Option<&Finding>,
        done: &[StepDone],
    ) -> Option<WireRequest> {
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
}
