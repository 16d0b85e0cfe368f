//! `second_reader`: a common client parser reads the same events as we do.
//!
//! The parser is the Rust crate `eventsource-stream`. Where it is known to panic or to fall silent
//! it is not asked, and the rule is broken: so would be a client that stands on it.
//!
//! # Why
//!
//! A stream can be legal and still be read differently by a widely used parser. Then some clients
//! see a reply that others do not, or crash.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: second_reader
//!     level: should
//! ```

use serde_json::Value;

use super::look::Look;
use crate::text::{ellipsis, plural};
use crate::verdict::Judgement;
use crate::wire::second_reader;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let theirs = match second_reader::read(&look.seen.reading().body) {
        Ok(data) => data,
        Err(not_asked) => {
            let expected = "a stream that eventsource-stream can read".to_owned();
            let seen = format!("one that it is not asked to read, because {}", not_asked.why);
            return Judgement::fail(expected, seen, look.place(0, "", "the first event"));
        }
    };
    let ours = look.events();
    let differing = ours.iter().zip(&theirs).position(|(event, data)| event.data != *data);
    let (index, seen) = match differing {
        Some(index) => {
            let data = theirs.get(index).map_or("", String::as_str);
            (index, format!("`{}` as read by eventsource-stream", ellipsis(data, 60)))
        }
        None if ours.len() == theirs.len() => return Judgement::Holds,
        None => {
            let seen = format!("{} as read by eventsource-stream", plural(theirs.len(), "event"));
            (ours.len().min(theirs.len()), seen)
        }
    };
    let expected = match ours.get(index) {
        Some(event) => {
            format!("`{}`, of {}", ellipsis(&event.data, 60), plural(ours.len(), "event"))
        }
        None => plural(ours.len(), "event"),
    };
    Judgement::fail(expected, seen, look.place(index, "", ""))
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn it_agrees_on_a_sound_stream_and_is_not_asked_where_it_panics() {
        holds("{stream: second_reader}", chunks(&sound()));
        let broken = fails("{stream: second_reader}", raw_stream(&["\u{feff}data: {}\n\n"]));
        assert!(broken[0].seen.contains("it panics on a byte-order mark"), "{broken:?}");
    }

    #[test]
    fn an_event_that_it_reads_otherwise_is_shown() {
        // The standard dispatches nothing for an event without data; whether the crate does shows
        // in how many events it counts.
        let stream = raw_stream(&["data:\n\n", "data: {}\n\n"]);
        let judged = judge("{stream: second_reader}", stream);
        let agrees = second_reader_counts("data:\n\ndata: {}\n\n") == 2;
        assert_eq!(agrees, judged == crate::verdict::Judgement::Holds, "{judged:?}");
    }

    fn second_reader_counts(body: &str) -> usize {
        crate::wire::second_reader::read(body.as_bytes()).unwrap().len()
    }
}
