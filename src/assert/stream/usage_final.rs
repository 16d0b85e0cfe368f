//! `usage_final`: exactly one chunk has no choices and a `usage` object.
//!
//! Where it stands is the business of `usage_last`; usage in other chunks is that of `usage_once`.
//!
//! # Why
//!
//! With `stream_options: {include_usage: true}` that chunk is where clients look for the token
//! counts. Without it cost reports show nothing; with two they count double.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: usage_final
//! ```

use serde_json::Value;

use super::look::{Look, evidence};
use crate::text::plural;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let expected = "one chunk with `choices: []` and `usage`";
    let finals: Vec<usize> = look
        .chunks()
        .filter(|chunk| {
            // Choices that are missing instead of empty are for `choices_array`.
            let choices = chunk.value.get("choices").and_then(Value::as_array);
            choices.is_none_or(Vec::is_empty)
                && chunk.value.get("usage").is_some_and(Value::is_object)
        })
        .map(|chunk| chunk.event)
        .collect();
    match finals.as_slice() {
        [_] => Judgement::Holds,
        [] => {
            let place = match look.done() {
                Some(done) => look.place(done, "", "the chunk was due before this"),
                None => look.seen.at_end("the chunk was due before this"),
            };
            let seen = format!("none in {}", plural(look.chunks().count(), "chunk"));
            Judgement::fail(expected, seen, place)
        }
        [_, later @ ..] => Judgement::from_evidence(
            later
                .iter()
                .map(|event| evidence(expected, "another one", look.place(*event, "/usage", "")))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn none_and_a_second_one_are_shown() {
        holds("{stream: usage_final}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: usage_final}", chunks(&sound()[..4]))), @r#"
        expected one chunk with `choices: []` and `usage`
            seen none in 4 chunks
              at event 4, frame 4, byte 672, +600 ms
               | ta":{},"finish_reason":"stop"}]}⏎⏎data: [DONE]⏎⏎
               |                                         ^ the chunk was due before this
        "#);
        let mut stream = sound();
        stream.push(usage());
        assert_eq!(fails("{stream: usage_final}", chunks(&stream))[0].place.what, "event 5");
    }

    #[test]
    fn choices_that_are_missing_instead_of_empty_are_another_fault() {
        let mut stream = sound();
        stream[4].as_object_mut().unwrap().remove("choices");
        holds("{stream: usage_final}", chunks(&stream));
    }

    #[test]
    fn usage_beside_choices_is_not_it() {
        let mut stream = sound();
        stream[3]["usage"] = stream[4]["usage"].clone();
        stream[4]["usage"] = json!(null);
        fails("{stream: usage_final}", chunks(&stream));
    }
}
