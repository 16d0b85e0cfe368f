//! For a terminal: what was asked, what came of it, and how far it can be trusted.

use std::fmt::Write as _;

use super::{ROWS, little, number, or_dash, percent, server_rows, work};
use crate::record::load::{LoadReport, Values};
use crate::report::Style;
use crate::text::ellipsis;

const LABEL: usize = 22;
const CELL: usize = 11;

pub(super) fn render(report: &LoadReport, style: &Style) -> String {
    let mut out = String::new();
    let paint = |code: &str, text: &str| {
        if style.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let summary = &report.summary;
    let _ = writeln!(out, "{}  {}  {}", paint("1", "load"), report.target, report.model);
    if let Some(cut) = &report.cut {
        let _ = writeln!(
            out,
            "{} {cut}; what follows is what there was until then",
            paint("33", "cut:")
        );
    }
    let counts = format!(
        "{} requests: {} good, {} failed, {} shed",
        summary.requests, summary.good, summary.failed, summary.shed
    );
    for one in &report.breaks {
        let _ = writeln!(
            out,
            "{} at {:.1} s for {:.0} s; {} in flight lost",
            paint("33", "interrupted:"),
            one.at_ms / 1e3,
            one.lasted_s,
            one.lost
        );
    }
    let rest = format!(
        "window {} s; {} before it, {} after it; at most {} in flight",
        number(report.throughput.window_s),
        summary.warm_up,
        summary.cool_down,
        summary.in_flight_max
    );
    let _ = writeln!(out, "{}\n{rest}\n", paint("1", &counts));
    line(&mut out, "requests/s", &or_dash(report.throughput.requests_per_s));
    line(&mut out, "output tokens/s", &or_dash(report.throughput.output_tokens_per_s));
    line(&mut out, "input tokens/s", &or_dash(report.throughput.input_tokens_per_s));
    let fraction = report.goodput.fraction.map(percent);
    let low =
        report.goodput.fraction_low95.map(|low| format!(" (at least {} at 95 %)", percent(low)));
    let goodput = format!(
        "{}/s, {} of all intended{}",
        or_dash(report.goodput.rate),
        fraction.as_deref().unwrap_or("–"),
        low.unwrap_or_default()
    );
    line(&mut out, "goodput", &goodput);
    for (label, text) in work::lines(report) {
        line(&mut out, label, &text);
    }
    if let Some(fluidity) = &report.fluidity {
        let told = format!(
            "{} of {} token deadlines met; {} of {} requests missed none",
            fluidity.share.map_or_else(|| "–".to_owned(), percent),
            fluidity.deadlines,
            fluidity.requests_without_miss,
            fluidity.requests
        );
        line(&mut out, "fluidity", &told);
    }
    out.push('\n');
    table(&mut out, report);
    out.push_str(&work::turns(report));
    failures(&mut out, report, style, &paint);
    for result in &report.objectives {
        let (code, word) = match result.met {
            Some(true) => ("32", "met"),
            Some(false) => ("31", "missed"),
            None => ("33", "cannot tell"),
        };
        let value = result.value.map_or_else(|| result.why.clone().unwrap_or_default(), number);
        let _ = writeln!(out, "objective {}: {} ({value})", result.objective, paint(code, word));
    }
    if !report.objectives.is_empty() {
        out.push('\n');
    }
    servers(&mut out, report);
    client(&mut out, report, &paint);
    for warning in &report.warnings {
        let _ = writeln!(out, "{} {warning}", paint("33", "doubt:"));
    }
    out
}

fn line(out: &mut String, label: &str, value: &str) {
    let _ = writeln!(out, "{label:LABEL$}{value}");
}

fn table(out: &mut String, report: &LoadReport) {
    let mut head = format!("{:LABEL$}", "ms");
    for name in ["mean", "p50", "p90", "p99", "max", "n"] {
        let _ = write!(head, "{name:>CELL$}");
    }
    let _ = writeln!(out, "{head}");
    let mut needs = Vec::new();
    for (name, label) in ROWS {
        let Some(metric) = report.metrics.get(name) else { continue };
        if metric.values.n == 0 {
            continue;
        }
        row(out, label, &metric.values);
        // In an open loop the two differ by what the client, or its pool, made wait.
        let apart = metric.intended.as_ref().filter(|intended| {
            let differ = |a: Option<f64>, b: Option<f64>| {
                a.zip(b).is_some_and(|(a, b)| (a - b).abs() > 0.01 * b.max(1.0))
            };
            differ(intended.p50, metric.values.p50) || differ(intended.p99, metric.values.p99)
        });
        if let Some(intended) = apart {
            row(out, "  from intended", intended);
        }
        if let Some(needed) = metric.values.needs.get("p99") {
            needs.push((label, *needed));
        }
    }
    if let Some((_, needed)) = needs.first() {
        let _ = writeln!(out, "– : too few values; a p99 takes {needed}");
    }
    out.push('\n');
}

fn row(out: &mut String, label: &str, values: &Values) {
    let mut line = format!("{label:LABEL$}");
    for value in [values.mean, values.p50, values.p90, values.p99, values.max] {
        let _ = write!(line, "{:>CELL$}", or_dash(value));
    }
    let _ = writeln!(out, "{line}{:>CELL$}", values.n);
}

fn failures(
    out: &mut String,
    report: &LoadReport,
    style: &Style,
    paint: &dyn Fn(&str, &str) -> String,
) {
    if report.errors.is_empty() {
        return;
    }
    let mut errors: Vec<_> = report.errors.iter().collect();
    errors.sort_by_key(|(class, count)| (std::cmp::Reverse(**count), class.as_str()));
    for (class, count) in errors {
        let example = report.error_examples.get(class).map_or("", String::as_str);
        let room = style.width.saturating_sub(LABEL + 10).max(20);
        let _ =
            writeln!(out, "{:LABEL$}{count:>8}  {}", paint("31", class), ellipsis(example, room));
    }
    let missed: Vec<String> = report
        .false_successes
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(tool, count)| {
            let classes = report.false_success_classes.get(tool).into_iter().flatten();
            let classes: Vec<_> = classes.map(|(class, n)| format!("{class} {n}")).collect();
            format!("{tool} {count} ({})", classes.join(", "))
        })
        .collect();
    if !missed.is_empty() {
        let _ = writeln!(
            out,
            "of these, other tools would have counted as successes: {}",
            missed.join(", ")
        );
    }
    out.push('\n');
}

