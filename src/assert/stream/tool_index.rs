//! `tool_index`: tool calls are numbered: every fragment, from 0, and no two calls alike.
//!
//! It is `tool_index_present`, `tool_index_from_zero` and `tool_index_distinct` in one.
//!
//! # Why
//!
//! Everything that a client knows of a streamed tool call hangs on its `index`.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_index
//! ```

use serde_json::Value;

use super::call::together;
use super::look::Look;
use crate::verdict::Judgement;

use super::{tool_index_distinct, tool_index_from_zero, tool_index_present};

pub(super) fn judge(look: &Look<'_>, setting: &Value) -> Judgement {
    together([
        tool_index_present::judge(look, setting),
        tool_index_from_zero::judge(look, setting),
        tool_index_distinct::judge(look, setting),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn each_part_fails_the_whole() {
        holds("{stream: tool_index}", chunks(&tool_stream()));
        for broken in [
            vec![delta(json!({"tool_calls": [{"id": "call_a", "function": {"name": "w"}}]}))],
            vec![call(1, "call_a", "w", "")],
            vec![call(0, "call_a", "w", ""), call(0, "call_b", "w", "")],
        ] {
            assert_eq!(fails("{stream: tool_index}", chunks(&broken)).len(), 1);
        }
        cannot_tell("{stream: tool_index}", chunks(&sound()));
    }
}
