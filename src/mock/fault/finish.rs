//! Faults of `finish_reason`.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{choices, message, parts};
use crate::mock::act::Act;
use crate::mock::answer::Answer;
use crate::mock::ask::ToolChoice;
use crate::mock::event::{Event, Part};

/// Says `then` wherever `when` would be said.
fn swap(answer: &mut Answer, when: &str, then: &str) {
    for choice in answer.choices.iter_mut().filter(|choice| choice.finish == when) {
        then.clone_into(&mut choice.finish);
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "finish-duplicate",
        "finish chunk twice",
        &[Act::Events(|events, _| {
            let double = |event: Event| {
                let again = (event.part == Part::Finish).then(|| event.clone());
                std::iter::once(event).chain(again)
            };
            *events = std::mem::take(events).into_iter().flat_map(double).collect();
        })],
    ),
    Fault::new(
        "finish-missing",
        "[DONE] without a finish chunk",
        &[Act::Events(|events, _| events.retain(|event| event.part != Part::Finish))],
    ),
    Fault::new(
        "finish-unknown",
        "finish_reason eos_token",
        &[Act::Decide(|answer, _| swap(answer, "stop", "eos_token"))],
    ),
    Fault::new(
        "finish-error",
        "finish_reason error",
        &[Act::Decide(|answer, _| swap(answer, "stop", "error"))],
    ),
    Fault::new(
        "finish-cancel",
        "finish_reason cancel",
        &[Act::Decide(|answer, _| swap(answer, "stop", "cancel"))],
    ),
    Fault::new(
        "finish-stop-on-length",
        "stop although truncated",
        &[Act::Decide(|answer, _| swap(answer, "length", "stop"))],
    ),
    Fault::new(
        "finish-function-call-on-named",
        "finish_reason function_call when a tool is named",
        &[Act::Decide(|answer, scene| {
            let choice = scene.ask.map(|ask| &ask.choice);
            if matches!(choice, Some(ToolChoice::Named(_))) {
                swap(answer, "stop", "function_call");
                swap(answer, "tool_calls", "function_call");
            }
        })],
    ),
    Fault::new(
        "finish-stop-on-tool-calls",
        "stop although tool calls were sent",
        &[Act::Decide(|answer, _| swap(answer, "tool_calls", "stop"))],
    ),
    Fault::new(
        "finish-stop-on-required",
        "stop for tool_choice required only",
        &[Act::Decide(|answer, scene| {
            if scene.ask.is_some_and(|ask| ask.choice == ToolChoice::Required) {
                swap(answer, "tool_calls", "stop");
            }
        })],
    ),
    Fault::new(
        "finish-stop-on-tool-calls-stream",
        "stop when streamed, tool_calls when not",
        &[Act::Decide(|answer, scene| {
            if scene.ask.is_some_and(|ask| ask.stream) {
                swap(answer, "tool_calls", "stop");
            }
        })],
    ),
    Fault::new(
        "finish-tool-calls-empty",
        "tool_calls with tool_calls []",
        &[
            Act::Decide(|answer, _| {
                for choice in answer.choices.iter_mut().filter(|choice| !choice.calls.is_empty()) {
                    choice.calls.clear();
                    choice.text = Some(Vec::new());
                    "tool_calls".clone_into(&mut choice.finish);
                }
            }),
            Act::Plain(|reply, scene| {
                let finish = reply.json_mut().and_then(|body| {
                    body.pointer("/choices/0/finish_reason")?.as_str().map(str::to_owned)
                });
                if finish.as_deref() == Some("tool_calls")
                    && let Some(message) = message(reply, scene)
                {
                    message.insert("tool_calls".to_owned(), json!([]));
                }
            }),
        ],
    ),
    Fault::new(
        "finish-tool-calls-on-truncation",
        "tool_calls with half arguments",
        &[Act::Decide(|answer, _| {
            for choice in answer.choices.iter_mut().filter(|choice| !choice.calls.is_empty()) {
                if choice.finish == "length" {
                    "tool_calls".clone_into(&mut choice.finish);
                }
            }
        })],
    ),
    Fault::new(
        "finish-delta-content",
        "finish delta {role, content ''}",
        &[Act::Events(|events, _| {
            for delta in parts(events, Part::Finish).filter_map(Event::delta_mut) {
                *delta = json!({"role": "assistant", "content": ""});
            }
        })],
    ),
    Fault::new(
        "finish-last-index-only",
        "only the last index gets a finish chunk",
        &[Act::Events(|events, _| {
            let last = events.iter().filter_map(Event::choice).max();
            events.retain(|event| event.part != Part::Finish || event.choice() == last);
        })],
    ),
    Fault::new(
        "finish-null",
        "finish_reason null in a plain answer",
        &[Act::Plain(|reply, scene| {
            for choice in choices(reply, scene) {
                if let Some(finish) = choice.get_mut("finish_reason") {
                    *finish = Value::Null;
                }
            }
        })],
    ),
];
