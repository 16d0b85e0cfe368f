//! `role_once`: a choice names its role once; no later delta does again.
//!
//! # Why
//!
//! openai-python's helper adds texts up, the role too: a role in every delta becomes
//! `assistantassistantassistant`. A null or empty role is left to an assertion of its own.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: role_once
//!     level: should
//! ```

use std::collections::BTreeSet;

use serde_json::Value;

use super::look::{Look, evidence, is_text, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let mut named = BTreeSet::new();
    let mut pieces = Vec::new();
    for choice in look.choices() {
        let role = choice.delta().and_then(|delta| delta.get("role"));
        if is_text(role) && !named.insert(choice.index()) {
            let place = look.place(choice.event, &choice.pointer("/delta/role"), "");
            let seen = format!("{} again", show(role));
            pieces.push(evidence("no `role` after the first delta", seen, place));
        }
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_second_role_is_shown_and_a_null_one_is_not() {
        let mut stream = sound();
        stream[1]["choices"][0]["delta"]["role"] = json!(null);
        holds("{stream: role_once}", chunks(&stream));
        stream[2]["choices"][0]["delta"]["role"] = json!("assistant");
        let evidence = fails("{stream: role_once}", chunks(&stream));
        assert_eq!(evidence.len(), 1);
        assert_eq!(evidence[0].place.what, "event 2");
    }
}
