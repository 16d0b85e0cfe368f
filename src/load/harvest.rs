//! What the sockets of one turn brought, each piece stamped as its read returned.
//!
//! Everything that is ready is read before anything is looked at, and what is looked at between two
//! polls is little: a stamp must not wait for another stream's JSON.

use std::collections::VecDeque;
use std::ops::Range;

use super::line::Got;
use super::pool::Pool;
use crate::transcript::End;
use crate::units::Nanos;

/// What the reads of one turn may bring before it is looked at.
const ARENA_BYTES: usize = 1 << 20;
/// What one read may bring.
const READ_BYTES: usize = 64 << 10;
/// Records, and bytes, that are looked at between two polls: some 50 to 100 microseconds. What comes
/// meanwhile is stamped as much too late.
const LOOK_RECORDS: u32 = 32;
const LOOK_BYTES: usize = 32 << 10;
/// Reads of one socket in one turn: a flood on one must not starve the others.
const READS_OF_ONE: usize = 16;

/// A read's result.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) token: usize,
    /// When the read returned.
    pub(super) at: Nanos,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// Bytes, in the arena.
    Bytes(Range<usize>),
    /// None, but what had to be read may let us write (TLS).
    Progress,
    /// The peer closed the connection.
    Closed,
    /// It broke.
    Broken(End),
}

/// A socket to be read.
#[derive(Clone, Copy, Debug)]
struct Ready {
    token: usize,
    /// Its end is there as well: no event will tell of it again, so it is read to the end.
    closed: bool,
}

/// The reads of one event loop.
#[derive(Debug)]
pub(super) struct Harvest {
    arena: Vec<u8>,
    used: usize,
    ready: VecDeque<Ready>,
    /// Sockets that had more than their share; their turn is the next one.
    again: Vec<Ready>,
    /// What was read and not looked at yet.
    records: VecDeque<Record>,
    /// What may still be looked at in this turn.
    left: (u32, usize),
    /// The arena is full: everything in it is to be looked at now.
    full: bool,
    /// Reads that brought bytes.
    pub(super) reads: u64,
}

impl Harvest {
    pub(super) fn new() -> Self {
        Self {
            arena: vec![0; ARENA_BYTES],
            used: 0,
            ready: VecDeque::new(),
            again: Vec::new(),
            records: VecDeque::new(),
            left: (0, 0),
            full: false,
            reads: 0,
        }
    }

    /// A socket is to be read.
    pub(super) fn ready(&mut self, token: usize, closed: bool) {
        self.ready.push_back(Ready { token, closed });
    }

    /// Whether there is something to read or to look at without waiting for it.
    pub(super) fn is_waiting(&self) -> bool {
        !self.again.is_empty() || !self.records.is_empty()
    }

    /// Whether everything that was read has been looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Starts a turn: what is left of the last one is read first.
    pub(super) fn begin(&mut self) {
        self.ready.extend(self.again.drain(..));
        self.left = (LOOK_RECORDS, LOOK_BYTES);
    }

    /// Reads what is ready, and looks at nothing. `false` when the arena is full: what is in it is
    /// to be looked at, and then this goes on.
    pub(super) fn gather(&mut self, pool: &mut Pool, now: impl Fn() -> Nanos) -> bool {
        if self.records.is_empty() {
            self.used = 0;
        }
        self.full = false;
        while let Some(Ready { token, closed }) = self.ready.pop_front() {
            for nth in 0.. {
                if nth == READS_OF_ONE {
                    self.again.push(Ready { token, closed });
                    break;
                }
                let room = self.used..self.used + READ_BYTES;
                let Some(room) = self.arena.get_mut(room) else {
                    self.ready.push_front(Ready { token, closed });
                    self.full = true;
                    return false;
                };
                let Some(line) = pool.line(token) else { break };
                let got = line.read(room);
                let at = now();
                let (what, more) = match got {
                    Got::Nothing => break,
                    Got::Bytes { len: 0, more } => (What::Progress, more),
                    Got::Bytes { len, more } => {
                        self.reads += 1;
                        let start = self.used;
                        self.used += len;
                        (What::Bytes(start..self.used), more || closed)
                    }
                    Got::Closed => (What::Closed, false),
                    Got::Broken(end) => (What::Broken(end), false),
                };
                self.records.push_back(Record { token, at, what });
                if !more {
                    break;
                }
            }
        }
        true
    }

    /// The next record to be looked at in this turn.
    pub(super) fn next(&mut self) -> Option<Record> {
        let (records, bytes) = self.left;
        if !self.full && (records == 0 || bytes == 0) {
            return None;
        }
        let record = self.records.pop_front()?;
        let len = match &record.what {
            What::Bytes(range) => range.len(),
            _ => 0,
        };
        self.left = (records.saturating_sub(1), bytes.saturating_sub(len));
        Some(record)
    }

    /// The bytes of a record.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.arena.get(range).unwrap_or_default()
    }
}
