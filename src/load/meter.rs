//! Histograms of what is measured, and the numbers that are made of them.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::note::histogram;
use crate::record::load::{Curve, Metric, Values};
use crate::stats::{quantile_ranks, values_needed};
use crate::units::Nanos;

/// How sure the bounds are, and percentiles of few values.
const CONFIDENCE: f64 = 0.95;

/// What is measured, in the order of a request's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Connect,
    Headers,
    FirstEvent,
    Ttft,
    Ttfv,
    Icl,
    Itl,
    Tpot,
    GapMax,
    E2e,
    StreamEnd,
    StartLag,
}

impl Name {
    pub(super) const ALL: [Self; 12] = [
        Self::Connect,
        Self::Headers,
        Self::FirstEvent,
        Self::Ttft,
        Self::Ttfv,
        Self::Icl,
        Self::Itl,
        Self::Tpot,
        Self::GapMax,
        Self::E2e,
        Self::StreamEnd,
        Self::StartLag,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Headers => "headers",
            Self::FirstEvent => "tt_first_event",
            Self::Ttft => "ttft",
            Self::Ttfv => "ttfv",
            Self::Icl => "icl",
            Self::Itl => "itl",
            Self::Tpot => "tpot",
            Self::GapMax => "gap_max",
            Self::E2e => "e2e",
            Self::StreamEnd => "stream_end",
            Self::StartLag => "start_lag",
        }
    }

    const fn definition(self) -> &'static str {
        match self {
            Self::Connect => {
                "opening a connection, TLS included, for requests that found none open; never part of the others but from the intended send"
            }
            Self::Headers => "from the request's last byte sent to the complete response head",
            Self::FirstEvent => {
                "from the request's last byte sent to the first event of any kind, a role included; for comparison with tools that call this the time to first token"
            }
            Self::Ttft => {
                "from the request's last byte sent to the first event with something generated: content, reasoning, refusal, a tool call or audio; a role, an empty text, usage and comments never count"
            }
            Self::Ttfv => {
                "from the request's last byte sent to the first event with a part of the answer: as ttft, reasoning left out"
            }
            Self::Icl => {
                "inter-chunk latency: between consecutive events with something generated; a chunk is not a token"
            }
            Self::Itl => {
                "inter-token latency: each gap between events shared evenly by the tokens of its later event, weighted by them"
            }
            Self::Tpot => {
                "(last - first event with something generated) / (tokens - tokens of the first event), per request; undefined below two tokens"
            }
            Self::GapMax => "the longest gap between events with something generated, per request",
            Self::E2e => {
                "from the request's last byte sent to the last event with something generated; to the end of an answer that is no stream"
            }
            Self::StreamEnd => "from the request's last byte sent to the end of the response",
            Self::StartLag => {
                "from when the plan wanted a request started to when the client took it up"
            }
        }
    }
}

/// One metric's values: from the actual send, and from the intended one where that differs.
#[derive(Clone, Debug)]
struct Pair {
    actual: Histogram<u64>,
    intended: Option<Histogram<u64>>,
}

/// Every metric.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    /// In the order of [`Name::ALL`].
    all: Vec<(Name, Pair)>,
    /// Of the present second, for the interval log.
    second: Vec<(Name, Histogram<u64>)>,
}

/// What the interval log has.
pub(super) const LOGGED: [Name; 5] = [Name::Ttft, Name::Icl, Name::Itl, Name::Tpot, Name::E2e];

impl Meter {
    pub(super) fn new() -> Self {
        let twice =
            [Name::Headers, Name::FirstEvent, Name::Ttft, Name::Ttfv, Name::E2e, Name::StreamEnd];
        let all = Name::ALL.into_iter().map(|name| {
            let intended = twice.contains(&name).then(histogram);
            (name, Pair { actual: histogram(), intended })
        });
        let second = LOGGED.into_iter().map(|name| (name, histogram()));
        Self { all: all.collect(), second: second.collect() }
    }

