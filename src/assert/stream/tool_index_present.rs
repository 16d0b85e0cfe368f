//! `tool_index_present`: every fragment of a tool call has an `index`, a whole number.
//!
//! # Why
//!
//! Accumulators put fragments together by `index`. Without one openai-python's helper raises,
//! openai-node's loses the call, and another client hangs.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_index_present
//! ```

use serde_json::Value;

use super::call::each_fragment;
use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    each_fragment(look, |fragment| {
        if fragment.index().is_some() {
            return None;
        }
        let index = fragment.value.get("index");
        let label = if index.is_none() { "no `index` in this fragment" } else { "" };
        let place = fragment.place(look, "/index", label);
        Some(evidence("`index`: a whole number from 0", show(index), place))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_missing_a_null_and_a_text_index_are_shown() {
        holds("{stream: tool_index_present}", chunks(&tool_stream()));
        for wrong in [None, Some(json!(null)), Some(json!("0")), Some(json!(-1))] {
            let mut stream = tool_stream();
            let fragment =
                stream[1]["choices"][0]["delta"]["tool_calls"][0].as_object_mut().unwrap();
            match wrong {
                Some(wrong) => drop(fragment.insert("index".into(), wrong)),
                None => drop(fragment.remove("index")),
            }
            assert_eq!(fails("{stream: tool_index_present}", chunks(&stream)).len(), 1);
        }
        cannot_tell("{stream: tool_index_present}", chunks(&sound()));
    }
}
