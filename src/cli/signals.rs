//! Ctrl-C and the system's request to end.

use crate::engine::Stopper;

/// Ends the run in good order at the first Ctrl-C or SIGTERM, and the process at the next: at
/// once, with 128 and the signal's number, as a shell would say it.
///
/// A handler stays once it is there, so this must be awaited for as long as the process may last.
/// What has no run under way, such as the writing of reports, is ended by the first.
pub(super) async fn obey(stopper: Stopper) {
    let Ok(mut signals) = Signals::new() else { return };
    loop {
        let code = signals.next().await;
        if stopper.is_stopped() {
            end(code);
        }
        stopper.stop();
    }
}

#[expect(clippy::exit, reason = "whoever asks twice does not want to wait for good order")]
fn end(code: i32) {
    std::process::exit(code);
}

/// 128 and SIGINT.
const INTERRUPTED: i32 = 130;
/// 128 and SIGTERM.
#[cfg(unix)]
const TERMINATED: i32 = 143;

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal; the exit code of a process that it ends.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPTED,
            _ = self.terminate.recv() => TERMINATED,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "it is as on unix")]
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPTED
    }
}
