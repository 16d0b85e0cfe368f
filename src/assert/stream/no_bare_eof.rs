//! `no_bare_eof`: a stream that breaks off says so, with an error.
//!
//! # Why
//!
//! An end of the body in the middle of a reply, with neither a finish reason nor an error, is taken
//! for the end of the reply. Strands reports `end_turn` with half the text.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: no_bare_eof
//! ```

use std::collections::BTreeSet;

use serde_json::Value;

use super::look::Look;
use crate::text::plural;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    if look.errors().next().is_some() {
        return Judgement::Holds;
    }
    let begun: BTreeSet<u64> = look.choices().map(|choice| choice.index()).collect();
    let finished: BTreeSet<u64> = look
        .choices()
        .filter(|choice| choice.finish().is_some())
        .map(|choice| choice.index())
        .collect();
    if !begun.is_empty() && begun == finished {
        return Judgement::Holds;
    }
    let seen = format!("the end after {}, with neither", plural(look.events().len(), "event"));
    Judgement::fail(
        "a `finish_reason` for every choice, or an error",
        seen,
        look.seen.at_end("the stream breaks off here"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn an_end_in_the_middle_is_shown_and_an_error_there_is_not() {
        let begun: Vec<String> = sound()[..2].iter().map(ToString::to_string).collect();
        holds("{stream: no_bare_eof}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: no_bare_eof}", events(&[&begun[0], &begun[1]]))), @r#"
        expected a `finish_reason` for every choice, or an error
            seen the end after 2 events, with neither
              at end of the body, frame 1, byte 348, +300 ms
               | nt":"Hello, "},"finish_reason":null}]}⏎⏎
               |                                         ^ the stream breaks off here
        "#);
        let error = json!({"error": {"message": "boom"}}).to_string();
        holds("{stream: no_bare_eof}", events(&[&begun[0], &begun[1], &error]));
    }
}
