//! What a careful caller makes of a response of the Responses API, and of the events of one.
//!
//! As the packages' guides do: the text of a stream is its deltas added up, a call is the item that
//! was added with its arguments' deltas behind it, and how it ended and what it cost stand in the
//! last event.

use serde_json::Value;

use super::caller::{items, text};
use super::decode::json::member;
use super::{Answer, Call, Usage};

/// What a caller reads beside the text of a response: calls, the status, and the token counts.
pub(super) fn answer(
    response: &Value,
    text_of_all: Option<String>,
    usage: fn(&Value) -> Option<Usage>,
) -> Answer {
    let calls = items(member(response, "output")).filter(|item| is_call(item)).map(call);
    Answer {
        text: text_of_all,
        tool_calls: calls.collect(),
        finish_reason: text(response, "status"),
        usage: member(response, "usage").and_then(usage),
        ..Answer::default()
    }
}

/// Token counts as they came, by the names that lenses have for them.
pub(super) fn raw_usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| {
        let count = |name| member(usage, name).cloned().unwrap_or_default();
        Usage {
            prompt_tokens: count("input_tokens"),
            completion_tokens: count("output_tokens"),
            total_tokens: count("total_tokens"),
        }
    })
}

fn is_call(item: &Value) -> bool {
    text(item, "type").is_some_and(|kind| kind == "function_call")
}

fn call(item: &Value) -> Call {
    Call {
        id: text(item, "call_id"),
        name: text(item, "name"),
        arguments: member(item, "arguments").cloned().unwrap_or_default(),
    }
}

/// The events of a stream as a caller joins them.
#[derive(Default)]
pub(super) struct Joined {
    answer: Answer,
    /// By what the events give as the item's index.
    calls: Vec<(Value, Call)>,
}

impl Joined {
    /// Adds an event.
    pub(super) fn add(&mut self, event: &Value, usage: fn(&Value) -> Option<Usage>) {
        let index = || member(event, "output_index").cloned().unwrap_or_default();
        match text(event, "type").as_deref() {
            Some("response.output_text.delta") => {
                if let Some(more) = text(event, "delta") {
                    self.answer.text.get_or_insert_default().push_str(&more);
                }
            }
            Some("response.output_item.added") => {
                if let Some(item) = member(event, "item").filter(|item| is_call(item)) {
                    let index = index();
                    self.calls.retain(|(known, _)| *known != index);
                    self.calls.push((index, call(item)));
                }
            }
            Some("response.function_call_arguments.delta") => {
                let index = index();
                let call = self.calls.iter_mut().find(|(known, _)| *known == index);
                let (Some((_, call)), Some(more)) = (call, text(event, "delta")) else { return };
                match &mut call.arguments {
                    Value::String(arguments) => arguments.push_str(&more),
                    arguments => *arguments = Value::String(more),
                }
            }
            Some("response.completed" | "response.incomplete" | "response.failed") => {
                let Some(response) = member(event, "response") else { return };
                self.answer.finish_reason = text(response, "status");
                self.answer.usage = member(response, "usage").and_then(usage);
            }
            Some("error") => self.answer.finish_reason = Some("error".to_owned()),
            _ => {}
        }
    }

    /// What the caller has by now.
    pub(super) fn finish(self) -> Answer {
        let tool_calls = self.calls.into_iter().map(|(_, call)| call).collect();
        Answer { tool_calls, ..self.answer }
    }
}
