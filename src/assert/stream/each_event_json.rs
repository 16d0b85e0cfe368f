//! `each_event_json`: the data of every event but `[DONE]` is a JSON object.
//!
//! # Why
//!
//! Clients parse each event on its own. A plain error text, half a JSON object or a bare string
//! ends the reply with a parse error that hides what the server wanted to say.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: each_event_json
//! ```

use serde_json::Value;

use super::look::{Look, evidence};
use crate::assert::operand::type_phrase;
use crate::dialect::openai::DONE;
use crate::text::ellipsis;
use crate::verdict::Judgement;
use crate::wire::json;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let pieces = look.events().iter().enumerate().filter_map(|(index, event)| {
        let data = event.data.as_str();
        // Empty data and wrapped comments have rules of their own.
        if data == DONE || data.is_empty() || data.trim_start().starts_with(':') {
            return None;
        }
        let (seen, offset) = match json::parse(data.as_bytes()) {
            Ok(Value::Object(_)) => return None,
            Ok(other) => (format!("{}: `{}`", type_phrase(&other), ellipsis(data, 60)), 0),
            Err(fault) => {
                let shown = ellipsis(data, 60);
                let seen = format!("`{shown}`, which is not JSON: {}", fault.message);
                (seen, fault.offset)
            }
        };
        let place = look.seen.in_event(index, "", Some(offset), "");
        Some(evidence("a JSON object as data", seen, place))
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_text_half_an_object_and_an_array_are_each_shown() {
        holds("{stream: each_event_json}", chunks(&sound()));
        let stream = events(&["{\"a\": 1}", "n must be positive", "{\"a\": \"b", "[1]", "[DONE]"]);
        insta::assert_snapshot!(said(&fails("{stream: each_event_json}", stream)), @r#"
        expected a JSON object as data
            seen `n must be positive`, which is not JSON: expected ident
              at event 1, frame 1, byte 23, +300 ms
               | data: {"a": 1}⏎⏎data: n must be positive⏎⏎data: {"a": "b⏎⏎data:
               |                        ^
        expected a JSON object as data
            seen `{"a": "b`, which is not JSON: EOF while parsing a string
              at event 2, frame 2, byte 56, +400 ms
               | data: n must be positive⏎⏎data: {"a": "b⏎⏎data: [1]⏎⏎data: [DONE]⏎⏎
               |                                         ^
        expected a JSON object as data
            seen an array: `[1]`
              at event 3, frame 3, byte 64, +500 ms
               | must be positive⏎⏎data: {"a": "b⏎⏎data: [1]⏎⏎data: [DONE]⏎⏎
               |                                         ^
        "#);
    }

    #[test]
    fn data_on_two_lines_is_marked_on_the_right_one() {
        let stream = raw_stream(&["data: {\"a\":\ndata:  x}\n\n"]);
        let evidence = fails("{stream: each_event_json}", stream);
        let offset = evidence[0].place.offset.unwrap();
        assert_eq!(offset, "data: {\"a\":\ndata:  ".len(), "{evidence:?}");
    }
}
