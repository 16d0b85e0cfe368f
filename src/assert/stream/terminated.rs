//! `terminated`: the last event is followed by a blank line.
//!
//! # Why
//!
//! An event ends with a blank line; the standard has readers drop one that does not. All five
//! clients that were measured lose it, and with it the finish reason or the `[DONE]` it held.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: terminated
//! ```

use serde_json::Value;

use super::look::Look;
use crate::text::ellipsis;
use crate::verdict::Judgement;
use crate::wire::sse::OddityKind;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let cut = look.stream.oddities.iter().find_map(|oddity| match &oddity.kind {
        OddityKind::UnterminatedEvent { data } => Some(data),
        _ => None,
    });
    let Some(data) = cut else { return Judgement::Holds };
    Judgement::fail(
        "a blank line after the last event",
        format!("the end of the body inside the event `{}`", ellipsis(data, 60)),
        look.seen.at_end("a blank line was due here"),
    )
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn an_event_cut_before_its_blank_line_is_shown_at_the_end_of_the_body() {
        holds("{stream: terminated}", chunks(&sound()));
        let cut = raw_stream(&["data: {\"id\":1}\n\n", "data: [DONE]\n"]);
        insta::assert_snapshot!(said(&fails("{stream: terminated}", cut)), @r#"
        expected a blank line after the last event
            seen the end of the body inside the event `[DONE]`
              at end of the body, frame 1, byte 29, +300 ms
               | data: {"id":1}⏎⏎data: [DONE]⏎
               |                              ^ a blank line was due here
        "#);
        fails("{stream: terminated}", raw_stream(&["data: [DONE]"]));
    }

    #[test]
    fn without_any_event_line_there_is_nothing_to_tell() {
        cannot_tell("{stream: terminated}", raw_stream(&["<html>"]));
    }
}
