//! Deadlines of tokens, as Etalon has them (arXiv 2407.07000): does a stream flow as fast as it is read?
//!
//! The first token is due so long after the intended send, each further one so long after the one
//! before was due. What comes early makes room for what comes late, so a stream in bursts that stays
//! ahead of its reader misses nothing, and a mean that looks fine does not hide a stall. A token that
//! is late has missed its deadline, and so has every further one that passes while it is waited for;
//! then the deadlines start anew from it.

use super::tokens::Facts;
use crate::units::Nanos;

/// What a plan asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) ttft: Nanos,
    pub(super) itl: Nanos,
}

/// What became of the deadlines of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) deadlines: u64,
    pub(super) missed: u64,
}

/// Holds a stream against deadlines that count from `start`. `reply` is how many tokens it had by its
/// usage; without one, each event counts as one. `None` if it had none.
pub(super) fn flow(facts: &Facts, start: Nanos, reply: Option<u64>, of: Deadlines) -> Option<Flow> {
    let mut at = facts.first_token?;
    let mut due = start + of.ttft;
    let mut flow = Flow { deadlines: 1, missed: 0 };
    if at > due {
        flow.missed = 1;
        due = at;
    }
    let itl = of.itl.0.max(1);
    let gaps = facts.gaps_us.len() as u64;
    // Of the events after the first one, where the server counted along with every event.
    let along = facts.steps.len() == facts.token_events as usize;
    let mut steps = facts.steps.iter().skip(1).filter(|_| along);
    let after_first = reply.map_or(gaps, |reply| reply.saturating_sub(1));
    for (nth, gap_us) in (0_u64..).zip(&facts.gaps_us) {
        at = at + Nanos(u64::from(*gap_us) * 1_000);
        let tokens = match steps.next() {
            Some(step) => u64::from(*step),
            // Evenly, in whole tokens.
            None => (nth + 1) * after_first / gaps - nth * after_first / gaps,
        };
        if tokens == 0 {
            continue;
        }
        let last_due = due + Nanos(itl.saturating_mul(tokens));
        flow.deadlines += tokens;
        if at > last_due {
            let passed = at.since(last_due).0 / itl;
            flow.deadlines += passed;
            flow.missed += tokens + passed;
            due = at;
        } else {
            // Those at the front of a burst may be late while its last is not.
            let late = at.since(due).0.div_ceil(itl).saturating_sub(1);
            flow.missed += late.min(tokens - 1);
            due = last_due;
        }
    }
    Some(flow)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: Deadlines = Deadlines { ttft: Nanos::from_millis(100), itl: Nanos::from_millis(10) };

    /// A stream whose events come at these milliseconds.
    fn stream(at_ms: &[u64]) -> Facts {
        let mut facts = Facts::new((Nanos(0), Nanos(u64::MAX)));
        for ms in at_ms {
            facts.text_event(true, Nanos::from_millis(*ms));
        }
        facts
    }

    fn flow_of(at_ms: &[u64], reply: Option<u64>) -> (u64, u64) {
        let flow = flow(&stream(at_ms), Nanos(0), reply, OF).unwrap();
        (flow.deadlines, flow.missed)
    }

    #[test]
    fn a_stream_in_time_misses_nothing_and_may_save_up() {
        assert_eq!(flow_of(&[100, 110, 120], None), (3, 0));
        // 40 ms early, then a pause of 50: still ahead of its reader.
        assert_eq!(flow_of(&[60, 65, 115], None), (3, 0));
    }

    #[test]
    fn a_stall_misses_every_deadline_that_passes_and_then_starts_anew() {
        assert_eq!(flow_of(&[130, 140], None), (2, 1));
        // Due at 110, came at 145: its own deadline and three more; the next one is due at 155.
        assert_eq!(flow_of(&[100, 145, 155], None), (6, 4));
    }

    #[test]
    fn tokens_of_one_event_are_due_one_after_the_other() {
        // 1 + 4 tokens in two events: due by 140, came at 140; the first three of them were late.
        assert_eq!(flow_of(&[100, 140], Some(5)), (5, 3));
        assert_eq!(flow_of(&[100, 110], Some(5)), (5, 0));
        assert!(flow(&stream(&[]), Nanos(0), None, OF).is_none());
    }
}
