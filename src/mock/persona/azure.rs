//! Azure OpenAI, as its documentation and the reports of its users describe it.
//!
//! What is above HTTP only: the `api-key` header, deployments in the path, and `api-version` are
//! not played.

use serde_json::{Value, json};

use super::{Character, Habit};
use crate::mock::act::{Act, Scene};
use crate::mock::event::{Event, Part};
use crate::mock::refusal::Refusal;
use crate::mock::reply::{Content, Reply};
use crate::mock::route::Route;
use crate::mock::script::Script;
use crate::units::Nanos;

/// The filter and what it adds to answers.
const FILTER: &str =
    "https://learn.microsoft.com/en-us/azure/ai-services/openai/concepts/content-filter";
const ANNOTATIONS: &str = "https://learn.microsoft.com/en-us/azure/ai-services/openai/concepts/content-filter-annotations";

pub(super) const CHARACTER: Character = Character {
    name: "azure",
    title: "Azure OpenAI, with the asynchronous content filter",
    layers: &[HABITS],
    gauge: None,
};

const HABITS: &[Habit] = &[
    Habit::new(
        "a stream opens with a chunk that has no choices, an empty id, model and object, and `prompt_filter_results`",
        "https://github.com/simonw/llm/issues/294",
        &[Act::Events(prompt_first)],
    ),
    Habit::new(
        "a plain answer has `prompt_filter_results`",
        ANNOTATIONS,
        &[Act::Plain(prompt_beside)],
    ),
    Habit::new(
        "every choice has `content_filter_results`",
        ANNOTATIONS,
        &[Act::Plain(choices_marked), Act::Events(|events, scene| chunks_marked(events, scene))],
    ),
    Habit::new(
        "with the asynchronous filter a chunk without a delta, with an empty id, model and object, says how far the text was looked at",
        "https://github.com/langchain-ai/langchain/issues/18977",
        &[Act::Events(offsets)],
    ),
    Habit::new(
        "a prompt that the filter refuses is a 400 with the code `content_filter` and an `innererror`",
        FILTER,
        &[Act::Instead(filtered)],
    ),
    Habit::new(
        "the gateway refuses a key with `{\"error\": {\"code\": \"401\", \"message\": …}}`: no type and no param",
        "https://github.com/RussellCanfield/wingman-ai-vscode-extension/issues/73",
        &[Act::Error(key)],
    ),
    Habit::new(
        "an unknown model is the code `DeploymentNotFound`, without type and param",
        "https://github.com/chatboxai/chatbox/issues/861",
        &[Act::Error(deployment)],
    ),
    Habit::new(
        "an answer has `apim-request-id` and `x-ms-region` as well",
        "https://learn.microsoft.com/en-us/azure/ai-services/openai/reference",
        &[Act::Script(headers)],
    ),
];

/// What the filter says of a harmless text.
fn safe() -> Value {
    let one = json!({"filtered": false, "severity": "safe"});
    json!({"hate": one, "self_harm": one, "sexual": one, "violence": one})
}

fn prompt_results() -> Value {
    json!([{"prompt_index": 0, "content_filter_results": safe()}])
}

fn prompt_first(events: &mut Vec<Event>, scene: &Scene<'_>) {
    if scene.request.route == Route::Chat {
        let first = json!({
            "choices": [],
            "created": 0,
            "id": "",
            "model": "",
            "object": "",
            "prompt_filter_results": prompt_results(),
        });
        events.insert(0, Event::json(Nanos(0), Part::Foreign, first));
    }
}

fn prompt_beside(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.request.route == Route::Chat
        && let Some(body) = reply.json_mut().and_then(Value::as_object_mut)
    {
        body.insert("prompt_filter_results".to_owned(), prompt_results());
    }
}

fn choices_marked(reply: &mut Reply, scene: &Scene<'_>) {
    if scene.request.route != Route::Chat {
        return;
    }
    let choices = reply.json_mut().and_then(|body| body.get_mut("choices")?.as_array_mut());
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        choice.insert("content_filter_results".to_owned(), safe());
    }
}

fn chunks_marked(events: &mut [Event], scene: &Scene<'_>) {
    if scene.request.route != Route::Chat {
        return;
    }
    for event in events {
        let results = if event.part == Part::Content { safe() } else { json!({}) };
        if let Some(choice) = event.choice_mut().and_then(Value::as_object_mut) {
            choice.insert("content_filter_results".to_owned(), results);
        }
    }
}

fn offsets(events: &mut Vec<Event>, scene: &Scene<'_>) {
    let finish = events.iter().rposition(|event| event.part == Part::Finish);
    let Some(finish) = finish.filter(|_| scene.request.route == Route::Chat) else { return };
    let end = scene.answer.and_then(|answer| answer.choices.first());
    let end = end.map_or(0, |choice| choice.content().len());
    let chunk = json!({
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "choices": [{
            "index": 0,
            "finish_reason": null,
            "content_filter_results": safe(),
            "content_filter_offsets": {"check_offset": end, "start_offset": 0, "end_offset": end},
        }],
    });
    events.insert(finish, Event::json(Nanos(0), Part::Foreign, chunk));
}

/// Ordered by a client, as the mock has no opinion of texts.
fn filtered(scene: &Scene<'_>) -> Option<Reply> {
    if !scene.request.orders().content_filter {
        return None;
    }
    let text = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.";
    let mut results = safe();
    if let Some(place) = results.get_mut("violence") {
        *place = json!({"filtered": true, "severity": "medium"});
    }
    let inner = json!({"code": "ResponsibleAIPolicyViolation", "content_filter_result": results});
    let error = json!({
        "message": text,
        "type": null,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": inner,
    });
    Some(Reply::new(400, Content::Json(json!({"error": error}))))
}

/// An error as the gateway before the models writes it.
fn short(reply: &mut Reply, code: &str, message: &str) {
    reply.content = Content::Json(json!({"error": {"code": code, "message": message}}));
}

fn key(reply: &mut Reply, _: &Scene<'_>) {
    if reply.status == 401 {
        let text = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.";
        short(reply, "401", text);
    }
}

fn deployment(reply: &mut Reply, scene: &Scene<'_>) {
    let code = reply.json_mut().and_then(|body| body.pointer("/error/code").cloned());
    if code.is_some_and(|code| code == "model_not_found")
        && !matches!(scene.request.route, Route::Model(_))
    {
        // The Responses API refuses with a 400; there is a deployment in neither case.
        *reply = Refusal::new(404, "").reply();
        let text = "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.";
        short(reply, "DeploymentNotFound", text);
    }
}

fn headers(script: &mut Script, scene: &Scene<'_>) {
    let headers = &mut script.head.headers;
    let id = headers.get("x-request-id").map(str::to_owned);
    headers.push("apim-request-id", id.unwrap_or_else(|| scene.number().to_string()));
    headers.push("x-ms-region", "East US");
}
