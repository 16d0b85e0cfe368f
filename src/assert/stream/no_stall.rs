//! `no_stall`: the stream never falls silent for longer than allowed.
//!
//! Comments count as bytes. The wait before the first byte of the body is left out, and so is what
//! comes after `[DONE]` or an error: that is the business of `closes_within` and
//! `error_terminates`. The setting is the time allowed; without one it is the profile's
//! `max_gap_s`, or 30 s.
//!
//! # Why
//!
//! A stream that goes quiet with its connection open looks like thinking. Agents without a watchdog
//! hang; proxies with one cut the reply.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: {no_stall: 30s}
//! ```

use serde_json::Value;

use super::look::Look;
use crate::assert::place::longest_gap;
use crate::transcript::End;
use crate::units::Nanos;
use crate::verdict::Judgement;

/// Without a setting and without a profile.
const DEFAULT: Nanos = Nanos::from_millis(30_000);

pub(super) fn judge(look: &Look<'_>, setting: &Value) -> Judgement {
    let allowed = look.span(setting, "max_gap_s", DEFAULT);
    let exchange = look.exchange();
    let last = look
        .done()
        .into_iter()
        .chain(look.errors().map(|error| error.event))
        .min()
        .and_then(|event| look.seen.reading().arrivals.get(event))
        .map_or(usize::MAX, |arrival| arrival.frame);
    let Some((gap, frame)) = longest_gap(exchange, last).filter(|(gap, _)| *gap > allowed) else {
        if last != usize::MAX {
            return Judgement::Holds;
        }
        // Until our deadline there was no stall; what would have come after it is not known.
        return match exchange.end {
            End::TimedOut { .. } | End::Interrupted | End::Left | End::LimitReached { .. } => {
                Judgement::cannot_tell(format!(
                    "no stall until we stopped: {}",
                    exchange.end.describe()
                ))
            }
            _ => Judgement::Holds,
        };
    };
    let end = look.seen.frame_ends().get(frame).copied().unwrap_or_default();
    let mut place = look.seen.at_byte("event stream", end, "silence from here");
    // The silence begins with the frame before it, not with the byte that ended it.
    place.frame = Some(frame);
    place.at = exchange.frames.get(frame).map(|frame| frame.at);
    let unfinished =
        if frame + 1 == exchange.frames.len() { ", to the end of the exchange" } else { "" };
    Judgement::fail(
        format!("a byte at least every {allowed}"),
        format!("{gap} of silence{unfinished}"),
        place,
    )
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;
    use crate::transcript::{End, Exchange, Phase};
    use crate::units::Nanos;

    fn with_gap(millis: u64) -> Exchange {
        let mut exchange = chunks(&sound());
        for frame in exchange.frames.iter_mut().skip(2) {
            frame.at = frame.at + Nanos::from_millis(millis);
        }
        exchange.timing.done = exchange.timing.done + Nanos::from_millis(millis);
        exchange
    }

    fn timed_out(exchange: Exchange) -> Exchange {
        ended(End::TimedOut { phase: Phase::Gap, after: Nanos::from_millis(9_000) }, exchange)
    }

    #[test]
    fn a_silence_is_shown_where_it_began() {
        holds("{stream: {no_stall: 30s}}", with_gap(29_000));
        insta::assert_snapshot!(said(&fails("{stream: {no_stall: 30s}}", with_gap(30_000))), @r#"
        expected a byte at least every 30 s
            seen 30.1 s of silence
              at event stream, frame 1, byte 348, +300 ms
               | nt":"Hello, "},"finish_reason":null}]}⏎⏎data: {"id":"chatcmpl-1","object":"chat.
               |                                         ^ silence from here
        "#);
    }

    #[test]
    fn without_a_setting_the_profile_says_how_long() {
        holds("{stream: no_stall}", with_gap(400));
        fails("{stream: no_stall}", with_gap(401));
    }

    #[test]
    fn silence_after_done_or_an_error_is_another_fault() {
        for last in ["[DONE]", "{\"error\": {}}"] {
            let mut silent = timed_out(events(&["{}", last]));
            silent.timing.done = Nanos::from_millis(9_200);
            holds("{stream: {no_stall: 5s}}", silent);
        }
    }

    #[test]
    fn a_stream_that_never_speaks_again_fails_although_the_deadline_was_ours() {
        let mut silent = timed_out(events(&["{}"]));
        silent.timing.done = Nanos::from_millis(9_200);
        let evidence = fails("{stream: {no_stall: 5s}}", silent.clone());
        assert_eq!(evidence[0].seen, "9 s of silence, to the end of the exchange");
        cannot_tell("{stream: {no_stall: 30s}}", silent);
    }
}
