//! `closes_within`: the body ends soon after `[DONE]`.
//!
//! The setting is the time allowed; without one it is the profile's `close_after_done_s`, or 2 s.
//!
//! # Why
//!
//! A connection that stays open after `[DONE]` holds a socket on both sides, and clients that read
//! to the end of the body wait for their timeout.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: {closes_within: 2s}
//! ```

use serde_json::Value;

use super::closing::ends_within;
use super::look::Look;
use crate::units::Nanos;
use crate::verdict::Judgement;

/// Without a setting and without a profile.
const DEFAULT: Nanos = Nanos::from_millis(2_000);

pub(super) fn judge(look: &Look<'_>, setting: &Value) -> Judgement {
    let Some(done) = look.done() else {
        return Judgement::cannot_tell("the stream has no `[DONE]`");
    };
    let allowed = look.span(setting, "close_after_done_s", DEFAULT);
    ends_within(look, done, "`[DONE]`", allowed)
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;
    use crate::transcript::{End, Exchange, Phase};
    use crate::units::Nanos;

    /// `[DONE]` came at 700 ms.
    fn closing_at(millis: u64) -> Exchange {
        let mut exchange = chunks(&sound());
        exchange.timing.done = Nanos::from_millis(millis);
        exchange
    }

    fn timed_out(exchange: Exchange) -> Exchange {
        ended(End::TimedOut { phase: Phase::Total, after: Nanos::from_millis(9_000) }, exchange)
    }

    #[test]
    fn the_end_is_timed_from_the_event_done() {
        holds("{stream: {closes_within: 2s}}", closing_at(2_700));
        let evidence = fails("{stream: {closes_within: 2s}}", closing_at(2_800));
        insta::assert_snapshot!(said(&evidence), @r#"
        expected the end of the body within 2 s of `[DONE]`
            seen the end of the body 2.1 s after it
              at event 5, frame 5, byte 845, +700 ms
               | ion_tokens":2,"total_tokens":5}}⏎⏎data: [DONE]⏎⏎
               |                                         ^ the body was due to end after this
        "#);
    }

    #[test]
    fn without_a_setting_the_profile_says_how_long() {
        holds("{stream: closes_within}", closing_at(1_200));
        fails("{stream: closes_within}", closing_at(1_300));
    }

    #[test]
    fn a_body_that_never_ends_fails_although_the_deadline_was_ours() {
        fails("{stream: {closes_within: 2s}}", timed_out(closing_at(9_000)));
        cannot_tell("{stream: {closes_within: 2s}}", timed_out(closing_at(1_000)));
        cannot_tell("{stream: {closes_within: 2s}}", ended(End::Left, closing_at(1_000)));
        cannot_tell("{stream: {closes_within: 2s}}", events(&["{}"]));
    }
}
