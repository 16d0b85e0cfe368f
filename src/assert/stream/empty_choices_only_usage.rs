//! `empty_choices_only_usage`: a chunk without choices carries the usage, and nothing else does
//! without them.
//!
//! # Why
//!
//! Programs read `choices[0]` of every chunk. Those that skip the usage chunk by looking for
//! `usage` fail with an index error on any other chunk whose `choices` are empty.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: empty_choices_only_usage
//!     level: should
//! ```

use serde_json::Value;

use super::look::{Look, evidence, show};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let pieces = look.chunks().filter_map(|chunk| {
        let empty = chunk.value.get("choices").and_then(Value::as_array).is_some_and(Vec::is_empty);
        let usage = chunk.value.get("usage");
        if !empty || usage.is_some_and(|usage| !usage.is_null()) {
            return None;
        }
        let place = look.place(chunk.event, "/choices", "");
        Some(evidence("`usage` in a chunk without choices", show(usage), place))
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_filter_result_without_choices_is_shown() {
        let mut stream = sound();
        stream.insert(0, json!({"choices": [], "prompt_filter_results": []}));

        holds("{stream: empty_choices_only_usage}", chunks(&sound()));
        let evidence = fails("{stream: empty_choices_only_usage}", chunks(&stream));
        insta::assert_snapshot!(said(&evidence), @r#"
        expected `usage` in a chunk without choices
            seen nothing
              at event 0, /choices, frame 0, byte 17, +200 ms
               | data: {"choices":[],"prompt_filter_results":[]}⏎⏎data: {"
               |                  ^
        "#);
    }
}
