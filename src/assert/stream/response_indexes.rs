//! `response_indexes`: items of a Responses stream count from zero, and events keep to their item.
//!
//! The `output_index` of the items that are added counts 0, 1, 2; every event has the `item_id` and
//! the `output_index` of one and the same item; the parts of an item count from 0.
//!
//! # Why
//!
//! One client finds the item by its index, the next by its id. When they do not agree, a text ends
//! up in another item, or in none.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: response_indexes
//! ```

use serde_json::Value;

use super::look::{Look, evidence, show};
use super::typed::{Typed, items};
use crate::verdict::{Evidence, Judgement};

/// Pieces of evidence shown; a stream that is wrong throughout repeats itself.
const SHOWN_MAX: usize = 4;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let (items, _) = items(look);
    if items.is_empty() {
        return Judgement::cannot_tell("the response has no item");
    }
    let mut pieces: Vec<Evidence> = Vec::new();
    for (due, item) in (0_u64..).zip(&items) {
        let mut wrong = |event: &Typed<'_>, pointer: &str, expected: String| {
            let seen = show(event.value.pointer(pointer));
            pieces.push(evidence(expected, seen, event.place(look, pointer, "")));
        };
        let index = item.added.number("/output_index");
        if index != Some(due) {
            wrong(&item.added, "/output_index", format!("`output_index` {due}"));
        }
        let mut parts = 0_u64;
        for event in &item.events {
            let place = event.number("/output_index");
            if place != index || place.is_none() {
                let expected = format!("the `output_index` of {}", item.name());
                wrong(event, "/output_index", expected);
            }
            let pointer = if event.value.get("item").is_some() { "/item/id" } else { "/item_id" };
            if event.item_id() != item.id() {
                wrong(event, pointer, format!("the id of the item at this index: {}", item.name()));
            }
            if event.kind == "response.content_part.added" {
                if event.number("/content_index") != Some(parts) {
                    wrong(event, "/content_index", format!("`content_index` {parts}"));
                }
                parts += 1;
            }
        }
    }
    pieces.truncate(SHOWN_MAX);
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    const RULE: &str = "{stream: response_indexes}";

    #[test]
    fn another_index_another_id_and_a_part_out_of_count_are_shown() {
        holds(RULE, typed(&typed_stream()));
        for (key, value) in
            [("output_index", json!(3)), ("item_id", json!("msg_9")), ("content_index", json!(1))]
        {
            let mut stream = typed_stream();
            stream[3][key] = value;
            assert_eq!(fails(RULE, typed(&stream)).len(), 1, "{key}");
        }
    }

    #[test]
    fn items_count_from_zero() {
        let mut stream = typed_stream();
        for event in &mut stream {
            if let Some(index) = event.get_mut("output_index") {
                *index = json!(index.as_u64().unwrap() + 1);
            }
        }
        assert_eq!(fails(RULE, typed(&stream))[0].expected, "`output_index` 0");
    }
}
