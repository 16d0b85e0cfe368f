//! `no_empty_data`: every event has data, and the data is not empty.
//!
//! # Why
//!
//! A keep-alive sent as `event: keepalive` without data, or as `data:` with nothing after it,
//! reaches the client as an event. All five clients that were measured then parse an empty text as
//! JSON and end the reply with an error.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: no_empty_data
//! ```

use serde_json::Value;

use super::look::{Look, evidence};
use crate::verdict::Judgement;
use crate::wire::sse::OddityKind;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let pieces = look
        .stream
        .oddities
        .iter()
        .filter(|oddity| matches!(oddity.kind, OddityKind::NoData | OddityKind::EmptyData))
        .map(|oddity| {
            let place = look.seen.at_byte("event stream", oddity.offset, "this event has no data");
            evidence("data in every event", oddity.kind.describe(), place)
        });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn an_empty_data_line_and_an_event_without_one_are_both_shown() {
        holds("{stream: no_empty_data}", chunks(&sound()));
        let stream = raw_stream(&["data: {}\n\n", "data:\n\n", "event: keepalive\n\n"]);
        insta::assert_snapshot!(said(&fails("{stream: no_empty_data}", stream)), @r#"
        expected data in every event
            seen an event with empty data
              at event stream, frame 1, byte 10, +300 ms
               | data: {}⏎⏎data:⏎⏎event: keepalive⏎⏎
               |           ^ this event has no data
        expected data in every event
            seen an event without a `data` field
              at event stream, frame 2, byte 17, +400 ms
               | data: {}⏎⏎data:⏎⏎event: keepalive⏎⏎
               |                  ^ this event has no data
        "#);
    }

    #[test]
    fn a_comment_is_no_event() {
        holds("{stream: no_empty_data}", raw_stream(&[": ping\n\ndata: {}\n\n"]));
    }
}
