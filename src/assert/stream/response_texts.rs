//! `response_texts`: the `done` events of one item of a Responses stream all tell the same text.
//!
//! What `response.output_text.done` says stands in `response.content_part.done` and in
//! `response.output_item.done` too; what `response.function_call_arguments.done` says stands in the
//! call.
//!
//! # Why
//!
//! Each client takes the whole from another of these events. Codex reads the item, the SDKs read
//! the text; they must have been told the same.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: response_texts
//! ```

use serde_json::Value;

use super::look::{Look, evidence, show};
use super::typed::{Item, Typed, items};
use crate::verdict::{Evidence, Judgement};

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let (items, _) = items(look);
    let mut compared = 0;
    let mut pieces: Vec<Evidence> = Vec::new();
    for item in &items {
        for (first, again, pointer) in pairs(item) {
            compared += 1;
            let (said, seen) = (text_of(first), again.value.pointer(&pointer));
            if seen.and_then(Value::as_str) != said.and_then(Value::as_str) {
                let expected = format!("what `{}` said: {}", first.kind, show(said));
                pieces.push(evidence(expected, show(seen), again.place(look, &pointer, "")));
            }
        }
    }
    if compared == 0 {
        return Judgement::cannot_tell("no two `done` events tell the same text");
    }
    Judgement::from_evidence(pieces)
}

fn text_of<'a>(event: &Typed<'a>) -> Option<&'a Value> {
    event.value.get("text").or_else(|| event.value.get("arguments"))
}

/// Events that say the same: what was said first, the event that repeats it, and where.
fn pairs<'i, 'a>(item: &'i Item<'a>) -> Vec<(&'i Typed<'a>, &'i Typed<'a>, String)> {
    let mut pairs = Vec::new();
    let done = item.of("response.output_item.done").last();
    for text in item.of("response.output_text.done") {
        let part = text.part();
        if let Some(again) = item.of_part("response.content_part.done", part) {
            pairs.push((text, again, "/part/text".to_owned()));
        }
        if let Some(again) = done {
            pairs.push((text, again, format!("/item/content/{part}/text")));
        }
    }
    for arguments in item.of("response.function_call_arguments.done") {
        if let Some(again) = done {
            pairs.push((arguments, again, "/item/arguments".to_owned()));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn another_text_in_the_part_or_the_item_and_other_arguments_are_shown() {
        const RULE: &str = "{stream: response_texts}";
        holds(RULE, typed(&typed_stream()));
        for (kind, pointer) in [
            ("response.content_part.done", "/part/text"),
            ("response.output_item.done", "/item/content/0/text"),
            ("response.function_call_arguments.done", "/arguments"),
        ] {
            let mut stream = typed_stream();
            let event = stream.iter_mut().find(|event| event["type"] == kind).unwrap();
            *event.pointer_mut(pointer).unwrap() = json!("other");
            assert_eq!(fails(RULE, typed(&stream)).len(), 1, "{kind}");
        }
        cannot_tell(RULE, chunks(&sound()));
    }
}
