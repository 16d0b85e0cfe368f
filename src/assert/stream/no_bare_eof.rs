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
use crate::wire::json;
use crate::wire::sse::OddityKind;

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
    // An event that lacks nothing but its blank line is for `terminated`.
    let whole_but_cut = look.stream.oddities.iter().any(|oddity| match &oddity.kind {
        OddityKind::UnterminatedEvent { data } => json::parse(data.as_bytes()).is_ok(),
        _ => false,
    });
    if whole_but_cut {
        return Judgement::cannot_tell("the last event lacks its blank line");
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
        let inside = raw_stream(&[&format!("data: {}\n\ndata: {{\"cho", begun[0])]);
        fails("{stream: no_bare_eof}", inside);
        let cut = raw_stream(&[&format!("data: {}\n\ndata: {}\n", begun[0], begun[1])]);
        cannot_tell("{stream: no_bare_eof}", cut);
        let error = json!({"error": {"message": "boom"}}).to_string();
        holds("{stream: no_bare_eof}", events(&[&begun[0], &begun[1], &error]));
    }
}
