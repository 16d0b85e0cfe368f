//! The report of a run, from what the clerk counted.

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::ledger::Ledger;
use super::machine;
use super::meter::{Meter, Name, values};
use super::note::Gauges;
use super::reconcile;
use super::source::Stages;
use super::steady;
use crate::plan::{Comparison, LoadedPlan, Objective, Pace};
use crate::record::HostFacts;
use crate::record::load::{
    Break, Client, Fluidity, Goodput, LoadReport, Metric, ObjectiveResult, Second, ServerSide,
    Steadiness, Throughput, Trend, VERSION, Values,
};
use crate::stats::lower_bound;
use crate::text::plural;
use crate::transport::target::Target;
use crate::units::Nanos;

/// An own error above this, and above its share of the time to first token, makes the numbers the
/// client's. A stricter bound would be missed by any machine that does something else as well.
const LIMIT_MS: f64 = 10.0;
const LIMIT_OF_TTFT: f64 = 0.1;
/// Worth a word.
const DOUBT_MS: f64 = 1.0;
/// An event loop that works all the time is late all the time.
const CPU_LIMIT: f64 = 0.95;

/// What is known besides the counts.
pub(super) struct Facts<'a> {
    pub(super) loaded: &'a LoadedPlan,
    pub(super) target: &'a Target,
    pub(super) argv: Vec<String>,
    pub(super) started: DateTime<Utc>,
    pub(super) ended: DateTime<Utc>,
    pub(super) stages: Stages,
    /// From the start of the load to its end.
    pub(super) elapsed: Nanos,
    pub(super) interrupted: bool,
    pub(super) process_cpu: Nanos,
    pub(super) threads: u32,
    pub(super) file_limit: Option<u64>,
    pub(super) gauges: &'a Gauges,
    /// Interruptions before this part of the run.
    pub(super) breaks: Vec<Break>,
    /// What the server said.
    pub(super) servers: Vec<ServerSide>,
}

#[expect(clippy::cast_precision_loss, reason = "2^53 of anything counted here are enough")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Makes the report.
pub(super) fn report(mut ledger: Ledger, facts: Facts<'_>) -> LoadReport {
    ledger.summary.in_flight_max = facts.gauges.in_flight_max.load(Ordering::Relaxed);
    let token_source = token_source(&ledger);
    let mut metrics = ledger.meter.metrics(&token_source);
    let failed = ledger.summary.failed;
    for metric in metrics.values_mut() {
        // Said with its number, or not at all.
        metric.excluded = metric
            .excluded
            .take()
            .filter(|_| failed > 0)
            .map(|what| format!("{what} ({failed} of {})", ledger.summary.requests));
    }
    let cut = match (facts.interrupted, ledger.cut.take()) {
        (true, _) => Some("interrupted".to_owned()),
        (false, cut) => cut,
    };
    if cut.is_some() {
        ledger.summary.never_sent = never_sent(&facts, &ledger);
        ledger.summary.requests += ledger.summary.never_sent;
    }
    let steadiness = steady::judge(inside(&facts, &ledger));
    let fluidity = fluidity(&facts, &ledger);
    let window = window(&facts, &ledger);
    let goodput = goodput(&ledger, window);
    let throughput = throughput(&ledger, &facts, window, token_source);
    let client = client(&ledger, &facts, &metrics);
    let whole = reconcile::whole(&ledger);
    let little = reconcile::little(&ledger, &facts, window);
    let mut warnings = warnings(&ledger, &client, &metrics);
    warnings.extend(not_stationary(steadiness.as_ref(), &warnings));
    warnings.extend(ledger.work.doubts(facts.loaded, &ledger.tokens));
    warnings.extend(reconcile::doubts(&ledger, &facts, little.as_ref()));
    if window <= 0.0 {
        warnings.push(
            "the run ended before its measured window began: nothing was measured".to_owned(),
        );
    }
    let mut report = LoadReport {
        proofhouse_load: VERSION,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        argv: facts.argv,
        host: host(),
        target: facts.target.base_url.to_string(),
        model: facts.target.model.clone(),
        started: facts.started,
        ended: facts.ended,
        cut,
        plan: serde_json::to_value(&facts.loaded.plan).unwrap_or_default(),
        plan_sha256: facts.loaded.sha256.clone(),
        summary: ledger.summary,
        metrics,
        throughput,
        goodput,
        client,
        errors: ledger.errors,
        error_examples: ledger.error_examples,
        rate_limited: ledger.rate_limited,
        false_successes: ledger.false_successes,
        false_success_classes: ledger.false_success_classes,
        finish_reasons: ledger.finish_reasons,
        tokens: ledger.tokens,
        fluidity,
        steadiness,
        prompts: ledger.work.prompts(facts.loaded),
        cache: ledger.work.cache(),
        sessions: ledger.work.sessions.take(),
        objectives: Vec::new(),
        warnings,
        seconds: ledger.seconds,
        curves: ledger.meter.curves(),
        errors_by_second: ledger
            .errors_by_second
            .into_iter()
            .map(|(class, seconds)| (class, seconds.into_iter().collect()))
            .collect(),
        breaks: facts.breaks,
        whole,
        little,
        servers: facts.servers,
    };
    let objectives = facts.loaded.objectives.iter();
    report.objectives =
        objectives.map(|objective| judge(objective, &report, &ledger.meter)).collect();
    report
}

