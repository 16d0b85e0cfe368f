//! What event loops tell: to the clerk, and to whoever looks at a run.

use std::sync::atomic::{AtomicBool, AtomicU64};

use hdrhistogram::Histogram;

use super::call::{Due, Finished};
use crate::units::Nanos;

/// What may be looked at from outside while loops run.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    /// Measured requests started.
    pub(super) measured: AtomicU64,
    pub(super) started: AtomicU64,
    pub(super) in_flight: AtomicU64,
    pub(super) in_flight_max: AtomicU64,
    pub(super) connections: AtomicU64,
    /// Everything is to end at once.
    pub(super) halt: AtomicBool,
    /// Loops that have ended.
    pub(super) ended: AtomicU64,
}

/// What a loop tells the clerk.
#[derive(Debug)]
pub(super) enum Note {
    /// A request is over.
    Over(Box<Finished>),
    /// A request was never sent: too many were in flight.
    Shed(Due),
    /// A loop has ended.
    Ended(Box<LoopReport>),
}

/// What a loop knows of itself.
#[derive(Debug)]
pub(super) struct LoopReport {
    /// From due to taken up, in microseconds; measured requests.
    pub(super) lag_us: Histogram<u64>,
    /// How late each heartbeat was, in microseconds.
    pub(super) stall_us: Histogram<u64>,
    pub(super) cpu: Nanos,
    pub(super) wall: Nanos,
    pub(super) reads: u64,
}

/// A histogram of microseconds up to an hour, three digits.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("the bounds are sound")
}
