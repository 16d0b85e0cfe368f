//! Amazon Bedrock's OpenAI route with an open-weight model, as its documentation and the reports of
//! its users describe it.
//!
//! What is above HTTP only: how requests are signed is not played, nor what IAM refuses.

use serde_json::json;

use super::{Character, Habit};
use crate::mock::act::{Act, ResponseAct, Scene};
use crate::mock::refusal::Refusal;
use crate::mock::reply::{Content, Reply};
use crate::mock::route::Route;
use crate::mock::script::Script;

const DOCS: &str =
    "https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html";
const MODELS: &str =
    "https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html";

/// All that a request may hold: the words of the refusal quoted in
/// <https://github.com/BerriAI/litellm/issues/13959>.
const FIELDS: [&str; 28] = [
    "messages",
    "model",
    "store",
    "reasoning_effort",
    "metadata",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "modalities",
    "prediction",
    "audio",
    "presence_penalty",
    "response_format",
    "seed",
    "service_tier",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "user",
];

pub(super) const CHARACTER: Character = Character {
    name: "bedrock",
    title: "Amazon Bedrock's OpenAI route, gpt-oss",
    layers: &[HABITS],
    gauge: None,
};

const HABITS: &[Habit] = &[
    Habit::new(
        "no operation but chat completions",
        DOCS,
        &[Act::Instead(only_chat), Act::Response(ResponseAct::Instead(only_chat))],
    ),
    Habit::new(
        "a field that is not known is refused",
        "https://github.com/BerriAI/litellm/issues/13959",
        &[Act::Instead(unknown_field)],
    ),
    Habit::faults(
        "frequency_penalty is refused, even 0",
        "https://github.com/brainlid/langchain/issues/356",
        &["reject-frequency-penalty"],
    ),
    Habit::faults(
        "an assistant message with calls and the content '' is refused; null is taken",
        "https://github.com/vercel/ai/issues/13505",
        &["reject-content-empty"],
    ),
    Habit::new("the model reads text only", MODELS, &[Act::Instead(no_images)]),
    Habit::new(
        "a refusal has the code `validation_error` and no param, whatever was wrong",
        "https://github.com/mnfst/llm-gateway/issues/2657",
        &[Act::Error(error)],
    ),
    Habit::new(
        "an answer has x-amzn-requestid as well as x-request-id",
        "https://github.com/mastra-ai/mastra/issues/19228",
        &[Act::Script(headers)],
    ),
];

fn only_chat(scene: &Scene<'_>) -> Option<Reply> {
    let other = matches!(
        scene.request.route,
        Route::Completions | Route::Embeddings | Route::Models | Route::Model(_) | Route::Responses
    );
    let path = &scene.request.path;
    other.then(|| Refusal::new(404, format!("There is no operation at {path}")).reply())
}

fn unknown_field(scene: &Scene<'_>) -> Option<Reply> {
    if scene.request.route != Route::Chat {
        return None;
    }
    let unknown = scene.request.object().keys().find(|key| !FIELDS.contains(&key.as_str()))?;
    let known = FIELDS.join(", ");
    let text = format!(
        "Failed to deserialize the JSON body into the target type: {unknown}: unknown field {unknown}, expected one of {known} at line 1 column 445"
    );
    Some(Refusal::new(400, text).reply())
}

fn no_images(scene: &Scene<'_>) -> Option<Reply> {
    let mut parts =
        scene.request.messages().iter().filter_map(|m| m.get("content")?.as_array()).flatten();
    parts
        .any(|part| part.get("image_url").is_some())
        .then(|| Refusal::new(400, "This model doesn't support the image content type.").reply())
}

fn error(reply: &mut Reply, _: &Scene<'_>) {
    if reply.status != 400 {
        return;
    }
    let message = reply.json_mut().and_then(|body| body.pointer("/error/message").cloned());
    if let Some(message) = message {
        let error = json!({
            "code": "validation_error",
            "message": message,
            "param": null,
            "type": "invalid_request_error",
        });
        reply.content = Content::Json(json!({"error": error}));
    }
}

fn headers(script: &mut Script, scene: &Scene<'_>) {
    let headers = &mut script.head.headers;
    let id = headers.get("x-request-id").map(str::to_owned);
    headers.push("x-amzn-requestid", id.unwrap_or_else(|| scene.number().to_string()));
}
