//! `tool_identity_once`: a tool call says who it is once: its `id` and its name.
//!
//! It is `tool_id_once` and `tool_name_once` in one.
//!
//! # Why
//!
//! Clients add texts up; whatever comes twice is written twice.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_identity_once
//! ```

use serde_json::Value;

use super::call::together;
use super::look::Look;
use crate::verdict::Judgement;

use super::{tool_id_once, tool_name_once};

pub(super) fn judge(look: &Look<'_>, setting: &Value) -> Judgement {
    together([tool_id_once::judge(look, setting), tool_name_once::judge(look, setting)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn an_id_and_a_name_that_come_again_are_both_shown() {
        holds("{stream: tool_identity_once}", chunks(&tool_stream()));
        let mut stream = tool_stream();
        stream[2]["choices"][0]["delta"]["tool_calls"][0]["id"] = json!("call_a");
        stream[2]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] =
            json!("get_weather");
        assert_eq!(fails("{stream: tool_identity_once}", chunks(&stream)).len(), 2);
        cannot_tell("{stream: tool_identity_once}", chunks(&sound()));
    }
}
