//! vLLM 0.32, as it answers on the wire.

mod body;
mod error;
mod event;

use serde_json::{Value, json};

use super::hear::{default_model, orphans_speak};
use super::{Character, Habit};
use crate::mock::act::{Act, Scene};
use crate::mock::answer::Answer;
use crate::mock::ask::ToolChoice;
use crate::mock::refusal::Refusal;
use crate::mock::reply::{Content, Reply};
use crate::mock::request::Request;
use crate::mock::route::Route;
use crate::mock::script::Script;
use crate::mock::tokens;

/// Where the shapes of requests and answers are declared.
const PROTOCOL: &str = "https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/chat_completion/protocol.py";
/// Where chat answers are put together.
const SERVING: &str = "https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/chat_completion/serving.py";
/// What the server documents of itself.
const DOCS: &str = "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html";

/// What it documents of tools.
const TOOLS: &str = "https://docs.vllm.ai/en/latest/features/tool_calling/";

pub(super) const CHARACTER: Character = Character {
    name: "vllm",
    title: "vLLM 0.32, `vllm serve`",
    layers: &[HABITS],
    gauge: Some("vllm:num_requests_running"),
};

pub(super) const HABITS: &[Habit] = &[
    Habit::new(
        "`error.code` is the status as a number and `error.type` a class name",
        "https://github.com/vllm-project/vllm/issues/58025",
        &[Act::Error(error::shape)],
    ),
    Habit::new(
        "unknown routes and methods get FastAPI's `{\"detail\": …}`; there is no route for one model, none for HEAD, and none for embeddings on a generative model",
        DOCS,
        &[Act::Instead(missing_route)],
    ),
    Habit::new(
        "401 has the body `{\"error\": \"Unauthorized\"}`",
        "https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/openai/api_server.py",
        &[Act::Error(error::unauthorized)],
    ),
    Habit::new(
        "an answer carries extra null fields, and thoughts are in `reasoning`, no longer in `reasoning_content`",
        "https://github.com/vllm-project/vllm/issues/50624",
        &[Act::Plain(body::shape)],
    ),
    Habit::new(
        "`system_fingerprint` and the finish's `stop_reason` come only on the last chunks, `token_ids` on all; a limit or a stop text ends on the last piece of text, with no chunk of its own",
        SERVING,
        &[Act::Events(event::shape)],
    ),
    Habit::new(
        "the first fragment of a streamed tool call has no `arguments`",
        SERVING,
        &[Act::Events(|events, _| event::first_fragment(events))],
    ),
    Habit::new(
        "tool calls have ids `chatcmpl-tool-…`, and a forced call's content is '' and not null",
        SERVING,
        &[Act::Decide(name_calls)],
    ),
    Habit::new(
        "a call that the limit cuts is the content of a plain answer, markup and all",
        "https://github.com/vllm-project/vllm/issues/47903",
        &[Act::Decide(leak_cut_call)],
    ),
    Habit::new(
        "an error inside a stream is followed by [DONE]",
        "https://github.com/BerriAI/litellm/issues/40578",
        &[Act::Events(event::done_after_error)],
    ),
    Habit::new("`tools: []` is refused", PROTOCOL, &[Act::Instead(refuse_no_tools)]),
    Habit::new(
        "a request without a model is served by the first, and an unknown role is let by",
        DOCS,
        &[Act::Hear(|request, house| {
            default_model(request, house);
            known_roles(request);
        })],
    ),
    Habit::new(
        "a limit that does not fit beside the prompt is lowered",
        SERVING,
        &[Act::Traits(|traits| traits.clamps_limit = true)],
    ),
    Habit::new(
        "a tool message without its call is rendered by the chat template, and answered",
        TOOLS,
        &[Act::Hear(|request, _| orphans_speak(request))],
    ),
    Habit::new(
        "the schema of a tool that is not strict is not read",
        "https://github.com/vllm-project/vllm/issues/49661",
        &[Act::Hear(|request, _| schemas_unread(request))],
    ),
    Habit::faults(
        "an output without its call is let by in the Responses API",
        TOOLS,
        &["responses-orphan-200"],
    ),
    Habit::faults(
        "a stream of the Responses API that the limit cut ends with response.completed",
        "https://github.com/vllm-project/agentic-api/issues/273",
        &["responses-completed-event-on-length"],
    ),
    Habit::new(
        "no x-request-id unless the server is told to (`--enable-request-id-headers`)",
        DOCS,
        &[Act::Script(headers)],
    ),
];

