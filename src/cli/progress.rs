//! One line of progress, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::settings::Settings;
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
