//! `tool_no_nulls`: a fragment of a tool call leaves out what it does not say, instead of sending
//! null.
//!
//! # Why
//!
//! Clients that merge fragments key by key replace the id and the name by null; a null type raises
//! in openai-python's helper.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_no_nulls
//!     level: should
//! ```

use serde_json::Value;

use super::call::each_fragment;
use super::look::{Look, evidence};
use crate::assert::operand::join_words;
use crate::verdict::Judgement;

/// What a later fragment has no need to say.
const KEYS: [&str; 5] = ["/id", "/type", "/function", "/function/name", "/function/arguments"];

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    each_fragment(look, |fragment| {
        let nulls: Vec<&str> = KEYS
            .into_iter()
            .filter(|key| fragment.value.pointer(key).is_some_and(Value::is_null))
            .collect();
        let first = nulls.first()?;
        let names: Vec<String> = nulls
            .iter()
            .map(|key| format!("`{}`", key.trim_start_matches('/').replace('/', ".")))
            .collect();
        let seen = format!("null for {}", join_words(&names, "and"));
        Some(evidence("no nulls in a fragment", seen, fragment.place(look, first, "")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn nulls_on_a_later_fragment_are_shown_together() {
        holds("{stream: tool_no_nulls}", chunks(&tool_stream()));
        let mut stream = tool_stream();
        stream[2]["choices"][0]["delta"]["tool_calls"][0] = json!({"index": 0, "id": null, "type": null, "function": {"name": null, "arguments": "}"}});
        insta::assert_snapshot!(said(&fails("{stream: tool_no_nulls}", chunks(&stream))), @r#"
        expected no nulls in a fragment
            seen null for `id`, `type` and `function.name`
              at event 2, /choices/0/delta/tool_calls/0/id, frame 2, byte 590, +400 ms
               | ,"delta":{"tool_calls":[{"index":0,"id":null,"type":null,"function":{"name":null
               |                                         ^
        "#);
        cannot_tell("{stream: tool_no_nulls}", chunks(&sound()));
    }
}