/// This machine.
pub(super) fn host() -> HostFacts {
    HostFacts {
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpus: std::thread::available_parallelism().map_or(0, usize::from),
    }
}

fn token_source(ledger: &Ledger) -> String {
    let tokens = &ledger.tokens;
    let source = match (tokens.with_usage, ledger.counted_along) {
        (0, _) => return "none: no answer came with usage".to_owned(),
        (all, along) if all == along => "continuous usage",
        _ => "usage at the end; between, tokens are spread evenly over events",
    };
    match ledger.without_usage {
        0 => source.to_owned(),
        n => format!("{source}; {} without usage left out", plural_u64(n, "answer")),
    }
}

fn plural_u64(count: u64, noun: &str) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), noun)
}

/// `1 reply was`, `2 replies were`.
fn were(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one} was") } else { format!("{count} {many} were") }
}

/// The window's length in seconds: to its end in the plan, to the last measured end where the plan
/// has none, and never beyond the end of the run.
fn window(facts: &Facts<'_>, ledger: &Ledger) -> f64 {
    let mut end = facts.stages.window.min(facts.elapsed);
    if facts.loaded.plan.requests.is_some() || facts.loaded.plan.duration.is_none() {
        end = end.min(ledger.last_measured);
    }
    end.since(facts.stages.warm).as_secs_f64()
}

/// Requests of the window whose time had not come when the run was cut.
fn never_sent(facts: &Facts<'_>, ledger: &Ledger) -> u64 {
    let (loaded, stages) = (facts.loaded, facts.stages);
    let plan = &loaded.plan;
    let most = plan.requests.unwrap_or(u64::MAX);
    let planned = match Pace::of(&plan.arrival, &loaded.trace, plan.seed) {
        Some(pace) => {
            let arrivals = pace.skip_while(|at| *at < stages.warm);
            let arrivals = arrivals.take_while(|at| *at < stages.window);
            // What comes after in a session has no time before there is a reply.
            let later = ledger.work.later_turns();
            later + arrivals.take(usize::try_from(most).unwrap_or(usize::MAX)).count() as u64
        }
        // How often users would have asked is theirs to decide, unless the plan says.
        None if plan.duration.is_none() => plan.requests.unwrap_or(0),
        None => 0,
    };
    planned.saturating_sub(ledger.summary.requests)
}

/// The whole seconds inside the window in which requests still started.
fn inside<'l>(facts: &Facts<'_>, ledger: &'l Ledger) -> &'l [Second] {
    const SECOND: u64 = 1_000_000_000;
    let end = facts.stages.window.min(facts.elapsed).min(ledger.last_due);
    let (from, to) = (facts.stages.warm.0.div_ceil(SECOND), end.0 / SECOND);
    let at = |second: u64| usize::try_from(second).unwrap_or(usize::MAX);
    let to = at(to).min(ledger.seconds.len());
    ledger.seconds.get(at(from)..to).unwrap_or_default()
}

fn fluidity(facts: &Facts<'_>, ledger: &Ledger) -> Option<Fluidity> {
    let deadlines = facts.loaded.plan.deadlines?;
    let counted = ledger.fluidity;
    let met = counted.deadlines.saturating_sub(counted.missed);
    Some(Fluidity {
        ttft_ms: deadlines.ttft.0.as_millis_f64(),
        itl_ms: deadlines.itl.0.as_millis_f64(),
        share: ratio(float(met), float(counted.deadlines)),
        ..counted
    })
}

