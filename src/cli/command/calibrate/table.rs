//! Errors, as JSON and as a table.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::mock::truth::Told;
use crate::record::load::LoadReport;
use crate::stats::values_needed;

/// One request's value as it was, and as it was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) truth: f64,
    pub(super) said: f64,
}

/// One metric and its error.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    unit: &'static str,
    /// What the error is of: each `request`, the `pool` of all values, or the `run`.
    by: &'static str,
    n: u64,
    truth: Option<f64>,
    p50: Option<f64>,
    p99: Option<f64>,
    error_p50: Option<f64>,
    error_p99: Option<f64>,
    error_max: Option<f64>,
}

/// The value at a quantile of some values, if they are enough for it.
fn quantile(values: &mut [f64], quantile: f64) -> Option<f64> {
    let n = values.len();
    if n == 0 || quantile > 0.5 && (n as u64) < values_needed(quantile, 0.95) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks of some thousand values"
    )]
    let rank = ((n as f64 * quantile).ceil() as usize).clamp(1, n);
    values.get(rank - 1).copied()
}

impl Row {
    /// Errors of single requests: the median with its sign, the 99th percentile and the largest
    /// without.
    pub(super) fn of_requests(name: &'static str, pairs: &[Pair]) -> Self {
        let of = |value: fn(&Pair) -> f64| pairs.iter().map(value).collect::<Vec<_>>();
        let mut sizes = of(|pair| (pair.said - pair.truth).abs());
        Self {
            name,
            unit: "ms",
            by: "request",
            n: pairs.len() as u64,
            truth: quantile(&mut of(|pair| pair.truth), 0.5),
            p50: quantile(&mut of(|pair| pair.said), 0.5),
            p99: quantile(&mut of(|pair| pair.said), 0.99),
            error_p50: quantile(&mut of(|pair| pair.said - pair.truth), 0.5),
            error_p99: quantile(&mut sizes, 0.99),
            error_max: sizes.iter().copied().max_by(f64::total_cmp),
        }
    }

    /// Errors of the median and of the 99th percentile of a pool of values.
    pub(super) fn of_pool(
        name: &'static str,
        [truth_p50, truth_p99]: [f64; 2],
        [p50, p99]: [Option<f64>; 2],
        n: u64,
    ) -> Self {
        Self {
            name,
            unit: "ms",
            by: "pool",
            n,
            truth: Some(truth_p50),
            p50,
            p99,
            error_p50: p50.map(|p50| p50 - truth_p50),
            error_p99: p99.map(|p99| p99 - truth_p99),
            error_max: None,
        }
    }

    /// The error of a number that a run has one of.
    pub(super) fn of_work(
        name: &'static str,
        unit: &'static str,
        truth: Option<f64>,
        said: Option<f64>,
    ) -> Self {
        Self {
            name,
            unit,
            by: "run",
            n: 1,
            truth,
            p50: said,
            p99: None,
            error_p50: said.zip(truth).map(|(said, truth)| said - truth),
            error_p99: None,
            error_max: None,
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "unit": self.unit,
            "by": self.by,
            "n": self.n,
            "truth": self.truth,
            "p50": self.p50,
            "p99": self.p99,
            "error_p50": self.error_p50,
            "error_p99": self.error_p99,
            "error_max": self.error_max,
        })
    }
}

pub(super) fn text(report: &LoadReport, rows: &[Row], told: &Told) -> String {
    let mut out = format!(
        "{} of {} streams whole, at most {} at once\n\n",
        report.summary.good, told.asked, told.open_max
    );
    let _ = writeln!(
        out,
        "{:32}{:>12}{:>12}{:>11}{:>11}{:>11}{:>9}",
        "ms, or as named", "true", "said", "error p50", "error p99", "largest", "n"
    );
    for row in rows {
        let said = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
        let error =
            |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:+.3}"));
        let _ = writeln!(
            out,
            "{:32}{:>12}{:>12}{:>11}{:>11}{:>11}{:>9}",
            row.name,
            said(row.truth),
            said(row.p50),
            error(row.error_p50),
            said(row.error_p99),
            said(row.error_max),
            row.n
        );
    }
    let client = &report.client;
    let said = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.2}"));
    let _ = writeln!(
        out,
        "\nClient: start lag p99 {} ms, stall p99 {} ms, {} of a core, {} µs for each event\n\
         Server: writes {:.3} ms late at the 99th percentile; when it wrote is the truth, late or not",
        said(client.start_lag_ms_p99),
        said(client.stall_ms_p99),
        said(client.loop_cpu_share),
        said(client.cpu_us_per_event),
        super::us(told.late_us[1]),
    );
    if client.limited {
        let _ = writeln!(out, "The client is the bottleneck here: {}", client.why.join("; "));
    }
    out
}
