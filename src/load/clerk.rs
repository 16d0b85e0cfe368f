//! What may take its time: judging answers, counting, writing them down, showing progress.

use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::call::{Due, Finished};
use super::fluidity::flow;
use super::intervals::Intervals;
use super::ledger::{Ledger, Terms, ms, quantile_ms};
use super::meter::Name;
use super::note::{Gauges, Note};
use super::post::Post;
use super::ruling::{Rulebook, Ruling};
use super::sessions::SessionBook;
use super::stock::Prepare;
use crate::clock::Clock;
use crate::plan::{Asks, Slow};
use crate::record::load::{Others, RequestLine};
use crate::transcript::{Connection, End, Exchange, Frame, Headers, Redactor, Timing, WireRequest};
use crate::units::Nanos;

/// How often the clerk looks up from its notes.
const LOOK_UP: Duration = Duration::from_millis(100);

/// How long the clerk rests when there is nothing to do. A loop that had to wake it for each request
/// would pay for that, and lose its core to it.
const REST: Duration = Duration::from_millis(5);

/// What ended so long ago has been told.
const SETTLED_AFTER: Nanos = Nanos::from_millis(5_000);
const FOREVER: Nanos = Nanos(u64::MAX);

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Glance {
    /// Time since the start of the load.
    pub elapsed: Nanos,
    /// When nothing starts any more, if the plan says.
    pub until: Option<Nanos>,
    /// How many measured requests the plan has, if it says.
    pub requests: Option<u64>,
    /// How many of them are over.
    pub measured: u64,
    /// The class most failures are of, and how many.
    pub gravest: Option<(String, u64)>,
    /// Requests started in the last second.
    pub rate: f64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Requests started.
    pub started: u64,
    /// Good answers so far.
    pub good: u64,
    /// Failed requests so far.
    pub failed: u64,
    /// Requests shed so far.
    pub shed: u64,
    /// Time to first token of the measured requests so far, in milliseconds.
    pub ttft_ms_p50: Option<f64>,
    /// Its 99th percentile, of however few.
    pub ttft_ms_p99: Option<f64>,
}

/// What the clerk needs to know.
pub(super) struct Desk<'a> {
    pub(super) clock: &'a Clock,
    pub(super) origin: Nanos,
    pub(super) terms: Terms<'a>,
    /// By workload.
    pub(super) books: &'a [Rulebook],
    pub(super) url: &'a str,
    pub(super) redactor: &'a Redactor,
    pub(super) gauges: &'a Gauges,
    pub(super) until: Option<Nanos>,
    /// What makes the next turn of a session.
    pub(super) asks: &'a Asks,
    pub(super) prepare: &'a Prepare,
    pub(super) posts: &'a [Post],
    pub(super) requests: Option<u64>,
}

/// Does the clerk's work until every loop has ended. `out` gets a line for each request; `ledger` is
/// empty, or has what an earlier part of the run came to.
pub(super) fn work(
    desk: &Desk<'_>,
    mut ledger: Ledger,
    notes: &Receiver<Note>,
    out: &mut dyn Write,
    log: &mut Option<Intervals>,
    mut glance: impl FnMut(&Glance),
) -> io::Result<Ledger> {
    let now = || desk.clock.now().since(desk.origin);
    let mut look_up = now() + Nanos::from(LOOK_UP);
    let mut flush = now() + Nanos::from_millis(1_000);
    let mut last_started = 0;
    let mut sessions = SessionBook::new(desk.asks, desk.prepare, desk.posts);
    loop {
        match notes.try_recv() {
            Ok(Note::Over(finished)) => {
                let line = desk.over(&mut ledger, &mut sessions, *finished);
                write(out, &line)?;
            }
            Ok(Note::Shed(due)) => {
                ledger.shed(&due);
                sessions.shed(&due);
                write(out, &shed(&due))?;
            }
            Ok(Note::Ended(report)) => ledger.ended(&report),
            Err(TryRecvError::Empty) => thread::sleep(REST),
            Err(TryRecvError::Disconnected) => break,
        }
        let at = now();
        if at >= look_up {
            look_up = at + Nanos::from(LOOK_UP);
            let in_flight = desk.gauges.in_flight.load(Ordering::Relaxed);
            if desk.clock.now() >= desk.origin {
                #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 are in flight")]
                let share = in_flight as f64 * LOOK_UP.as_secs_f64();
                ledger.second(at).in_flight += share;
            }
        }
        if at >= flush {
            let span = at.since(flush) + Nanos::from_millis(1_000);
            flush = at + Nanos::from_millis(1_000);
            ledger.settle(Nanos(at.0.saturating_sub(SETTLED_AFTER.0)));
            out.flush()?;
            if let Some(log) = log {
                log.write(at, ledger.meter.second())?;
            }
            let started = desk.gauges.started.load(Ordering::Relaxed);
            #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 a second")]
            let rate = (started - last_started) as f64 / span.as_secs_f64();
            last_started = started;
            glance(&desk.glance(&ledger, at, rate));
        }
        if ledger.cut.is_some() {
            desk.gauges.halt.store(true, Ordering::Relaxed);
        }
    }
    out.flush()?;
    if let Some(log) = log {
        log.write(now(), ledger.meter.second())?;
    }
    ledger.settle(FOREVER);
    ledger.work.sessions = sessions.report();
    Ok(ledger)
}

