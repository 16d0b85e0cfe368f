//! `role_first`: the first delta of each choice says `role: assistant`.
//!
//! # Why
//!
//! openai-node's helper throws `missing role for choice 0` at the end of a reply that never named
//! one, and n8n's agent runs the tool and returns an empty answer.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: role_first
//! ```

use std::collections::BTreeSet;

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let mut begun = BTreeSet::new();
    let mut pieces = Vec::new();
    for choice in look.choices().filter(|choice| begun.insert(choice.index())) {
        let role = choice.delta().and_then(|delta| delta.get("role"));
        if role.and_then(Value::as_str) == Some("assistant") {
            continue;
        }
        let place = look.place(choice.event, &choice.pointer("/delta/role"), "");
        let expected = format!("`role: assistant` in the first delta of choice {}", choice.index());
        pieces.push(evidence(expected, show(role), place));
    }
    if begun.is_empty() {
        return Judgement::cannot_tell("no chunk has a choice");
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn each_choice_begins_with_its_role() {
        let mut stream = sound();
        stream.insert(2, choice(1, json!({"content": "x"}), json!(null)));

        holds("{stream: role_first}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: role_first}", chunks(&stream))), @r#"
        expected `role: assistant` in the first delta of choice 1
            seen nothing
              at event 2, /choices/0/delta/role, frame 2, byte 469, +400 ms
               | odel":"m","choices":[{"index":1,"delta":{"content":"x"},"finish_reason":null}]}⏎
               |                                         ^
        "#);
        for wrong in [json!(null), json!(""), json!("user")] {
            let mut stream = sound();
            stream[0]["choices"][0]["delta"]["role"] = wrong;
            fails("{stream: role_first}", chunks(&stream));
        }
        cannot_tell("{stream: role_first}", chunks(&[usage()]));
    }
}
