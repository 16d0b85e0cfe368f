//! `proofhouse calibrate`: the load driver against the mock, whose times are known.
//!
//! The mock runs in this process and has its own lateness, so what is printed bounds the client's
//! error from above.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use super::list::pretty;
use crate::cli::args::{CalibrateArgs, ListFormat};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::progress::LoadProgress;
use crate::cli::settings::Settings;
use crate::clock::Clock;
use crate::load::{self, Job};
use crate::mock::{Config, Server};
use crate::plan::{Arrival, Closed, Kind, Lengths, LoadPlan, Prompt, Rate, Span, Stop, Workload};
use crate::record::load::{LoadReport, Values};
use crate::suite::duration;
use crate::transport::target::Target;
use crate::units::Nanos;

pub(super) fn run(args: &CalibrateArgs, settings: &Settings) -> Result<Exit, Failure> {
    let span = |flag: &str, text: &str| {
        duration(text).map_err(|error| Failure::usage(format!("{flag}: {error}")))
    };
    let (ttft, itl) = (span("--ttft", &args.ttft)?, span("--itl", &args.itl)?);
    let plan = plan(args, span("--duration", &args.duration)?);
    let plan = crate::plan::load::complete(plan, Path::new(".")).map_err(Failure::usage)?;
    let config = Config { ttft, itl, capacity: 1 << 20, ..Config::default() };
    let model = config.models.first().cloned().unwrap_or_default();
    let server = Server::start(config).map_err(|error| {
        Failure::new(Exit::Inconclusive, format!("the mock could not start: {error}"))
    })?;
    let mut target = Target::new("mock", &server.base_url())
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    target.model = model;
    let job = Job {
        plan,
        target,
        auth: None,
        threads: args.threads.unwrap_or(1),
        record: None,
        argv: Vec::new(),
        clock: Clock::system(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let mut progress = LoadProgress::start(settings);
    let report = load::run(job, &mut progress)
        .map_err(|error| Failure::from_error(Exit::Inconclusive, &error))?;
    drop(progress);
    server.stop();
    let rows = rows(&report, ttft, itl);
    output::stdout(&match args.format {
        ListFormat::Json => pretty(&as_json(&report, &rows))?,
        ListFormat::Text => as_text(&report, &rows),
    })?;
    Ok(if report.client.limited { Exit::Missed } else { Exit::Held })
}

fn plan(args: &CalibrateArgs, duration: Nanos) -> LoadPlan {
    let arrival = match args.rate {
        Some(rate) => Arrival::Poisson(Rate { rate }),
        None => Arrival::Closed(Closed { users: args.users, think: Span::default(), ramp: None }),
    };
    LoadPlan {
        proofhouse_plan: crate::plan::load::VERSION,
        title: None,
        seed: 0,
        arrival,
        warm_up: Span::default(),
        duration: Some(Span(duration)),
        cool_down: Span::default(),
        requests: None,
        in_flight_max: 100_000,
        drain: Span::secs(60),
        stop: Stop::default(),
        deadlines: None,
        slow: None,
        objectives: Vec::new(),
        workload: vec![Workload {
            name: None,
            weight: 1,
            kind: Kind::Chat,
            prompt: Prompt::Tokens(Lengths::Fixed(20)),
            system: None,
            max_tokens: Some(Lengths::Fixed(args.tokens)),
            exact_output: true,
            stream: true,
            unique: true,
            body: serde_json::Map::new(),
        }],
    }
}

/// A metric, what it truly is, and what was reported, in milliseconds.
struct Row<'a> {
    name: &'static str,
    truth_ms: f64,
    said: &'a Values,
}

fn rows(report: &LoadReport, ttft: Nanos, itl: Nanos) -> Vec<Row<'_>> {
    let (ttft, itl) = (ttft.as_millis_f64(), itl.as_millis_f64());
    let known = [("ttft", ttft), ("icl", itl), ("tpot", itl)];
    let rows = known.into_iter().filter_map(|(name, truth_ms)| {
        Some(Row { name, truth_ms, said: &report.metrics.get(name)?.values })
    });
    rows.collect()
}

fn as_json(report: &LoadReport, rows: &[Row<'_>]) -> Value {
    let metrics: serde_json::Map<String, Value> = rows
        .iter()
        .map(|row| {
            let error = |value: Option<f64>| value.map(|value| value - row.truth_ms);
            let row_json = json!({
                "unit": "ms",
                "truth": row.truth_ms,
                "p50": row.said.p50,
                "p99": row.said.p99,
                "n": row.said.n,
                "error_p50": error(row.said.p50),
                "error_p99": error(row.said.p99),
            });
            (row.name.to_owned(), row_json)
        })
        .collect();
    json!({"metrics": metrics, "summary": report.summary, "client": report.client})
}

fn as_text(report: &LoadReport, rows: &[Row<'_>]) -> String {
    let mut out = format!(
        "{} streams of {}, at most {} at once\n\n",
        report.summary.good, report.target, report.summary.in_flight_max
    );
    let _ = writeln!(
        out,
        "{:8}{:>10}{:>10}{:>12}{:>10}{:>12}{:>10}",
        "ms", "true", "p50", "error", "p99", "error", "n"
    );
    for row in rows {
        let said = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
        let error = |value: Option<f64>| {
            value.map_or_else(|| "–".to_owned(), |v| format!("{:+.3}", v - row.truth_ms))
        };
        let _ = writeln!(
            out,
            "{:8}{:>10.3}{:>10}{:>12}{:>10}{:>12}{:>10}",
            row.name,
            row.truth_ms,
            said(row.said.p50),
            error(row.said.p50),
            said(row.said.p99),
            error(row.said.p99),
            row.said.n
        );
    }
    let client = &report.client;
    let said = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.2}"));
    let _ = writeln!(
        out,
        "\nstart lag p99 {} ms, stall p99 {} ms, {} of a core, {} µs for each event\n\
         The mock runs in this process: its own lateness is in these errors.",
        said(client.start_lag_ms_p99),
        said(client.stall_ms_p99),
        said(client.loop_cpu_share),
        said(client.cpu_us_per_event),
    );
    if client.limited {
        let _ = writeln!(out, "The client is the bottleneck here: {}", client.why.join("; "));
    }
    out
}
