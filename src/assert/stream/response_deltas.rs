//! `response_deltas`: the deltas of a Responses stream join to the text that its `done` event has.
//!
//! So do the fragments of a call's arguments, and those of a reasoning text.
//!
//! # Why
//!
//! Some clients show the deltas, others wait for the whole. When the two differ, what the user saw
//! is not what the next turn is told, and a tool runs with other arguments than were shown.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: response_deltas
//! ```

use serde_json::Value;

use super::look::{Look, evidence};
use super::typed::{Item, items};
use crate::text::ellipsis;
use crate::verdict::{Evidence, Judgement};

/// The name of a delta, the event with the whole, and where it stands in it.
const KINDS: [(&str, &str, &str); 4] = [
    ("response.output_text.delta", "response.output_text.done", "/text"),
    ("response.refusal.delta", "response.refusal.done", "/refusal"),
    ("response.reasoning_text.delta", "response.reasoning_text.done", "/text"),
    (
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "/arguments",
    ),
];

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let (items, _) = items(look);
    let mut compared = 0;
    let mut pieces = Vec::new();
    for item in &items {
        for (delta, done, pointer) in KINDS {
            for whole in item.of(done) {
                let Some(text) = whole.text(pointer) else { continue };
                // A text that came without any delta is another rule's business.
                if item.of(delta).next().is_none() {
                    continue;
                }
                compared += 1;
                pieces.extend(differs(
                    look,
                    item,
                    delta,
                    (whole.event, pointer, text),
                    whole.part(),
                ));
            }
        }
    }
    if compared == 0 {
        return Judgement::cannot_tell("no `done` event has a text to compare the deltas with");
    }
    Judgement::from_evidence(pieces)
}

fn differs(
    look: &Look<'_>,
    item: &Item<'_>,
    delta: &str,
    (event, pointer, text): (usize, &str, &str),
    part: u64,
) -> Option<Evidence> {
    let deltas = item.of(delta).filter(|event| event.part() == part);
    let joined: String = deltas.filter_map(|event| event.text("/delta")).collect();
    (joined != text).then(|| {
        evidence(
            format!("the deltas joined: `{}`", ellipsis(&joined, 80)),
            format!("`{}` as the text of {}", ellipsis(text, 80), item.name()),
            look.place(event, pointer, ""),
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn a_lost_piece_of_a_text_or_of_arguments_is_shown() {
        const RULE: &str = "{stream: response_deltas}";
        holds(RULE, typed(&typed_stream()));
        for (kind, seen) in [
            ("response.output_text.delta", "`Hello` as the text of `msg_1`"),
            ("response.function_call_arguments.delta", "`{}` as the text of `fc_1`"),
        ] {
            let mut stream = typed_stream();
            let event = stream.iter_mut().find(|event| event["type"] == kind).unwrap();
            event["delta"] = json!("?");
            assert_eq!(fails(RULE, typed(&stream))[0].seen, seen);
        }
        holds(RULE, typed(&without("response.output_text.delta")));
        cannot_tell(RULE, chunks(&sound()));
    }
}
