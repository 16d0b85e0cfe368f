//! vLLM's plain answers.

use serde_json::{Map, Value, json};

use super::{fingerprint, hex};
use crate::mock::act::Scene;
use crate::mock::reply::Reply;
use crate::mock::route::Route;

pub(super) fn shape(reply: &mut Reply, scene: &Scene<'_>) {
    let Some(body) = reply.json_mut() else { return };
    match scene.request.route {
        Route::Chat => chat(body, scene),
        Route::Completions => completion(body, scene),
        Route::Models => models(body, scene),
        _ => {}
    }
}

/// Takes a field out of an object.
fn take(map: &mut Map<String, Value>, key: &str) -> Value {
    map.shift_remove(key).unwrap_or_default()
}

fn nulls(map: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        map.insert((*key).to_owned(), Value::Null);
    }
}

/// Counts in vLLM's order; of the details there is nothing.
pub(super) fn usage(usage: &Value) -> Map<String, Value> {
    ["prompt_tokens", "total_tokens", "completion_tokens"]
        .into_iter()
        .map(|key| (key.to_owned(), usage.get(key).cloned().unwrap_or_default()))
        .collect()
}

fn plain_usage(body: &mut Map<String, Value>) {
    let mut counts = usage(&take(body, "usage"));
    nulls(&mut counts, &["prompt_tokens_details", "completion_tokens_details"]);
    body.insert("usage".to_owned(), counts.into());
}

/// Why the choice ended, beyond its finish: the stop text.
pub(super) fn stop_reason(scene: &Scene<'_>, index: usize) -> Value {
    let choice = scene.answer.and_then(|answer| answer.choices.get(index));
    choice.and_then(|choice| choice.stopped_at.clone()).map_or(Value::Null, Value::String)
}

fn chat(body: &mut Value, scene: &Scene<'_>) {
    let Some(body) = body.as_object_mut() else { return };
    body.insert("id".to_owned(), json!(format!("chatcmpl-{}", hex(scene, "id"))));
    let choices = body.get_mut("choices").and_then(Value::as_array_mut);
    for (index, choice) in choices.into_iter().flatten().enumerate() {
        if let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) {
            let calls = message.shift_remove("tool_calls");
            let thoughts = take(message, "reasoning_content");
            nulls(message, &["refusal", "annotations", "audio", "function_call"]);
            if let Some(calls) = calls {
                message.insert("tool_calls".to_owned(), calls);
            }
            message.insert("reasoning".to_owned(), thoughts);
        }
        if let Some(logprobs) = choice.get_mut("logprobs").and_then(Value::as_object_mut) {
            logprobs.shift_remove("refusal");
        }
        if let Some(choice) = choice.as_object_mut() {
            choice.insert("stop_reason".to_owned(), stop_reason(scene, index));
            nulls(choice, &["token_ids", "routed_experts"]);
        }
    }
    take(body, "service_tier");
    take(body, "system_fingerprint");
    let counts = take(body, "usage");
    nulls(body, &["service_tier"]);
    body.insert("system_fingerprint".to_owned(), json!(fingerprint(scene)));
    body.insert("usage".to_owned(), counts);
    plain_usage(body);
    nulls(
        body,
        &[
            "prompt_logprobs",
            "prompt_token_ids",
            "prompt_text",
            "kv_transfer_params",
            "ec_transfer_params",
            "metrics",
        ],
    );
}

fn completion(body: &mut Value, scene: &Scene<'_>) {
    let Some(body) = body.as_object_mut() else { return };
    body.insert("id".to_owned(), json!(format!("cmpl-{}", hex(scene, "id"))));
    let choices = body.get_mut("choices").and_then(Value::as_array_mut);
    for (index, choice) in choices.into_iter().flatten().enumerate() {
        if let Some(choice) = choice.as_object_mut() {
            choice.insert("stop_reason".to_owned(), stop_reason(scene, index));
            nulls(choice, &["token_ids", "prompt_logprobs", "prompt_token_ids", "routed_experts"]);
        }
    }
    let counts = take(body, "usage");
    take(body, "system_fingerprint");
    nulls(body, &["service_tier"]);
    body.insert("system_fingerprint".to_owned(), json!(fingerprint(scene)));
    body.insert("usage".to_owned(), counts);
    plain_usage(body);
    nulls(body, &["kv_transfer_params", "ec_transfer_params", "metrics"]);
}

fn models(body: &mut Value, scene: &Scene<'_>) {
    let entries = body.get_mut("data").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten().filter_map(Value::as_object_mut) {
        let created = entry.get("created").cloned().unwrap_or_default();
        entry.insert("owned_by".to_owned(), json!("vllm"));
        let root = entry.get("id").cloned().unwrap_or_default();
        entry.insert("root".to_owned(), root);
        nulls(entry, &["parent"]);
        entry.insert("max_model_len".to_owned(), json!(scene.house.config.context_tokens));
        let permission = json!({
            "id": format!("modelperm-{}", hex(scene, "permission")),
            "object": "model_permission",
            "created": created,
            "allow_create_engine": false,
            "allow_sampling": true,
            "allow_logprobs": true,
            "allow_search_indices": false,
            "allow_view": true,
            "allow_fine_tuning": false,
            "organization": "*",
            "group": null,
            "is_blocking": false,
        });
        entry.insert("permission".to_owned(), json!([permission]));
    }
}
