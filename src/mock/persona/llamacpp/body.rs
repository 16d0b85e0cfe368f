//! llama.cpp's answers and chunks.

use serde_json::{Map, Value, json};

use crate::mock::act::Scene;
use crate::mock::event::{Event, Part};
use crate::mock::reply::Reply;
use crate::mock::route::Route;

/// What it measured of its own work.
fn timings(scene: &Scene<'_>) -> Value {
    let usage = scene.answer.map(|answer| answer.usage).unwrap_or_default();
    json!({
        "cache_n": usage.cached,
        "prompt_n": usage.prompt,
        "prompt_ms": scene.house.config.ttft.as_millis_f64(),
        "predicted_n": usage.completion,
        "predicted_per_token_ms": scene.house.config.itl.as_millis_f64(),
    })
}

fn no_null_logprobs(choice: &mut Map<String, Value>) {
    if choice.get("logprobs").is_some_and(Value::is_null) {
        choice.shift_remove("logprobs");
    }
}

pub(super) fn shape(reply: &mut Reply, scene: &Scene<'_>) {
    if !matches!(scene.request.route, Route::Chat | Route::Completions) {
        return;
    }
    let Some(body) = reply.json_mut().and_then(Value::as_object_mut) else { return };
    body.shift_remove("service_tier");
    let choices = body.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        no_null_logprobs(choice);
        if let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) {
            message.shift_remove("refusal");
            message.shift_remove("annotations");
        }
    }
    if let Some(usage) = body.get_mut("usage") {
        no_output_details(usage);
    }
    body.insert("timings".to_owned(), timings(scene));
}

fn no_output_details(usage: &mut Value) {
    if let Some(usage) = usage.as_object_mut() {
        usage.shift_remove("completion_tokens_details");
    }
}

pub(super) fn chunks(events: &mut [Event], scene: &Scene<'_>) {
    let last = events.iter().rposition(|event| matches!(event.part, Part::Finish | Part::Usage));
    for (at, event) in events.iter_mut().enumerate() {
        let part = event.part;
        if let Some(choice) = event.choice_mut().and_then(Value::as_object_mut) {
            no_null_logprobs(choice);
        }
        if let (Part::Role, Some(delta)) = (part, event.delta_mut()) {
            *delta = json!({"role": "assistant", "content": null});
        }
        let Some(chunk) = event.chunk_mut().and_then(Value::as_object_mut) else { continue };
        chunk.shift_remove("service_tier");
        if let Some(usage) = chunk.get_mut("usage") {
            no_output_details(usage);
        }
        if Some(at) == last {
            chunk.insert("timings".to_owned(), timings(scene));
        }
    }
}

/// The list of models in Ollama's form beside OpenAI's.
pub(super) fn models(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.request.route != Route::Models {
        return;
    }
    let Some(body) = reply.json_mut().and_then(Value::as_object_mut) else { return };
    let data = body.get("data").and_then(Value::as_array);
    let entry = |model: &Value| {
        let id = model.get("id").cloned().unwrap_or_default();
        json!({"name": id, "model": id, "type": "model", "capabilities": ["completion"]})
    };
    let models: Vec<Value> = data.into_iter().flatten().map(entry).collect();
    body.insert("models".to_owned(), models.into());
}
