//! Reports of load runs, from their saved report.
//!
//! Each format is a pure function of a [`LoadReport`], as those of a check are of a run.

mod console;
mod csv;
mod html;
mod junit;
mod markdown;
mod vllm;
mod work;

use crate::record::load::{LoadReport, ServerSide};

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
    /// For people: one file that needs no network and no script.
    Html,
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
        Format::Html => html::render(report),
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

/// Little's law in a sentence, if there is anything to say.
fn little(report: &LoadReport) -> Option<String> {
    let little = report.little.as_ref()?;
    let server = little.server.map(|server| format!(", and {} at the server", number(server)));
    Some(format!(
        "{} requests/s of {} s each make {} in flight; {} were here{}",
        number(little.rate_per_s),
        number(little.mean_s),
        number(little.expected),
        number(little.in_flight),
        server.unwrap_or_default()
    ))
}

/// What was counted here and at a server, and what only the server knows.
fn server_rows(report: &LoadReport, server: &ServerSide) -> Vec<(&'static str, String, String)> {
    let (whole, counted) = (&report.whole, &server.counted);
    let count = |value: Option<f64>| value.map(|value| format!("{value:.0}"));
    let ms = |value: f64| format!("{} ms", number(value));
    let ttft = server.ttft.as_ref();
    let here = report.metrics.get("ttft").map(|metric| &metric.values);
    let bucket = |ends: (f64, f64)| format!("{} to {} ms", number(ends.0), number(ends.1));
    let peak = |of: fn(&crate::record::load::ServerSample) -> Option<f64>| {
        server.samples.iter().filter_map(of).reduce(f64::max)
    };
    let nothing = || Some("–".to_owned());
    let hits = counted.cache_hits.zip(counted.cache_queries).filter(|(_, all)| *all > 0.0);
    let rows = [
        ("good requests", Some(whole.good.to_string()), count(counted.requests)),
        ("prompt tokens", Some(whole.prompt_tokens.to_string()), count(counted.prompt_tokens)),
        ("reply tokens", Some(whole.reply_tokens.to_string()), count(counted.reply_tokens)),
        (
            "TTFT mean",
            here.and_then(|here| here.mean).map(ms),
            ttft.and_then(|ttft| ttft.mean_ms).map(ms),
        ),
        (
            "TTFT p50",
            here.and_then(|here| here.p50).map(ms),
            ttft.and_then(|ttft| ttft.p50_ms).map(bucket),
        ),
        (
            "TTFT p99",
            here.and_then(|here| here.p99).map(ms),
            ttft.and_then(|ttft| ttft.p99_ms).map(bucket),
        ),
        (
            "most in flight; running",
            Some(report.summary.in_flight_max.to_string()),
            count(peak(|sample| sample.running)),
        ),
        ("most queued", nothing(), count(peak(|sample| sample.queued))),
        ("KV cache in use at most", nothing(), peak(|sample| sample.kv_use).map(percent)),
        ("preemptions", nothing(), count(counted.preemptions)),
        ("prefix cache hits", nothing(), hits.map(|(hits, all)| percent(hits / all))),
    ];
    rows.into_iter()
        .filter_map(|(name, here, there)| Some((name, here.unwrap_or("–".to_owned()), there?)))
        .collect()
}
