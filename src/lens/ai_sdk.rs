//! The AI SDK with an OpenAI-compatible provider: `generateText(…)` and `streamText(…)`.
//!
//! Every answer and every chunk is held against a schema, and what does not fit is an error. In a
//! stream such an error is a part beside the others: `onError` and a chat in the browser end with
//! it, whoever awaits the text does not see it, so the lens says that the call raises and keeps
//! what came. `[DONE]` means nothing, the stream ends with the body, and a missing finish reason is
//! an error. Only the first choice is read, whatever its index. Tool arguments are parsed; what
//! cannot be parsed is handed over as the text it is, in a call marked invalid.

mod generate;
mod schema;
mod schema_openai;
mod stream;
#[cfg(test)]
mod tests;
mod tracker;

use serde_json::Value;

use super::decode::js::{self, Stop, property};
use super::{Answer, Asked, Call, Lens, Surface, Taken, Usage};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "ai-sdk",
    title: "AI SDK, generateText() and streamText() with an OpenAI-compatible provider",
    package: "@ai-sdk/openai-compatible",
    version: "2.0.87",
    names: ["Vercel AI SDK", "Vercel AI SDK, openai-compatible"],
    surface: Surface::Both,
    read,
};

fn read(exchange: &Exchange) -> Taken {
    read_with(exchange, Provider::Compatible)
}

/// Which of the SDK's providers reads the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    /// `@ai-sdk/openai-compatible`.
    Compatible,
    /// `@ai-sdk/openai`.
    OpenAi,
}

impl Provider {
    fn takes_completion(self, value: &Value) -> bool {
        match self {
            Self::Compatible => schema::is_completion(value),
            Self::OpenAi => schema_openai::is_completion(value),
        }
    }

    /// Takes a stream's event for a chunk or for an error; `None` if it fits neither.
    fn event(self, value: &Value) -> Option<Event> {
        match self {
            // Fields that the schema does not know are kept, so even a null error counts.
            Self::Compatible if schema::is_chunk(value) => {
                Some(value.get("error").map_or(Event::Chunk, |_| Event::Error))
            }
            Self::OpenAi if schema_openai::is_chunk(value) => Some(Event::Chunk),
            _ => schema::is_error(value).then_some(Event::Error),
        }
    }

    /// The texts of a message or a delta, and its reasoning.
    fn parts(self, said: &Value) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        match self {
            Self::Compatible => {
                parts.extend(reasoning(said).map(|text| Part::Reasoning(text.to_owned())));
                parts.extend(content_parts(said.get("content")));
            }
            Self::OpenAi => {
                parts.extend(text(said, "content").map(Part::Text));
                parts.extend(text(said, "refusal").map(Part::Text));
            }
        }
        parts
    }

    /// Whether what was said makes a `stop` a refusal.
    fn refuses(self, said: &Value) -> bool {
        self == Self::OpenAi && text(said, "refusal").is_some()
    }
}

/// What an event of a stream is to a provider.
enum Event {
    Chunk,
    Error,
}

/// A text that is not empty.
fn text(value: &Value, name: &str) -> Option<String> {
    let text = value.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads an exchange as the SDK does with a provider.
pub(super) fn read_with(exchange: &Exchange, provider: Provider) -> Taken {
    let settings = Settings::of(exchange, provider);
    if Asked::of(exchange).is_some_and(|asked| asked.stream) {
        stream::read(exchange, &settings)
    } else {
        generate::read(exchange, &settings)
    }
}

/// What the caller set, as far as it shows in the request.
struct Settings {
    provider: Provider,
    /// Declared tools; `None` if none were.
    tools: Option<Vec<String>>,
    choice: Choice,
}

/// The tool choice that the SDK enforces.
enum Choice {
    Auto,
    None,
    Required,
    Tool(String),
}

impl Settings {
    fn of(exchange: &Exchange, provider: Provider) -> Self {
        let request: Value = serde_json::from_slice(&exchange.request.body).unwrap_or_default();
        let tools = property(&request, "tools").and_then(Value::as_array);
        let names: Vec<String> = tools
            .into_iter()
            .flatten()
            .filter_map(|tool| tool.pointer("/function/name")?.as_str().map(str::to_owned))
            .collect();
        if names.is_empty() {
            return Self { provider, tools: None, choice: Choice::Auto };
        }
        let choice = match property(&request, "tool_choice") {
            Some(Value::String(choice)) if choice == "none" => Choice::None,
            Some(Value::String(choice)) if choice == "required" => Choice::Required,
            Some(choice) => choice
                .pointer("/function/name")
                .and_then(Value::as_str)
                .map_or(Choice::Auto, |name| Choice::Tool(name.to_owned())),
            None => Choice::Auto,
        };
        Self { provider, tools: Some(names), choice }
    }

    /// A call of the provider as the SDK parses it.
    fn parse(&self, call: ProviderCall) -> Call {
        let ProviderCall { id, name, input } = call;
        let known = self.tools.as_ref().is_some_and(|tools| tools.contains(&name));
        let arguments = if known && input.trim().is_empty() {
            Value::Object(serde_json::Map::new())
        } else {
            secure_parse(&input).unwrap_or(Value::String(input))
        };
        Call { id: Some(id), name: Some(name), arguments }
    }
}

/// A tool call as the provider hands it on.
struct ProviderCall {
    id: String,
    name: String,
    input: String,
}

/// `JSON.parse` that refuses keys which would reach an object's prototype.
fn secure_parse(text: &str) -> Option<Value> {
    js::parse(text).filter(|value| !poisoned(value))
}

fn poisoned(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(poisoned),
        Value::Object(map) => {
            map.contains_key("__proto__")
                || map.get("constructor").is_some_and(|c| c.get("prototype").is_some())
                || map.values().any(poisoned)
        }
        _ => false,
    }
}