fn write(out: &mut dyn Write, line: &RequestLine) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

impl Desk<'_> {
    fn glance(&self, ledger: &Ledger, elapsed: Nanos, rate: f64) -> Glance {
        let ttft = ledger.meter.histogram(Name::Ttft);
        Glance {
            elapsed,
            until: self.until,
            requests: self.requests,
            measured: ledger.summary.requests,
            gravest: ledger
                .errors
                .iter()
                .max_by_key(|(_, count)| **count)
                .map(|(class, count)| (class.clone(), *count)),
            rate,
            in_flight: self.gauges.in_flight.load(Ordering::Relaxed),
            started: self.gauges.started.load(Ordering::Relaxed),
            good: ledger.finished - ledger.failed,
            failed: ledger.failed,
            shed: ledger.summary.shed,
            ttft_ms_p50: ttft.and_then(|ttft| quantile_ms(ttft, 0.5)),
            ttft_ms_p99: ttft.and_then(|ttft| quantile_ms(ttft, 0.99)),
        }
    }

    fn over(
        &self,
        ledger: &mut Ledger,
        sessions: &mut SessionBook<'_>,
        mut finished: Finished,
    ) -> RequestLine {
        let body = Bytes::from(std::mem::take(&mut finished.body));
        let exchange = self.exchange(&finished, body.clone());
        let status = exchange.status();
        let retry_after_s = exchange
            .header("retry-after")
            .filter(|_| matches!(status, Some(429 | 503)))
            .and_then(|value| retry_after_s(value, self.clock.wall()));
        let interrupted = exchange.end == End::Interrupted;
        let unreached = exchange.end.is_unreachable();
        let mut ruling = match self.books.get(finished.workload) {
            Some(book) => match book.rule(exchange) {
                good @ Ruling { class: None, .. } => good,
                // What is told of it must be told without secrets.
                _ => book.rule(self.redacted(&finished, body)),
            },
            None => unreachable_workload(),
        };
        ruling.finish = ruling.finish.map(|finish| self.redactor.text(&finish));
        if interrupted {
            ruling.class = Some("unfinished".to_owned());
        }
        ruling.hold(finished.marks.items);
        let facts = &finished.facts;
        if let (None, Some(why)) =
            (&ruling.class, self.terms.slow.and_then(|slow| too_slow(&finished, slow)))
        {
            ruling.class = Some("slow".to_owned());
            ruling.why = Some(why);
            // It is whole and sound: that others count it is no fault of theirs.
            ruling.others = Others::default();
        }
        ledger.count(&self.terms, &finished, &ruling, unreached);
        sessions.over(&finished, &mut ruling);
        if status == Some(429) {
            ledger.rate_limited(&finished.due, retry_after_s);
        }
        let flow = match (&ruling.class, self.terms.deadlines) {
            (None, Some(deadlines)) => {
                let reply = ruling.usage.map(|usage| usage.reply);
                flow(facts, finished.due.at, reply, deadlines)
            }
            _ => None,
        };
        if let Some(flow) = flow {
            ledger.flow(&finished.due, flow);
        }
        RequestLine {
            number: finished.due.number,
            stage: finished.due.stage,
            workload: finished.workload,
            turn: (finished.marks.turns > 0).then_some(finished.due.turn),
            due_ms: ms(finished.due.at),
            started_ms: Some(ms(finished.started)),
            sent_ms: finished.sent.map(ms),
            connect_ms: finished.connect.map(ms),
            headers_ms: finished.headers.map(ms),
            first_event_ms: facts.first_event.map(ms),
            first_token_ms: facts.first_token.map(ms),
            first_visible_ms: facts.first_visible.map(ms),
            last_token_ms: facts.last_token.map(ms),
            end_ms: ms(finished.ended),
            deadlines_missed: flow.map(|flow| flow.missed),
            gap_max_ms: facts.gap_max_us().map(|us| f64::from(us) / 1e3),
            token_events: facts.token_events,
            coalesced: facts.coalesced,
            usage: ruling.usage,
            status,
            finish: ruling.finish,
            good: ruling.class.is_none(),
            class: ruling.class,
            why: ruling.why,
            retry_after_s,
            resent: finished.resent,
            others: ruling.others,
        }
    }

    fn redacted(&self, finished: &Finished, body: Bytes) -> Exchange {
        let mut exchange = self.exchange(finished, body);
        self.redactor.exchange(&mut exchange);
        exchange
    }

    fn exchange(&self, finished: &Finished, body: Bytes) -> Exchange {
        let at = finished.ended.since(finished.started);
        let frames =
            if body.is_empty() { Vec::new() } else { vec![Frame { at, bytes: body.into() }] };
        Exchange {
            id: format!("r{}", finished.due.number),
            request: WireRequest {
                method: "POST".to_owned(),
                url: self.url.to_owned(),
                headers: Headers::default(),
                body: Vec::new().into(),
            },
            connection: Connection::default(),
            head: finished.head.clone(),
            framing: finished.framing,
            frames,
            encoded: Vec::new(),
            trailers: Headers::default(),
            end: finished.end.clone(),
            timing: Timing { started: finished.started, done: at, ..Timing::default() },
            reads: Vec::new(),
            redactions: Vec::new(),
        }
    }
}

