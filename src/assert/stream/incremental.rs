//! `incremental`: events arrive while the reply is being made, not all at its end.
//!
//! Events must come in at least `min_reads` reads (4), and the time from the first to the last must
//! be at least the share `spread` (0.3) of the time from request to end. When a whole answer took
//! less than 20 ms, reads run together by themselves and nothing can be told.
//!
//! # Why
//!
//! A proxy that buffers turns a stream into one late block: the time to the first token is the time
//! of the whole reply, and users see a frozen screen.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: {incremental: {min_reads: 4, spread: 0.3}}
//! ```

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::look::{Look, evidence};
use crate::text::plural;
use crate::units::Nanos;
use crate::verdict::Judgement;

/// A stream this short cannot be told from a buffered one: the kernel joins its writes.
pub(super) const TOO_SHORT: Nanos = Nanos::from_millis(20);

/// How far apart events must arrive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Spread {
    /// In how many reads at least.
    min_reads: usize,
    /// Over which share of the whole time at least, 0 to 1.
    spread: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { min_reads: 4, spread: 0.3 }
    }
}

fn read(setting: &Value) -> Result<Spread, String> {
    if setting.is_null() {
        return Ok(Spread::default());
    }
    let spread: Spread =
        serde_json::from_value(setting.clone()).map_err(|error| error.to_string())?;
    if (0.0..=1.0).contains(&spread.spread) {
        Ok(spread)
    } else {
        Err(format!("`spread` is a share from 0 to 1, not {}", spread.spread))
    }
}

pub(super) fn check(setting: &Value) -> Result<(), String> {
    read(setting).map(drop)
}

pub(super) fn judge(look: &Look<'_>, setting: &Value) -> Judgement {
    let Spread { min_reads, spread } = read(setting).unwrap_or_default();
    let count = look.events().len();
    if count < min_reads {
        let why = format!("the stream has only {}, nothing to spread", plural(count, "event"));
        return Judgement::cannot_tell(why);
    }
    let arrivals: BTreeSet<Nanos> = (0..count).map(|event| look.arrival(event)).collect();
    let (first, last) = match (arrivals.first(), arrivals.last()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => return Judgement::cannot_tell("the stream has no event"),
    };
    let timing = &look.exchange().timing;
    let total = timing.done.since(timing.sent.unwrap_or_default());
    let over = last.since(first);
    let mut pieces = Vec::new();
    if arrivals.len() < min_reads {
        pieces.push(evidence(
            format!("events in at least {}", plural(min_reads, "read")),
            format!("{} in {}", plural(count, "event"), plural(arrivals.len(), "read")),
            look.place(0, "", ""),
        ));
    }
    if over.as_secs_f64() < spread * total.as_secs_f64() {
        pieces.push(evidence(
            format!("events over at least {:.0} % of the time", spread * 100.0),
            format!("all of them within {over}, of {total} in total"),
            look.place(0, "", "the first event"),
        ));
    }
    if !pieces.is_empty() && total < TOO_SHORT {
        let why = format!("the whole answer took {total}, too short to tell buffering from speed");
        return Judgement::cannot_tell(why);
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::assert::kit::*;
    use crate::transcript::{Exchange, Frame};

    /// Six events in one read, at the end of `millis`.
    fn buffered(millis: u64) -> Exchange {
        let mut exchange = chunks(&sound());
        let body = exchange.body();
        let at = Nanos::from_millis(millis);
        exchange.frames = vec![Frame { at, bytes: body.into() }];
        exchange.timing.done = at;
        exchange.timing.sent = None;
        exchange
    }

    #[test]
    fn events_in_one_read_at_the_end_are_no_stream() {
        holds("{stream: incremental}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: incremental}", buffered(2_000))), @r#"
        expected events in at least 4 reads
            seen 6 events in 1 read
              at event 0, frame 0, byte 6, +2 s
               | data: {"id":"chatcmpl-1","object":"chat.comple
               |       ^
        expected events over at least 30 % of the time
            seen all of them within 0 ns, of 2 s in total
              at event 0, frame 0, byte 6, +2 s
               | data: {"id":"chatcmpl-1","object":"chat.comple
               |       ^ the first event
        "#);
    }

    #[test]
    fn events_that_come_in_a_burst_after_a_long_wait_fail_by_their_spread() {
        let mut exchange = chunks(&sound());
        for (index, frame) in exchange.frames.iter_mut().enumerate() {
            frame.at = Nanos::from_millis(5_000 + index as u64);
        }
        exchange.timing.done = Nanos::from_millis(5_010);
        let evidence = fails("{stream: {incremental: {min_reads: 4, spread: 0.3}}}", exchange);
        assert_eq!(evidence.len(), 1);
        assert_eq!(evidence[0].seen, "all of them within 5 ms, of 5 s in total");
    }

    #[test]
    fn a_short_answer_and_few_events_tell_nothing() {
        cannot_tell("{stream: incremental}", buffered(3));
        cannot_tell("{stream: incremental}", events(&["{}", "[DONE]"]));
    }

    #[test]
    fn settings_are_checked() {
        assert!(check(&json!({"min_reads": 4, "spread": 0.3})).is_ok());
        for wrong in [json!({"reads": 4}), json!({"spread": 3}), json!(4)] {
            assert!(check(&wrong).is_err(), "{wrong}");
        }
    }
}
