//! Sessions as the clerk keeps them: what was said so far, what comes next, and what became of them.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde_json::Value;

use super::call::{Due, Finished};
use super::ledger::quantile_ms;
use super::note::histogram;
use super::post::{Letter, Post};
use super::ruling::Ruling;
use super::stock::Prepare;
use crate::plan::Asks;
use crate::record::load::{SessionTurn, Sessions, Stage};
use crate::units::Nanos;

/// Sessions under way and over.
pub(super) struct SessionBook<'a> {
    asks: &'a Asks,
    prepare: &'a Prepare,
    /// By event loop.
    posts: &'a [Post],
    /// By number.
    open: BTreeMap<u64, Dialogue>,
    counts: Sessions,
    length_ms: Histogram<u64>,
    turns: Vec<TurnCount>,
}

/// A session under way.
struct Dialogue {
    /// The assistant's messages, as they are sent back.
    replies: Vec<Value>,
    /// When its first turn was due.
    began: Nanos,
    /// It began in the measured window.
    measured: bool,
}

/// What is counted of one turn, over all sessions.
struct TurnCount {
    seen: SessionTurn,
    ttft_us: Histogram<u64>,
    prompt: u64,
    cached: u64,
    with_usage: u64,
}

impl<'a> SessionBook<'a> {
    pub(super) fn new(asks: &'a Asks, prepare: &'a Prepare, posts: &'a [Post]) -> Self {
        Self {
            asks,
            prepare,
            posts,
            open: BTreeMap::new(),
            counts: Sessions::default(),
            length_ms: histogram(),
            turns: Vec::new(),
        }
    }

    /// A turn is over: counts it, and says what comes next.
    pub(super) fn over(&mut self, finished: &Finished, ruling: &mut Ruling) {
        let (due, marks) = (&finished.due, finished.marks);
        if marks.turns == 0 {
            return;
        }
        if due.turn == 0 {
            let measured = due.stage == Stage::Measured;
            self.counts.started += u64::from(measured);
            self.open.insert(due.number, Dialogue { replies: Vec::new(), began: due.at, measured });
        }
        if due.stage == Stage::Measured {
            self.count(finished, ruling);
        }
        if ruling.class.as_deref() == Some("unfinished") {
            return;
        }
        // Who waited long for an answer still has one.
        let answered = ruling.class.as_deref().is_none_or(|class| class == "slow");
        let reply = ruling.reply.take().filter(|_| answered);
        if !marks.goes_on() {
            return self.close(due.number, finished.ended, reply.is_some());
        }
        let Some((reply, dialogue)) = reply.zip(self.open.get_mut(&due.number)) else {
            // What was not answered cannot be gone on from.
            self.close(due.number, finished.ended, false);
            let refused = finished.end.is_unreachable();
            return self
                .send(due.number, Letter::Over { user: due.user, at: finished.ended, refused });
        };
        dialogue.replies.push(reply);
        let at = finished.ended + self.asks.pause(due.number, dialogue.replies.len());
        let prepared = (self.prepare)(due.number, &dialogue.replies);
        let next = Due {
            number: due.number,
            turn: due.turn + 1,
            user: due.user,
            // The loop says, when it is taken up.
            stage: due.stage,
            at,
            ready: Some(Box::new(prepared)),
        };
        self.send(due.number, Letter::Next(next));
    }

    /// A turn was never sent, and its session is over.
    pub(super) fn shed(&mut self, due: &Due) {
        if due.turn > 0 {
            self.close(due.number, due.at, false);
            if due.stage == Stage::Measured {
                self.turn(due.turn).seen.shed += 1;
            }
        }
    }

    /// The report, once all is over; `None` if no workload has sessions.
    pub(super) fn report(mut self) -> Option<Sessions> {
        let sessions = &self.asks.plan().plan.workload;
        if sessions.iter().all(|workload| workload.session.is_none()) {
            return None;
        }
        self.counts.unfinished = self.open.values().filter(|one| one.measured).count() as u64;
        self.counts.length_ms_p50 = quantile_ms(&self.length_ms, 0.5);
        self.counts.length_ms_p90 = quantile_ms(&self.length_ms, 0.9);
        self.counts.turns = self.turns.into_iter().map(TurnCount::told).collect();
        Some(self.counts)
    }

    fn send(&self, number: u64, letter: Letter) {
        let loops = self.posts.len().max(1) as u64;
        let nth = usize::try_from(number % loops).unwrap_or_default();
        if let Some(post) = self.posts.get(nth) {
            post.send(letter);
        }
    }

    fn close(&mut self, number: u64, at: Nanos, whole: bool) {
        let Some(dialogue) = self.open.remove(&number).filter(|one| one.measured) else { return };
        if whole {
            self.counts.completed += 1;
            self.length_ms.saturating_record((at.since(dialogue.began).0 / 1_000).max(1));
        } else {
            self.counts.broken += 1;
        }
    }

    fn turn(&mut self, turn: u32) -> &mut TurnCount {
        // Lengths have a bound, and a session of a million turns does not come to its end.
        let nth = turn.min(10_000) as usize;
        while self.turns.len() <= nth {
            let turn = u32::try_from(self.turns.len()).unwrap_or(u32::MAX);
            self.turns.push(TurnCount::new(turn));
        }
        self.turns.get_mut(nth).expect("it was just made")
    }

    fn count(&mut self, finished: &Finished, ruling: &Ruling) {
        let good = ruling.class.is_none();
        let turn = self.turn(finished.due.turn);
        turn.seen.requests += 1;
        turn.seen.good += u64::from(good);
        turn.seen.failed += u64::from(!good);
        if !good {
            return;
        }
        if let (Some(sent), Some(first)) = (finished.sent, finished.facts.first_token) {
            turn.ttft_us.saturating_record((first.since(sent).0 / 1_000).max(1));
        }
        if let Some(usage) = ruling.usage {
            turn.with_usage += 1;
            turn.prompt += usage.prompt;
            turn.cached += usage.cached.unwrap_or(0);
        }
    }
}

impl TurnCount {
    fn new(turn: u32) -> Self {
        Self {
            seen: SessionTurn { turn, ..SessionTurn::default() },
            ttft_us: Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("the bounds are sound"),
            prompt: 0,
            cached: 0,
            with_usage: 0,
        }
    }

    fn told(self) -> SessionTurn {
        #[expect(clippy::cast_precision_loss, reason = "2^53 tokens are enough")]
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        SessionTurn {
            ttft_ms_p50: quantile_ms(&self.ttft_us, 0.5),
            ttft_ms_p90: quantile_ms(&self.ttft_us, 0.9),
            prompt_tokens: share(self.prompt, self.with_usage),
            cached_share: share(self.cached, self.prompt),
            ..self.seen
        }
    }
}
