//! `proofhouse calibrate`: the load driver against a server whose write times are known.
//!
//! The server runs in a process of its own (this binary again), knows when it wrote what, and is asked
//! afterwards. Each request is found again by the digest of its body, so the error of a metric is that of
//! single requests and not the difference of two medians.

mod server;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::list::pretty;
use crate::cli::args::{CalibrateArgs, ListFormat};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::progress::LoadProgress;
use crate::cli::settings::Settings;
use crate::clock::Clock;
use crate::load::{self, Job};
use crate::mock::truth::{Shape, Told, digest};
use crate::plan::{
    Arrival, Asks, Closed, Lengths, LoadPlan, LoadedPlan, Prompt, Rate, Span, Stop, Tokenizer,
    Workload,
};
use crate::record::load::{LoadReport, REQUESTS, RequestLine};
use crate::suite::duration;
use crate::transport::target::Target;
use crate::units::Nanos;
use server::TruthServer;
use table::{Pair, Row};

/// The name of the server's model.
const MODEL: &str = "truth";

pub(super) fn run(args: &CalibrateArgs, settings: &Settings) -> Result<Exit, Failure> {
    let span = |flag: &str, text: &str| {
        duration(text).map_err(|error| Failure::usage(format!("{flag}: {error}")))
    };
    let (ttft, itl) = (span("--ttft", &args.ttft)?, span("--itl", &args.itl)?);
    let shape =
        Shape { ttft_us: ttft.0 / 1_000, itl_us: itl.0 / 1_000, tokens: args.tokens, pack: 1 };
    let plan = plan(args, span("--duration", &args.duration)?, &shape);
    let plan = crate::plan::load::complete(plan, Path::new(".")).map_err(Failure::usage)?;
    let server = TruthServer::start()?;
    let folder = Scratch::new();
    let mut target = Target::new(MODEL, &server.base_url())
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    MODEL.clone_into(&mut target.model);
    let job = Job {
        plan: plan.clone(),
        target,
        auth: None,
        threads: args.threads.unwrap_or(1),
        record: Some(folder.0.clone()),
        resume: false,
        scrape: Vec::new(),
        argv: Vec::new(),
        clock: Clock::system(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let mut progress = LoadProgress::start(settings);
    let report = load::run(job, &mut progress)
        .map_err(|error| Failure::from_error(Exit::Inconclusive, &error))?;
    drop(progress);
    let told = server.told()?;
    let pairs = pairs(plan, &lines(&folder.0)?, &told);
    let rows = rows(&report, &pairs, &told);
    output::stdout(&match args.format {
        ListFormat::Json => {
            let metrics: serde_json::Map<String, serde_json::Value> =
                rows.iter().map(|row| (row.name.to_owned(), row.json())).collect();
            pretty(&json!({
                "metrics": metrics,
                "matched": pairs.first().map_or(0, |(_, pairs)| pairs.len()),
                "summary": report.summary,
                "client": report.client,
                "server": {
                    "late_ms_p50": us(told.late_us[0]),
                    "late_ms_p99": us(told.late_us[1]),
                    "open_max": told.open_max,
                    "blocked": told.blocked,
                },
            }))?
        }
        ListFormat::Text => table::text(&report, &rows, &told),
    })?;
    Ok(if report.client.limited { Exit::Missed } else { Exit::Held })
}

fn plan(args: &CalibrateArgs, duration: Nanos, shape: &Shape) -> LoadPlan {
    let arrival = match args.rate {
        Some(rate) => Arrival::Poisson(Rate { rate }),
        None => Arrival::Closed(Closed { users: args.users, think: Span::default(), ramp: None }),
    };
    let mut body = serde_json::Map::new();
    body.insert("truth".to_owned(), json!(shape));
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
        tokenizer: Tokenizer::default(),
        workload: vec![Workload { body, ..Workload::of(Prompt::Tokens(Lengths::Fixed(20))) }],
    }
}

/// A folder for the record, which nobody is to keep.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("proofhouse-calibrate-{}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn lines(folder: &Path) -> Result<Vec<RequestLine>, Failure> {
    let unread = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Inconclusive, format!("the record could not be read: {error}"))
    };
    let text = std::fs::read_to_string(folder.join(REQUESTS)).map_err(|error| unread(&error))?;
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().map_err(|error| unread(&error))
}

