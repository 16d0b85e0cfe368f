//! `error_terminates`: the body ends soon after an error.
//!
//! The setting is the time allowed; without one it is the profile's `close_after_done_s`, or 2 s.
//!
//! # Why
//!
//! A client that has read an error and then waits for `[DONE]` hangs until its timeout.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: {error_terminates: 2s}
//! ```

use serde_json::Value;

use super::closing::ends_within;
use super::look::Look;
use crate::units::Nanos;
use crate::verdict::Judgement;

/// Without a setting and without a profile.
const DEFAULT: Nanos = Nanos::from_millis(2_000);

pub(super) fn judge(look: &Look<'_>, setting: &Value) -> Judgement {
    let Some(error) = look.errors().last() else {
        return Judgement::cannot_tell("the stream holds no error");
    };
    ends_within(look, error.event, "the error", look.span(setting, "close_after_done_s", DEFAULT))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;
    use crate::transcript::{End, Phase};
    use crate::units::Nanos;

    #[test]
    fn silence_after_an_error_fails_although_the_deadline_was_ours() {
        let error = json!({"error": {"message": "boom"}});
        let stream = || events(&[&sound()[1].to_string(), &error.to_string()]);
        holds("{stream: {error_terminates: 2s}}", stream());
        let mut hanging = ended(
            End::TimedOut { phase: Phase::Total, after: Nanos::from_millis(9_000) },
            stream(),
        );
        hanging.timing.done = Nanos::from_millis(9_000);
        insta::assert_snapshot!(said(&fails("{stream: {error_terminates: 2s}}", hanging)), @r#"
        expected the end of the body within 2 s of the error
            seen the body still open 8.7 s after it (no end of the response within 9 s)
              at event 1, frame 1, byte 174, +300 ms
               | ello, "},"finish_reason":null}]}⏎⏎data: {"error":{"message":"boom"}}⏎⏎
               |                                         ^ the body was due to end after this
        "#);
        cannot_tell("{stream: error_terminates}", chunks(&sound()));
    }
}