/// What the steady-state test found, with its numbers; not again what a warning says already.
fn not_stationary(steadiness: Option<&Steadiness>, warnings: &[String]) -> Option<String> {
    let steadiness = steadiness.filter(|steadiness| !steadiness.stationary)?;
    let said = warnings.iter().any(|warning| warning.starts_with("not stationary"));
    let told = steadiness.trends.iter().filter(|trend| !(said && trend.series == "in_flight"));
    let told: Vec<String> = told.filter_map(trend_told).collect();
    (!told.is_empty()).then(|| {
        format!(
            "not stationary over the {} s of the window: {}; every number depends on when it was taken; give it a longer warm-up, or a lower rate if it does not end",
            steadiness.seconds,
            told.join("; ")
        )
    })
}

fn trend_told(trend: &Trend) -> Option<String> {
    let Trend { series, tau, p, change, median, found, cut, unsettled } = trend;
    let mut told = Vec::new();
    if *found {
        let way = if *change > 0.0 { "rose" } else { "fell" };
        told.push(format!(
            "{series} {way} by {:.1} around a median of {median:.1} (tau {tau:.2}, p {p:.1e})",
            change.abs()
        ));
    }
    if *unsettled {
        told.push(format!("the first {cut} s of {series} differ from the rest"));
    }
    (!told.is_empty()).then(|| told.join(", "))
}

fn goodput(ledger: &Ledger, window: f64) -> Goodput {
    let (met, requests) = (ledger.met, ledger.summary.requests);
    let narrow = |count: u64| u32::try_from(count).ok();
    let low = narrow(requests).zip(narrow(met)).filter(|(requests, _)| *requests > 0);
    Goodput {
        rate: ratio(float(met), window),
        fraction: ratio(float(met), float(requests)),
        fraction_low95: low.map(|(requests, met)| lower_bound(met, requests, 0.95)),
    }
}

fn throughput(ledger: &Ledger, facts: &Facts<'_>, window: f64, token_source: String) -> Throughput {
    let counted = ledger.tokens.with_usage > 0;
    let tokens = |count: f64, span: f64| counted.then(|| ratio(count, span)).flatten();
    let whole = ledger.last.min(facts.elapsed).as_secs_f64();
    Throughput {
        requests_per_s: ratio(float(ledger.good_in_window), window),
        output_tokens_per_s: tokens(ledger.reply_in_window, window),
        input_tokens_per_s: tokens(float(ledger.prompt_in_window), window),
        whole_run_output_tokens_per_s: tokens(float(ledger.reply_whole), whole),
        window_s: window,
        token_source,
    }
}

