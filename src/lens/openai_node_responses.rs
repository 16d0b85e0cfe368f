//! openai-node's Responses API, called plainly: `responses.create(…)` and its `output_text`, and
//! `responses.create({stream: true})` iterated.
//!
//! The package hands over what the wire has, and adds `output_text` to what calls itself a
//! `response`: to anything else it adds nothing, and raises nothing.

use serde_json::Value;

use super::decode::js::{Stop, property, to_text};
use super::decode::node::{Item, plain, stream};
use super::openai_node::stopped;
use super::response::{self, Joined, raw_usage};
use super::{Answer, Asked, Lens, Surface, Taken};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "openai-node-responses",
    title: "openai-node, responses.create() and responses.create({stream: true})",
    package: "openai",
    version: "6.49.0",
    names: ["openai-node", "openai-node responses"],
    surface: Surface::Responses,
    read,
};

fn read(exchange: &Exchange) -> Taken {
    if Asked::of(exchange).is_some_and(|asked| asked.stream) {
        return streamed(exchange);
    }
    match plain(exchange).and_then(|response| Ok((output_text(&response)?, response))) {
        Ok((text, response)) => Taken::returns(response::answer(&response, text, raw_usage)),
        Err(stop) => stopped(stop, Answer::default()),
    }
}

fn streamed(exchange: &Exchange) -> Taken {
    let items = match stream(exchange) {
        Ok(items) => items,
        Err(stop) => return stopped(stop, Answer::default()),
    };
    let mut joined = Joined::default();
    for item in items {
        match item {
            Item::Data(event) => joined.add(&event, raw_usage),
            Item::Stops(stop) => return stopped(stop, joined.finish()),
        }
    }
    Taken::returns(joined.finish())
}

/// The `output_text` that the package adds; none to what does not call itself a response.
fn output_text(response: &Value) -> Result<Option<String>, Stop> {
    let broken = || Stop::raises("TypeError", "output_text");
    match response {
        // `'object' in response` is asked first.
        Value::Object(_) => {}
        Value::Array(_) => return Ok(None),
        _ => return Err(broken()),
    }
    if property(response, "object").is_none_or(|object| object != "response") {
        return Ok(None);
    }
    let mut text = String::new();
    for item in iterated(property(response, "output")).ok_or_else(broken)? {
        if item.is_null() {
            return Err(broken());
        }
        if property(item, "type").is_none_or(|kind| kind != "message") {
            continue;
        }
        for part in iterated(property(item, "content")).ok_or_else(broken)? {
            if part.is_null() {
                return Err(broken());
            }
            if property(part, "type").is_some_and(|kind| kind == "output_text") {
                // `join` makes nothing of what is not there.
                text.push_str(&property(part, "text").map(to_text).unwrap_or_default());
            }
        }
    }
    Ok(Some(text))
}

/// What JavaScript's `for … of` goes over. The characters of a text have no type, so they count for
/// none.
fn iterated(value: Option<&Value>) -> Option<&[Value]> {
    match value? {
        Value::Array(list) => Some(list),
        Value::String(_) => Some(&[]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_text_is_joined_for_what_calls_itself_a_response_only() {
        let output = json!([{"type": "message", "content": [
            {"type": "output_text", "text": "a"}, {"type": "output_text"}, {"type": "refusal"},
        ]}]);

        let response = json!({"object": "response", "output": output});
        assert_eq!(output_text(&response), Ok(Some("a".to_owned())));
        assert_eq!(output_text(&json!({"object": "thing", "output": output})), Ok(None));
        assert_eq!(output_text(&json!([])), Ok(None));
    }

    #[test]
    fn what_is_no_list_of_items_raises_as_javascript_does() {
        for response in [
            json!(null),
            json!("text"),
            json!({"object": "response"}),
            json!({"object": "response", "output": [null]}),
            json!({"object": "response", "output": [{"type": "message"}]}),
        ] {
            assert!(output_text(&response).is_err(), "{response}");
        }
        let text = json!({"object": "response", "output": "text"});
        assert_eq!(output_text(&text), Ok(Some(String::new())));
    }
}
