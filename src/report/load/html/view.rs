//! What the page shows, ready for the template.

use std::collections::BTreeSet;

use serde::Serialize;

use super::chart::Chart;
use super::charts;
use crate::record::load::{LoadReport, Metric, ServerSide, Values};
use crate::report::html::Sheet;
use crate::report::load::{ROWS, little, number, or_dash, percent, server_rows};
use crate::report::phrase::{symbol, utc};
use crate::text::plural;
use crate::units::Nanos;
use crate::verdict::Verdict;

/// The columns of the metric table after the metric's name.
const COLUMNS: [&str; 8] = ["n", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"];

#[derive(Serialize)]
pub(super) struct Page<'a> {
    #[serde(flatten)]
    sheet: Sheet,
    title: String,
    tool: &'a str,
    target: &'a str,
    facts: Vec<(&'static str, String)>,
    argv: String,
    cut: Option<String>,
    standing: Standing,
    counts: Vec<Count>,
    score: Vec<(&'static str, String)>,
    objectives: Vec<Goal<'a>>,
    client: Client,
    little: Option<String>,
    warnings: &'a [String],
    percentiles: Vec<Chart>,
    times: Vec<Chart>,
    columns: [&'static str; 8],
    metrics: Vec<Row<'a>>,
    failures: Vec<Failure<'a>>,
    others: Vec<Other<'a>>,
    other_classes: Vec<&'a str>,
    servers: Vec<Server<'a>>,
    plan_facts: Vec<(&'static str, String)>,
    plan: String,
}

#[derive(Serialize)]
struct Standing {
    verdict: &'static str,
    symbol: &'static str,
    word: &'static str,
    why: String,
}

/// A count, and its part of the bar: `x` and `width` in thousandths.
#[derive(Serialize)]
struct Count {
    verdict: &'static str,
    symbol: &'static str,
    name: &'static str,
    requests: u64,
    x: u64,
    width: u64,
}

#[derive(Serialize)]
struct Goal<'a> {
    verdict: &'static str,
    symbol: &'static str,
    word: &'static str,
    objective: &'a str,
    value: String,
}

#[derive(Serialize)]
struct Client {
    verdict: &'static str,
    symbol: &'static str,
    word: &'static str,
    why: String,
    facts: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    label: &'a str,
    values: Vec<String>,
    intended: Vec<String>,
    bounds: Option<Vec<String>>,
    definition: &'a str,
    tokens: Option<&'a str>,
    excluded: Option<&'a str>,
}

#[derive(Serialize)]
struct Failure<'a> {
    class: &'a str,
    count: u64,
    example: &'a str,
}

#[derive(Serialize)]
struct Other<'a> {
    tool: &'a str,
    count: u64,
    classes: Vec<u64>,
}

#[derive(Serialize)]
struct Server<'a> {
    family: &'a str,
    url: &'a str,
    rows: Vec<(&'static str, String, String)>,
    note: String,
}

impl<'a> Page<'a> {
    pub(super) fn of(report: &'a LoadReport, sheet: Sheet) -> Self {
        let classes = report.false_success_classes.values().flat_map(|classes| classes.keys());
        let classes: BTreeSet<&str> = classes.map(String::as_str).collect();
        Self {
            sheet,
            title: format!("proofhouse: load of {}", report.target),
            tool: &report.tool,
            target: &report.target,
            facts: facts(report),
            argv: report.argv.join(" "),
            cut: report.cut.as_ref().map(|cut| {
                format!("It was cut ({cut}); what follows is what there was until then.")
            }),
            standing: standing(report),
            counts: counts(report),
            score: score(report),
            objectives: goals(report),
            client: client(report),
            little: little(report),
            warnings: &report.warnings,
            percentiles: charts::percentiles(report),
            times: charts::over_time(report),
            columns: COLUMNS,
            metrics: rows(report),
            failures: failures(report),
            others: others(report, &classes),
            other_classes: classes.into_iter().collect(),
            servers: report.servers.iter().map(|server| Server::of(report, server)).collect(),
            plan_facts: plan_facts(report),
            plan: serde_json::to_string_pretty(&report.plan).unwrap_or_default(),
        }
    }
}

fn facts(report: &LoadReport) -> Vec<(&'static str, String)> {
    let span = (report.ended - report.started).to_std().unwrap_or_default();
    let host = &report.host;
    let mut facts = vec![
        ("Model", report.model.clone()),
        ("Started", utc(report.started)),
        ("Took", Nanos::from(span).to_string()),
        ("Measured window", format!("{} s", number(report.throughput.window_s))),
        ("Run on", format!("{} {}, {}", host.os, host.arch, plural(host.cpus, "processor"))),
    ];
    for one in &report.breaks {
        let text = format!(
            "at {:.1} s, for {:.0} s; {} in flight lost",
            one.at_ms / 1e3,
            one.lasted_s,
            one.lost
        );
        facts.push(("Interrupted", text));
    }
    facts
}

fn standing(report: &LoadReport) -> Standing {
    let summary = &report.summary;
    let missed = report.objectives.iter().filter(|one| one.met == Some(false)).count();
    let unknown = report.objectives.iter().filter(|one| one.met.is_none()).count();
    let (verdict, word) = if summary.good == 0 {
        (Verdict::Fail, "No good answer")
    } else if missed > 0 {
        (Verdict::Fail, "Objectives missed")
    } else if summary.failed + summary.shed > 0 {
        (Verdict::Warn, "Not all answers were good")
    } else if unknown > 0 || report.cut.is_some() {
        (Verdict::Inconclusive, "Not everything could be told")
    } else if report.objectives.is_empty() {
        (Verdict::Pass, "All answers were good")
    } else {
        (Verdict::Pass, "Objectives met")
    };
    let good = report.goodput.fraction.map_or_else(|| "–".to_owned(), percent);
    let low = report.goodput.fraction_low95;
    let low = low.map(|low| format!(" (at least {} at 95 %)", percent(low))).unwrap_or_default();
    Standing {
        verdict: verdict.name(),
        symbol: symbol(verdict),
        word,
        why: format!("{good} of {} intended requests{low}", summary.requests),
    }
}

fn counts(report: &LoadReport) -> Vec<Count> {
    let summary = &report.summary;
    let whole = summary.requests.max(1);
    let mut before = 0;
    let mut counts = Vec::new();
    for (verdict, name, count) in [
        (Verdict::Pass, "good", summary.good),
        (Verdict::Fail, "failed", summary.failed),
        (Verdict::Warn, "shed", summary.shed),
    ] {
        if count == 0 {
            continue;
        }
        let x = before * 1000 / whole;
        before += count;
        counts.push(Count {
            verdict: verdict.name(),
            symbol: symbol(verdict),
            name,
            requests: count,
            x,
            width: (before * 1000 / whole - x).max(2),
        });
    }
    counts
}

fn score(report: &LoadReport) -> Vec<(&'static str, String)> {
    let throughput = &report.throughput;
    let ttft = report.metrics.get("ttft").map(|metric| &metric.values);
    let ms = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{} ms", number(value)))
    };
    vec![
        ("Requests per second", or_dash(throughput.requests_per_s)),
        ("Output tokens per second", or_dash(throughput.output_tokens_per_s)),
        ("Goodput per second", or_dash(report.goodput.rate)),
        ("TTFT p50", ms(ttft.and_then(|ttft| ttft.p50))),
        ("TTFT p99", ms(ttft.and_then(|ttft| ttft.p99))),
        ("Most in flight", report.summary.in_flight_max.to_string()),
    ]
}