fn servers(out: &mut String, report: &LoadReport) {
    for server in &report.servers {
        let family = server.family.as_deref().unwrap_or("unknown server");
        let _ = writeln!(out, "{family:LABEL$}{:>CELL$}{:>24}  {}", "here", "there", server.url);
        for (name, here, there) in server_rows(report, server) {
            let _ = writeln!(out, "{name:LABEL$}{here:>CELL$}{there:>24}");
        }
        out.push('\n');
    }
    if let Some(little) = little(report).filter(|_| !report.servers.is_empty()) {
        let _ = writeln!(out, "Little's law: {little}");
    }
}

fn client(out: &mut String, report: &LoadReport, paint: &dyn Fn(&str, &str) -> String) {
    let client = &report.client;
    let verdict = if client.limited {
        paint("31", "the client was the bottleneck: these are not the server's numbers")
    } else {
        "not the bottleneck".to_owned()
    };
    let _ = writeln!(
        out,
        "client: {verdict}; start lag p99 {} ms, stall p99 {} ms, busiest loop {} of a core, {} µs/event, {} MiB",
        or_dash(client.start_lag_ms_p99),
        or_dash(client.stall_ms_p99),
        client.loop_cpu_share.map_or_else(|| "–".to_owned(), percent),
        or_dash(client.cpu_us_per_event),
        client.rss_mib.map_or_else(|| "–".to_owned(), |mib| format!("{mib:.0}")),
    );
}
