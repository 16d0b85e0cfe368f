//! openai-python's Responses API, called plainly: `responses.create(…)` and its `output_text`, and
//! `responses.create(…, stream=True)` iterated.
//!
//! As with chats, models are built without validation and hand over what the wire has. Only
//! `output_text` is the package's own work: it walks the items, and what is none makes it raise.

use serde_json::Value;

use super::decode::json::member;
use super::decode::python::{Item, Major, lax_int, plain, stream};
use super::openai_python::stopped;
use super::response::{self, Joined, raw_usage};
use super::{Answer, Asked, Lens, Surface, Taken, Usage};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "openai-python-responses",
    title: "openai-python, responses.create() and responses.create(stream=True)",
    package: "openai",
    version: "3.54.0",
    names: ["openai-python", "openai-python responses"],
    surface: Surface::Responses,
    read,
};

fn read(exchange: &Exchange) -> Taken {
    if Asked::of(exchange).is_some_and(|asked| asked.stream) {
        return streamed(exchange);
    }
    let response = match plain(exchange) {
        Ok(response) => response,
        Err(stop) => return stopped(stop, Answer::default()),
    };
    match output_text(&response) {
        Ok(text) => Taken::returns(response::answer(&response, Some(text), usage)),
        Err(exception) => Taken::raises(exception, "output_text", Answer::default()),
    }
}

fn streamed(exchange: &Exchange) -> Taken {
    let items = match stream(exchange, Major::Three) {
        Ok(items) => items,
        Err(stop) => return stopped(stop, Answer::default()),
    };
    let mut joined = Joined::default();
    for item in items {
        match item {
            Item::Data(event) => joined.add(&event, usage),
            Item::Stops(stop) => return stopped(stop, joined.finish()),
        }
    }
    Taken::returns(joined.finish())
}

/// `Response.output_text`, or the exception that it raises on what is no list of items.
fn output_text(response: &Value) -> Result<String, &'static str> {
    const NO_MEMBER: &str = "AttributeError";
    const NO_ITERATION: &str = "TypeError";
    if !response.is_object() {
        return Err(NO_MEMBER);
    }
    let mut text = String::new();
    for item in iterated(member(response, "output")).ok_or(NO_ITERATION)? {
        let item = item.filter(|item| item.is_object()).ok_or(NO_MEMBER)?;
        if member(item, "type").is_none_or(|kind| kind != "message") {
            continue;
        }
        for part in iterated(member(item, "content")).ok_or(NO_ITERATION)? {
            let part = part.filter(|part| part.is_object()).ok_or(NO_MEMBER)?;
            if member(part, "type").is_none_or(|kind| kind != "output_text") {
                continue;
            }
            match member(part, "text") {
                None => {}
                Some(Value::String(more)) => text.push_str(more),
                // Joining what is no text.
                Some(_) => return Err(NO_ITERATION),
            }
        }
    }
    Ok(text)
}

/// What Python's `for` goes over; `None` in place of an item that has no attributes: characters of
/// a text, keys of a dict.
fn iterated(value: Option<&Value>) -> Option<Vec<Option<&Value>>> {
    match value? {
        Value::Array(list) => Some(list.iter().map(Some).collect()),
        Value::String(text) => Some(text.chars().map(|_| None).collect()),
        Value::Object(map) => Some(map.iter().map(|_| None).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Token counts. Only if all of them, those of the details included, read as whole numbers are they
/// handed over as such, else as they came.
fn usage(usage: &Value) -> Option<Usage> {
    let raw = raw_usage(usage)?;
    let whole = |pointer: &str| usage.pointer(pointer).and_then(lax_int).map(Value::from);
    let details = [
        "/input_tokens_details/cached_tokens",
        "/input_tokens_details/cache_write_tokens",
        "/output_tokens_details/reasoning_tokens",
    ];
    let counts = (whole("/input_tokens"), whole("/output_tokens"), whole("/total_tokens"));
    match counts {
        (Some(prompt_tokens), Some(completion_tokens), Some(total_tokens))
            if details.into_iter().all(|pointer| whole(pointer).is_some()) =>
        {
            Some(Usage { prompt_tokens, completion_tokens, total_tokens })
        }
        _ => Some(raw),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_text_of_all_messages_is_joined_and_parts_without_text_are_passed_over() {
        let response = json!({"output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "content": [
                {"type": "output_text", "text": "a"},
                {"type": "refusal", "refusal": "no"},
                {"type": "output_text", "text": null},
            ]},
            {"type": "message", "content": [{"type": "output_text", "text": "b"}]},
        ]});

        assert_eq!(output_text(&response), Ok("ab".to_owned()));
    }

    #[test]
    fn what_is_no_list_of_items_raises_as_python_does() {
        for (response, raised) in [
            (json!("text"), "AttributeError"),
            (json!({}), "TypeError"),
            (json!({"output": null}), "TypeError"),
            (json!({"output": "text"}), "AttributeError"),
            (json!({"output": [null]}), "AttributeError"),
            (json!({"output": [{"type": "message"}]}), "TypeError"),
            (json!({"output": [{"type": "message", "content": "text"}]}), "AttributeError"),
        ] {
            assert_eq!(output_text(&response), Err(raised), "{response}");
        }
    }
}
