//! One line of progress, on a terminal only.

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

/// How a load run stands: one line on a terminal, a line every ten seconds elsewhere.
pub(super) struct LoadProgress {
    bar: ProgressBar,
    terminal: bool,
    seen: u64,
}

/// Without a terminal, one of so many glances is shown.
const GLANCES_A_LINE: u64 = 10;

impl LoadProgress {
    pub(super) fn start(settings: &Settings) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(if settings.progress {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self { bar, terminal: settings.progress, seen: 0 }
    }
}

impl Watcher for LoadProgress {
    fn glance(&mut self, glance: &Glance) {
        let Glance { elapsed, until, rate, in_flight, started: _, good, failed, shed, .. } = glance;
        let span = |span: Nanos| format!("{:.0} s", span.as_secs_f64());
        let until = until.map(|until| format!(" of {}", span(until))).unwrap_or_default();
        let ms = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1}"));
        let line = format!(
            "{}{until} · {rate:.1}/s · {in_flight} in flight · TTFT p50 {} p99 {} ms · {good} good · {failed} failed · {shed} shed",
            span(*elapsed),
            ms(glance.ttft_ms_p50),
            ms(glance.ttft_ms_p99),
        );
        self.seen += 1;
        if self.terminal {
            self.bar.set_message(line);
            self.bar.tick();
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
