//! `tool_args_string`: the arguments of a tool call come as text in every fragment.
//!
//! # Why
//!
//! Clients join the fragments as texts. An object instead raises, or becomes `[object Object]`.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_args_string
//! ```

use serde_json::Value;

use super::call::each_fragment;
use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    each_fragment(look, |fragment| {
        // A null is left to `tool_no_nulls`.
        let arguments = fragment
            .function("arguments")
            .filter(|value| !value.is_string() && !value.is_null())?;
        let place = fragment.place(look, "/function/arguments", "");
        Some(evidence("`arguments`: a text", show(Some(arguments)), place))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn an_object_is_shown() {
        holds("{stream: tool_args_string}", chunks(&tool_stream()));
        let mut stream = tool_stream();
        stream[2]["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] =
            json!({"c": 1});
        insta::assert_snapshot!(said(&fails("{stream: tool_args_string}", chunks(&stream))), @r#"
        expected `arguments`: a text
            seen `{"c":1}`
              at event 2, /choices/0/delta/tool_calls/0/function/arguments, frame 2, byte 609, +400 ms
               | ls":[{"index":0,"function":{"arguments":{"c":1}}}]},"finish_reason":null}]}⏎⏎dat
               |                                         ^
        "#);
        cannot_tell("{stream: tool_args_string}", chunks(&sound()));
    }
}
