//! The plots of a load report.

use super::chart::{Chart, Plot, Series};
use crate::plan::Objective;
use crate::record::load::{Curve, LoadReport, Second, Values};
use crate::report::load::number;

/// Points along a time axis; a longer run is told in longer pieces.
const PIECES_MAX: usize = 240;
/// Metrics that get a percentile plot.
const CURVES: [(&str, &str); 4] = [
    ("ttft", "Time to first token"),
    ("tpot", "Time per output token"),
    ("icl", "Inter-chunk latency"),
    ("e2e", "End to end"),
];
/// Colours that classes of failures share; the last is for all others.
const TONES: usize = 6;

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

/// A percentile's place on an axis on which each 9 is as wide as the one before.
fn nines(percentile: f64) -> f64 {
    -(1.0 - percentile / 100.0).max(1e-12).log10()
}

/// Percentile plots as `HdrHistogram` draws them.
pub(super) fn percentiles(report: &LoadReport) -> Vec<Chart> {
    let drawn = CURVES.iter().filter_map(|(name, title)| {
        let curve = report.curves.get(*name)?;
        let metric = report.metrics.get(*name)?;
        percentile(report, name, title, curve, &metric.values)
    });
    drawn.collect()
}

fn percentile(
    report: &LoadReport,
    name: &str,
    title: &str,
    curve: &Curve,
    values: &Values,
) -> Option<Chart> {
    let (_, highest) = *curve.actual.last()?;
    let differs = differs(curve);
    let also = if differs { curve.intended.last().map_or(0.0, |(_, value)| *value) } else { 0.0 };
    // The curve ends where one value is left.
    let x_max = float(values.n.max(10)).log10() + 0.08;
    let mut plot = Plot::new(title, "ms", x_max, highest.max(also));
    let known = [
        (50.0, values.p50),
        (90.0, values.p90),
        (95.0, values.p95),
        (99.0, values.p99),
        (99.9, values.p99_9),
        (99.99, values.p99_99),
    ];
    let sure = known.iter().filter(|(_, value)| value.is_some()).map(|(at, _)| *at);
    let sure = sure.fold(0.0, f64::max);
    plot.band("few", nines(sure), x_max, "too few values for these percentiles");
    let points = |curve: &[(f64, f64)]| {
        curve.iter().map(|(at, value)| (nines(*at).min(x_max), Some(*value))).collect()
    };
    if differs {
        let intended = points(&curve.intended);
        plot.line(Series { name: "from the intended send".to_owned(), tone: 2, points: intended });
    }
    let actual = points(&curve.actual);
    let said = if differs { "from the actual send" } else { "from the send" };
    let said = if matches!(name, "ttft" | "e2e") { said } else { title };
    plot.line(Series { name: said.to_owned(), tone: 1, points: actual });
    for objective in &report.objectives {
        let Ok(read) = Objective::parse(&objective.objective) else { continue };
        if read.metric == name {
            plot.bound(read.bound, &objective.objective);
        }
    }
    for (at, text) in [
        (0.0, "0"),
        (50.0, "50"),
        (90.0, "90"),
        (99.0, "99"),
        (99.9, "99.9"),
        (99.99, "99.99"),
        (99.999, "99.999"),
    ] {
        if nines(at) <= x_max - 0.02 {
            plot.tick(nines(at), text.to_owned());
        }
    }
    for pair in curve.actual.windows(2) {
        if let [(from, _), (to, value)] = pair {
            let text = format!("{to:.4} %: {} ms", number(*value));
            plot.hit(nines(*from), nines(*to).min(x_max), text);
        }
    }
    let told = known.iter().filter_map(|(at, value)| Some(format!("p{at} {}", number((*value)?))));
    let told: Vec<_> = told.collect();
    let label = format!("{title} by percentile, in milliseconds: {}", told.join(", "));
    let note = if sure < 99.99 && nines(sure) < x_max {
        format!("n = {}; shaded: beyond p{sure} there are too few values", values.n)
    } else {
        format!("n = {}", values.n)
    };
    Some(plot.done(label, Some(note)))
}

/// Whether the two clocks are worth two lines.
fn differs(curve: &Curve) -> bool {
    let ends = |curve: &[(f64, f64)]| {
        let middle = curve.iter().find(|(at, _)| *at >= 50.0).map(|(_, value)| *value);
        middle.zip(curve.last().map(|(_, value)| *value))
    };
    ends(&curve.actual).zip(ends(&curve.intended)).is_some_and(|((a, b), (c, d))| {
        (c - a).abs() > 0.02 * a.max(1.0) || (d - b).abs() > 0.02 * b.max(1.0)
    })
}

/// Seconds put together, so that there are not more than fit.
struct Time<'a> {
    pieces: Vec<&'a [Second]>,
    /// Seconds of each but the last.
    width: usize,
    length: f64,
}

