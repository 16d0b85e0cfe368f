//! What a response of the Responses API meant.

use serde_json::{Value, json};

use super::{Intent, Meant, no_answer};
use crate::dialect::openai::Reading;
use crate::lens::{Asked, Call};
use crate::transcript::{End, Exchange};

/// How the API calls the token counts.
const COUNTS: [&str; 3] = ["input_tokens", "output_tokens", "total_tokens"];

/// What an exchange meant. Of a stream the last event tells; what it leaves out, the events before
/// it tell.
pub(super) fn meant(exchange: &Exchange, asked: Asked, reading: &Reading) -> Meant {
    let events = Events::of(reading);
    let whole = if asked.stream {
        reading.assembled.as_ref().filter(|whole| whole.is_object())
    } else {
        reading.json.as_ref().ok().filter(|body| body.get("output").is_some_and(Value::is_array))
    };
    let is_answer = whole.is_some() || asked.stream && events.any;
    let no_answer = (!is_answer).then(|| no_answer(exchange, reading, "output"));
    let finish = whole.and_then(|whole| whole.get("status")?.as_str()).map(str::to_owned);
    let finish = finish.or_else(|| events.error.then(|| "error".to_owned()));
    let is_cut = !exchange.end.is_ours() && exchange.end != End::Complete && finish.is_none();
    let counted = matches!(finish.as_deref(), Some("completed" | "incomplete"));
    let intent = Intent {
        text: whole.map(text).filter(|text| !text.is_empty()).unwrap_or(events.text),
        calls: whole.map(calls).filter(|calls| !calls.is_empty()).unwrap_or(events.calls),
        calls_known: whole.is_some(),
        finish,
        ends_by: "status",
    };
    let usage = whole.and_then(|whole| whole.get("usage")).filter(|usage| usage.is_object());
    Meant {
        no_answer,
        unfinished: is_cut
            .then(|| format!("a cut answer is taken for whole ({})", exchange.end.describe())),
        choices: vec![intent],
        usage: usage.map(|usage| {
            let [prompt, completion, total] = COUNTS.map(|name| usage.get(name).cloned());
            json!({
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": total,
            })
        }),
        // Where the end is missing, that is the damage.
        usage_due: counted,
        counts: COUNTS,
    }
}

/// Whether a stream says that it failed.
pub(super) fn told_of_an_error(reading: &Reading) -> bool {
    let events = || reading.chunks.iter().map(|chunk| &chunk.value);
    let failed = |event: &Value| matches!(kind(event), "error" | "response.failed");
    events().any(|event| failed(event) || event.get("error").is_some_and(|e| !e.is_null()))
}

/// What the events tell of a response whose end does not.
struct Events {
    any: bool,
    error: bool,
    text: String,
    calls: Vec<Call>,
}

impl Events {
    fn of(reading: &Reading) -> Self {
        let events = || reading.chunks.iter().map(|chunk| &chunk.value);
        let texts = |wanted: &str, member: &str| -> String {
            let such = events().filter(|event| kind(event) == wanted);
            such.filter_map(|event| event.get(member)?.as_str()).collect()
        };
        let done = texts("response.output_text.done", "text");
        let items = events().filter(|event| kind(event) == "response.output_item.done");
        Self {
            any: events().any(|event| kind(event).starts_with("response.")),
            error: events().any(|event| kind(event) == "error"),
            text: if done.is_empty() { texts("response.output_text.delta", "delta") } else { done },
            calls: items.filter_map(|event| call(event.get("item")?)).collect(),
        }
    }
}

fn kind(event: &Value) -> &str {
    event.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(whole: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    whole.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text(whole: &Value) -> String {
    let messages = items(whole, "output").filter(|item| kind(item) == "message");
    let parts = messages.flat_map(|item| items(item, "content"));
    let texts = parts.filter(|part| kind(part) == "output_text");
    texts.filter_map(|part| part.get("text")?.as_str()).collect()
}

fn calls(whole: &Value) -> Vec<Call> {
    items(whole, "output").filter_map(call).collect()
}

fn call(item: &Value) -> Option<Call> {
    let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    (kind(item) == "function_call").then(|| Call {
        id: text("call_id"),
        name: text("name"),
        arguments: item.get("arguments").cloned().unwrap_or_default(),
    })
}
