//! What a request asked for, as far as a client's behaviour hangs on it.

use serde_json::Value;

use crate::transcript::{End, Exchange};

/// An API that clients speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `/chat/completions`.
    Chat,
    /// `/responses`.
    Responses,
}

/// What a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct Asked {
    /// By which API.
    pub api: Api,
    /// A stream.
    pub stream: bool,
    /// A stream with a usage chunk.
    pub stream_usage: bool,
    /// More than one choice.
    pub several: bool,
    /// An answer in a `response_format`.
    pub format: bool,
    /// Nothing but an answer in text to messages in text: what every client asks.
    pub everyday: bool,
}

/// Members of a request that ask for no feature that one could go without.
const EVERYDAY: [&str; 10] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "user",
];

/// The same of the Responses API.
const EVERYDAY_RESPONSES: [&str; 9] = [
    "model",
    "input",
    "instructions",
    "stream",
    "max_output_tokens",
    "temperature",
    "top_p",
    "store",
    "user",
];

/// A longer request is out of the ordinary.
const EVERYDAY_BYTES_MAX: usize = 64 * 1024;

impl Asked {
    /// Reads the request of an exchange; `None` if it is none for an answer that a client would send.
    pub fn of(exchange: &Exchange) -> Option<Self> {
        let request = &exchange.request;
        let url = request.url.split(['?', '#']).next().unwrap_or_default();
        let api = match url {
            _ if request.method != "POST" => return None,
            url if url.ends_with("/chat/completions") => Api::Chat,
            url if url.ends_with("/responses") => Api::Responses,
            _ => return None,
        };
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        let said = body.get(if api == Api::Chat { "messages" } else { "input" })?;
        // The text alone stands for one message.
        let messages: &[Value] = match said {
            Value::String(_) if api == Api::Responses => &[],
            Value::Array(messages) if !messages.is_empty() => messages,
            _ => return None,
        };
        if !messages.iter().all(Value::is_object) {
            return None;
        }
        // The body is kept as it came, unless its coding was asked for; a client would have undone it.
        let coding = exchange.header("content-encoding").map(str::trim);
        if exchange.encoded.is_empty()
            && coding.is_some_and(|coding| !coding.is_empty() && coding != "identity")
        {
            return None;
        }
        // Where we left or stopped on purpose, a client would have read on. A kept connection that
        // turns out closed is never the end for a client: its pool asks again on a new one.
        if exchange.end.is_ours() || exchange.end == End::ClosedBeforeResponse {
            return None;
        }
        // Clients send their bodies without asking for leave.
        if request.headers.get("expect").is_some() {
            return None;
        }
        let usage = body.pointer("/stream_options/include_usage");
        let format = match api {
            Api::Chat => body.get("response_format"),
            Api::Responses => body.pointer("/text/format"),
        };
        let everyday = is_everyday(api, &body, messages);
        Some(Self {
            api,
            stream: body.get("stream").and_then(Value::as_bool).unwrap_or_default(),
            stream_usage: usage.and_then(Value::as_bool).unwrap_or_default(),
            several: body.get("n").and_then(Value::as_u64).is_some_and(|n| n > 1),
            format: format.is_some_and(|format| !format.is_null()),
            everyday: request.body.len() <= EVERYDAY_BYTES_MAX && everyday,
        })
    }
}

/// Whether a request asks for an answer in text to messages in text, and for nothing else.
fn is_everyday(api: Api, body: &Value, messages: &[Value]) -> bool {
    let names: &[&str] = match api {
        Api::Chat => &EVERYDAY,
        Api::Responses => &EVERYDAY_RESPONSES,
    };
    let members = body.as_object().into_iter().flatten();
    let known = members.filter(|(_, value)| !value.is_null()).all(|(name, value)| {
        names.contains(&name.as_str())
            && match name.as_str() {
                "max_tokens" | "max_completion_tokens" | "max_output_tokens" => {
                    value.as_u64().is_some_and(|n| n > 0)
                }
                "temperature" | "top_p" => value.as_f64().is_some_and(|n| n >= 0.0),
                _ => true,
            }
    });
    let roles = ["system", "developer", "user", "assistant"];
    known
        && messages.iter().filter_map(Value::as_object).all(|message| {
            message.len() == 2
                && message.get("content").is_some_and(Value::is_string)
                && message.get("role").is_some_and(|role| roles.iter().any(|known| role == known))
        })
}
