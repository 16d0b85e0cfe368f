//! Waking an event loop at a point in time, to better than a poll's millisecond.
//!
//! `epoll_wait` counts in milliseconds and rounds up, which would start requests a millisecond
//! late. On Linux a timer descriptor wakes the poll within some ten microseconds; elsewhere the
//! last stretch is waited out by polling without sleeping.

use std::io;
use std::time::Duration;

use mio::{Poll, Token};

use crate::units::Nanos;

/// Longer than this is slept in the poll where there is no timer descriptor.
#[cfg(not(target_os = "linux"))]
const SPIN: Duration = Duration::from_micros(1_500);

/// A backstop: nothing waits longer than this without looking around.
const LOOK_AROUND: Duration = Duration::from_millis(100);

/// An alarm of one event loop.
#[derive(Debug)]
pub(super) struct Alarm {
    #[cfg(target_os = "linux")]
    timer: rustix::fd::OwnedFd,
    /// What it is set to: setting it again would cost a system call on every turn.
    #[cfg(target_os = "linux")]
    at: Nanos,
}

#[cfg(target_os = "linux")]
impl Alarm {
    /// An alarm that wakes `poll`, as `token`.
    pub(super) fn new(poll: &Poll, token: Token) -> io::Result<Self> {
        use std::os::fd::AsRawFd as _;

        use mio::unix::SourceFd;
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let raw = timer.as_raw_fd();
        poll.registry().register(&mut SourceFd(&raw), token, mio::Interest::READABLE)?;
        Ok(Self { timer, at: Nanos(0) })
    }

    /// Sets the alarm to a point in time; returns what to give the poll as its timeout.
    pub(super) fn set(&mut self, at: Nanos, now: Nanos) -> io::Result<Duration> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

        let wait = at.since(now);
        if wait.0 == 0 {
            return Ok(Duration::ZERO);
        }
        if at == self.at {
            return Ok(LOOK_AROUND);
        }
        self.at = at;
        let nothing = Timespec { tv_sec: 0, tv_nsec: 0 };
        let span = Duration::from(wait).min(Duration::from_hours(1));
        let value = Timespec {
            tv_sec: span.as_secs().try_into().unwrap_or(3_600),
            tv_nsec: span.subsec_nanos().into(),
        };
        let spec = Itimerspec { it_interval: nothing, it_value: value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        Ok(LOOK_AROUND)
    }
}

#[cfg(not(target_os = "linux"))]
impl Alarm {
    pub(super) fn new(_: &Poll, _: Token) -> io::Result<Self> {
        Ok(Self {})
    }

    pub(super) fn set(&mut self, at: Nanos, now: Nanos) -> io::Result<Duration> {
        let wait = Duration::from(at.since(now));
        Ok(wait.saturating_sub(SPIN).min(LOOK_AROUND))
    }
}
