//! What may take its time: judging answers, counting, writing them down, showing progress.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::call::{Due, Finished};
use super::intervals::Intervals;
use super::meter::{Meter, Name};
use super::ruling::{Rulebook, Ruling};
use super::shard::{Gauges, LoopReport, Note, histogram};
use super::source::Stages;
use crate::clock::Clock;
use crate::plan::{Objective, Stop};
use crate::record::load::{Others, RequestLine, Second, Stage, Summary, Tokens, Usage};
use crate::transcript::{Connection, End, Exchange, Frame, Headers, Redactor, Timing, WireRequest};
use crate::units::Nanos;

/// How often the clerk looks up from its notes.
const LOOK_UP: Duration = Duration::from_millis(100);
/// After so many requests in a row that reached nobody, over so long, the server is held to be gone.
const GONE_AFTER: u64 = 50;
const GONE_FOR: Nanos = Nanos::from_millis(2_000);
/// Without a number in the plan, failures are weighed once so many requests have finished.
const STOP_AFTER: u64 = 100;

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Glance {
    /// Time since the start of the load.
    pub elapsed: Nanos,
    /// When nothing starts any more, if the plan says.
    pub until: Option<Nanos>,
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
    pub(super) stages: Stages,
    /// By workload.
    pub(super) books: &'a [Rulebook],
    pub(super) objectives: &'a [Objective],
    pub(super) stop: &'a Stop,
    pub(super) url: &'a str,
    pub(super) redactor: &'a Redactor,
    pub(super) gauges: &'a Gauges,
    pub(super) until: Option<Nanos>,
}

/// Everything that was counted.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) summary: Summary,
    pub(super) meter: Meter,
    pub(super) stall_us: Histogram<u64>,
    pub(super) loops: Vec<(Nanos, Nanos)>,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) error_examples: BTreeMap<String, String>,
    pub(super) false_successes: BTreeMap<String, u64>,
    pub(super) finish_reasons: BTreeMap<String, u64>,
    pub(super) tokens: Tokens,
    /// Good requests that meet every latency objective.
    pub(super) met: u64,
    /// Good requests that ended inside the window, and their prompt tokens.
    pub(super) good_in_window: u64,
    pub(super) prompt_in_window: u64,
    /// Reply tokens that came inside the window, of requests with usage.
    pub(super) reply_in_window: f64,
    /// Reply tokens of the whole run.
    pub(super) reply_whole: u64,
    /// Good streams without usage.
    pub(super) without_usage: u64,
    /// Measured streams whose server counted along.
    pub(super) counted_along: u64,
    pub(super) events: u64,
    pub(super) token_events: u64,
    pub(super) coalesced: u64,
    pub(super) resent: u64,
    pub(super) seconds: Vec<Second>,
    second_ttft: Vec<Option<Box<Histogram<u64>>>>,
    /// The end of the last request that was measured, and of any.
    pub(super) last_measured: Nanos,
    pub(super) last: Nanos,
    /// Why the run was cut.
    pub(super) cut: Option<String>,
    unreached: (u64, Nanos),
    finished: u64,
    failed: u64,
}

impl Ledger {
    fn new() -> Self {
        Self {
            summary: Summary::default(),
            meter: Meter::new(),
            stall_us: histogram(),
            loops: Vec::new(),
            errors: BTreeMap::new(),
            error_examples: BTreeMap::new(),
            false_successes: BTreeMap::new(),
            finish_reasons: BTreeMap::new(),
            tokens: Tokens::default(),
            met: 0,
            good_in_window: 0,
            prompt_in_window: 0,
            reply_in_window: 0.0,
            reply_whole: 0,
            without_usage: 0,
            counted_along: 0,
            events: 0,
            token_events: 0,
            coalesced: 0,
            resent: 0,
            seconds: Vec::new(),
            second_ttft: Vec::new(),
            last_measured: Nanos(0),
            last: Nanos(0),
            cut: None,
            unreached: (0, Nanos(0)),
            finished: 0,
            failed: 0,
        }
    }

    fn second(&mut self, at: Nanos) -> &mut Second {
        let index = usize::try_from(at.0 / 1_000_000_000).unwrap_or(0).min(SECONDS_MAX);
        if self.seconds.len() <= index {
            self.seconds.resize(index + 1, Second::default());
        }
        self.seconds.get_mut(index).expect("it was just made")
    }
}

/// Later seconds are not told apart: a week.
const SECONDS_MAX: usize = 7 * 86_400;

