//! `tool_index_from_zero`: tool calls are numbered 0, 1, 2 in the order in which they begin.
//!
//! # Why
//!
//! The SDK helpers keep calls in a list and look them up by `index`. A first index of 1 is an index
//! error in both.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_index_from_zero
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::NO_CALL;
use super::call::fragments;
use super::look::{Look, evidence};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let fragments = fragments(look);
    if fragments.is_empty() {
        return Judgement::cannot_tell(NO_CALL);
    }
    let mut known: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut pieces = Vec::new();
    for fragment in &fragments {
        let Some(index) = fragment.index() else { continue };
        let indices = known.entry(fragment.choice).or_default();
        if indices.contains(&index) {
            continue;
        }
        let due = indices.len() as u64;
        if index != due {
            let place = fragment.place(look, "/index", "");
            pieces.push(evidence(
                format!("index {due} for the next call"),
                format!("index {index}"),
                place,
            ));
        }
        indices.push(index);
    }
    if known.is_empty() {
        return Judgement::cannot_tell("no fragment has an index");
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn an_index_that_starts_at_one_or_leaves_one_out_is_shown() {
        holds("{stream: tool_index_from_zero}", chunks(&tool_stream()));
        let from_one = [call(1, "call_a", "w", ""), call(2, "call_b", "w", "")];
        insta::assert_snapshot!(said(&fails("{stream: tool_index_from_zero}", chunks(&from_one))), @r#"
        expected index 0 for the next call
            seen index 1
              at event 0, /choices/0/delta/tool_calls/0/index, frame 0, byte 145, +200 ms
               | ndex":0,"delta":{"tool_calls":[{"index":1,"id":"call_a","type":"function","funct
               |                                         ^
        expected index 1 for the next call
            seen index 2
              at event 1, /choices/0/delta/tool_calls/0/index, frame 1, byte 391, +300 ms
               | ndex":0,"delta":{"tool_calls":[{"index":2,"id":"call_b","type":"function","funct
               |                                         ^
        "#);
        let gap = [call(0, "call_a", "w", ""), call(2, "call_b", "w", "")];
        assert_eq!(fails("{stream: tool_index_from_zero}", chunks(&gap)).len(), 1);
        cannot_tell("{stream: tool_index_from_zero}", chunks(&sound()));
        cannot_tell(
            "{stream: tool_index_from_zero}",
            chunks(&[delta(json!({"tool_calls": [{}]}))]),
        );
    }
}