/// A microsecond count in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "spans of a run")]
fn us(us: u64) -> f64 {
    us as f64 / 1e3
}

/// What was true and what was said of each request, in milliseconds, by metric.
fn pairs(plan: LoadedPlan, lines: &[RequestLine], told: &Told) -> Vec<(&'static str, Vec<Pair>)> {
    let asks = Asks::new(plan, MODEL);
    let streams: BTreeMap<u64, _> =
        told.streams.iter().map(|stream| (stream.digest, stream)).collect();
    let mut all: Vec<(&'static str, Vec<Pair>)> =
        ["headers", "tt_first_event", "ttft", "ttfv", "tpot", "gap_max", "e2e", "stream_end"]
            .map(|name| (name, Vec::new()))
            .into();
    for line in lines.iter().filter(|line| line.good) {
        let Some(stream) = streams.get(&digest(&asks.ask(line.number).body)) else { continue };
        let Some(sent) = line.sent_ms else { continue };
        let from_sent = |at: Option<f64>| at.map(|at| at - sent);
        let after_first = f64::from(stream.tokens.saturating_sub(1));
        let decode = line.last_token_ms.zip(line.first_token_ms);
        let values = [
            (us(stream.opened_us), from_sent(line.headers_ms)),
            (us(stream.opened_us), from_sent(line.first_event_ms)),
            (us(stream.first_us), from_sent(line.first_token_ms)),
            (us(stream.first_us), from_sent(line.first_visible_ms)),
            (
                us(stream.last_us.saturating_sub(stream.first_us)) / after_first,
                decode.map(|(last, first)| (last - first) / after_first),
            ),
            (us(stream.gap_max_us), line.gap_max_ms),
            (us(stream.last_us), from_sent(line.last_token_ms)),
            (us(stream.last_us), from_sent(Some(line.end_ms))),
        ];
        for ((_, pairs), (truth, said)) in all.iter_mut().zip(values) {
            pairs.extend(said.map(|said| Pair { truth, said }));
        }
    }
    all
}

fn rows(report: &LoadReport, pairs: &[(&'static str, Vec<Pair>)], told: &Told) -> Vec<Row> {
    let mut rows: Vec<Row> =
        pairs.iter().map(|(name, pairs)| Row::of_requests(name, pairs)).collect();
    let gaps = [us(told.gap_us[0]), us(told.gap_us[1])];
    let at = rows.iter().position(|row| row.name == "tpot").unwrap_or(rows.len());
    let pooled = ["icl", "itl"].into_iter().filter_map(|name| {
        let values = &report.metrics.get(name)?.values;
        Some(Row::of_pool(name, gaps, [values.p50, values.p99], values.n))
    });
    rows.splice(at..at, pooled);
    let window = report.throughput.window_s;
    let per_s = |count: f64| (window > 0.0).then(|| count / window);
    let (throughput, goodput) = (&report.throughput, &report.goodput);
    rows.extend([
        Row::of_work(
            "throughput.requests_per_s",
            "/s",
            per_s(ended(told, window)),
            throughput.requests_per_s,
        ),
        Row::of_work(
            "throughput.output_tokens_per_s",
            "/s",
            per_s(written(told, window)),
            throughput.output_tokens_per_s,
        ),
        Row::of_work("goodput.rate", "/s", per_s(count(told.streams.len() as u64)), goodput.rate),
        Row::of_work("goodput.fraction", "share", share(told), goodput.fraction),
    ]);
    rows
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run")]
const fn count(count: u64) -> f64 {
    count as f64
}

fn share(told: &Told) -> Option<f64> {
    (told.asked > 0).then(|| count(told.streams.len() as u64) / count(told.asked))
}

/// Answers written whole within so many seconds of the first request.
fn ended(told: &Told, window: f64) -> f64 {
    let inside = told.streams.iter().filter(|stream| {
        let end_us = (stream.asked_us + stream.last_us).saturating_sub(told.first_asked_us);
        us(end_us) / 1e3 < window
    });
    count(inside.count() as u64)
}

/// Tokens written within so many seconds of the first request.
fn written(told: &Told, window: f64) -> f64 {
    let mut left = window * 100.0;
    let mut tokens = 0.0;
    for span in &told.tokens_by_10ms {
        tokens += f64::from(*span) * left.clamp(0.0, 1.0);
        left -= 1.0;
    }
    tokens
}
