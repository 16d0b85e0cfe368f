//! `event_stream`: the answer holds server-sent events, at least one `data` line.
//!
//! # Why
//!
//! A JSON body, JSON lines or an HTML page under status 200 look like success. Clients that read
//! events find none and end the turn with an empty text, without any error.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: event_stream
//! ```

use serde_json::Value;

use crate::assert::place::describe_answer;
use crate::assert::scene::Seen;
use crate::verdict::Judgement;

pub(super) fn judge(seen: &Seen, _: &Value) -> Judgement {
    let reading = seen.reading();
    if reading.sse.is_some() {
        return Judgement::Holds;
    }
    let first_line = reading.body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let kind = if reading.body.is_empty() {
        "nothing"
    } else if reading.json.is_ok() {
        "one JSON document"
    } else if serde_json::from_slice::<Value>(first_line).is_ok() {
        "JSON lines"
    } else {
        "no `data` line"
    };
    Judgement::fail(
        "server-sent events",
        format!("{kind} ({})", describe_answer(seen)),
        seen.at_byte("body", 0, "`data: ` was due here"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn json_json_lines_html_and_nothing_are_no_event_stream() {
        holds("{stream: event_stream}", chunks(&sound()));
        // Cut before its blank line it is still a stream, if a broken one.
        holds("{stream: event_stream}", raw_stream(&["data: {}"]));
        for (body, kind) in [
            ("{\"id\": 1}", "one JSON document"),
            ("{\"id\": 1}\n{\"id\": 2}\n", "JSON lines"),
            ("<html>\n", "no `data` line"),
            ("", "nothing"),
        ] {
            let evidence = fails("{stream: event_stream}", raw_stream(&[body]));
            assert!(evidence[0].seen.starts_with(kind), "{body}: {}", evidence[0].seen);
        }
        insta::assert_snapshot!(said(&fails("{stream: event_stream}", raw_stream(&["{\"id\":1}\n{\"id\":2}\n"]))), @r#"
        expected server-sent events
            seen JSON lines (content-type text/event-stream, starts `{"id":1}⏎{"id":2}⏎`)
              at body, frame 0, byte 0, +200 ms
               | {"id":1}⏎{"id":2}⏎
               | ^ `data: ` was due here
        "#);
    }

    #[test]
    fn a_refusal_is_no_stream_and_need_not_be_one() {
        cannot_tell("{stream: event_stream}", json_answer(400, &json!({})));
    }
}
