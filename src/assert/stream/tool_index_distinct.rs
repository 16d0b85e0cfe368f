//! `tool_index_distinct`: two tool calls never share an `index`.
//!
//! # Why
//!
//! Clients append fragments of one index to one call. Two calls under index 0 become one, with both
//! ids and both arguments run together: no multi-tool task works.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_index_distinct
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::NO_CALL;
use super::call::calls;
use super::look::{Look, evidence};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let calls = calls(look);
    if calls.is_empty() {
        return Judgement::cannot_tell(NO_CALL);
    }
    let mut taken: BTreeMap<(u64, u64), String> = BTreeMap::new();
    let mut pieces = Vec::new();
    for call in &calls {
        let Some(first) = call.first() else { continue };
        let Some(index) = first.index() else { continue };
        let id = call.id().unwrap_or("without an id").to_owned();
        if let Some(other) = taken.get(&(first.choice, index)) {
            let place = first.place(look, "/index", "");
            let seen = format!("index {index} again, that of call `{other}`");
            pieces.push(evidence(format!("an index of its own for call `{id}`"), seen, place));
        } else {
            taken.insert((first.choice, index), id);
        }
    }
    if taken.is_empty() {
        return Judgement::cannot_tell("no fragment has an index");
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_second_call_under_the_same_index_is_shown() {
        holds("{stream: tool_index_distinct}", chunks(&tool_stream()));
        let zero = [call(0, "call_a", "w", "{}"), call(0, "call_b", "w", "{}")];
        insta::assert_snapshot!(said(&fails("{stream: tool_index_distinct}", chunks(&zero))), @r#"
        expected an index of its own for call `call_b`
            seen index 0 again, that of call `call_a`
              at event 1, /choices/0/delta/tool_calls/0/index, frame 1, byte 393, +300 ms
               | ndex":0,"delta":{"tool_calls":[{"index":0,"id":"call_b","type":"function","funct
               |                                         ^
        "#);
        cannot_tell("{stream: tool_index_distinct}", chunks(&sound()));
    }

    #[test]
    fn an_id_that_is_only_repeated_is_the_same_call() {
        let repeated = [call(0, "call_a", "w", "{"), call(0, "call_a", "w", "}")];
        holds("{stream: tool_index_distinct}", chunks(&repeated));
    }
}
