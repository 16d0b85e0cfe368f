//! `model_stable`: every chunk with choices has the same `model`, a text with something in it.
//!
//! # Why
//!
//! Cost and routing are booked by `model`. A name that is empty in the first chunk, or that changes
//! on the way, books a reply on the wrong one. Chunks without choices (content filters, usage) are
//! left out: some services send them before the model is chosen.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: model_stable
//!     level: should
//! ```

use serde_json::Value;

use super::look::{Look, is_text};
use super::stable::stable;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let with_choices = look.chunks().filter(|chunk| {
        let choices = chunk.value.get("choices").and_then(Value::as_array);
        choices.is_none_or(|choices| !choices.is_empty())
    });
    stable(look, with_choices, "model", "a text that is not empty", |model| is_text(Some(model)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn an_empty_name_at_the_start_is_shown_and_a_chunk_without_choices_is_not() {
        let mut stream = sound();
        stream[4]["model"] = json!("");
        holds("{stream: model_stable}", chunks(&stream));
        stream[0]["model"] = json!("");
        let evidence = fails("{stream: model_stable}", chunks(&stream));
        assert_eq!((evidence.len(), evidence[0].place.what.as_str()), (1, "event 0"));
    }
}
