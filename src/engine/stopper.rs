//! Stopping a run half way, without losing what is done.

use tokio::sync::watch;

/// A switch that ends a run; clones share it.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Default for Stopper {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stopper {
    /// Ends the run: exchanges under way are dropped, nothing new is sent.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether the run is to end.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the run is to end.
    pub async fn stopped(&self) {
        let mut watcher = self.0.subscribe();
        // The sender lives in `self`, so waiting cannot fail while we hold it.
        let _ = watcher.wait_for(|stop| *stop).await;
    }
}