/// Does the clerk's work until every loop has ended. `out` gets a line for each request.
pub(super) fn work(
    desk: &Desk<'_>,
    notes: &Receiver<Note>,
    out: &mut dyn Write,
    log: &mut Option<Intervals>,
    mut glance: impl FnMut(&Glance),
) -> io::Result<Ledger> {
    let mut ledger = Ledger::new();
    let now = || desk.clock.now().since(desk.origin);
    let mut look_up = now() + Nanos::from(LOOK_UP);
    let mut flush = now() + Nanos::from_millis(1_000);
    let mut last_started = 0;
    loop {
        let wait = Duration::from(look_up.since(now()));
        match notes.recv_timeout(wait) {
            Ok(Note::Over(finished)) => {
                let line = desk.over(&mut ledger, *finished);
                write(out, &line)?;
            }
            Ok(Note::Shed(due)) => write(out, &desk.shed(&mut ledger, &due))?,
            Ok(Note::Ended(report)) => ended(&mut ledger, &report),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
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
    for (second, ttft) in ledger.seconds.iter_mut().zip(&ledger.second_ttft) {
        if let Some(ttft) = ttft {
            second.ttft_ms_p50 = quantile_ms(ttft, 0.5);
            second.ttft_ms_p99 = quantile_ms(ttft, 0.99);
        }
    }
    Ok(ledger)
}

fn write(out: &mut dyn Write, line: &RequestLine) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

fn ended(ledger: &mut Ledger, report: &LoopReport) {
    ledger.meter.add(Name::StartLag, &report.lag_us);
    // Of the same bounds, so nothing can be out of them.
    let _ = ledger.stall_us.add(&report.stall_us);
    ledger.loops.push((report.cpu, report.wall));
}

fn quantile_ms(histogram: &Histogram<u64>, quantile: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "an hour in microseconds fits a float")]
    let ms = histogram.value_at_quantile(quantile) as f64 / 1e3;
    (!histogram.is_empty()).then_some(ms)
}

/// Milliseconds with microseconds.
fn ms(at: Nanos) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "2^53 us is 285 years")]
    let ms = ((at.0 + 500) / 1_000) as f64 / 1e3;
    ms
}

