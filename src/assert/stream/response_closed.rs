//! `response_closed`: all that a Responses stream opens it also closes, with the `done` events.
//!
//! A text has `response.output_text.done`, a part `response.content_part.done`, the arguments of a
//! call `response.function_call_arguments.done`, and every item `response.output_item.done`. A
//! response that failed may leave things open.
//!
//! # Why
//!
//! Agents act on the `done` events: a message without them is never shown, and a call without them
//! is never run.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: response_closed
//! ```

use serde_json::Value;

use super::look::{Look, evidence};
use super::typed::{Item, end, items};
use crate::verdict::{Evidence, Judgement};

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    if end(look).is_none() {
        return Judgement::cannot_tell("the stream has no `response.completed` or `.incomplete`");
    }
    let (items, _) = items(look);
    if items.is_empty() {
        return Judgement::cannot_tell("the response has no item");
    }
    Judgement::from_evidence(items.iter().flat_map(|item| open(look, item)).collect())
}

/// What an item leaves open.
fn open(look: &Look<'_>, item: &Item<'_>) -> Vec<Evidence> {
    const PAIRS: [(&str, &str); 4] = [
        ("response.content_part.added", "response.content_part.done"),
        ("response.output_text.delta", "response.output_text.done"),
        ("response.reasoning_text.delta", "response.reasoning_text.done"),
        ("response.function_call_arguments.delta", "response.function_call_arguments.done"),
    ];
    let mut pieces = Vec::new();
    let last = item.events.last().unwrap_or(&item.added);
    let mut missing = |done: &str| {
        let place = last.place(look, "/type", "the last event of this item");
        pieces.push(evidence(format!("`{done}` of {}", item.name()), "no such event", place));
    };
    for (start, done) in PAIRS {
        let mut parts: Vec<u64> = item.of(start).map(super::typed::Typed::part).collect();
        parts.sort_unstable();
        parts.dedup();
        for part in parts {
            let closed = item.of_part(done, part).map(|event| event.event);
            let latest = item.of_part(start, part).map(|event| event.event);
            if closed < latest {
                missing(done);
            }
        }
    }
    if item.of("response.output_item.done").next().is_none() {
        missing("response.output_item.done");
    }
    pieces
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    const RULE: &str = "{stream: response_closed}";

    #[test]
    fn each_missing_end_is_shown_by_its_name() {
        holds(RULE, typed(&typed_stream()));
        for done in [
            "response.output_text.done",
            "response.content_part.done",
            "response.function_call_arguments.done",
            "response.output_item.done",
        ] {
            let seen = fails(RULE, typed(&without(done)));
            assert!(seen[0].expected.starts_with(&format!("`{done}` of ")), "{}", seen[0].expected);
        }
    }

    #[test]
    fn a_response_that_failed_may_leave_things_open() {
        cannot_tell(RULE, typed(&without("response.completed")));
    }
}
