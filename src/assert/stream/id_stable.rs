//! `id_stable`: every chunk has the same `id`, a text with something in it.
//!
//! # Why
//!
//! Aggregators, tracers and proxies put chunks together by their `id`. When it changes from chunk
//! to chunk, one reply falls into many.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: id_stable
//! ```

use serde_json::Value;

use super::look::{Look, is_text};
use super::stable::stable;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    stable(look, look.chunks(), "id", "a text that is not empty", |id| is_text(Some(id)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_changed_an_empty_and_a_missing_id_are_each_shown() {
        let mut stream = sound();
        stream[1]["id"] = json!("chatcmpl-2");
        stream[2]["id"] = json!("");
        stream[3].as_object_mut().unwrap().remove("id");

        holds("{stream: id_stable}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: id_stable}", chunks(&stream))), @r#"
        expected the `id` of event 0: `"chatcmpl-1"`
            seen `"chatcmpl-2"`
              at event 1, /id, frame 1, byte 192, +300 ms
               | "},"finish_reason":null}]}⏎⏎data: {"id":"chatcmpl-2","object":"chat.completion.c
               |                                         ^
        expected the `id` of event 0: `"chatcmpl-1"`
            seen `""`
              at event 2, /id, frame 2, byte 360, +400 ms
               | "},"finish_reason":null}]}⏎⏎data: {"id":"","object":"chat.completion.chunk","cre
               |                                         ^
        expected the `id` of event 0: `"chatcmpl-1"`
            seen nothing
              at event 3, /id, frame 3, byte 511, +500 ms
               | world."},"finish_reason":null}]}⏎⏎data: {"choices":[{"index":0,"delta":{},"finis
               |                                         ^ no `id` in this object
        "#);
    }

    #[test]
    fn an_id_that_is_empty_throughout_is_not_stable() {
        let mut stream = sound();
        for chunk in &mut stream {
            chunk["id"] = json!("");
        }
        assert_eq!(fails("{stream: id_stable}", chunks(&stream)).len(), 5);
    }
}
