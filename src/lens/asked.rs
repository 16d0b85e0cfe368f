//! What a chat request asked for, as far as a client's behaviour hangs on it.

use serde_json::Value;

use crate::transcript::{End, Exchange};

/// What a chat request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct Asked {
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

/// A longer request is out of the ordinary.
const EVERYDAY_BYTES_MAX: usize = 64 * 1024;

impl Asked {
    /// Reads the request of an exchange; `None` if it is no chat request that a client would send.
    pub fn of(exchange: &Exchange) -> Option<Self> {
        let request = &exchange.request;
        let url = request.url.split(['?', '#']).next().unwrap_or_default();
        if request.method != "POST" || !url.ends_with("/chat/completions") {
            return None;
        }
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        let messages = body.get("messages").and_then(Value::as_array)?;
        if messages.is_empty() || !messages.iter().all(Value::is_object) {
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
        Some(Self {
            stream: body.get("stream").and_then(Value::as_bool).unwrap_or_default(),
            stream_usage: usage.and_then(Value::as_bool).unwrap_or_default(),
            several: body.get("n").and_then(Value::as_u64).is_some_and(|n| n > 1),
            format: body.get("response_format").is_some_and(|format| !format.is_null()),
            everyday: request.body.len() <= EVERYDAY_BYTES_MAX && is_everyday(&body, messages),
        })
    }
}

/// Whether a request asks for an answer in text to messages in text, and for nothing else.
fn is_everyday(body: &Value, messages: &[Value]) -> bool {
    let members = body.as_object().into_iter().flatten();
    let known = members.filter(|(_, value)| !value.is_null()).all(|(name, value)| {
        EVERYDAY.contains(&name.as_str())
            && match name.as_str() {
                "max_tokens" | "max_completion_tokens" => value.as_u64().is_some_and(|n| n > 0),
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
