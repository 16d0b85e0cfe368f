//! `choices_array`: every chunk has `choices`, and it is an array.
//!
//! # Why
//!
//! The helpers of the OpenAI SDKs and the AI SDK go through `choices` of every chunk, that with the
//! usage included. Where it is missing or null they raise in the middle of the reply.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: choices_array
//! ```

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let pieces = look.chunks().filter_map(|chunk| {
        let choices = chunk.value.get("choices");
        if choices.is_some_and(Value::is_array) {
            return None;
        }
        let label = if choices.is_none() { "no `choices` in this object" } else { "" };
        let place = look.place(chunk.event, "/choices", label);
        Some(evidence("`choices`: an array", show(choices), place))
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_missing_and_a_null_array_are_shown() {
        let mut stream = sound();
        stream[4].as_object_mut().unwrap().remove("choices");
        stream[3]["choices"] = json!(null);

        holds("{stream: choices_array}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: choices_array}", chunks(&stream))), @r#"
        expected `choices`: an array
            seen `null`
              at event 3, /choices, frame 3, byte 616, +500 ms
               | eated":1700000000,"model":"m","choices":null}⏎⏎data: {"id":"chatcmpl-1","object"
               |                                         ^
        expected `choices`: an array
            seen nothing
              at event 4, /choices, frame 4, byte 629, +600 ms
               | 0000,"model":"m","choices":null}⏎⏎data: {"id":"chatcmpl-1","object":"chat.comple
               |                                         ^ no `choices` in this object
        "#);
    }

    #[test]
    fn an_error_is_no_chunk_and_neither_is_a_named_event() {
        let stream = raw_stream(&["data: {\"error\": {}}\n\n", "event: ping\ndata: {}\n\n"]);
        holds("{stream: choices_array}", stream);
    }
}