/// The answer of `FastAPI` for what it has no route for.
fn detail(status: u16, text: &str) -> Reply {
    Reply::new(status, Content::Json(json!({"detail": text})))
}

fn missing_route(scene: &Scene<'_>) -> Option<Reply> {
    match &scene.request.route {
        Route::Model(_) | Route::Embeddings => Some(detail(404, "Not Found")),
        Route::Models if scene.request.method == "HEAD" => {
            let mut reply = detail(405, "Method Not Allowed");
            reply.headers.push("allow", "GET");
            Some(reply)
        }
        _ => None,
    }
}

fn refuse_no_tools(scene: &Scene<'_>) -> Option<Reply> {
    let empty = scene.request.field("tools").and_then(Value::as_array).is_some_and(Vec::is_empty);
    let text = "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely.";
    empty.then(|| Refusal::new(400, text).param("tools").reply())
}

/// Nonsense in the schema of a tool that is not strict goes unnoticed.
fn schemas_unread(request: &mut Request) {
    const TYPES: [&str; 7] = ["object", "array", "string", "number", "integer", "boolean", "null"];
    let tools = request.object_mut().and_then(|body| body.get_mut("tools")?.as_array_mut());
    for function in tools.into_iter().flatten().filter_map(|tool| tool.get_mut("function")) {
        let strict = function.get("strict").is_some_and(|strict| *strict == true);
        let kind = function.pointer("/parameters/type").and_then(Value::as_str);
        if !strict
            && kind.is_some_and(|kind| !TYPES.contains(&kind))
            && let Some(parameters) = function.get_mut("parameters")
        {
            *parameters = json!({"type": "object"});
        }
    }
}

fn known_roles(request: &mut Request) {
    const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];
    let messages = request.object_mut().and_then(|body| body.get_mut("messages")?.as_array_mut());
    for role in messages.into_iter().flatten().filter_map(|message| message.get_mut("role")) {
        if role.as_str().is_some_and(|name| !ROLES.contains(&name)) {
            *role = json!("user");
        }
    }
}

/// Sixteen hexadecimal digits, the same for the same seed.
fn hex(scene: &Scene<'_>, what: &str) -> String {
    let text = format!("{}/{}/{what}", scene.house.config.seed, scene.number());
    format!("{:016x}", tokens::hash(text.as_bytes()))
}

fn fingerprint(scene: &Scene<'_>) -> String {
    let hash = tokens::hash(&scene.house.config.seed.to_le_bytes());
    format!("vllm-0.32.0-{:08x}", hash >> 32)
}

fn name_calls(answer: &mut Answer, scene: &Scene<'_>) {
    let forced = scene
        .ask
        .is_some_and(|ask| matches!(ask.choice, ToolChoice::Required | ToolChoice::Named(_)));
    for (index, choice) in answer.choices.iter_mut().enumerate() {
        for (at, call) in choice.calls.iter_mut().enumerate() {
            call.id = format!("chatcmpl-tool-{}", hex(scene, &format!("{index}.{at}")));
        }
        if forced && !choice.calls.is_empty() {
            choice.text.get_or_insert_default();
        }
    }
}

/// The parser of calls finds none that is whole, and the text stays as the model wrote it.
fn leak_cut_call(answer: &mut Answer, scene: &Scene<'_>) {
    if scene.ask.is_some_and(|ask| ask.stream) {
        return;
    }
    for choice in answer.choices.iter_mut().filter(|choice| choice.finish == "length") {
        let Some(call) = choice.calls.pop() else { continue };
        let (name, arguments) = (&call.name, call.json());
        choice.calls.clear();
        choice.set_content(&format!(
            "<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}"
        ));
    }
}

fn headers(script: &mut Script, _: &Scene<'_>) {
    let headers = &mut script.head.headers;
    for name in ["x-request-id", "openai-processing-ms", "openai-version", "cache-control"] {
        headers.remove(name);
    }
    headers.push("server", "uvicorn");
    // The middleware that asks for the key stands before the one that allows origins.
    if script.head.status != 401 {
        headers.push("vary", "Origin");
    }
}
