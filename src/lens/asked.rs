//! What a chat request asked for, as far as a client's behaviour hangs on it.

use serde_json::Value;

use crate::transcript::Exchange;

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
}

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
        // The body is kept as it came; a client would have undone its coding.
        let coding = exchange.header("content-encoding").map(str::trim);
        if coding.is_some_and(|coding| !coding.is_empty() && coding != "identity") {
            return None;
        }
        // Where we left or stopped on purpose, a client would have read on.
        if exchange.end.is_ours() {
            return None;
        }
        let usage = body.pointer("/stream_options/include_usage");
        Some(Self {
            stream: body.get("stream").and_then(Value::as_bool).unwrap_or_default(),
            stream_usage: usage.and_then(Value::as_bool).unwrap_or_default(),
            several: body.get("n").and_then(Value::as_u64).is_some_and(|n| n > 1),
            format: body.get("response_format").is_some_and(|format| !format.is_null()),
        })
    }
}
