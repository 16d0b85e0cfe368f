//! `delta_object`: every choice of every chunk has a `delta`, and it is an object.
//!
//! # Why
//!
//! Accumulators read `delta` before they look at anything else. A null on the finish chunk raises
//! in openai-python's helper and in Strands, after the whole text has arrived.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: delta_object
//! ```

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let pieces = look.choices().filter(|choice| choice.delta().is_none()).map(|choice| {
        let delta = choice.value.get("delta");
        let label = if delta.is_none() { "no `delta` in this choice" } else { "" };
        let place = look.place(choice.event, &choice.pointer("/delta"), label);
        evidence("`delta`: an object", show(delta), place)
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_null_and_a_missing_delta_are_shown() {
        let mut stream = sound();
        stream[3]["choices"][0]["delta"] = json!(null);
        stream[1]["choices"][0].as_object_mut().unwrap().remove("delta");

        holds("{stream: delta_object}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: delta_object}", chunks(&stream))), @r#"
        expected `delta`: an object
            seen nothing
              at event 1, /choices/0/delta, frame 1, byte 282, +300 ms
               | ated":1700000000,"model":"m","choices":[{"index":0,"finish_reason":null}]}⏎⏎data
               |                                         ^ no `delta` in this choice
        expected `delta`: an object
            seen `null`
              at event 3, /choices/0/delta, frame 3, byte 606, +500 ms
               | odel":"m","choices":[{"index":0,"delta":null,"finish_reason":"stop"}]}⏎⏎data: {"
               |                                         ^
        "#);
    }
}
