//! `tool_sequential`: one tool call is finished before the next one begins.
//!
//! # Why
//!
//! The SDK helpers tell the program that a call is done when the index changes. A fragment that
//! comes later is a change to a tool that is already running.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_sequential
//!     level: should
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
    let mut parts: Vec<_> = calls
        .iter()
        .enumerate()
        .flat_map(|(number, call)| {
            call.fragments.iter().map(move |fragment| (number, call, fragment))
        })
        .collect();
    parts.sort_by_key(|(_, _, fragment)| fragment.number);
    let mut latest: BTreeMap<u64, usize> = BTreeMap::new();
    let mut pieces = Vec::new();
    for (number, call, fragment) in parts {
        let begun = latest.entry(fragment.choice).or_insert(number);
        if number < *begun {
            let id = call.id().unwrap_or("without an id");
            let place = fragment.place(look, "", "");
            let seen = format!("a fragment of call `{id}` after the next call had begun");
            pieces.push(evidence("all fragments of a call before the next call", seen, place));
        }
        *begun = number.max(*begun);
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_return_to_an_earlier_call_is_shown() {
        holds("{stream: tool_sequential}", chunks(&tool_stream()));
        let more = delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}));
        let back = [call(0, "call_a", "w", "{"), call(1, "call_b", "w", "{}"), more];
        insta::assert_snapshot!(said(&fails("{stream: tool_sequential}", chunks(&back))), @r#"
        expected all fragments of a call before the next call
            seen a fragment of call `call_a` after the next call had begun
              at event 2, /choices/0/delta/tool_calls/0, frame 2, byte 631, +400 ms
               | ces":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}
               |                                         ^
        "#);
        cannot_tell("{stream: tool_sequential}", chunks(&sound()));
    }
}
