//! Faults of a plain chat completion, and of what a chat may hold.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{
    any_message, chat, choices, chunks, crash, forget, has_role, is_answer, message, no,
};
use crate::mock::act::{Act, Scene};
use crate::mock::route::Route;
use crate::mock::tokens;

/// The fields that OpenAI documents for the two generation routes, and those extensions that
/// the suites send.
const KNOWN_FIELDS: &[&str] = &[
    "model",
    "messages",
    "prompt",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "user",
    "metadata",
    "store",
    "service_tier",
    "reasoning_effort",
    "modalities",
    "audio",
    "prediction",
    "functions",
    "function_call",
    "echo",
    "best_of",
    "suffix",
    "ignore_eos",
    "min_tokens",
    "safety_identifier",
    "prompt_cache_key",
    "verbosity",
    "web_search_options",
];

fn drop_field(name: &'static str) -> impl Fn(&mut crate::mock::reply::Reply, &Scene<'_>) {
    move |reply, scene| {
        if let Some(body) = chat(reply, scene) {
            body.shift_remove(name);
        }
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "chat-choices-null",
        "choices null with 200",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = chat(reply, scene) {
                body.insert("choices".to_owned(), Value::Null);
            }
        })],
    ),
    Fault::new(
        "chat-content-parts",
        "message.content as parts",
        &[Act::Plain(|reply, scene| {
            for choice in choices(reply, scene) {
                if let Some(content) = choice.pointer_mut("/message/content")
                    && content.is_string()
                {
                    *content = json!([{"type": "text", "text": content.take()}]);
                }
            }
        })],
    ),
    Fault::new(
        "chat-id-constant",
        "same id always",
        &[
            Act::Plain(|reply, scene| {
                if let Some(body) = chat(reply, scene) {
                    body.insert("id".to_owned(), json!("chatcmpl-0"));
                }
            }),
            Act::Events(|events, _| {
                for chunk in chunks(events).filter_map(Value::as_object_mut) {
                    chunk.insert("id".to_owned(), json!("chatcmpl-0"));
                }
            }),
        ],
    ),
    Fault::new(
        "chat-invalid-json",
        "drop one quote",
        &[Act::Script(|script, scene| {
            if is_answer(script, scene) && script.is_json() {
                script.map_text(|text| text.replacen('"', "", 1));
            }
        })],
    ),
    Fault::new(
        "chat-logprobs-absent",
        "omit logprobs",
        &[Act::Plain(|reply, scene| {
            for choice in choices(reply, scene).iter_mut().filter_map(Value::as_object_mut) {
                if choice.get("logprobs").is_some_and(Value::is_null) {
                    choice.shift_remove("logprobs");
                }
            }
        })],
    ),
    Fault::new(
        "chat-missing-field",
        "drop id",
        &[Act::Plain(|reply, scene| drop_field("id")(reply, scene))],
    ),
    Fault::new(
        "chat-missing-created",
        "drop created",
        &[Act::Plain(|reply, scene| drop_field("created")(reply, scene))],
    ),
    Fault::new(
        "chat-missing-model",
        "drop model",
        &[Act::Plain(|reply, scene| drop_field("model")(reply, scene))],
    ),
    Fault::new(
        "chat-mojibake",
        "UTF-8 decoded as Latin-1",
        &[Act::Decide(|answer, _| {
            for token in
                answer.choices.iter_mut().filter_map(|choice| choice.text.as_mut()).flatten()
            {
                *token = token.bytes().map(char::from).collect();
            }
        })],
    ),
    Fault::new(
        "chat-object-wrong",
        "object completion",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = chat(reply, scene) {
                body.insert("object".to_owned(), json!("completion"));
            }
        })],
    ),
    Fault::new(
        "chat-role-wrong",
        "message.role is bot",
        &[Act::Plain(|reply, scene| {
            if let Some(message) = message(reply, scene) {
                message.insert("role".to_owned(), json!("bot"));
            }
        })],
    ),
    Fault::new(
        "model-impersonation",
        "echo the asked model, serve another",
        &[Act::Plain(|reply, scene| {
            if let Some(body) = chat(reply, scene) {
                body.insert("model".to_owned(), json!("some-other-model"));
            }
        })],
    ),
    Fault::new(
        "unknown-param-500",
        "500 on an unknown field",
        &[Act::Instead(|scene| {
            let generation = matches!(scene.request.route, Route::Chat | Route::Completions);
            let unknown = |key: &String| !KNOWN_FIELDS.contains(&key.as_str());
            (generation && scene.request.object().keys().any(unknown)).then(crash)
        })],
    ),
    Fault::new(
        "reject-frequency-penalty",
        "400 on frequency_penalty",
        &[Act::Instead(|scene| {
            scene.request.field("frequency_penalty").map(|_| no("frequency_penalty"))
        })],
    ),
    Fault::new(
        "reject-name-field",
        "400 on name",
        &[Act::Instead(|scene| {
            any_message(scene, |message| message.get("name").is_some()).then(|| no("name"))
        })],
    ),
    Fault::new(
        "reject-system",
        "400 on system",
        &[Act::Instead(|scene| {
            any_message(scene, |message| has_role(message, "system")).then(|| no("Role system"))
        })],
    ),
    Fault::new(
        "reject-developer",
        "400 on developer",
        &[Act::Instead(|scene| {
            any_message(scene, |message| has_role(message, "developer"))
                .then(|| no("Role developer"))
        })],
    ),
    Fault::new(
        "ignore-developer",
        "drop developer text",
        &[Act::Hear(|request, _| {
            let messages = request.object_mut().and_then(|body| body.get_mut("messages"));
            if let Some(messages) = messages.and_then(Value::as_array_mut) {
                messages.retain(|message| !has_role(message, "developer"));
            }
        })],
    ),
    Fault::new(
        "reject-own-message",
        "400 on reasoning_content or null fields in history",
        &[Act::Instead(|scene| {
            // `content: null` beside tool calls is OpenAI's own form; reject-content-null breaks it.
            let odd = |message: &Value| {
                has_role(message, "assistant")
                    && message.as_object().is_some_and(|map| {
                        map.contains_key("reasoning_content")
                            || map.iter().any(|(key, value)| key != "content" && value.is_null())
                    })
            };
            any_message(scene, odd).then(|| no("An extra field of a message"))
        })],
    ),
    Fault::new(
        "reject-reasoning-history",
        "400 on reasoning_content in history",
        &[Act::Instead(|scene| {
            any_message(scene, |message| message.get("reasoning_content").is_some())
                .then(|| no("reasoning_content"))
        })],
    ),
    Fault::new(
        "replay-409",
        "409 on an identical request",
        &[Act::Instead(|scene| {
            let generation = matches!(scene.request.route, Route::Chat | Route::Completions);
            let headers = scene.request.headers.iter().map(|h| format!("{}:{}\n", h.name, h.value));
            let mut whole = headers.collect::<String>().into_bytes();
            whole.extend_from_slice(&scene.request.body);
            // The lines of a batch have no headers, and may well be alike.
            let sent = generation && !scene.request.headers.0.is_empty();
            (sent && scene.house.saw_request(tokens::hash(&whole))).then(|| {
                crate::mock::refusal::Refusal::new(409, "This request was made before.").reply()
            })
        })],
    ),
    Fault::new(
        "reasoning-swallows-content",
        "whole answer in the reasoning field",
        &[Act::Decide(|answer, scene| {
            let Some(ask) = scene.ask else { return };
            if crate::mock::answer::is_structured(ask) || ask.effort.is_some() {
                for choice in &mut answer.choices {
                    choice.reasoning.extend(choice.text.take().unwrap_or_default());
                }
                answer.recount();
            }
        })],
    ),
    Fault::new(
        "completions-bad-shape",
        "chat object for a legacy completion",
        &[Act::Plain(|reply, scene| {
            if scene.request.route == Route::Completions
                && let Some(body) = reply.json_mut()
            {
                if let Some(object) = body.get_mut("object") {
                    *object = json!("chat.completion");
                }
                let choices = body.get_mut("choices").and_then(Value::as_array_mut);
                for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
                    let text = choice.shift_remove("text");
                    choice.insert(
                        "message".to_owned(),
                        json!({"role": "assistant", "content": text}),
                    );
                }
            }
        })],
    ),
    Fault::new(
        "completions-echo-ignored",
        "no echo",
        &[Act::Hear(|request, _| forget(request, "echo"))],
    ),
    Fault::new(
        "completions-prompts-joined",
        "join prompts",
        &[Act::Hear(|request, _| {
            if let Some(prompts) = request.field("prompt").and_then(Value::as_array) {
                let texts: Option<Vec<&str>> = prompts.iter().map(Value::as_str).collect();
                if let Some(joined) = texts.map(|texts| texts.join("\n")) {
                    super::reach::put(request, "prompt", joined);
                }
            }
        })],
    ),
];
