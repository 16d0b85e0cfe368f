//! `finish_present`: every choice gets a `finish_reason` before the stream ends.
//!
//! # Why
//!
//! The finish reason is what an agent branches on. Without it openai-node's helper throws, and
//! Strands reports `end_turn` for a reply that may be half.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: finish_present
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::look::{Look, evidence};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    if look.errors().next().is_some() {
        return Judgement::cannot_tell("the stream ended with an error");
    }
    let mut last = BTreeMap::new();
    let mut finished = BTreeMap::new();
    for choice in look.choices() {
        last.insert(choice.index(), choice);
        if choice.finish().is_some() {
            finished.insert(choice.index(), choice.event);
        }
    }
    if last.is_empty() {
        return Judgement::cannot_tell("no chunk has a choice");
    }
    let pieces =
        last.iter().filter(|(index, _)| !finished.contains_key(*index)).map(|(index, choice)| {
            let place = look.place(
                choice.event,
                &choice.pointer("/finish_reason"),
                "the last of this choice",
            );
            evidence(
                format!("a `finish_reason` for choice {index}"),
                "none in the whole stream",
                place,
            )
        });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn each_choice_needs_its_own() {
        let mut stream = sound();
        stream.insert(1, choice(1, json!({"content": "x"}), json!(null)));

        holds("{stream: finish_present}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: finish_present}", chunks(&stream))), @r#"
        expected a `finish_reason` for choice 1
            seen none in the whole stream
              at event 1, /choices/0/finish_reason, frame 1, byte 333, +300 ms
               | "delta":{"content":"x"},"finish_reason":null}]}⏎⏎data: {"id":"chatcmpl-1","objec
               |                                         ^ the last of this choice
        "#);
    }

    #[test]
    fn a_stream_that_ended_with_an_error_or_without_choices_tells_nothing() {
        cannot_tell(
            "{stream: finish_present}",
            chunks(&[sound()[0].clone(), json!({"error": {"message": "x"}})]),
        );
        cannot_tell("{stream: finish_present}", chunks(&[usage()]));
    }
}