/// A refusal: any status outside 2xx, or no answer at all.
fn success(exchange: &Exchange) -> Result<u16, Stop> {
    use super::decode::http::BodyEnd;
    let end = BodyEnd::of(exchange);
    let Some(status) = exchange.status() else {
        return Err(match end {
            BodyEnd::Silent => Stop::Hangs,
            _ => call_error("Cannot connect to API"),
        });
    };
    if (200..300).contains(&status) {
        return Ok(status);
    }
    Err(match end {
        BodyEnd::Silent => Stop::Hangs,
        BodyEnd::Broken => call_error("Failed to process error response"),
        BodyEnd::Whole => {
            let body = secure_parse(&js::utf8(&exchange.body()));
            let error = body.filter(schema::is_error);
            let message = error.as_ref().and_then(|body| body.pointer("/error/message"));
            let reason = exchange.head.as_ref().map(|head| head.reason.as_str());
            let message = message.and_then(Value::as_str).or(reason).unwrap_or_default();
            call_error(message)
        }
    })
}

fn call_error(message: impl Into<String>) -> Stop {
    Stop::raises("AI_APICallError", message)
}

/// The parts of a content that the SDK knows: text, and the reasoning of some providers.
fn content_parts(content: Option<&Value>) -> Vec<Part> {
    match content {
        Some(Value::String(text)) if !text.is_empty() => vec![Part::Text(text.clone())],
        Some(Value::Array(parts)) => parts.iter().filter_map(content_part).collect(),
        _ => Vec::new(),
    }
}

enum Part {
    Text(String),
    Reasoning(String),
}

fn content_part(part: &Value) -> Option<Part> {
    match part.get("type")?.as_str()? {
        "text" => {
            let text = part.get("text")?.as_str()?;
            (!text.is_empty()).then(|| Part::Text(text.to_owned()))
        }
        "thinking" => {
            let chunks = part.get("thinking")?.as_array()?.iter();
            let text: String = chunks
                .filter(|chunk| chunk.get("type") == Some(&"text".into()))
                .filter_map(|chunk| chunk.get("text")?.as_str())
                .collect();
            (!text.is_empty()).then_some(Part::Reasoning(text))
        }
        _ => None,
    }
}

/// The first of the two reasoning fields that is not null, if it says anything.
fn reasoning(message: &Value) -> Option<&str> {
    property(message, "reasoning_content")
        .or_else(|| property(message, "reasoning"))
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn finish_reason(reason: Option<&Value>, refused: bool) -> &'static str {
    match reason.and_then(Value::as_str) {
        Some("stop") if refused => "content-filter",
        Some("stop") => "stop",
        Some("length") => "length",
        Some("content_filter") => "content-filter",
        Some("function_call" | "tool_calls") => "tool-calls",
        _ => "other",
    }
}

/// Token counts: one that is missing counts as zero, and the sum is the SDK's own.
fn usage(usage: &Value) -> Usage {
    let count = |name| property(usage, name).cloned().unwrap_or_else(|| 0.into());
    let (prompt, completion) = (count("prompt_tokens"), count("completion_tokens"));
    let total = match (prompt.as_i64(), completion.as_i64()) {
        (Some(prompt), Some(completion)) => Value::from(prompt.saturating_add(completion)),
        _ => Value::from(
            prompt.as_f64().unwrap_or_default() + completion.as_f64().unwrap_or_default(),
        ),
    };
    Usage { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total }
}

fn stopped(stop: Stop, answer: Answer) -> Taken {
    super::openai_node::stopped(stop, answer)
}
