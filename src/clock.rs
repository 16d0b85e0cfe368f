//! The only home of the system's clocks.
//!
//! Everything else takes a [`Clock`], so that a run can be replayed and a report reproduced with
//! its times frozen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::units::Nanos;

/// A source of monotonic time and of wall time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { origin: Instant, ahead: Nanos },
    Hand { now: Arc<AtomicU64>, wall: DateTime<Utc> },
}

impl Clock {
    /// The system's clocks; `now` counts from this call.
    #[expect(clippy::disallowed_methods, reason = "this is the one home of the system clock")]
    pub fn system() -> Self {
        Self(Source::System { origin: Instant::now(), ahead: Nanos(0) })
    }

    /// A clock that moves only when [`Clock::advance`] is called; wall time starts at `wall`.
    pub fn by_hand(wall: DateTime<Utc>) -> Self {
        Self(Source::Hand { now: Arc::new(AtomicU64::new(0)), wall })
    }

    /// Monotonic time since the clock was made.
    pub fn now(&self) -> Nanos {
        match &self.0 {
            Source::System { origin, ahead } => Nanos::from(origin.elapsed()) + *ahead,
            Source::Hand { now, .. } => Nanos(now.load(Ordering::Relaxed)),
        }
    }

    /// Wall time, for stamps in records and for expiry dates.
    #[expect(clippy::disallowed_methods, reason = "this is the one home of the system clock")]
    pub fn wall(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System { .. } => Utc::now(),
            Source::Hand { now, wall } => {
                *wall + chrono::Duration::nanoseconds(now.load(Ordering::Relaxed).cast_signed())
            }
        }
    }

    /// The same clock, but its [`Clock::now`] is so much later: for a run that goes on with the
    /// time of an earlier one.
    #[must_use]
    pub fn ahead(&self, by: Nanos) -> Self {
        let clock = self.clone();
        match clock.0 {
            Source::System { origin, ahead } => Self(Source::System { origin, ahead: ahead + by }),
            Source::Hand { .. } => {
                clock.advance(by);
                clock
            }
        }
    }

    /// Moves a clock made by [`Clock::by_hand`]; the system's clock ignores it.
    pub fn advance(&self, by: Nanos) {
        if let Source::Hand { now, .. } = &self.0 {
            now.fetch_add(by.0, Ordering::Relaxed);
        }
    }
}
