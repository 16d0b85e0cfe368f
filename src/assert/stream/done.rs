//! `done`: the stream says that it is over, with an event of the data `[DONE]`.
//!
//! # Why
//!
//! Clients stop reading at `[DONE]`. Without it, or with one that has no blank line after it, some
//! wait for their timeout and others take a cut stream for a whole one.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: done
//! ```

use serde_json::Value;

use super::look::Look;
use crate::dialect::openai::DONE;
use crate::text::plural;
use crate::verdict::Judgement;
use crate::wire::sse::OddityKind;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    if look.done().is_some() {
        return Judgement::Holds;
    }
    let count = plural(look.events().len(), "event");
    let near = |data: &str| data.trim().eq_ignore_ascii_case(DONE);
    let cut = look.stream.oddities.iter().find_map(|oddity| match &oddity.kind {
        OddityKind::UnterminatedEvent { data } => Some(data),
        _ => None,
    });
    let (seen, place) = match (look.events().iter().position(|event| near(&event.data)), cut) {
        (Some(index), _) => {
            let data = look.events().get(index).map_or("", |event| event.data.as_str());
            (format!("`{data}`, which is not exactly `[DONE]`"), look.place(index, "", ""))
        }
        (None, Some(data)) if near(data) => (
            format!("{count} and then `[DONE]` without its blank line"),
            look.seen.at_end("a blank line was due here"),
        ),
        (None, Some(_)) => (
            format!("{count} and no `[DONE]`; the body ended inside an event"),
            look.seen.at_end("a blank line was due here"),
        ),
        (None, None) => {
            (format!("{count} and no `[DONE]`"), look.seen.at_end("`data: [DONE]` was due here"))
        }
    };
    Judgement::fail("`[DONE]` as the last event", seen, place)
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_stream_without_it_is_shown_at_its_end() {
        holds("{stream: done}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: done}", events(&["{}", "{}"]))), @r#"
        expected `[DONE]` as the last event
            seen 2 events and no `[DONE]`
              at end of the body, frame 1, byte 20, +300 ms
               | data: {}⏎⏎data: {}⏎⏎
               |                     ^ `data: [DONE]` was due here
        "#);
    }

    #[test]
    fn one_without_its_blank_line_does_not_count() {
        let cut = raw_stream(&["data: {}\n\n", "data: [DONE]\n"]);
        insta::assert_snapshot!(said(&fails("{stream: done}", cut)), @r#"
        expected `[DONE]` as the last event
            seen 1 event and then `[DONE]` without its blank line
              at end of the body, frame 1, byte 23, +300 ms
               | data: {}⏎⏎data: [DONE]⏎
               |                        ^ a blank line was due here
        "#);
        let cut = raw_stream(&["data: {}\n\n", "data: {\"a"]);
        assert!(fails("{stream: done}", cut)[0].seen.contains("inside an event"));
    }

    #[test]
    fn one_in_another_spelling_is_named() {
        let evidence = fails("{stream: done}", events(&["{}", "[done]"]));
        assert_eq!(evidence[0].seen, "`[done]`, which is not exactly `[DONE]`");
    }
}
