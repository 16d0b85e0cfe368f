//! `thoughts_first`: no delta brings thoughts after the answer has begun.
//!
//! # Why
//!
//! Clients open a block for thoughts and close it with the first piece of the answer. Thoughts that
//! come later split the answer in two, or are shown as a part of it. A delta that holds the last
//! thought and the first piece of the answer together is let by: which of the two comes first is not
//! said on the wire.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: thoughts_first
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

/// The fields in which servers stream thoughts.
const FIELDS: [&str; 2] = ["reasoning_content", "reasoning"];

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let full = |delta: &Value, key: &str| {
        delta.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
    };
    // By choice: the event in which its answer began.
    let mut begun: BTreeMap<u64, usize> = BTreeMap::new();
    let mut thinks = false;
    let mut pieces = Vec::new();
    for choice in look.choices() {
        let Some(delta) = choice.delta() else { continue };
        let index = choice.index();
        if let Some(field) = FIELDS.iter().find(|field| full(delta, field)) {
            thinks = true;
            if let Some(first) = begun.get(&index) {
                let pointer = choice.pointer(&format!("/delta/{field}"));
                let place = look.place(choice.event, &pointer, "");
                let expected = format!("no thoughts after event {first}, where the answer began");
                pieces.push(evidence(expected, show(delta.get(*field)), place));
            }
        }
        if full(delta, "content") {
            begun.entry(index).or_insert(choice.event);
        }
    }
    if !thinks {
        return Judgement::cannot_tell("no delta holds thoughts");
    }
    pieces.truncate(1);
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn thoughts_come_before_the_answer_and_one_delta_may_hold_the_turn() {
        let mut stream = sound();
        cannot_tell("{stream: thoughts_first}", chunks(&stream));

        stream.insert(1, delta(json!({"reasoning_content": "hm"})));
        holds("{stream: thoughts_first}", chunks(&stream));

        stream.insert(2, delta(json!({"reasoning": "so", "content": "Well, "})));
        holds("{stream: thoughts_first}", chunks(&stream));

        stream.insert(4, delta(json!({"reasoning_content": "wait"})));
        insta::assert_snapshot!(said(&fails("{stream: thoughts_first}", chunks(&stream))), @r#"
        expected no thoughts after event 2, where the answer began
            seen `"wait"`
              at event 4, /choices/0/delta/reasoning_content, frame 4, byte 847, +600 ms
               | {"index":0,"delta":{"reasoning_content":"wait"},"finish_reason":null}]}⏎⏎data: {
               |                                         ^
        "#);
    }
}
