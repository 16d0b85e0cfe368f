//! `tool_id_once`: the `id` of a tool call comes with its first fragment and never again.
//!
//! # Why
//!
//! openai-python's helper adds texts up: an id in every fragment becomes `call_acall_a`, and the
//! tool's result then answers no call.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_id_once
//!     level: should
//! ```

use serde_json::Value;

use super::call::each_call;
use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    each_call(look, |call| {
        let with_id = call.fragments.iter().filter_map(|fragment| {
            Some((fragment, fragment.value.get("id").filter(|id| !id.is_null())?))
        });
        let again = with_id.skip(1).map(|(fragment, id)| {
            let place = fragment.place(look, "/id", "");
            evidence("the `id` once, with the first fragment", show(Some(id)), place)
        });
        again.collect()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn an_id_in_a_later_fragment_is_shown_and_a_null_is_not() {
        let mut stream = tool_stream();
        stream[2]["choices"][0]["delta"]["tool_calls"][0]["id"] = json!(null);
        holds("{stream: tool_id_once}", chunks(&stream));
        stream[2]["choices"][0]["delta"]["tool_calls"][0]["id"] = json!("call_a");
        insta::assert_snapshot!(said(&fails("{stream: tool_id_once}", chunks(&stream))), @r#"
        expected the `id` once, with the first fragment
            seen `"call_a"`
              at event 2, /choices/0/delta/tool_calls/0/id, frame 2, byte 634, +400 ms
               | ":{"arguments":"{\"city\": \"Par"},"id":"call_a"}]},"finish_reason":null}]}⏎⏎dat
               |                                         ^
        "#);
        cannot_tell("{stream: tool_id_once}", chunks(&sound()));
    }
}
