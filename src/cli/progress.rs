//! One line of progress, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::settings::Settings;
use crate::load::{Glance, Watcher};
use crate::units::Nanos;
use crate::verdict::Verdict;

/// A progress line; draws nothing when stderr is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    failed: usize,
}

impl Progress {
    /// A line for `total` cases of `target`.
    pub(super) fn start(settings: &Settings, target: &str, total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::new(total);
        if settings.progress {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:24}] {pos}/{len} {msg}") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.set_prefix(target.to_owned());
        Self { bar, failed: 0 }
    }

    /// A case is done.
    pub(super) fn case(&mut self, id: &str, verdict: Verdict) {
        if verdict == Verdict::Fail {
            self.failed += 1;
        }
        let failed =
            if self.failed > 0 { format!("{} failed · ", self.failed) } else { String::new() };
        self.bar.set_message(format!("{failed}{id}"));
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How a load run stands: a bar with a line below it on a terminal, a line every ten seconds
/// elsewhere.
pub(super) struct LoadProgress {
    bar: ProgressBar,
    terminal: bool,
    seen: u64,
}

/// Without a terminal, one of so many glances is shown.
const GLANCES_A_LINE: u64 = 10;
/// The bar's length.
const BAR: u64 = 1_000;

impl LoadProgress {
    pub(super) fn start(settings: &Settings) -> Self {
        let bar = ProgressBar::new(BAR);
        bar.set_draw_target(if settings.progress {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        if let Ok(style) = ProgressStyle::with_template("[{bar:16}] {msg}") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Self { bar, terminal: settings.progress, seen: 0 }
    }
}

/// How far a run is, from 0 to 1, and how long it takes to its end.
fn outlook(glance: &Glance) -> (Option<f64>, Option<Nanos>) {
    let elapsed = glance.elapsed.as_secs_f64();
    let by_time = glance.until.map(|until| elapsed / until.as_secs_f64().max(1e-9));
    #[expect(clippy::cast_precision_loss, reason = "2^53 requests are enough")]
    let by_count = glance.requests.map(|all| glance.measured as f64 / all.max(1) as f64);
    let done = by_time.into_iter().chain(by_count).reduce(f64::max).map(|done| done.min(1.0));
    let left = done.filter(|done| *done > 0.0).map(|done| {
        let left = Duration::try_from_secs_f64(elapsed / done - elapsed).unwrap_or_default();
        Nanos::from(left)
    });
    (done, left)
}

/// `1 min 12 s`, as coarse as a forecast is.
fn span(span: Nanos) -> String {
    let seconds = span.0.saturating_add(500_000_000) / 1_000_000_000;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

fn line(glance: &Glance, left: Option<Nanos>) -> String {
    let Glance { rate, in_flight, good, failed, shed, .. } = glance;
    let ms = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1}"));
    let left = left.map(|left| format!(", {} left", span(left))).unwrap_or_default();
    let gravest = glance.gravest.as_ref();
    let gravest = gravest.map(|(class, count)| format!(" ({class} {count})")).unwrap_or_default();
    let shed = if *shed > 0 { format!(" · {shed} shed") } else { String::new() };
    format!(
        "{}{left} · {rate:.1}/s · {in_flight} in flight · TTFT p50 {} p99 {} ms · {good} good · {failed} failed{gravest}{shed}",
        span(glance.elapsed),
        ms(glance.ttft_ms_p50),
        ms(glance.ttft_ms_p99),
    )
}

impl Watcher for LoadProgress {
    fn glance(&mut self, glance: &Glance) {
        let (done, left) = outlook(glance);
        let line = line(glance, left);
        self.seen += 1;
        if self.terminal {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a share of a thousand"
            )]
            self.bar.set_position((done.unwrap_or(0.0) * BAR as f64) as u64);
            self.bar.set_message(line);
        } else if self.seen.is_multiple_of(GLANCES_A_LINE) {
            super::output::note(&line);
        }
    }
}

impl Drop for LoadProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glance() -> Glance {
        Glance { elapsed: Nanos::from_millis(30_000), rate: 12.04, good: 360, ..Glance::default() }
    }

    #[test]
    fn the_end_is_the_nearest_of_those_that_are_planned() {
        let until = Some(Nanos::from_millis(120_000));
        let glance = Glance { until, requests: Some(600), measured: 300, ..glance() };
        let (done, left) = outlook(&glance);
        assert!((done.unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(left, Some(Nanos::from_millis(30_000)));
        assert_eq!(outlook(&Glance::default()), (None, None));
    }

    #[test]
    fn the_line_says_what_matters_and_no_more() {
        let said = line(&glance(), Some(Nanos::from_millis(72_000)));
        assert_eq!(
            said,
            "30 s, 1 min 12 s left · 12.0/s · 0 in flight · TTFT p50 – p99 – ms · 360 good · 0 failed"
        );
        let gravest = Some(("no-done".to_owned(), 3));
        let said = line(&Glance { failed: 4, shed: 2, gravest, ..glance() }, None);
        assert!(said.ends_with("4 failed (no-done 3) · 2 shed"), "{said}");
    }
}
