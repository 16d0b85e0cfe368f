//! `tool_name_once`: the name of a tool comes whole, once, with the first fragment of its call.
//!
//! # Why
//!
//! LangChain and openai-python's helper add texts up: a name in every fragment becomes `www`, and
//! no tool of that name exists.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_name_once
//! ```

use serde_json::Value;

use super::call::each_call;
use super::look::{Look, evidence, is_text, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    each_call(look, |call| {
        let mut named = false;
        let mut pieces = Vec::new();
        for fragment in &call.fragments {
            let name = fragment.function("name");
            if !is_text(name) {
                continue;
            }
            if named {
                let place = fragment.place(look, "/function/name", "");
                pieces.push(evidence(
                    "the name once and whole",
                    format!("{} again", show(name)),
                    place,
                ));
            }
            named = true;
        }
        pieces
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_repeated_name_and_one_in_pieces_are_shown() {
        holds("{stream: tool_name_once}", chunks(&tool_stream()));
        for later in ["get_weather", "_weather"] {
            let mut stream = tool_stream();
            stream[2]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = json!(later);
            assert_eq!(fails("{stream: tool_name_once}", chunks(&stream)).len(), 1);
        }
        cannot_tell("{stream: tool_name_once}", chunks(&sound()));
    }

    #[test]
    fn a_blank_name_is_left_to_its_own_rule() {
        let mut stream = tool_stream();
        stream[2]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = json!("");
        holds("{stream: tool_name_once}", chunks(&stream));
    }
}