    /// Records a span.
    pub(super) fn record(&mut self, name: Name, span: Nanos) {
        self.record_us(name, (span.0 + 500) / 1_000, 1);
    }

    /// Records microseconds, so many times.
    pub(super) fn record_us(&mut self, name: Name, us: u64, times: u64) {
        if let Some(pair) = self.pair(name) {
            saturating(&mut pair.actual, us, times);
        }
        if let Some((_, second)) = self.second.iter_mut().find(|(logged, _)| *logged == name) {
            saturating(second, us, times);
        }
    }

    fn pair(&mut self, name: Name) -> Option<&mut Pair> {
        self.all.get_mut(name as usize).map(|(_, pair)| pair)
    }

    /// Records a span up to `at`, from when it was sent and from when it was due.
    pub(super) fn record_from(&mut self, name: Name, due: Nanos, sent: Nanos, at: Nanos) {
        self.record(name, at.since(sent));
        if let Some(intended) = self.pair(name).and_then(|pair| pair.intended.as_mut()) {
            saturating(intended, (at.since(due).0 + 500) / 1_000, 1);
        }
    }

    /// What the present second measured; the interval log empties it.
    pub(super) fn second(&mut self) -> impl Iterator<Item = (&'static str, &mut Histogram<u64>)> {
        self.second.iter_mut().map(|(name, histogram)| (name.as_str(), histogram))
    }

    /// Adds what another recorded.
    pub(super) fn add(&mut self, name: Name, other: &Histogram<u64>) {
        if let Some(pair) = self.pair(name) {
            // Of the same bounds, so nothing can be out of them.
            let _ = pair.actual.add(other);
        }
    }

    /// How many values of a metric lie above a bound in milliseconds, and how many there are: from
    /// the intended send, where there is such a thing.
    pub(super) fn above(&self, name: &str, bound_ms: f64) -> Option<(u64, u64)> {
        let (_, pair) = self.all.iter().find(|(known, _)| known.as_str() == name)?;
        let histogram = pair.intended.as_ref().unwrap_or(&pair.actual);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bound is a span of at most a day"
        )]
        let most_us = (bound_ms * 1e3) as u64;
        let n = histogram.len();
        if most_us >= histogram.high() {
            return Some((0, n));
        }
        Some((histogram.count_between(most_us + 1, histogram.high()), n))
    }

    /// Puts what was recorded elsewhere in the place of a metric's values.
    pub(super) fn replace(&mut self, name: Name, with: Histogram<u64>) {
        if let Some(pair) = self.pair(name) {
            pair.actual = with;
        }
    }

    /// The whole distributions, for plots.
    pub(super) fn curves(&self) -> BTreeMap<String, Curve> {
        let drawn = self.all.iter().filter(|(name, pair)| {
            let of_server = !matches!(name, Name::StartLag | Name::Connect | Name::Headers);
            of_server && !pair.actual.is_empty()
        });
        drawn
            .map(|(name, pair)| {
                let intended = pair.intended.as_ref().map(curve).unwrap_or_default();
                (name.as_str().to_owned(), Curve { actual: curve(&pair.actual), intended })
            })
            .collect()
    }

    pub(super) fn histogram(&self, name: Name) -> Option<&Histogram<u64>> {
        self.all.get(name as usize).map(|(_, pair)| &pair.actual)
    }

    /// The metrics as a report has them.
    pub(super) fn metrics(&self, token_source: &str) -> BTreeMap<String, Metric> {
        let all = self.all.iter().map(|(name, pair)| {
            let with_tokens = matches!(name, Name::Itl | Name::Tpot);
            let excluded = match name {
                Name::Connect | Name::StartLag => None,
                Name::Headers => Some("requests without a response head"),
                _ => Some("requests that were not good"),
            };
            let metric = Metric {
                unit: "ms".to_owned(),
                definition: name.definition().to_owned(),
                token_source: with_tokens.then(|| token_source.to_owned()),
                excluded: excluded.map(str::to_owned),
                values: values(&pair.actual),
                intended: pair.intended.as_ref().map(values),
            };
            (name.as_str().to_owned(), metric)
        });
        all.collect()
    }
}

