//! `error_terminates`: after an error the stream is over: `[DONE]`, or soon the end of the body.
//!
//! The setting is the time allowed; without one it is the profile's `close_after_done_s`, or 2 s.
//!
//! # Why
//!
//! A client that has read an error and then waits for `[DONE]` hangs until its timeout; one that
//! reads on takes text for the reply that no longer is.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: {error_terminates: 2s}
//! ```

use serde_json::Value;

use super::closing::ends_within;
use super::look::{Look, evidence};
use crate::dialect::openai::DONE;
use crate::text::ellipsis;
use crate::units::Nanos;
use crate::verdict::Judgement;

/// Without a setting and without a profile.
const DEFAULT: Nanos = Nanos::from_millis(2_000);

pub(super) fn judge(look: &Look<'_>, setting: &Value) -> Judgement {
    let Some(error) = look.errors().next().map(|error| error.event) else {
        return Judgement::cannot_tell("the stream holds no error");
    };
    let later = look.events().iter().enumerate().skip(error + 1);
    let pieces: Vec<_> = later
        .clone()
        .take_while(|(_, event)| event.data != DONE)
        .map(|(index, event)| {
            let seen = format!("the event `{}`", ellipsis(&event.data, 60));
            let expected = format!("nothing after the error of event {error}");
            evidence(expected, seen, look.place(index, "", "after the error"))
        })
        .collect();
    if !pieces.is_empty() {
        return Judgement::Fails(pieces);
    }
    // A `[DONE]` says as well that it is over; what comes after it is for other rules.
    if later.clone().next().is_some() {
        return Judgement::Holds;
    }
    ends_within(look, error, "the error", look.span(setting, "close_after_done_s", DEFAULT))
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

    #[test]
    fn a_stream_that_goes_on_after_an_error_fails() {
        let error = json!({"error": {"message": "boom"}});
        let stream = chunks(&[error, sound()[1].clone()]);
        insta::assert_snapshot!(said(&fails("{stream: error_terminates}", stream)), @r#"
        expected nothing after the error of event 0
            seen the event `{"id":"chatcmpl-1","object":"chat.completion.chunk","create…`
              at event 1, frame 1, byte 42, +300 ms
               | ta: {"error":{"message":"boom"}}⏎⏎data: {"id":"chatcmpl-1","object":"chat.comple
               |                                         ^ after the error
        "#);
    }

    #[test]
    fn a_done_after_the_error_is_an_end() {
        let mut stream = chunks(&[json!({"error": {"message": "boom"}})]);
        stream.timing.done = Nanos::from_millis(9_000);
        holds("{stream: {error_terminates: 2s}}", stream);
    }
}