/// What `Retry-After` says, in seconds: a number, or a date.
fn retry_after_s(value: &str, now: DateTime<Utc>) -> Option<f64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Some(seconds).filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "seconds to a date")]
    let seconds = date.to_utc().signed_duration_since(now).num_seconds().max(0) as f64;
    Some(seconds)
}

/// Why a good answer was too slow, if it was.
fn too_slow(finished: &Finished, slow: Slow) -> Option<String> {
    let sent = finished.sent?;
    let facts = &finished.facts;
    let gap = facts.gap_max_us().map(|us| Nanos(u64::from(us) * 1_000));
    let spans = [
        ("the first token took", facts.first_token.map(|at| at.since(sent)), slow.ttft),
        ("a gap lasted", gap, slow.gap),
        ("the response took", Some(finished.ended.since(sent)), slow.total),
    ];
    spans.into_iter().find_map(|(what, took, most)| {
        let (took, most) = (took?, most?.0);
        (took > most).then(|| format!("{what} {took}, and the plan calls more than {most} slow"))
    })
}

fn unreachable_workload() -> Ruling {
    Ruling {
        class: Some("unsent".to_owned()),
        why: Some("there is no such workload".to_owned()),
        usage: None,
        finish: None,
        others: Others::default(),
        reply: None,
        items: None,
    }
}

/// The line of a request that was never sent.
fn shed(due: &Due) -> RequestLine {
    RequestLine {
        number: due.number,
        stage: due.stage,
        workload: 0,
        turn: (due.turn > 0).then_some(due.turn),
        due_ms: ms(due.at),
        started_ms: None,
        sent_ms: None,
        connect_ms: None,
        headers_ms: None,
        first_event_ms: None,
        first_token_ms: None,
        first_visible_ms: None,
        last_token_ms: None,
        end_ms: ms(due.at),
        deadlines_missed: None,
        gap_max_ms: None,
        token_events: 0,
        coalesced: 0,
        usage: None,
        status: None,
        finish: None,
        good: false,
        class: Some("shed".to_owned()),
        why: Some("as many requests as allowed were in flight".to_owned()),
        retry_after_s: None,
        resent: false,
        others: Others::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T20:00:00Z").unwrap().to_utc();
        assert_eq!(retry_after_s(" 30 ", now), Some(30.0));
        assert_eq!(retry_after_s("Sat, 21 Nov 2026 20:01:30 GMT", now), Some(90.0));
        assert_eq!(retry_after_s("Sat, 21 Nov 2026 19:00:00 GMT", now), Some(0.0));
        for wrong in ["soon", "-3", "NaN", "inf"] {
            assert_eq!(retry_after_s(wrong, now), None, "{wrong}");
        }
    }
}
