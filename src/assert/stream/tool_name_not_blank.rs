//! `tool_name_not_blank`: no fragment of a tool call has an empty name.
//!
//! # Why
//!
//! Clients that take the last name they read replace the tool's name by nothing.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: tool_name_not_blank
//!     level: should
//! ```

use serde_json::Value;

use super::call::each_fragment;
use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    each_fragment(look, |fragment| {
        let name = fragment.function("name").filter(|name| name.as_str() == Some(""))?;
        let place = fragment.place(look, "/function/name", "");
        Some(evidence("a name with something in it, or none", show(Some(name)), place))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_blank_name_on_a_later_fragment_is_shown() {
        holds("{stream: tool_name_not_blank}", chunks(&tool_stream()));
        let mut stream = tool_stream();
        stream[2]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = json!("");
        assert_eq!(fails("{stream: tool_name_not_blank}", chunks(&stream)).len(), 1);
        cannot_tell("{stream: tool_name_not_blank}", chunks(&sound()));
    }
}
