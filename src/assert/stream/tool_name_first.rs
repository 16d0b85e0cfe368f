//! `tool_name_first`: the name of a tool comes before any of its arguments.
//!
//! # Why
//!
//! Clients open a tool call when they read its name. Strands opens it at the first argument, with
//! the name `None`, and calls no tool.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_name_first
//! ```

use serde_json::Value;

use super::call::each_call;
use super::look::{Look, evidence, is_text, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    each_call(look, |call| {
        let named = |fragment: &super::call::Fragment<'_>| is_text(fragment.function("name"));
        let before = call.fragments.iter().take_while(|fragment| !named(fragment));
        let early = before.clone().find(|fragment| is_text(fragment.function("arguments")));
        let expected = "the name before any arguments";
        if let Some(early) = early {
            let place = early.place(look, "/function/arguments", "no name so far");
            return vec![evidence(expected, show(early.function("arguments")), place)];
        }
        match call.first() {
            Some(first) if before.count() == call.fragments.len() => {
                let place = first.place(look, "/function/name", "");
                vec![evidence(expected, "no name in the whole call", place)]
            }
            _ => Vec::new(),
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn arguments_before_the_name_and_a_call_without_one_are_shown() {
        holds("{stream: tool_name_first}", chunks(&tool_stream()));
        let late = [
            delta(json!({"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{"}}]})),
            delta(
                json!({"tool_calls": [{"index": 0, "function": {"name": "w", "arguments": "}"}}]}),
            ),
        ];
        insta::assert_snapshot!(said(&fails("{stream: tool_name_first}", chunks(&late))), @r#"
        expected the name before any arguments
            seen `"{"`
              at event 0, /choices/0/delta/tool_calls/0/function/arguments, frame 0, byte 180, +200 ms
               | dex":0,"id":"a","function":{"arguments":"{"}}]},"finish_reason":null}]}⏎⏎data: {
               |                                         ^ no name so far
        "#);
        // One fault and no other.
        for rule in
            ["tool_index_distinct", "tool_type_first", "tool_args_json", "tool_identity_once"]
        {
            let mut late = late.to_vec();
            late[1]["choices"][0]["delta"]["tool_calls"][0]["type"] = json!("function");
            late[1]["choices"][0]["delta"]["tool_calls"][0]["id"] = json!("call_a");
            late[0]["choices"][0]["delta"]["tool_calls"][0].as_object_mut().unwrap().remove("id");
            holds(&format!("{{stream: {rule}}}"), chunks(&late));
        }
        let never = [delta(
            json!({"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": ""}}]}),
        )];
        assert_eq!(
            fails("{stream: tool_name_first}", chunks(&never))[0].seen,
            "no name in the whole call"
        );
        cannot_tell("{stream: tool_name_first}", chunks(&sound()));
    }
}
