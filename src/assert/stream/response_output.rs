//! `response_output`: the last event of a Responses stream has the items that were streamed.
//!
//! As many, in the same order, with the same `type`, `id` and `call_id`.
//!
//! # Why
//!
//! Clients send the output of the last event back as history. An item that has another id there is
//! a second one to them, and a call with another `call_id` is never answered.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: response_output
//! ```

use serde_json::Value;

use super::look::{Look, evidence, show};
use super::typed::{end, items};
use crate::text::plural;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let Some(last) = end(look) else {
        return Judgement::cannot_tell("the stream has no `response.completed` or `.incomplete`");
    };
    let (items, _) = items(look);
    let done: Vec<_> =
        items.iter().filter_map(|item| item.of("response.output_item.done").last()).collect();
    if done.is_empty() {
        return Judgement::cannot_tell("no item was streamed to its end");
    }
    // An output that is empty or not there is another rule's business.
    let output = last.value.pointer("/response/output").and_then(Value::as_array);
    let Some(output) = output.filter(|output| !output.is_empty()) else {
        return Judgement::cannot_tell("the last event has no output");
    };
    let mut pieces = Vec::new();
    if output.len() != done.len() {
        pieces.push(evidence(
            format!("{}, as streamed", plural(done.len(), "item")),
            plural(output.len(), "item"),
            last.place(look, "/response/output", ""),
        ));
    }
    for (index, (streamed, item)) in done.iter().zip(output).enumerate() {
        for key in ["type", "id", "call_id"] {
            let before = streamed.value.pointer(&format!("/item/{key}"));
            if before != item.get(key) {
                pieces.push(evidence(
                    format!("the `{key}` as streamed: {}", show(before)),
                    show(item.get(key)),
                    last.place(look, &format!("/response/output/{index}/{key}"), ""),
                ));
            }
        }
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn another_id_and_a_lost_item_are_shown() {
        const RULE: &str = "{stream: response_output}";
        holds(RULE, typed(&typed_stream()));
        let mut stream = typed_stream();
        let last = stream.len() - 1;
        stream[last]["response"]["output"][1]["call_id"] = json!("call_9");
        assert_eq!(
            fails(RULE, typed(&stream))[0].expected,
            "the `call_id` as streamed: `\"call_1\"`"
        );
        stream[last]["response"]["output"].as_array_mut().unwrap().remove(1);
        assert_eq!(fails(RULE, typed(&stream))[0].seen, "1 item");
        cannot_tell(RULE, typed(&without("response.completed")));
    }
}
