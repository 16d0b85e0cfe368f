//! `finish_delta_empty`: the chunk with the `finish_reason` has an empty `delta`.
//!
//! # Why
//!
//! Clients that close a choice at its finish reason drop a text that comes with it; a role or an
//! empty text there is added to what was sent before.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: finish_delta_empty
//!     level: should
//! ```

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let mut finished = look.choices().filter(|choice| choice.finish().is_some()).peekable();
    if finished.peek().is_none() {
        return Judgement::cannot_tell("no chunk has a `finish_reason`");
    }
    let pieces = finished.filter_map(|choice| {
        let delta = choice.delta()?;
        let full = delta.as_object().is_some_and(|fields| !fields.is_empty());
        full.then(|| {
            let place = look.place(choice.event, &choice.pointer("/delta"), "");
            evidence("`{}` as the delta of the finish chunk", show(Some(delta)), place)
        })
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_role_and_a_text_beside_the_finish_reason_are_shown() {
        let mut stream = sound();
        stream[3]["choices"][0]["delta"] = json!({"role": "assistant", "content": ""});

        holds("{stream: finish_delta_empty}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: finish_delta_empty}", chunks(&stream))), @r#"
        expected `{}` as the delta of the finish chunk
            seen `{"role":"assistant","content":""}`
              at event 3, /choices/0/delta, frame 3, byte 636, +500 ms
               | odel":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finis
               |                                         ^
        "#);
        cannot_tell("{stream: finish_delta_empty}", chunks(&[usage()]));
    }
}
