//! Reports of load runs, from their saved report.
//!
//! Each format is a pure function of a [`LoadReport`], as those of a check are of a run.

mod console;
mod csv;
mod junit;
mod markdown;
mod vllm;
mod work;

use crate::record::load::LoadReport;

pub use super::Style;

/// The forms the report of a load run comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a terminal or a CI log.
    Console,
    /// For scripts: the saved report itself.
    Json,
    /// One metric a line.
    Csv,
    /// For a pull-request comment.
    Markdown,
    /// For CI systems: JUnit XML, a test case for each objective.
    Junit,
    /// The key names of `vllm bench serve`, for dashboards that read those.
    VllmJson,
}

/// Renders a report.
pub fn render(format: Format, report: &LoadReport, style: &Style) -> String {
    match format {
        Format::Console => console::render(report, style),
        Format::Json => json(report),
        Format::Csv => csv::render(report),
        Format::Markdown => markdown::render(report),
        Format::Junit => junit::render(report),
        Format::VllmJson => vllm::render(report),
    }
}

fn json(report: &LoadReport) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}

/// The metrics worth a row, in the order of a request's life, with a name for people.
const ROWS: [(&str, &str); 12] = [
    ("ttft", "TTFT"),
    ("ttfv", "TTFV (first visible)"),
    ("tpot", "TPOT"),
    ("itl", "ITL (per token)"),
    ("icl", "ICL (per chunk)"),
    ("gap_max", "longest gap"),
    ("e2e", "E2E"),
    ("stream_end", "stream end"),
    ("tt_first_event", "first event"),
    ("headers", "headers"),
    ("connect", "connect"),
    ("start_lag", "start lag"),
];

/// A number with as many digits as it deserves.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 1_000.0 => format!("{value:.0}"),
        v if v >= 100.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}

/// A share in percent; never rounded up to all.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if share < 1.0 && percent > 99.9 { "99.9 %".to_owned() } else { format!("{percent:.1} %") }
}
