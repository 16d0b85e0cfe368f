//! `finish_once`: no choice gets a second `finish_reason`.
//!
//! # Why
//!
//! LangChain adds texts up, the finish reason too: two finish chunks become `stopstop`, which no
//! branch knows.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: finish_once
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let mut first = BTreeMap::new();
    let mut pieces = Vec::new();
    for choice in look.choices().filter(|choice| choice.finish().is_some()) {
        let index = choice.index();
        match first.get(&index) {
            None => {
                first.insert(index, choice.event);
            }
            Some(event) => {
                let place = look.place(choice.event, &choice.pointer("/finish_reason"), "");
                let expected =
                    format!("one `finish_reason` for choice {index}, that of event {event}");
                pieces.push(evidence(expected, format!("{} again", show(choice.finish())), place));
            }
        }
    }
    if first.is_empty() {
        return Judgement::cannot_tell("no chunk has a `finish_reason`");
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_second_finish_chunk_is_shown() {
        let mut stream = sound();
        stream.insert(4, finish("stop"));

        holds("{stream: finish_once}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: finish_once}", chunks(&stream))), @r#"
        expected one `finish_reason` for choice 0, that of event 3
            seen `"stop"` again
              at event 4, /choices/0/finish_reason, frame 4, byte 806, +600 ms
               | :[{"index":0,"delta":{},"finish_reason":"stop"}]}⏎⏎data: {"id":"chatcmpl-1","obj
               |                                         ^
        "#);
        cannot_tell("{stream: finish_once}", chunks(&[delta(json!({"content": "x"}))]));
    }

    #[test]
    fn two_choices_have_one_each() {
        let mut stream = sound();
        stream.insert(4, choice(1, json!({}), "stop"));
        holds("{stream: finish_once}", chunks(&stream));
    }
}
