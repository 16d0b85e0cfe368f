//! `framing`: the answer is a well-formed event stream from first byte to last.
//!
//! It is `event_stream`, `terminated`, `no_empty_data`, `keepalive_comment` and `each_event_json`
//! in one, with evidence for each.
//!
//! # Why
//!
//! Framing faults are the silent ones: a client that cannot find the events ends the turn as if it
//! were complete, with part of the text or none.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: framing
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::look::Look;
use super::{each_event_json, event_stream, keepalive_comment, no_empty_data, terminated};
use crate::assert::scene::Seen;
use crate::verdict::Judgement;

pub(super) fn judge(seen: &Seen, _: &Value) -> Judgement {
    let Some(stream) = &seen.reading().sse else { return event_stream::judge(seen, &Value::Null) };
    let look = Look { seen, stream, limits: &BTreeMap::new() };
    let parts = [
        terminated::judge(&look, &Value::Null),
        no_empty_data::judge(&look, &Value::Null),
        keepalive_comment::judge(&look, &Value::Null),
        each_event_json::judge(&look, &Value::Null),
    ];
    let pieces = parts.into_iter().flat_map(|judgement| match judgement {
        Judgement::Fails(evidence) => evidence,
        Judgement::Holds | Judgement::CannotTell { .. } => Vec::new(),
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn every_part_brings_its_own_evidence() {
        holds("{stream: framing}", chunks(&sound()));
        let stream =
            raw_stream(&["data:\n\n", "data: : ping\n\n", "data: oops\n\n", "data: [DONE]"]);
        let said: Vec<String> =
            fails("{stream: framing}", stream).into_iter().map(|piece| piece.expected).collect();
        assert_eq!(
            said,
            [
                "a blank line after the last event",
                "data in every event",
                "keep-alives as comments",
                "a JSON object as data",
            ]
        );
        fails("{stream: framing}", raw_stream(&["{\"id\":1}"]));
    }
}
