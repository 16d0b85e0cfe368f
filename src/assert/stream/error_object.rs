//! `error_object`: an error inside the stream comes as `{"error": {"message": …}}`.
//!
//! # Why
//!
//! Clients look for a top-level `error`. A flat object, or an `event: error` with flat data, is
//! passed over: the text so far counts as the whole reply.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: error_object
//! ```

use serde_json::Value;

use super::look::{Look, evidence, is_text, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let mut errors = look.errors().peekable();
    if errors.peek().is_none() {
        return Judgement::cannot_tell("the stream holds no error");
    }
    let pieces = errors.filter_map(|chunk| {
        let error = chunk.value.get("error");
        if is_text(error.and_then(|error| error.get("message"))) {
            return None;
        }
        let (pointer, seen) = match error {
            Some(error) => ("/error", show(Some(error))),
            None => ("", show(Some(&chunk.value))),
        };
        let place = look.place(chunk.event, pointer, "");
        Some(evidence("a top-level `error` object with a `message`", seen, place))
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_flat_error_a_text_and_a_named_event_are_shown() {
        let enveloped =
            json!({"error": {"message": "boom", "type": "x", "param": null, "code": null}});
        holds("{stream: error_object}", chunks(&[enveloped]));
        cannot_tell("{stream: error_object}", chunks(&sound()));
        let flat = json!({"object": "error", "message": "boom"});
        insta::assert_snapshot!(said(&fails("{stream: error_object}", chunks(&[flat]))), @r#"
        expected a top-level `error` object with a `message`
            seen `{"object":"error","message":"boom"}`
              at event 0, frame 0, byte 6, +200 ms
               | data: {"object":"error","message":"boom"}⏎⏎dat
               |       ^
        "#);
        fails("{stream: error_object}", chunks(&[json!({"error": "boom"})]));
        fails("{stream: error_object}", chunks(&[json!({"error": {"message": ""}})]));
        let named = raw_stream(&["event: error\ndata: {\"message\": \"boom\"}\n\n"]);
        fails("{stream: error_object}", named);
    }
}
