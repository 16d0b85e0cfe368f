//! `usage_once`: only one chunk has `usage`; in the others it is null or absent.
//!
//! # Why
//!
//! Clients that add up the usage of every chunk count a running total many times over.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: usage_once
//!     level: should
//! ```

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let with_usage: Vec<_> = look
        .chunks()
        .filter_map(|chunk| Some((chunk.event, chunk.value.get("usage").filter(|u| !u.is_null())?)))
        .collect();
    match with_usage.as_slice() {
        [] => Judgement::cannot_tell("no chunk has usage"),
        [earlier @ .., (last, _)] => Judgement::from_evidence(
            earlier
                .iter()
                .map(|(event, usage)| {
                    let expected = format!("no `usage` before that of event {last}");
                    evidence(expected, show(Some(usage)), look.place(*event, "/usage", ""))
                })
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_running_total_is_shown_and_a_null_is_not() {
        let mut stream = sound();
        stream[1]["usage"] = json!(null);
        holds("{stream: usage_once}", chunks(&stream));
        stream[1]["usage"] = json!({"total_tokens": 4});
        insta::assert_snapshot!(said(&fails("{stream: usage_once}", chunks(&stream))), @r#"
        expected no `usage` before that of event 4
            seen `{"total_tokens":4}`
              at event 1, /usage, frame 1, byte 354, +300 ms
               | ello, "},"finish_reason":null}],"usage":{"total_tokens":4}}⏎⏎data: {"id":"chatcm
               |                                         ^
        "#);
        cannot_tell("{stream: usage_once}", chunks(&sound()[..4]));
    }
}
