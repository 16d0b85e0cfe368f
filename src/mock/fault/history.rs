//! Faults of conversations that hold tool calls and their results.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{any_message, crash, error_text, has_role, no, set_500};
use crate::mock::act::{Act, Scene};
use crate::mock::request::Request;

fn messages_mut(request: &mut Request) -> Option<&mut Vec<Value>> {
    request.object_mut()?.get_mut("messages")?.as_array_mut()
}

/// Whether the results of some round stand in another order than its calls.
fn is_reordered(scene: &Scene<'_>) -> bool {
    let messages = scene.request.messages();
    messages.iter().enumerate().any(|(at, message)| {
        let calls = message.get("tool_calls").and_then(Value::as_array);
        let calls: Vec<&Value> = calls.into_iter().flatten().filter_map(|c| c.get("id")).collect();
        let results = messages.iter().skip(at + 1).take_while(|message| has_role(message, "tool"));
        let results: Vec<&Value> = results.filter_map(|r| r.get("tool_call_id")).collect();
        !calls.is_empty() && !results.is_empty() && calls != results
    })
}

fn has_content(message: &Value, content: &Value) -> bool {
    has_role(message, "assistant") && message.get("content") == Some(content)
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "roundtrip-drops-assistant",
        "drop null-content assistant turns, then fail on the tool turn",
        &[Act::Hear(|request, _| {
            if let Some(messages) = messages_mut(request) {
                messages.retain(|message| !has_content(message, &Value::Null));
            }
        })],
    ),
    Fault::new(
        "reject-content-null",
        "400 on content null",
        &[Act::Instead(|scene| {
            any_message(scene, |message| has_content(message, &Value::Null))
                .then(|| no("content null"))
        })],
    ),
    Fault::new(
        "reject-content-empty",
        "400 on content ''",
        &[Act::Instead(|scene| {
            any_message(scene, |message| has_content(message, &json!(""))).then(|| no("content ''"))
        })],
    ),
    Fault::new(
        "reject-content-omitted",
        "400 on an assistant turn without content",
        &[Act::Instead(|scene| {
            let bare = |message: &Value| {
                has_role(message, "assistant") && message.get("content").is_none()
            };
            any_message(scene, bare).then(|| no("A message without content"))
        })],
    ),
    Fault::new(
        "roundtrip-decodes-arguments",
        "500 when history arguments are strings",
        &[Act::Instead(|scene| {
            any_message(scene, |message| {
                message.pointer("/tool_calls/0/function/arguments").is_some_and(Value::is_string)
            })
            .then(crash)
        })],
    ),
    Fault::new(
        "reject-tool-order",
        "400 when results are out of order",
        &[Act::Instead(|scene| is_reordered(scene).then(|| no("This order of results")))],
    ),
    Fault::new(
        "reject-tool-parts",
        "400 on parts",
        &[Act::Instead(|scene| {
            any_message(scene, |message| {
                has_role(message, "tool") && message.get("content").is_some_and(Value::is_array)
            })
            .then(|| no("A result in parts"))
        })],
    ),
    Fault::new(
        "roundtrip-ignores-result",
        "call the same tool again forever",
        &[Act::Hear(|request, _| {
            let Some(messages) = messages_mut(request) else { return };
            let since = messages.iter().rposition(|message| has_role(message, "user"));
            let called = messages.iter().any(|message| message.get("tool_calls").is_some());
            if let Some(since) = since
                && called
                && messages.last().is_some_and(|message| has_role(message, "tool"))
            {
                messages.truncate(since + 1);
            }
        })],
    ),
    Fault::new(
        "agent-empty-final",
        "content '' with finish stop",
        &[Act::Decide(|answer, scene| {
            let last = scene.request.messages().last();
            if last.is_some_and(|message| has_role(message, "tool")) {
                // What was generated stays counted: it was lost on the way out.
                for choice in answer.choices.iter_mut().filter(|choice| choice.calls.is_empty()) {
                    choice.text = Some(Vec::new());
                }
            }
        })],
    ),
    Fault::new(
        "tool-orphan-500",
        "500 on an orphan tool message",
        &[Act::Error(|reply, _| {
            let text = error_text(reply, "message");
            if text.contains("must be a response to a preceeding message") {
                set_500(reply);
            }
        })],
    ),
];
