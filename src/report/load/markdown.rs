//! For a pull-request comment.

use std::fmt::Write as _;

use super::{ROWS, or_dash, percent};
use crate::record::load::LoadReport;

pub(super) fn render(report: &LoadReport) -> String {
    let mut out = String::new();
    let summary = &report.summary;
    let _ = writeln!(out, "### Load of `{}` at {}\n", report.model, report.target);
    if let Some(cut) = &report.cut {
        let _ = writeln!(out, "**Cut:** {cut}\n");
    }
    let _ = writeln!(
        out,
        "{} requests: {} good, {} failed, {} shed. {} requests/s, {} output tokens/s, {} of all intended were good.\n",
        summary.requests,
        summary.good,
        summary.failed,
        summary.shed,
        or_dash(report.throughput.requests_per_s),
        or_dash(report.throughput.output_tokens_per_s),
        report.goodput.fraction.map_or_else(|| "–".to_owned(), percent),
    );
    out.push_str("| ms | mean | p50 | p90 | p99 | n |\n|---|--:|--:|--:|--:|--:|\n");
    for (name, label) in ROWS {
        let Some(metric) = report.metrics.get(name).filter(|metric| metric.values.n > 0) else {
            continue;
        };
        let values = &metric.values;
        let _ = writeln!(
            out,
            "| {label} | {} | {} | {} | {} | {} |",
            or_dash(values.mean),
            or_dash(values.p50),
            or_dash(values.p90),
            or_dash(values.p99),
            values.n
        );
    }
    out.push('\n');
    for (class, count) in &report.errors {
        let _ = writeln!(out, "- {count} × `{class}`");
    }
    for result in &report.objectives {
        let word = match result.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "cannot tell",
        };
        let _ = writeln!(out, "- objective `{}`: {word}", result.objective);
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "- {warning}");
    }
    out
}
