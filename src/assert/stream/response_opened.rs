//! `response_opened`: no event of a Responses stream comes before its item and its part are opened.
//!
//! An item is opened by `response.output_item.added`, a part of its content by
//! `response.content_part.added`.
//!
//! # Why
//!
//! Clients put an event where its item stands. A delta of an item that they have never heard of is
//! an error to the SDKs' accumulators, and is lost to others.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: response_opened
//! ```

use serde_json::Value;

use super::NO_RESPONSE;
use super::look::{Look, evidence};
use super::typed::{items, typed};
use crate::verdict::Judgement;

/// Events about a part of a message.
const OF_PARTS: [&str; 4] = [
    "response.output_text.delta",
    "response.output_text.done",
    "response.refusal.delta",
    "response.content_part.done",
];
/// Pieces of evidence shown of either kind.
const SHOWN_MAX: usize = 3;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    if typed(look).is_empty() {
        return Judgement::cannot_tell(NO_RESPONSE);
    }
    let (items, strays) = items(look);
    if items.is_empty() && strays.is_empty() {
        return Judgement::cannot_tell("the response has no item");
    }
    let mut pieces: Vec<_> = strays
        .iter()
        .take(SHOWN_MAX)
        .map(|event| {
            let expected = format!("`response.output_item.added` before `{}`", event.kind);
            evidence(expected, "no such item so far", event.place(look, "/type", ""))
        })
        .collect();
    for item in items.iter().filter(|item| item.kind() == "message") {
        let early = item.events.iter().filter(|event| {
            let opened = item
                .of("response.content_part.added")
                .any(|added| added.part() == event.part() && added.event < event.event);
            OF_PARTS.contains(&event.kind) && !opened
        });
        pieces.extend(early.take(SHOWN_MAX).map(|event| {
            let expected =
                format!("`response.content_part.added` of {} before `{}`", item.name(), event.kind);
            evidence(expected, "no such part so far", event.place(look, "/type", ""))
        }));
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    const RULE: &str = "{stream: response_opened}";

    #[test]
    fn a_delta_before_its_item_and_one_before_its_part_are_shown() {
        holds(RULE, typed(&typed_stream()));
        assert!(
            fails(RULE, typed(&without("response.output_item.added")))[0]
                .expected
                .starts_with("`response.output_item.added` before `response.content_part.added`")
        );
        assert!(
            fails(RULE, typed(&without("response.content_part.added")))[0]
                .expected
                .starts_with("`response.content_part.added` of `msg_1` before")
        );
    }

    #[test]
    fn a_response_without_items_tells_nothing() {
        cannot_tell(RULE, typed(&typed_stream()[..2]));
    }
}