fn saturating(histogram: &mut Histogram<u64>, us: u64, times: u64) {
    let us = us.clamp(1, histogram.high());
    // In its bounds, as was just seen to.
    let _ = histogram.record_n(us, times);
}

/// Microseconds as milliseconds.
#[expect(clippy::cast_precision_loss, reason = "an hour in microseconds fits a float")]
fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

/// A histogram's statistics.
pub(super) fn values(histogram: &Histogram<u64>) -> Values {
    let n = histogram.len();
    let mut out = Values { n, ..Values::default() };
    if n > 0 {
        out.mean = Some((histogram.mean() * 1e-3 * 1e6).round() / 1e6);
        out.min = Some(ms(histogram.min()));
        out.max = Some(ms(histogram.max()));
    }
    let quantiles = [
        ("p50", 0.5, &mut out.p50),
        ("p90", 0.9, &mut out.p90),
        ("p95", 0.95, &mut out.p95),
        ("p99", 0.99, &mut out.p99),
        ("p99.9", 0.999, &mut out.p99_9),
        ("p99.99", 0.9999, &mut out.p99_99),
    ];
    for (name, quantile, value) in quantiles {
        let needed = values_needed(quantile, CONFIDENCE);
        if n < needed {
            out.needs.insert(name.to_owned(), needed);
            continue;
        }
        *value = Some(ms(middle(histogram, histogram.value_at_quantile(quantile))));
        if let Some((low, high)) = quantile_ranks(n, quantile, CONFIDENCE) {
            let at = |rank: u64| {
                #[expect(clippy::cast_precision_loss, reason = "2^53 values are enough")]
                let quantile = rank as f64 / n as f64;
                ms(middle(histogram, histogram.value_at_quantile(quantile)))
            };
            out.ci95.insert(name.to_owned(), (at(low), at(high)));
        }
    }
    out
}

/// Points for each halving of the distance to 100 %.
const TICKS: u32 = 4;

/// A distribution as percentiles and milliseconds.
fn curve(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for step in histogram.iter_quantiles(TICKS) {
        let percentile = (step.quantile_iterated_to() * 1e8).round() / 1e6;
        let value = ms(middle(histogram, step.value_iterated_to()));
        if points.last().is_none_or(|last| *last != (percentile, value)) {
            points.push((percentile, value));
        }
    }
    points
}

/// The middle of the values that a histogram does not tell apart: its own answer is the largest of
/// them, half a part in a thousand too high.
fn middle(histogram: &Histogram<u64>, value: u64) -> u64 {
    histogram.median_equivalent(value).clamp(histogram.min(), histogram.max())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_of_too_few_values_is_null_and_says_what_it_needs() {
        let mut meter = Meter::new();
        for ms in 1..=50 {
            meter.record_from(
                Name::Ttft,
                Nanos(0),
                Nanos::from_millis(5),
                Nanos::from_millis(5 + ms),
            );
        }
        let metrics = meter.metrics("usage");
        let ttft = &metrics["ttft"];
        assert_eq!((ttft.values.n, ttft.values.p99), (50, None));
        assert_eq!(ttft.values.needs["p99"], 299);
        assert!((ttft.values.p50.unwrap() - 25.0).abs() < 0.05, "{:?}", ttft.values);
        assert!((ttft.intended.as_ref().unwrap().p50.unwrap() - 30.0).abs() < 0.05);
        let (low, high) = ttft.values.ci95["p50"];
        assert!(low < 20.0 && high > 30.0 && low > 15.0 && high < 36.0);
        assert_eq!(metrics["tpot"].values.mean, None);
        assert_eq!(meter.above("ttft", 44.9), Some((11, 50)));
        assert_eq!(meter.above("ttft", 1e9), Some((0, 50)));
        assert_eq!(meter.above("nothing", 1.0), None);
    }
}
