//! `finish_before_done`: every `finish_reason` comes before `[DONE]`.
//!
//! # Why
//!
//! Clients stop reading at `[DONE]`; a finish reason after it is never seen.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: finish_before_done
//! ```

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let Some(done) = look.done() else {
        return Judgement::cannot_tell("the stream has no `[DONE]`");
    };
    let mut found = look.choices().any(|choice| choice.finish().is_some());
    let mut pieces = Vec::new();
    for chunk in look.seen.reading().chunks.iter().filter(|chunk| chunk.event > done) {
        let choices = chunk.value.get("choices").and_then(Value::as_array);
        for (position, choice) in choices.into_iter().flatten().enumerate() {
            let reason = choice.get("finish_reason").filter(|reason| !reason.is_null());
            if reason.is_some() {
                found = true;
                let pointer = format!("/choices/{position}/finish_reason");
                let place = look.place(chunk.event, &pointer, "after [DONE]");
                let expected = format!("every `finish_reason` before the `[DONE]` of event {done}");
                pieces.push(evidence(expected, show(reason), place));
            }
        }
    }
    if found {
        Judgement::from_evidence(pieces)
    } else {
        Judgement::cannot_tell("no chunk has a `finish_reason`")
    }
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_finish_reason_after_done_is_shown() {
        holds("{stream: finish_before_done}", chunks(&sound()));
        let late = events(&[&sound()[1].to_string(), "[DONE]", &finish("stop").to_string()]);
        let evidence = fails("{stream: finish_before_done}", late);
        assert_eq!(
            (evidence[0].seen.as_str(), evidence[0].place.what.as_str()),
            ("`\"stop\"`", "event 2")
        );
        cannot_tell("{stream: finish_before_done}", events(&[&finish("stop").to_string()]));
        cannot_tell("{stream: finish_before_done}", chunks(&[usage()]));
    }
}