fn goals(report: &LoadReport) -> Vec<Goal<'_>> {
    let goals = report.objectives.iter().map(|one| {
        let (verdict, word) = match one.met {
            Some(true) => (Verdict::Pass, "met"),
            Some(false) => (Verdict::Fail, "missed"),
            None => (Verdict::Inconclusive, "cannot tell"),
        };
        let value = match (one.value, &one.why) {
            (Some(value), _) => format!("was {}", number(value)),
            (None, why) => why.clone().unwrap_or_default(),
        };
        let (verdict, symbol) = (verdict.name(), symbol(verdict));
        Goal { verdict, symbol, word, objective: &one.objective, value }
    });
    goals.collect()
}

fn client(report: &LoadReport) -> Client {
    let client = &report.client;
    let (verdict, word) = if client.limited {
        (Verdict::Fail, "The client was the bottleneck: these are not the server’s numbers")
    } else {
        (Verdict::Pass, "Not the bottleneck")
    };
    let ms = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{} ms", number(value)))
    };
    let facts = vec![
        ("Start lag p99", ms(client.start_lag_ms_p99)),
        ("Loop stall p99", ms(client.stall_ms_p99)),
        ("Busiest loop, of a core", client.loop_cpu_share.map_or("–".to_owned(), percent)),
        (
            "CPU per event",
            client.cpu_us_per_event.map_or("–".to_owned(), |us| format!("{} µs", number(us))),
        ),
        ("Events that came together", client.coalesced_share.map_or("–".to_owned(), percent)),
        ("Memory", client.rss_mib.map_or("–".to_owned(), |mib| format!("{mib:.0} MiB"))),
        ("Connections", client.connections.to_string()),
        ("Event loops", client.threads.to_string()),
    ];
    Client {
        verdict: verdict.name(),
        symbol: symbol(verdict),
        word,
        why: client.why.join("; "),
        facts,
    }
}

