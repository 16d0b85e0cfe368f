//! What must hold of a result: `ttft.p99 < 500ms`.

use std::fmt;

use crate::suite::duration;
use crate::text::did_you_mean;

/// A bound on one number of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// As written.
    pub text: String,
    /// Which number: a metric's name, or `goodput`, `failed`, `shed`, `throughput`.
    pub metric: String,
    /// Which of its statistics: `p99`, `mean`, `fraction`, `output_tokens_per_s`.
    pub statistic: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what: milliseconds for times, else the plain number.
    pub bound: f64,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// Metrics that are times.
const TIMES: &[&str] = &[
    "ttft",
    "ttfv",
    "headers",
    "tt_first_event",
    "connect",
    "icl",
    "itl",
    "tpot",
    "e2e",
    "stream_end",
    "gap_max",
    "start_lag",
];
/// Their statistics.
const STATISTICS: &[&str] = &["p50", "p90", "p95", "p99", "p99.9", "p99.99", "mean", "max"];
/// Numbers that are no times, in full.
const OTHERS: &[&str] = &[
    "goodput.fraction",
    "goodput.rate",
    "failed.share",
    "shed.share",
    "throughput.requests_per_s",
    "throughput.output_tokens_per_s",
];

impl Comparison {
    /// Whether it holds.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
            Self::More => value > bound,
            Self::AtLeast => value >= bound,
        }
    }
}

impl Objective {
    /// Reads an objective; the message of an error says what may be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, comparison, bound) = ["<=", ">=", "<", ">"]
            .into_iter()
            .find_map(|sign| text.split_once(sign).map(|(name, bound)| (name, sign, bound)))
            .ok_or_else(|| {
                format!("`{text}` is no objective; write `ttft.p99 < 500ms` or `goodput.fraction >= 0.99`")
            })?;
        let comparison = match comparison {
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::More,
            _ => Comparison::AtLeast,
        };
        let name = name.trim();
        let Some((metric, statistic)) = name.split_once('.') else {
            return Err(format!(
                "`{name}` names no statistic; write `{name}.p99` or `{name}.mean`"
            ));
        };
        let bound = bound.trim();
        let bound = if TIMES.contains(&metric) {
            if !STATISTICS.contains(&statistic) {
                return Err(format!(
                    "`{metric}` has no `{statistic}`; its statistics are {}",
                    STATISTICS.join(", ")
                ));
            }
            duration(bound)?.as_millis_f64()
        } else if OTHERS.contains(&name) {
            let (number, scale) = match bound.strip_suffix('%') {
                Some(number) => (number, 0.01),
                None => (bound, 1.0),
            };
            let number: f64 =
                number.trim().parse().map_err(|_| format!("`{bound}` is no number"))?;
            number * scale
        } else {
            let near = did_you_mean(metric, TIMES.iter().copied())
                .or_else(|| did_you_mean(name, OTHERS.iter().copied()));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!(
                "there is no number `{name}`{near} Times are {}; others are {}",
                TIMES.join(", "),
                OTHERS.join(", ")
            ));
        };
        let (metric, statistic) = (metric.to_owned(), statistic.to_owned());
        Ok(Self { text: text.trim().to_owned(), metric, statistic, comparison, bound })
    }

    /// Whether its number is a time, in milliseconds.
    pub fn is_time(&self) -> bool {
        TIMES.contains(&self.metric.as_str())
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_bounded_in_spans_and_shares_in_numbers() {
        let read = |text| Objective::parse(text).unwrap();
        let ttft = read("ttft.p99 < 500ms");
        assert_eq!(
            (ttft.metric.as_str(), ttft.statistic.as_str(), ttft.bound),
            ("ttft", "p99", 500.0)
        );
        assert!(ttft.comparison.holds(499.9, ttft.bound) && !ttft.comparison.holds(500.0, 500.0));
        assert_eq!(read("e2e.p99.9<=2s").statistic, "p99.9");
        assert!((read("goodput.fraction >= 99%").bound - 0.99).abs() < 1e-9);
        assert_eq!(read("throughput.requests_per_s > 5").comparison, Comparison::More);
    }

    #[test]
    fn what_cannot_be_judged_says_what_can() {
        let said = |text| Objective::parse(text).unwrap_err();
        assert!(said("ttft").contains("no objective"));
        assert!(said("ttft < 5ms").contains("ttft.p99"));
        assert!(said("ttft.p42 < 5ms").contains("p99.9"));
        assert!(said("tftt.p99 < 5ms").contains("did you mean `ttft`?"));
        assert!(said("ttft.p99 < 500").contains("not a duration"));
        assert!(said("goodput.fraction > most").contains("no number"));
    }
}
