//! `response_sequence`: the `sequence_number` of a Responses stream rises by one with each event.
//!
//! Where it starts is left open. An event without one is shown, and so is a gap or a repetition.
//!
//! # Why
//!
//! Clients put events in order, and find out what they have missed, by this number. The SDKs of
//! typed languages refuse an event without it.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: response_sequence
//! ```

use serde_json::Value;

use super::NO_RESPONSE;
use super::look::{Look, evidence, show};
use super::typed::typed;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let events = typed(look);
    if events.is_empty() {
        return Judgement::cannot_tell(NO_RESPONSE);
    }
    let mut due: Option<u64> = None;
    let mut pieces = Vec::new();
    for event in events {
        let number = event.number("/sequence_number");
        if number.is_none() || due.is_some_and(|due| number != Some(due)) {
            let expected = due.map_or_else(
                || "a whole `sequence_number`".to_owned(),
                |due| format!("`sequence_number` {due}"),
            );
            let seen = show(event.value.get("sequence_number"));
            pieces.push(evidence(expected, seen, event.place(look, "/sequence_number", "")));
        }
        // After a gap the count goes on from what was sent, so that one gap is one piece.
        due = number.or(due).and_then(|number| number.checked_add(1));
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    const RULE: &str = "{stream: response_sequence}";

    #[test]
    fn a_gap_is_one_piece_of_evidence_and_a_missing_number_another() {
        holds(RULE, typed(&typed_stream()));
        let mut stream = typed_stream();
        stream.remove(3);
        let seen = fails(RULE, typed(&stream));
        assert_eq!((seen.len(), seen[0].expected.as_str()), (1, "`sequence_number` 3"));
        let mut stream = typed_stream();
        stream[2]["sequence_number"] = json!(null);
        assert_eq!(fails(RULE, typed(&stream))[0].seen, "`null`");
    }

    #[test]
    fn a_stream_of_chunks_tells_nothing() {
        cannot_tell(RULE, chunks(&sound()));
    }
}