fn cells(values: &Values) -> Vec<String> {
    let shown =
        [values.mean, values.p50, values.p90, values.p95, values.p99, values.p99_9, values.max];
    std::iter::once(values.n.to_string()).chain(shown.into_iter().map(or_dash)).collect()
}

/// The bounds of each percentile; `None` where there are none.
fn bounds(values: &Values) -> Option<Vec<String>> {
    let of = |column: &&str| {
        let bounds = values.ci95.get(*column);
        bounds.map_or_else(String::new, |(low, high)| format!("{}–{}", number(*low), number(*high)))
    };
    (!values.ci95.is_empty()).then(|| COLUMNS.iter().map(of).collect())
}

fn rows(report: &LoadReport) -> Vec<Row<'_>> {
    let rows = ROWS.iter().filter_map(|(name, label)| {
        let metric: &Metric = report.metrics.get(*name).filter(|metric| metric.values.n > 0)?;
        Some(Row {
            name,
            label,
            values: cells(&metric.values),
            intended: metric.intended.as_ref().map(cells).unwrap_or_default(),
            bounds: bounds(&metric.values),
            definition: &metric.definition,
            tokens: metric.token_source.as_deref(),
            excluded: metric.excluded.as_deref(),
        })
    });
    rows.collect()
}

fn failures(report: &LoadReport) -> Vec<Failure<'_>> {
    let mut failures: Vec<_> = report
        .errors
        .iter()
        .map(|(class, count)| Failure {
            class,
            count: *count,
            example: report.error_examples.get(class).map_or("", String::as_str),
        })
        .collect();
    failures.sort_by_key(|failure| (std::cmp::Reverse(failure.count), failure.class));
    failures
}

fn others<'a>(report: &'a LoadReport, classes: &BTreeSet<&'a str>) -> Vec<Other<'a>> {
    let told = report.false_successes.iter().filter(|(_, count)| **count > 0);
    told.map(|(tool, count)| {
        let of_tool = report.false_success_classes.get(tool);
        let of = |class: &&str| of_tool.and_then(|known| known.get(*class)).copied().unwrap_or(0);
        Other { tool, count: *count, classes: classes.iter().map(of).collect() }
    })
    .collect()
}

impl<'a> Server<'a> {
    fn of(report: &LoadReport, server: &'a ServerSide) -> Self {
        let mut note = format!("read {}", plural_u64(server.scrapes, "time"));
        if server.failed > 0 {
            let why = server.why.as_deref().unwrap_or_default();
            note = format!("{note}, and {} in vain: {why}", plural_u64(server.failed, "time"));
        }
        if !report.breaks.is_empty() {
            note.push_str(
                "; since the last interruption only, and the column of the client is the whole run",
            );
        }
        Self {
            family: server.family.as_deref().unwrap_or("A server that is not known here"),
            url: &server.url,
            rows: server_rows(report, server),
            note,
        }
    }
}

fn plural_u64(count: u64, noun: &str) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), noun)
}

fn plan_facts(report: &LoadReport) -> Vec<(&'static str, String)> {
    let tokens = &report.tokens;
    let mut facts = vec![("sha256", report.plan_sha256.clone())];
    if let Some(arrival) = report.plan.get("arrival") {
        facts.push(("Arrivals", arrival.to_string()));
    }
    facts.push(("Tokens of good answers", format!("{} in, {} out", tokens.prompt, tokens.reply)));
    if !report.finish_reasons.is_empty() {
        let reasons = report.finish_reasons.iter().map(|(reason, n)| format!("{reason} {n}"));
        facts.push(("Finish reasons", reasons.collect::<Vec<_>>().join(", ")));
    }
    facts
}