impl Desk<'_> {
    fn glance(&self, ledger: &Ledger, elapsed: Nanos, rate: f64) -> Glance {
        let ttft = ledger.meter.histogram(Name::Ttft);
        Glance {
            elapsed,
            until: self.until,
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

    fn shed(&self, ledger: &mut Ledger, due: &Due) -> RequestLine {
        match due.stage {
            Stage::WarmUp => ledger.summary.warm_up += 1,
            Stage::CoolDown => ledger.summary.cool_down += 1,
            Stage::Measured => {
                ledger.summary.requests += 1;
                ledger.summary.shed += 1;
            }
        }
        ledger.second(due.at).shed += 1;
        RequestLine {
            number: due.number,
            stage: due.stage,
            workload: 0,
            due_ms: ms(due.at),
            sent_ms: None,
            connect_ms: None,
            headers_ms: None,
            first_token_ms: None,
            first_visible_ms: None,
            last_token_ms: None,
            end_ms: ms(due.at),
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

    fn over(&self, ledger: &mut Ledger, mut finished: Finished) -> RequestLine {
        let body = std::mem::take(&mut finished.body);
        let exchange = self.exchange(&finished, body);
        let status = exchange.status();
        let retry_after_s = exchange
            .header("retry-after")
            .and_then(|value| value.trim().parse::<f64>().ok())
            .filter(|_| matches!(status, Some(429 | 503)));
        let interrupted = exchange.end == End::Interrupted;
        let unreached = exchange.end.is_unreachable();
        let mut ruling = match self.books.get(finished.workload) {
            Some(book) => book.rule(exchange),
            None => unreachable_workload(),
        };
        if interrupted {
            ruling.class = Some("unfinished".to_owned());
        }
        self.count(ledger, &finished, &ruling, unreached);
        let facts = &finished.facts;
        RequestLine {
            number: finished.due.number,
            stage: finished.due.stage,
            workload: finished.workload,
            due_ms: ms(finished.due.at),
            sent_ms: finished.sent.map(ms),
            connect_ms: finished.connect.map(ms),
            headers_ms: finished.headers.map(ms),
            first_token_ms: facts.first_token.map(ms),
            first_visible_ms: facts.first_visible.map(ms),
            last_token_ms: facts.last_token.map(ms),
            end_ms: ms(finished.ended),
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

    fn exchange(&self, finished: &Finished, body: Vec<u8>) -> Exchange {
        let at = finished.ended.since(finished.started);
        let frames =
            if body.is_empty() { Vec::new() } else { vec![Frame { at, bytes: body.into() }] };
        let mut exchange = Exchange {
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
            trailers: Headers::default(),
            end: finished.end.clone(),
            timing: Timing { started: finished.started, done: at, ..Timing::default() },
            reads: Vec::new(),
            redactions: Vec::new(),
        };
        self.redactor.exchange(&mut exchange);
        exchange
    }

    fn count(&self, ledger: &mut Ledger, finished: &Finished, ruling: &Ruling, unreached: bool) {
        let good = ruling.class.is_none();
        let (facts, ended) = (&finished.facts, finished.ended);
        ledger.finished += 1;
        ledger.failed += u64::from(!good);
        ledger.events += u64::from(facts.events);
        ledger.token_events += u64::from(facts.token_events);
        ledger.coalesced += u64::from(facts.coalesced);
        ledger.resent += u64::from(finished.resent);
        ledger.last = ledger.last.max(ended);
        ledger.second(finished.started).started += 1;
        let second = ledger.second(ended);
        second.good += u64::from(good);
        second.failed += u64::from(!good);
        timeline(ledger, finished);
        self.window(ledger, finished, ruling, good);
        match finished.due.stage {
            Stage::WarmUp => ledger.summary.warm_up += 1,
            Stage::CoolDown => ledger.summary.cool_down += 1,
            Stage::Measured => self.measure(ledger, finished, ruling),
        }
        self.weigh(ledger, unreached, ended);
    }

    /// Work inside the window, whichever part of the run the request was due in.
    fn window(&self, ledger: &mut Ledger, finished: &Finished, ruling: &Ruling, good: bool) {
        let facts = &finished.facts;
        let inside = self.stages.warm <= finished.ended && finished.ended < self.stages.window;
        if good && inside {
            ledger.good_in_window += 1;
        }
        let Some(usage) = ruling.usage else {
            ledger.without_usage += u64::from(good && facts.token_events > 0);
            return;
        };
        ledger.reply_whole += usage.reply;
        if good && inside {
            ledger.prompt_in_window += usage.prompt;
        }
        let share = if facts.token_events > 0 {
            f64::from(facts.token_events_in_window) / f64::from(facts.token_events)
        } else {
            f64::from(u8::from(inside))
        };
        #[expect(clippy::cast_precision_loss, reason = "2^53 tokens are enough")]
        let reply = usage.reply as f64;
        ledger.reply_in_window += reply * share;
    }

    fn measure(&self, ledger: &mut Ledger, finished: &Finished, ruling: &Ruling) {
        let facts = &finished.facts;
        ledger.summary.requests += 1;
        ledger.last_measured = ledger.last_measured.max(finished.ended);
        if let Some(connect) = finished.connect {
            ledger.meter.record(Name::Connect, connect);
        }
        let (due, sent) = (finished.due.at, finished.sent);
        if let (Some(sent), Some(at)) = (sent, finished.headers) {
            ledger.meter.record_from(Name::Headers, due, sent, at);
        }
        if let Some(class) = &ruling.class {
            ledger.summary.failed += 1;
            ledger.summary.unfinished += u64::from(class == "unfinished");
            *ledger.errors.entry(class.clone()).or_default() += 1;
            let why = ruling.why.clone().unwrap_or_default();
            ledger.error_examples.entry(class.clone()).or_insert(why);
            let Others { vllm_bench, sglang_bench, guidellm } = ruling.others;
            for (tool, counts) in
                [("vllm bench", vllm_bench), ("sglang bench", sglang_bench), ("guidellm", guidellm)]
            {
                *ledger.false_successes.entry(tool.to_owned()).or_default() += u64::from(counts);
            }
            return;
        }
        ledger.summary.good += 1;
        if let Some(finish) = &ruling.finish {
            *ledger.finish_reasons.entry(finish.clone()).or_default() += 1;
        }
        let Some(sent) = sent else { return };
        let meter = &mut ledger.meter;
        let mut from = |name, at: Option<Nanos>| {
            if let Some(at) = at {
                meter.record_from(name, due, sent, at);
            }
        };
        from(Name::Ttft, facts.first_token);
        from(Name::Ttfv, facts.first_visible);
        let last = facts.last_token.or((facts.events == 0).then_some(finished.ended));
        from(Name::E2e, last);
        from(Name::StreamEnd, Some(finished.ended));
        for gap_us in &facts.gaps_us {
            meter.record_us(Name::Icl, u64::from(*gap_us), 1);
        }
        if let Some(gap_us) = facts.gap_max_us() {
            meter.record_us(Name::GapMax, u64::from(gap_us), 1);
        }
        let tpot = ruling.usage.and_then(|usage| tokens(ledger, finished, usage));
        let spans = [
            ("ttft", facts.first_token.map(|at| ms(at.since(due)))),
            ("ttfv", facts.first_visible.map(|at| ms(at.since(due)))),
            ("e2e", last.map(|at| ms(at.since(due)))),
            ("stream_end", Some(ms(finished.ended.since(due)))),
            ("headers", finished.headers.map(|at| ms(at.since(due)))),
            ("tpot", tpot.map(ms)),
            ("gap_max", facts.gap_max_us().map(|us| f64::from(us) / 1e3)),
        ];
        let met = self.objectives.iter().filter(|objective| objective.is_time()).all(|objective| {
            let span = spans.iter().find(|(name, _)| *name == objective.metric);
            // What a request does not have, it does not miss.
            span.and_then(|(_, span)| *span)
                .is_none_or(|span| objective.comparison.holds(span, objective.bound))
        });
        ledger.met += u64::from(met);
        if let Some(expected) = finished.reply_tokens
            && ruling.usage.is_some_and(|usage| usage.reply != u64::from(expected))
        {
            ledger.tokens.length_missed += 1;
        }
    }

    /// Whether it is worth going on.
    fn weigh(&self, ledger: &mut Ledger, unreached: bool, at: Nanos) {
        let (count, since) = &mut ledger.unreached;
        if !unreached {
            *count = 0;
        } else {
            if *count == 0 {
                *since = at;
            }
            *count += 1;
            if *count >= GONE_AFTER && at.since(*since) >= GONE_FOR && ledger.cut.is_none() {
                let span = at.since(*since);
                ledger.cut =
                    Some(format!("{count} requests in a row, over {span}, reached nobody"));
            }
        }
        if let Some(most) = self.stop.failed_share
            && ledger.finished >= self.stop.after.unwrap_or(STOP_AFTER)
        {
            #[expect(clippy::cast_precision_loss, reason = "2^53 requests are enough")]
            let share = ledger.failed as f64 / ledger.finished as f64;
            if share > most && ledger.cut.is_none() {
                ledger.cut = Some(format!(
                    "{:.0} % of {} requests failed, and the plan allows {:.0} %",
                    share * 100.0,
                    ledger.finished,
                    most * 100.0
                ));
            }
        }
    }
}

fn unreachable_workload() -> Ruling {
    Ruling {
        class: Some("unsent".to_owned()),
        why: Some("there is no such workload".to_owned()),
        usage: None,
        finish: None,
        others: Others::default(),
    }
}

/// Tokens of a good request: `tpot`, `itl`, totals. Returns its `tpot`.
fn tokens(ledger: &mut Ledger, finished: &Finished, usage: Usage) -> Option<Nanos> {
    let facts = &finished.facts;
    ledger.tokens.with_usage += 1;
    ledger.tokens.prompt += usage.prompt;
    ledger.tokens.reply += usage.reply;
    ledger.tokens.cached += usage.cached.unwrap_or(0);
    let (first, last) = (facts.first_token?, facts.last_token?);
    // The server counted along if it did so with every event.
    let along = (facts.steps.len() == facts.token_events as usize).then_some(&facts.steps);
    let of_first = along.and_then(|steps| steps.first()).map_or(1, |step| u64::from(*step));
    let after_first = usage.reply.saturating_sub(of_first);
    if let Some(steps) = along {
        ledger.counted_along += 1;
        for (gap_us, step) in facts.gaps_us.iter().zip(steps.iter().skip(1)) {
            let (gap_us, step) = (u64::from(*gap_us), u64::from(*step));
            if step > 0 {
                ledger.meter.record_us(Name::Itl, gap_us / step, step);
            }
        }
    } else if after_first > 0 && !facts.gaps_us.is_empty() {
        let gaps = facts.gaps_us.len() as u64;
        for gap_us in &facts.gaps_us {
            ledger.meter.record_us(Name::Itl, u64::from(*gap_us) * gaps / after_first, 1);
        }
    }
    if after_first == 0 || first == last {
        return None;
    }
    let tpot = Nanos(last.since(first).0 / after_first);
    ledger.meter.record(Name::Tpot, tpot);
    Some(tpot)
}

/// When tokens came, second by second.
fn timeline(ledger: &mut Ledger, finished: &Finished) {
    let facts = &finished.facts;
    let Some(first) = facts.first_token else { return };
    let mut at = first;
    ledger.second(at).token_events += 1;
    for gap_us in &facts.gaps_us {
        at = at + Nanos(u64::from(*gap_us) * 1_000);
        ledger.second(at).token_events += 1;
    }
    let Some(sent) = finished.sent else { return };
    let index = usize::try_from(finished.ended.0 / 1_000_000_000).unwrap_or(0).min(SECONDS_MAX);
    if ledger.second_ttft.len() <= index {
        ledger.second_ttft.resize(index + 1, None);
    }
    if let Some(slot) = ledger.second_ttft.get_mut(index) {
        // Two digits do for a line in a plot, and take 12 KiB.
        let histogram = slot.get_or_insert_with(|| {
            Box::new(Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("the bounds are sound"))
        });
        histogram.saturating_record((first.since(sent).0 / 1_000).max(1));
    }
}
