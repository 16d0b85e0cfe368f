//! A thread that does nothing but wake up: how late this machine wakes anybody.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Wakes up every millisecond while something else is measured.
pub(crate) fn start(seconds: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--timer", &seconds.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Its 99th percentile, in milliseconds.
pub(crate) fn late_ms_p99(child: Child) -> Option<f64> {
    let output = child.wait_with_output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Wakes up, and prints how late at the 99th percentile.
#[expect(clippy::disallowed_methods, reason = "a benchmark has no clock to be given")]
pub(crate) fn run(seconds: u64) {
    let mut late_us = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).unwrap();
    let start = Instant::now();
    for nth in 1..=seconds * 1_000 {
        let due = start + Duration::from_millis(nth);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let late = Instant::now().saturating_duration_since(due);
        late_us.saturating_record(u64::try_from(late.as_micros()).unwrap().max(1));
    }
    let p99 = Duration::from_micros(late_us.value_at_quantile(0.99));
    println!("{:.3}", p99.as_secs_f64() * 1e3);
}
