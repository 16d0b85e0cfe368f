//! What a run amounts to: counts, histograms, seconds, and whether it is worth going on.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::call::{Due, Finished};
use super::fluidity::{Deadlines, Flow};
use super::meter::{Meter, Name};
use super::note::{LoopReport, histogram};
use super::ruling::Ruling;
use super::source::Stages;
use super::work::Work;
use crate::plan::{Objective, Slow, Stop};
use crate::record::load::{Fluidity, Others, RateLimited, Second, Stage, Summary, Tokens, Usage};
use crate::units::Nanos;

/// After so many requests in a row that reached nobody, over so long, the server is held to be gone.
const GONE_AFTER: u64 = 50;
const GONE_FOR: Nanos = Nanos::from_millis(2_000);
/// Without a number in the plan, failures are weighed once so many requests have finished.
const STOP_AFTER: u64 = 100;
/// Later seconds are not told apart: a week.
const SECONDS_MAX: usize = 7 * 86_400;

/// What is counted where, and when a run is not worth going on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms<'a> {
    pub(super) stages: Stages,
    pub(super) objectives: &'a [Objective],
    pub(super) stop: &'a Stop,
    pub(super) deadlines: Option<Deadlines>,
    pub(super) slow: Option<Slow>,
}

/// Everything that was counted.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) summary: Summary,
    pub(super) meter: Meter,
    pub(super) stall_us: Histogram<u64>,
    pub(super) loops: Vec<(Nanos, Nanos)>,
    pub(super) errors: BTreeMap<String, u64>,
    /// Of any stage: by class, how many in which second.
    pub(super) errors_by_second: BTreeMap<String, BTreeMap<u32, u64>>,
    pub(super) error_examples: BTreeMap<String, String>,
    pub(super) false_successes: BTreeMap<String, u64>,
    pub(super) false_success_classes: BTreeMap<String, BTreeMap<String, u64>>,
    pub(super) finish_reasons: BTreeMap<String, u64>,
    pub(super) rate_limited: RateLimited,
    pub(super) fluidity: Fluidity,
    pub(super) tokens: Tokens,
    pub(super) work: Work,
    /// Good requests that meet every latency objective.
    pub(super) met: u64,
    /// Good requests that ended inside the window, and their prompt tokens.
    pub(super) good_in_window: u64,
    pub(super) prompt_in_window: u64,
    /// Reply tokens that came inside the window, of requests with usage.
    pub(super) reply_in_window: f64,
    /// Reply and prompt tokens of the whole run.
    pub(super) reply_whole: u64,
    pub(super) prompt_whole: u64,
    /// How long the measured requests took together, and how many were started.
    pub(super) busy: Nanos,
    pub(super) sent_measured: u64,
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
    /// The first second whose histogram is still held.
    settled: usize,
    /// The end of the last request that was measured, and of any.
    pub(super) last_measured: Nanos,
    pub(super) last: Nanos,
    /// When the last request that was measured was due.
    pub(super) last_due: Nanos,
    /// Why the run was cut.
    pub(super) cut: Option<String>,
    unreached: (u64, Nanos),
    pub(super) finished: u64,
    pub(super) failed: u64,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            summary: Summary::default(),
            meter: Meter::new(),
            stall_us: histogram(),
            loops: Vec::new(),
            errors: BTreeMap::new(),
            errors_by_second: BTreeMap::new(),
            busy: Nanos(0),
            sent_measured: 0,
            prompt_whole: 0,
            error_examples: BTreeMap::new(),
            false_successes: BTreeMap::new(),
            false_success_classes: BTreeMap::new(),
            finish_reasons: BTreeMap::new(),
            rate_limited: RateLimited::default(),
            fluidity: Fluidity::default(),
            tokens: Tokens::default(),
            work: Work::default(),
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
            settled: 0,
            last_measured: Nanos(0),
            last: Nanos(0),
            last_due: Nanos(0),
            cut: None,
            unreached: (0, Nanos(0)),
            finished: 0,
            failed: 0,
        }
    }

    pub(super) fn second(&mut self, at: Nanos) -> &mut Second {
        let index = usize::try_from(at.0 / 1_000_000_000).unwrap_or(0).min(SECONDS_MAX);
        if self.seconds.len() <= index {
            self.seconds.resize(index + 1, Second::default());
        }
        self.seconds.get_mut(index).expect("it was just made")
    }

    /// Counts a request that was never sent.
    pub(super) fn shed(&mut self, due: &Due) {
        match due.stage {
            Stage::WarmUp => self.summary.warm_up += 1,
            Stage::CoolDown => self.summary.cool_down += 1,
            Stage::Measured => {
                self.summary.requests += 1;
                self.summary.shed += 1;
            }
        }
        self.second(due.at).shed += 1;
    }

    /// Counts a request that was refused for coming too fast.
    pub(super) fn rate_limited(&mut self, due: &Due, retry_after_s: Option<f64>) {
        if due.stage != Stage::Measured {
            return;
        }
        let limited = &mut self.rate_limited;
        limited.requests += 1;
        limited.with_retry_after += u64::from(retry_after_s.is_some());
        limited.retry_after_s_max = match (limited.retry_after_s_max, retry_after_s) {
            (Some(most), Some(wait)) => Some(f64::max(most, wait)),
            (most, wait) => most.or(wait),
        };
    }

    /// Counts the deadlines of a stream.
    pub(super) fn flow(&mut self, due: &Due, flow: Flow) {
        if due.stage != Stage::Measured {
            return;
        }
        let fluidity = &mut self.fluidity;
        fluidity.deadlines += flow.deadlines;
        fluidity.missed += flow.missed;
        fluidity.requests += 1;
        fluidity.requests_without_miss += u64::from(flow.missed == 0);
        fluidity.requests_met_90_percent += u64::from(flow.missed * 10 <= flow.deadlines);
    }

    /// Counts what a loop says of itself.
    pub(super) fn ended(&mut self, report: &LoopReport) {
        self.meter.add(Name::StartLag, &report.lag_us);
        // Of the same bounds, so nothing can be out of them.
        let _ = self.stall_us.add(&report.stall_us);
        self.loops.push((report.cpu, report.wall));
    }

    /// Fills in what the requests of past seconds measured, and lets go of their histograms: a run of
    /// an hour would hold 40 MiB of them. What is told later of such a second is not in its percentiles.
    pub(super) fn settle(&mut self, before: Nanos) {
        let before = usize::try_from(before.0 / 1_000_000_000).unwrap_or(usize::MAX);
        let before = before.min(self.second_ttft.len()).min(self.seconds.len());
        for index in self.settled..before {
            let ttft = self.second_ttft.get_mut(index).and_then(Option::take);
            if let (Some(second), Some(ttft)) = (self.seconds.get_mut(index), ttft) {
                second.ttft_ms_p50 = quantile_ms(&ttft, 0.5);
                second.ttft_ms_p99 = quantile_ms(&ttft, 0.99);
            }
        }
        self.settled = self.settled.max(before);
    }

    /// Counts a request that is over. `unreached`: it got to nobody.
    pub(super) fn count(
        &mut self,
        terms: &Terms<'_>,
        finished: &Finished,
        ruling: &Ruling,
        unreached: bool,
    ) {
        let good = ruling.class.is_none();
        let (facts, ended) = (&finished.facts, finished.ended);
        self.finished += 1;
        self.failed += u64::from(!good);
        self.events += u64::from(facts.events);
        self.token_events += u64::from(facts.token_events);
        self.coalesced += u64::from(facts.coalesced);
        self.resent += u64::from(finished.resent);
        self.last = self.last.max(ended);
        self.second(finished.started).started += 1;
        let second = self.second(ended);
        second.good += u64::from(good);
        second.failed += u64::from(!good);
        self.work.count(finished, ruling);
        if let Some(class) = &ruling.class {
            let second = u32::try_from(ended.0 / 1_000_000_000).unwrap_or(u32::MAX);
            let classes = self.errors_by_second.entry(class.clone()).or_default();
            *classes.entry(second).or_default() += 1;
        }
        self.timeline(finished);
        self.window(&terms.stages, finished, ruling, good);
        match finished.due.stage {
            Stage::WarmUp => self.summary.warm_up += 1,
            Stage::CoolDown => self.summary.cool_down += 1,
            Stage::Measured => self.measure(terms.objectives, finished, ruling),
        }
        self.weigh(terms.stop, unreached, ended);
    }

    /// Work inside the window, whichever part of the run the request was due in.
    fn window(&mut self, stages: &Stages, finished: &Finished, ruling: &Ruling, good: bool) {
        let facts = &finished.facts;
        let inside = stages.warm <= finished.ended && finished.ended < stages.window;
        if good && inside {
            self.good_in_window += 1;
        }
        let Some(usage) = ruling.usage else {
            self.without_usage += u64::from(good && facts.token_events > 0);
            return;
        };
        self.reply_whole += usage.reply;
        self.prompt_whole += usage.prompt;
        if good && inside {
            self.prompt_in_window += usage.prompt;
        }
        let share = if facts.token_events > 0 {
            f64::from(facts.token_events_in_window) / f64::from(facts.token_events)
        } else {
            f64::from(u8::from(inside))
        };
        #[expect(clippy::cast_precision_loss, reason = "2^53 tokens are enough")]
        let reply = usage.reply as f64;
        self.reply_in_window += reply * share;
    }

    fn measure(&mut self, objectives: &[Objective], finished: &Finished, ruling: &Ruling) {
        let facts = &finished.facts;
        self.summary.requests += 1;
        self.busy = self.busy + finished.ended.since(finished.started);
        self.sent_measured += 1;
        self.last_measured = self.last_measured.max(finished.ended);
        self.last_due = self.last_due.max(finished.due.at);
        if let Some(connect) = finished.connect {
            self.meter.record(Name::Connect, connect);
        }
        let (due, sent) = (finished.due.at, finished.sent);
        if let (Some(sent), Some(at)) = (sent, finished.headers) {
            self.meter.record_from(Name::Headers, due, sent, at);
        }
        if let Some(class) = &ruling.class {
            self.summary.failed += 1;
            self.summary.unfinished += u64::from(class == "unfinished");
            *self.errors.entry(class.clone()).or_default() += 1;
            let why = ruling.why.clone().unwrap_or_default();
            self.error_examples.entry(class.clone()).or_insert(why);
            let Others { vllm_bench, sglang_bench, guidellm } = ruling.others;
            for (tool, counts) in
                [("vllm bench", vllm_bench), ("sglang bench", sglang_bench), ("guidellm", guidellm)]
            {
                *self.false_successes.entry(tool.to_owned()).or_default() += u64::from(counts);
                if counts {
                    let classes = self.false_success_classes.entry(tool.to_owned()).or_default();
                    *classes.entry(class.clone()).or_default() += 1;
                }
            }
            return;
        }
        self.summary.good += 1;
        if let Some(finish) = &ruling.finish {
            *self.finish_reasons.entry(finish.clone()).or_default() += 1;
        }
        let Some(sent) = sent else { return };
        let meter = &mut self.meter;
        let mut from = |name, at: Option<Nanos>| {
            if let Some(at) = at {
                meter.record_from(name, due, sent, at);
            }
        };
        from(Name::FirstEvent, facts.first_event);
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
        let tpot = ruling.usage.and_then(|usage| self.tokens_of(finished, usage));
        let spans = [
            ("ttft", facts.first_token.map(|at| ms(at.since(due)))),
            ("ttfv", facts.first_visible.map(|at| ms(at.since(due)))),
            ("e2e", last.map(|at| ms(at.since(due)))),
            ("stream_end", Some(ms(finished.ended.since(due)))),
            ("tt_first_event", facts.first_event.map(|at| ms(at.since(due)))),
            ("headers", finished.headers.map(|at| ms(at.since(due)))),
            ("tpot", tpot.map(ms)),
            ("gap_max", facts.gap_max_us().map(|us| f64::from(us) / 1e3)),
        ];
        let met = objectives.iter().filter(|objective| objective.is_time()).all(|objective| {
            let span = spans.iter().find(|(name, _)| *name == objective.metric);
            // What a request does not have, it does not miss.
            span.and_then(|(_, span)| *span)
                .is_none_or(|span| objective.comparison.holds(span, objective.bound))
        });
        self.met += u64::from(met);
        if let Some(expected) = finished.reply_tokens
            && ruling.usage.is_some_and(|usage| usage.reply != u64::from(expected))
        {
            self.tokens.length_missed += 1;
        }
    }

    /// Whether it is worth going on.
    fn weigh(&mut self, stop: &Stop, unreached: bool, at: Nanos) {
        let (count, since) = &mut self.unreached;
        if unreached {
            if *count == 0 {
                *since = at;
            }
            *count += 1;
            if *count >= GONE_AFTER && at.since(*since) >= GONE_FOR && self.cut.is_none() {
                let span = at.since(*since);
                self.cut = Some(format!("{count} requests in a row, over {span}, reached nobody"));
            }
        } else {
            *count = 0;
        }
        if let Some(most) = stop.failed_share
            && self.finished >= stop.after.unwrap_or(STOP_AFTER)
        {
            #[expect(clippy::cast_precision_loss, reason = "2^53 requests are enough")]
            let share = self.failed as f64 / self.finished as f64;
            if share > most && self.cut.is_none() {
                self.cut = Some(format!(
                    "{:.0} % of {} requests failed, and the plan allows {:.0} %",
                    share * 100.0,
                    self.finished,
                    most * 100.0
                ));
            }
        }
    }

    /// Tokens of a good request: `tpot`, `itl`, totals. Returns its `tpot`.
    fn tokens_of(&mut self, finished: &Finished, usage: Usage) -> Option<Nanos> {
        let facts = &finished.facts;
        self.tokens.with_usage += 1;
        self.tokens.prompt += usage.prompt;
        self.tokens.reply += usage.reply;
        self.tokens.cached += usage.cached.unwrap_or(0);
        let (first, last) = (facts.first_token?, facts.last_token?);
        // The server counted along if it did so with every event.
        let along = (facts.steps.len() == facts.token_events as usize).then_some(&facts.steps);
        let of_first = along.and_then(|steps| steps.first()).map_or(1, |step| u64::from(*step));
        let after_first = usage.reply.saturating_sub(of_first);
        if let Some(steps) = along {
            self.counted_along += 1;
            for (gap_us, step) in facts.gaps_us.iter().zip(steps.iter().skip(1)) {
                let (gap_us, step) = (u64::from(*gap_us), u64::from(*step));
                if let Some(share_us) = gap_us.checked_div(step) {
                    self.meter.record_us(Name::Itl, share_us, step);
                }
            }
        } else if after_first > 0 && !facts.gaps_us.is_empty() {
            let gaps = facts.gaps_us.len() as u64;
            for gap_us in &facts.gaps_us {
                self.meter.record_us(Name::Itl, u64::from(*gap_us) * gaps / after_first, 1);
            }
        }
        if first == last {
            return None;
        }
        let tpot = Nanos(last.since(first).0.checked_div(after_first)?);
        self.meter.record(Name::Tpot, tpot);
        Some(tpot)
    }

    /// When tokens came, second by second.
    fn timeline(&mut self, finished: &Finished) {
        let facts = &finished.facts;
        let Some(first) = facts.first_token else { return };
        let mut at = first;
        self.second(at).token_events += 1;
        for gap_us in &facts.gaps_us {
            at = at + Nanos(u64::from(*gap_us) * 1_000);
            self.second(at).token_events += 1;
        }
        let Some(sent) = finished.sent else { return };
        let index = usize::try_from(finished.ended.0 / 1_000_000_000).unwrap_or(0).min(SECONDS_MAX);
        if index < self.settled {
            return;
        }
        if self.second_ttft.len() <= index {
            self.second_ttft.resize(index + 1, None);
        }
        if let Some(slot) = self.second_ttft.get_mut(index) {
            // Two digits do for a line in a plot, and take 12 KiB.
            let histogram = slot.get_or_insert_with(|| {
                Box::new(
                    Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("the bounds are sound"),
                )
            });
            histogram.saturating_record((first.since(sent).0 / 1_000).max(1));
        }
    }
}

pub(super) fn quantile_ms(histogram: &Histogram<u64>, quantile: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "an hour in microseconds fits a float")]
    let ms = histogram.value_at_quantile(quantile) as f64 / 1e3;
    (!histogram.is_empty()).then_some(ms)
}

/// Milliseconds with microseconds.
pub(super) fn ms(at: Nanos) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "2^53 us is 285 years")]
    let ms = ((at.0 + 500) / 1_000) as f64 / 1e3;
    ms
}