fn client(
    ledger: &Ledger,
    facts: &Facts<'_>,
    metrics: &std::collections::BTreeMap<String, Metric>,
) -> Client {
    let lag = metrics.get(Name::StartLag.as_str()).map(|metric| &metric.values);
    let lag_at = |quantile: f64| {
        let histogram = ledger.meter.histogram(Name::StartLag).filter(|lag| !lag.is_empty())?;
        Some(float(histogram.value_at_quantile(quantile)) / 1e3)
    };
    let stall = values(&ledger.stall_us);
    let stall_p99 = (stall.n > 0).then(|| float(ledger.stall_us.value_at_quantile(0.99)) / 1e3);
    let shares =
        ledger.loops.iter().filter_map(|(cpu, wall)| ratio(cpu.as_secs_f64(), wall.as_secs_f64()));
    let loop_cpu_share = shares.max_by(f64::total_cmp);
    let loops_cpu: f64 = ledger.loops.iter().map(|(cpu, _)| cpu.as_secs_f64()).sum();
    let ttft = metrics.get("ttft").and_then(|ttft| ttft.values.p50).unwrap_or(0.0);
    let allowed = (LIMIT_OF_TTFT * ttft).max(LIMIT_MS);
    let mut why = Vec::new();
    let lag_p99 = lag_at(0.99);
    if let Some(lag) = lag_p99.filter(|lag| *lag > allowed) {
        why.push(format!(
            "requests started {lag:.1} ms late at the 99th percentile, and {allowed:.0} ms are allowed"
        ));
    }
    if let Some(stall) = stall_p99.filter(|stall| *stall > allowed) {
        why.push(format!(
            "the event loop came round {stall:.1} ms late at the 99th percentile, and {allowed:.0} ms are allowed"
        ));
    }
    if let Some(unsent) = ledger.errors.get("unsent") {
        why.push(format!(
            "{} not sent for want of open files or local ports (`ulimit -n`, `net.ipv4.ip_local_port_range`)",
            were(*unsent, "request", "requests")
        ));
    }
    if let Some(share) = loop_cpu_share.filter(|share| *share > CPU_LIMIT) {
        why.push(format!("an event loop used {:.0} % of a core", share * 100.0));
    }
    Client {
        limited: !why.is_empty(),
        why,
        start_lag_ms_p99: lag_p99,
        start_lag_ms_p50: lag_at(0.5),
        start_lag_ms_max: lag.and_then(|lag| lag.max),
        stall_ms_p99: stall_p99,
        stall_ms_max: stall.max,
        loop_cpu_share,
        cpu_s: Some(facts.process_cpu.as_secs_f64()).filter(|cpu| *cpu > 0.0),
        cpu_us_per_event: ratio(loops_cpu * 1e6, float(ledger.events)).filter(|cpu| *cpu > 0.0),
        rss_mib: machine::rss_peak_mib(),
        threads: facts.threads,
        events: ledger.events,
        coalesced_share: ratio(float(ledger.coalesced), float(ledger.token_events)),
        connections: facts.gauges.connections.load(Ordering::Relaxed),
        resent: ledger.resent,
        file_limit: facts.file_limit,
    }
}

/// Doubts about a run: seen, meaning, remedy.
fn warnings(
    ledger: &Ledger,
    client: &Client,
    metrics: &std::collections::BTreeMap<String, Metric>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |text: String| warnings.push(text);
    if client.limited {
        warn(format!(
            "{}: the client was part of what was measured; lower the rate, use more --threads, or a quieter machine",
            client.why.join("; ")
        ));
    } else if let Some(lag) = client.start_lag_ms_p99.filter(|lag| *lag > DOUBT_MS) {
        warn(format!(
            "requests started {lag:.1} ms late at the 99th percentile: numbers from the intended send have that in them; use a quieter machine"
        ));
    }
    if let Some(share) = client.coalesced_share.filter(|share| *share > 0.1) {
        warn(format!(
            "{:.0} % of the events came together with the one before: something on the way packs them, and icl shows its pauses; look at proxies and at the server's stream interval",
            share * 100.0
        ));
    }
    let tokens = &ledger.tokens;
    let limited = ledger.rate_limited;
    if limited.requests > 0 {
        let asked = match (limited.with_retry_after, limited.retry_after_s_max) {
            (count, Some(most)) if count > 0 => {
                format!("{count} with Retry-After, of {most:.0} s at most")
            }
            _ => "none with Retry-After".to_owned(),
        };
        warn(format!(
            "{} refused with 429 ({asked}): the plan asks more than this key may have, and nobody waited; lower the rate, or raise the limit",
            were(limited.requests, "request", "requests")
        ));
    }
    if ledger.summary.never_sent > 0 {
        warn(format!(
            "{} never sent because the run was cut: they count as intended, and not as good",
            were(ledger.summary.never_sent, "request", "requests")
        ));
    }
    if tokens.length_missed > 0 {
        warn(format!(
            "{} not as long as was insisted on: the server does not know `ignore_eos` and `min_tokens`, or a limit came first; do not compare this run with one of other lengths",
            were(tokens.length_missed, "reply", "replies")
        ));
    }
    if client.resent > 0 {
        warn(format!(
            "{} sent again because the open connection turned out closed: the server closes idle connections; no latency before the second send is in the numbers but those from the intended one",
            were(client.resent, "request", "requests")
        ));
    }
    if ledger.without_usage > 0 && tokens.with_usage == 0 {
        warn("no answer came with usage, so tokens were not counted: tpot, itl and tokens per second are null; the server may not know `stream_options.include_usage`".to_owned());
    }
    if ledger.summary.shed > 0 {
        warn(format!(
            "{} shed because `in_flight_max` was reached: the server is slower than requests arrive; lower the rate, or raise the limit if the server is to be overrun",
            were(ledger.summary.shed, "request", "requests")
        ));
    }
    let closed_gap = metrics.get("ttft").is_some_and(|ttft| ttft.values.n == 0);
    if closed_gap && ledger.summary.good > 0 && ledger.token_events > 0 {
        warn("no good answer had a token: ttft is null".to_owned());
    }
    warnings.extend(growth(ledger));
    warnings
}

