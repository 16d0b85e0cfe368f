//! Requests made ready before they are due, so that a start costs no more than a write.

use std::collections::VecDeque;

use serde_json::Value;

use super::call::Prepared;
use super::source::Source;
use crate::units::Nanos;

/// Requests made ready before they are due.
const PREPARED: usize = 32;
/// So many of them in one turn, and only when nothing is due for a while.
const PREPARED_AT_ONCE: usize = 4;
const AHEAD: Nanos = Nanos(200_000);

/// Makes a request ready, by its number and the replies before it in its session.
pub(super) type Prepare = Box<dyn Fn(u64, &[Value]) -> Prepared + Send + Sync>;

/// The requests that are ready, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Stock {
    ready: VecDeque<(u64, Prepared)>,
}

impl Stock {
    /// Makes the next requests ready while nothing is due.
    pub(super) fn fill(&mut self, source: &Source, prepare: &Prepare, now: Nanos) {
        for _ in 0..PREPARED_AT_ONCE {
            let wanted = self.ready.len() < PREPARED
                && source.next_at().is_none_or(|next| next > now + AHEAD);
            if !wanted {
                return;
            }
            let next = match self.ready.back() {
                Some((number, _)) => number + source.step(),
                None => match source.next_number() {
                    Some(number) => number,
                    None => return,
                },
            };
            self.ready.push_back((next, prepare(next, &[])));
        }
    }

    /// The request of a number: from the stock, or made now.
    pub(super) fn take(&mut self, number: u64, prepare: &Prepare) -> Prepared {
        while let Some((ready, _)) = self.ready.front() {
            if *ready > number {
                break;
            }
            if let Some((ready, prepared)) = self.ready.pop_front()
                && ready == number
            {
                return prepared;
            }
        }
        prepare(number, &[])
    }
}
