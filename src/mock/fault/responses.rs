//! Faults of the Responses API: what an answer says, and what is heard of a request.

use serde_json::{Map, Value, json};

use super::Fault;
use super::reach::{forget, no};
use crate::mock::act::{Act, ResponseAct, Scene};
use crate::mock::house::House;
use crate::mock::reply::Reply;
use crate::mock::request::Request;
use crate::mock::route::Route;

/// The body of a plain response.
pub(super) fn body<'a>(
    reply: &'a mut Reply,
    scene: &Scene<'_>,
) -> Option<&'a mut Map<String, Value>> {
    if scene.request.route != Route::Responses {
        return None;
    }
    reply.json_mut()?.as_object_mut()
}

/// Its items of a type.
pub(super) fn items<'a>(
    reply: &'a mut Reply,
    scene: &Scene<'_>,
    kind: &str,
) -> Vec<&'a mut Map<String, Value>> {
    let output = body(reply, scene).and_then(|body| body.get_mut("output")?.as_array_mut());
    let items = output.into_iter().flatten().filter_map(Value::as_object_mut);
    items.filter(|item| item.get("type").and_then(Value::as_str) == Some(kind)).collect()
}

/// The items of the input, if it is a list.
pub(super) fn input(request: &Request) -> &[Value] {
    request.field("input").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn is(item: &Value, key: &str, wanted: &str) -> bool {
    item.get(key).and_then(Value::as_str) == Some(wanted)
}

/// What is answered instead.
pub(super) const fn instead(other: fn(&Scene<'_>) -> Option<Reply>) -> Act {
    Act::Response(ResponseAct::Instead(other))
}

/// What is heard.
pub(super) const fn hear(change: fn(&mut Request, &House)) -> Act {
    Act::Response(ResponseAct::Hear(change))
}

/// A 400 where an item of the input is so.
pub(super) fn refuse_item(
    scene: &Scene<'_>,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> Option<Reply> {
    input(scene.request).iter().any(holds).then(|| no(what))
}

fn usage_as_chats(reply: &mut Reply, scene: &Scene<'_>) {
    let Some(usage) = body(reply, scene).and_then(|body| body.get_mut("usage")?.as_object_mut())
    else {
        return;
    };
    for (from, to) in [("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")] {
        if let Some(count) = usage.shift_remove(from) {
            usage.insert(to.to_owned(), count);
        }
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "responses-bad-shape",
        "a response calls itself chat.completion",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = body(reply, scene) {
                body.insert("object".to_owned(), json!("chat.completion"));
            }
        })],
    ),
    Fault::new(
        "responses-no-settings",
        "a response repeats no settings",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = body(reply, scene) {
                body.retain(|key, _| {
                    !matches!(key.as_str(), "parallel_tool_calls" | "tool_choice" | "top_p")
                });
            }
        })],
    ),
    Fault::new(
        "responses-no-item-id",
        "a message item has no id",
        &[Act::Plain(|reply, scene| {
            for item in items(reply, scene, "message") {
                item.shift_remove("id");
            }
        })],
    ),
    Fault::new(
        "responses-no-annotations",
        "a text part has no annotations",
        &[Act::Plain(|reply, scene| {
            for item in items(reply, scene, "message") {
                let parts = item.get_mut("content").and_then(Value::as_array_mut);
                for part in parts.into_iter().flatten().filter_map(Value::as_object_mut) {
                    part.shift_remove("annotations");
                }
            }
        })],
    ),
    Fault::new(
        "responses-usage-chat-names",
        "usage of a response is named as in chats",
        &[Act::Plain(usage_as_chats)],
    ),
    Fault::new(
        "responses-usage-sum",
        "total_tokens of a response is one too many",
        &[Act::Plain(|reply, scene| {
            let total =
                body(reply, scene).and_then(|body| body.get_mut("usage")?.get_mut("total_tokens"));
            if let Some(total) = total {
                *total = json!(total.as_u64().unwrap_or_default() + 1);
            }
        })],
    ),
    Fault::new(
        "responses-metadata-dropped",
        "metadata of a response comes back empty",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = body(reply, scene) {
                body.insert("metadata".to_owned(), json!({}));
            }
        })],
    ),
    Fault::new(
        "responses-list-400",
        "400 on a list of one plain message",
        &[instead(|scene| {
            let [only] = input(scene.request) else { return None };
            let plain = only.get("content").is_some_and(Value::is_string);
            plain.then(|| no("A list as input"))
        })],
    ),
    Fault::new(
        "responses-parts-400",
        "400 on input_text parts",
        &[instead(|scene| {
            refuse_item(scene, "A list as content", |item| {
                let parts = item.get("content").and_then(Value::as_array);
                parts.is_some_and(|parts| parts.iter().any(|part| is(part, "type", "input_text")))
            })
        })],
    ),
    Fault::new(
        "responses-string-wrapped",
        "three more input tokens for a text than for a message",
        &[Act::Response(ResponseAct::Decide(|answer, scene| {
            if scene.request.field("input").is_some_and(Value::is_string) {
                answer.usage.prompt += 3;
                answer.recount();
            }
        }))],
    ),
    Fault::new(
        "responses-history-400",
        "400 on items of the assistant",
        &[instead(|scene| {
            refuse_item(scene, "The role assistant", |item| is(item, "role", "assistant"))
        })],
    ),
    Fault::new(
        "responses-developer-400",
        "400 on developer messages in the input",
        &[instead(|scene| refuse_item(scene, "This role", |item| is(item, "role", "developer")))],
    ),
    Fault::new(
        "responses-instructions-ignored",
        "instructions are dropped",
        &[hear(|request, _| forget(request, "instructions"))],
    ),
    Fault::new(
        "responses-limit-ignored",
        "max_output_tokens is passed over",
        &[hear(|request, _| {
            if request
                .field("max_output_tokens")
                .and_then(Value::as_i64)
                .is_some_and(|limit| limit > 0)
            {
                forget(request, "max_output_tokens");
            }
        })],
    ),
    Fault::new(
        "responses-completed-on-length",
        "a plain response that was cut is completed",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = body(reply, scene)
                && body.get("status") == Some(&json!("incomplete"))
            {
                body.insert("status".to_owned(), json!("completed"));
                body.insert("incomplete_details".to_owned(), Value::Null);
            }
        })],
    ),
    Fault::new(
        "responses-item-completed",
        "the item that was cut is completed",
        &[Act::Plain(|reply, scene| {
            for item in items(reply, scene, "message") {
                item.insert("status".to_owned(), json!("completed"));
            }
        })],
    ),
    Fault::new(
        "responses-reasoning-no-summary",
        "a reasoning item has no summary",
        &[Act::Plain(|reply, scene| {
            for item in items(reply, scene, "reasoning") {
                item.shift_remove("summary");
            }
        })],
    ),
    Fault::new(
        "responses-reasoning-not-counted",
        "reasoning_tokens stays 0",
        &[Act::Plain(|reply, scene| {
            let count = body(reply, scene).and_then(|body| {
                body.get_mut("usage")?.pointer_mut("/output_tokens_details/reasoning_tokens")
            });
            if let Some(count) = count {
                *count = json!(0);
            }
        })],
    ),
];