impl<'a> Time<'a> {
    fn of(seconds: &'a [Second]) -> Self {
        let width = seconds.len().div_ceil(PIECES_MAX).max(1);
        #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
        let length = seconds.len() as f64;
        Self { pieces: seconds.chunks(width).collect(), width, length }
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
    fn start(&self, index: usize) -> f64 {
        (index * self.width) as f64
    }

    /// A line of what each piece comes to, drawn at its middle.
    fn series(&self, name: &str, tone: usize, of: impl Fn(&[Second]) -> Option<f64>) -> Series {
        let points = self.pieces.iter().enumerate().map(|(index, piece)| {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
            let half = piece.len() as f64 / 2.0;
            (self.start(index) + half, of(piece))
        });
        Series { name: name.to_owned(), tone, points: points.collect() }
    }

    fn plot(
        &self,
        report: &LoadReport,
        title: &str,
        unit: &'static str,
        lines: Vec<Series>,
    ) -> Chart {
        self.plot_with(report, title, unit, lines, |_| {})
    }

    fn plot_with(
        &self,
        report: &LoadReport,
        title: &str,
        unit: &'static str,
        lines: Vec<Series>,
        more: impl FnOnce(&mut Plot),
    ) -> Chart {
        let highest = lines.iter().flat_map(|line| &line.points).filter_map(|(_, y)| *y);
        let highest = highest.fold(0.0, f64::max);
        let mut plot = Plot::new(title, unit, self.length, highest);
        stages(&mut plot, report, self.length);
        for index in 0..self.pieces.len() {
            let said: Vec<_> = lines
                .iter()
                .filter_map(|line| {
                    let (_, value) = line.points.get(index)?;
                    Some(format!("{} {}", line.name, number((*value)?)))
                })
                .collect();
            let from = self.start(index);
            let to = self.start(index + 1).min(self.length);
            plot.hit(from, to, format!("{from:.0} s: {}", said.join(", ")));
        }
        let names: Vec<_> = lines.iter().map(|line| line.name.clone()).collect();
        for line in lines {
            plot.line(line);
        }
        more(&mut plot);
        plot.time();
        let note = (self.width > 1).then(|| format!("each point is {} seconds", self.width));
        plot.done(format!("{title} over {:.0} seconds: {}", self.length, names.join(", ")), note)
    }
}

/// Sets warm-up and cool-down apart, and shows interruptions.
fn stages(plot: &mut Plot, report: &LoadReport, length: f64) {
    let span = |key: &str| {
        let text = report.plan.get(key).and_then(serde_json::Value::as_str)?;
        crate::suite::duration(text).ok().map(crate::units::Nanos::as_secs_f64)
    };
    let warm = span("warm_up").unwrap_or(0.0);
    plot.band("stage", 0.0, warm, "warm-up: not measured");
    let end = warm + report.throughput.window_s;
    plot.band("stage", end, length, "after the window: not measured");
    for one in &report.breaks {
        let at = one.at_ms / 1e3;
        let title = format!("interrupted here for {:.0} s", one.lasted_s);
        plot.band("break", at, (at + length / 200.0).min(length), &title);
    }
}

fn rate(piece: &[Second], of: impl Fn(&Second) -> u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
    let seconds = piece.len() as f64;
    (seconds > 0.0).then(|| float(piece.iter().map(of).sum()) / seconds)
}

/// Everything over time.
pub(super) fn over_time(report: &LoadReport) -> Vec<Chart> {
    let time = Time::of(&report.seconds);
    if time.pieces.is_empty() {
        return Vec::new();
    }
    let worst = |piece: &[Second], of: fn(&Second) -> Option<f64>| {
        piece.iter().filter_map(of).reduce(f64::max)
    };
    let mut charts = vec![
        time.plot(
            report,
            "Time to first token",
            "ms",
            vec![
                time.series("p99", 2, |piece| worst(piece, |second| second.ttft_ms_p99)),
                time.series("p50", 1, |piece| worst(piece, |second| second.ttft_ms_p50)),
            ],
        ),
        time.plot(
            report,
            "Requests per second",
            "per second",
            vec![
                time.series("started", 6, |piece| rate(piece, |second| second.started)),
                time.series("good", 3, |piece| rate(piece, |second| second.good)),
                time.series("failed or shed", 4, |piece| {
                    rate(piece, |second| second.failed + second.shed)
                }),
            ],
        ),
        time.plot(
            report,
            "Events with tokens per second",
            "per second",
            vec![time.series("events", 1, |piece| rate(piece, |second| second.token_events))],
        ),
        concurrency(report, &time),
    ];
    charts.extend(errors(report, &time));
    charts.extend(memory(report, &time));
    charts
}

/// In flight here, and at the servers.
fn concurrency(report: &LoadReport, time: &Time<'_>) -> Chart {
    let mean = |piece: &[Second]| {
        #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
        let seconds = piece.len() as f64;
        Some(piece.iter().map(|second| second.in_flight).sum::<f64>() / seconds)
    };
    let here = time.series("in flight here", 1, mean);
    let mut servers = Vec::new();
    for server in &report.servers {
        let samples = || server.samples.iter().map(|sample| (sample.at_ms / 1e3, sample));
        for (name, tone, points) in [
            (
                "running at the server",
                3,
                samples().map(|(at, sample)| (at, sample.running)).collect::<Vec<_>>(),
            ),
            (
                "queued at the server",
                5,
                samples().map(|(at, sample)| (at, sample.queued)).collect(),
            ),
        ] {
            if points.iter().any(|(_, value)| value.is_some()) {
                servers.push(Series { name: name.to_owned(), tone, points });
            }
        }
    }
    let highest = servers.iter().flat_map(|line| &line.points).filter_map(|(_, y)| *y);
    let highest = highest.chain(here.points.iter().filter_map(|(_, y)| *y)).fold(0.0, f64::max);
    let mut plot = Plot::new("Concurrency", "requests", time.length, highest);
    stages(&mut plot, report, time.length);
    let mut names = vec![here.name.clone()];
    for (index, (from, value)) in here.points.iter().enumerate() {
        let _ = from;
        let text = format!("{:.0} s: {}", time.start(index), number(value.unwrap_or(0.0)));
        plot.hit(time.start(index), time.start(index + 1).min(time.length), text);
    }
    for line in servers {
        names.push(line.name.clone());
        plot.line(line);
    }
    plot.line(here);
    plot.time();
    let label = format!("Requests in flight over {:.0} seconds: {}", time.length, names.join(", "));
    plot.done(label, None)
}

/// Failures by class.
fn errors(report: &LoadReport, time: &Time<'_>) -> Option<Chart> {
    let mut classes: Vec<_> = report.errors_by_second.iter().collect();
    if classes.is_empty() {
        return None;
    }
    let total = |seconds: &[(u32, u64)]| seconds.iter().map(|(_, count)| count).sum::<u64>();
    classes.sort_by_key(|(class, seconds)| (std::cmp::Reverse(total(seconds)), class.as_str()));
    let mut columns = vec![vec![0.0; classes.len()]; time.pieces.len()];
    for (class, (_, seconds)) in classes.iter().enumerate() {
        for (second, count) in *seconds {
            let piece = usize::try_from(*second).unwrap_or(0) / time.width;
            // A failure after the last second that was kept belongs to it.
            let piece = piece.min(columns.len().saturating_sub(1));
            if let Some(part) = columns.get_mut(piece).and_then(|parts| parts.get_mut(class)) {
                *part += float(*count);
            }
        }
    }
    let highest = columns.iter().map(|parts| parts.iter().sum::<f64>()).fold(0.0, f64::max);
    let mut plot = Plot::new("Failures", "requests", time.length, highest);
    stages(&mut plot, report, time.length);
    let tone = |class: usize| match class {
        0 => 4,
        1 => 5,
        2 => 2,
        3 => 1,
        4 => 3,
        _ => TONES,
    };
    for (index, parts) in columns.iter().enumerate() {
        let (from, to) = (time.start(index), time.start(index + 1).min(time.length));
        let parts: Vec<_> = parts.iter().enumerate().map(|(class, n)| (tone(class), *n)).collect();
        plot.column(from, to - from, &parts);
        let said: Vec<_> = classes
            .iter()
            .zip(&parts)
            .filter(|(_, (_, count))| *count > 0.0)
            .map(|((class, _), (_, count))| format!("{class} {count:.0}"))
            .collect();
        if !said.is_empty() {
            plot.hit(from, to, format!("{from:.0} s: {}", said.join(", ")));
        }
    }
    for (index, (class, seconds)) in classes.iter().enumerate() {
        plot.named(format!("{class} {}", total(seconds)), tone(index));
    }
    plot.time();
    let names: Vec<_> = classes.iter().map(|(class, _)| class.as_str()).collect();
    let note = (time.width > 1).then(|| format!("each column is {} seconds", time.width));
    Some(plot.done(format!("Failures over time by class: {}", names.join(", ")), note))
}

/// The servers' KV cache.
fn memory(report: &LoadReport, time: &Time<'_>) -> Option<Chart> {
    let lines: Vec<_> = report
        .servers
        .iter()
        .enumerate()
        .filter_map(|(index, server)| {
            let points: Vec<_> = server
                .samples
                .iter()
                .map(|sample| (sample.at_ms / 1e3, sample.kv_use.map(|share| share * 100.0)))
                .collect();
            let any = points.iter().any(|(_, value)| value.is_some());
            any.then(|| Series { name: server.url.clone(), tone: index % 5 + 1, points })
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    let mut plot = Plot::new("KV cache in use at the server", "%", time.length, 100.0);
    stages(&mut plot, report, time.length);
    for line in lines {
        plot.line(line);
    }
    plot.time();
    Some(plot.done("KV cache in use over time, in percent".to_owned(), None))
}
