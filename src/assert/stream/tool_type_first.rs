//! `tool_type_first`: the first fragment of a tool call has `type: function`.
//!
//! # Why
//!
//! openai-node's helper throws `tool call snapshot missing type` at the end of a call that never
//! named its type.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_type_first
//! ```

use serde_json::Value;

use super::call::each_call;
use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    each_call(look, |call| {
        let Some(first) = call.opening() else { return Vec::new() };
        let kind = first.value.get("type");
        if kind.and_then(Value::as_str) == Some("function") {
            return Vec::new();
        }
        let place = first.place(look, "/type", "");
        vec![evidence("`type: function` in the first fragment", show(kind), place)]
    })
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_missing_type_is_shown_and_only_in_the_first_fragment() {
        holds("{stream: tool_type_first}", chunks(&tool_stream()));
        let mut stream = tool_stream();
        stream[1]["choices"][0]["delta"]["tool_calls"][0].as_object_mut().unwrap().remove("type");
        insta::assert_snapshot!(said(&fails("{stream: tool_type_first}", chunks(&stream))), @r#"
        expected `type: function` in the first fragment
            seen nothing
              at event 1, /choices/0/delta/tool_calls/0/type, frame 1, byte 318, +300 ms
               | ces":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_a","function":{"na
               |                                         ^
        "#);
        cannot_tell("{stream: tool_type_first}", chunks(&sound()));
    }
}