/// Whether more and more were in flight: then the numbers are those of the run's length.
fn growth(ledger: &Ledger) -> Option<String> {
    let seconds: Vec<f64> = ledger.seconds.iter().map(|second| second.in_flight).collect();
    // The last second is cut off somewhere, the first one fills up.
    let inside = seconds.get(1..seconds.len().checked_sub(1)?)?;
    if inside.len() < 8 {
        return None;
    }
    let (first, last) = inside.split_at(inside.len() / 2);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (first, last) = (mean(first), mean(last));
    (last > 1.5 * first && last > first + 5.0).then(|| {
        format!(
            "not stationary: {first:.0} were in flight in the first half and {last:.0} in the second: the server does not keep up, and every latency depends on how long the run was; lower the rate"
        )
    })
}

/// What became of an objective.
///
/// A percentile of too few values cannot be met for certain, but it can be missed: when more of them
/// lie above the bound than the percentile would allow with any likelihood.
fn judge(objective: &Objective, report: &LoadReport, meter: &Meter) -> ObjectiveResult {
    let result =
        |met, value, why| ObjectiveResult { objective: objective.text.clone(), met, value, why };
    match number(objective, report) {
        Ok(value) => {
            result(Some(objective.comparison.holds(value, objective.bound)), Some(value), None)
        }
        Err(_) if is_refuted(objective, meter) => {
            result(Some(false), None, Some("too many values lie above the bound".to_owned()))
        }
        Err(why) => result(None, None, Some(why)),
    }
}

fn is_refuted(objective: &Objective, meter: &Meter) -> bool {
    let quantile = objective.statistic.strip_prefix('p').and_then(|p| p.parse::<f64>().ok());
    let wants_less = matches!(objective.comparison, Comparison::Less | Comparison::AtMost);
    let (Some(quantile), true) = (quantile, wants_less) else { return false };
    let Some((above, n)) = meter.above(&objective.metric, objective.bound) else { return false };
    match (u32::try_from(above), u32::try_from(n)) {
        (Ok(above), Ok(n)) if n > 0 => lower_bound(above, n, 0.95) > 1.0 - quantile / 100.0,
        _ => false,
    }
}

fn number(objective: &Objective, report: &LoadReport) -> Result<f64, String> {
    let missing = || format!("`{}.{}` was not measured", objective.metric, objective.statistic);
    let share = |part: u64| ratio(float(part), float(report.summary.requests)).ok_or_else(missing);
    match (objective.metric.as_str(), objective.statistic.as_str()) {
        ("goodput", "fraction") => report.goodput.fraction.ok_or_else(missing),
        ("goodput", _) => report.goodput.rate.ok_or_else(missing),
        ("failed", _) => share(report.summary.failed),
        ("shed", _) => share(report.summary.shed),
        ("throughput", "requests_per_s") => report.throughput.requests_per_s.ok_or_else(missing),
        ("throughput", _) => report.throughput.output_tokens_per_s.ok_or_else(missing),
        (name, statistic) => {
            let metric = report.metrics.get(name).ok_or_else(missing)?;
            // What a user feels: from the intended send, where there is such a thing.
            let values = metric.intended.as_ref().unwrap_or(&metric.values);
            let value = statistic_of(values, statistic);
            value.ok_or_else(|| match values.needs.get(statistic) {
                Some(needed) => format!(
                    "{statistic} needs at least {needed} values, and there are {}",
                    values.n
                ),
                None => missing(),
            })
        }
    }
}

fn statistic_of(values: &Values, name: &str) -> Option<f64> {
    match name {
        "p50" => values.p50,
        "p90" => values.p90,
        "p95" => values.p95,
        "p99" => values.p99,
        "p99.9" => values.p99_9,
        "p99.99" => values.p99_99,
        "mean" => values.mean,
        "max" => values.max,
        _ => None,
    }
}
