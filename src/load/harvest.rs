//! What the sockets of one turn brought, each piece stamped as its read returned.
//!
//! Everything that is ready is read before anything is looked at: a stamp must not wait for another
//! stream's JSON.

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
    records: Vec<Record>,
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
            records: Vec::new(),
            reads: 0,
        }
    }

    /// A socket is to be read.
    pub(super) fn ready(&mut self, token: usize, closed: bool) {
        self.ready.push_back(Ready { token, closed });
    }

    /// Whether there is something to read without waiting for it.
    pub(super) fn is_waiting(&self) -> bool {
        !self.again.is_empty()
    }

    /// Starts a turn: what is left of the last one is read first.
    pub(super) fn begin(&mut self) {
        self.ready.extend(self.again.drain(..));
    }

    /// Reads what is ready, and looks at nothing. `false` when the arena is full: what is in it is
    /// to be looked at, and then this goes on.
    pub(super) fn gather(&mut self, pool: &mut Pool, now: impl Fn() -> Nanos) -> bool {
        while let Some(Ready { token, closed }) = self.ready.pop_front() {
            for nth in 0.. {
                if nth == READS_OF_ONE {
                    self.again.push(Ready { token, closed });
                    break;
                }
                let room = self.used..self.used + READ_BYTES;
                let Some(room) = self.arena.get_mut(room) else {
                    self.ready.push_front(Ready { token, closed });
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
                self.records.push(Record { token, at, what });
                if !more {
                    break;
                }
            }
        }
        true
    }

    /// What was read, in order. The arena is written anew by the next [`gather`](Self::gather).
    pub(super) fn take(&mut self) -> Vec<Record> {
        self.used = 0;
        std::mem::take(&mut self.records)
    }

    /// Gives the emptied list back, for its memory.
    pub(super) fn give_back(&mut self, mut records: Vec<Record>) {
        records.clear();
        self.records = records;
    }

    /// The bytes of a record.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.arena.get(range).unwrap_or_default()
    }
}
