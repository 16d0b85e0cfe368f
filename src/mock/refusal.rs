//! A request that will not be served, and why, in OpenAI's terms.

use serde_json::{Value, json};

use super::reply::{Content, Reply};

/// Who is to blame, as OpenAI's `error.type` says it.
pub(crate) const INVALID_REQUEST: &str = "invalid_request_error";
const SERVER_ERROR: &str = "server_error";

/// A request that will not be served, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) kind: &'static str,
    pub(crate) param: Option<String>,
    pub(crate) code: Option<&'static str>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        let kind = if status >= 500 { SERVER_ERROR } else { INVALID_REQUEST };
        Self { status, message: message.into(), kind, param: None, code: None, headers: Vec::new() }
    }

    /// A 400 that names the field at fault.
    pub(crate) fn invalid(
        param: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::new(400, message).param(param).code(code)
    }

    pub(crate) fn missing(param: &str) -> Self {
        let message = format!("Missing required parameter: '{param}'.");
        Self::invalid(param, "missing_required_parameter", message)
    }

    pub(crate) fn wrong_type(param: &str, wanted: &str, seen: &Value) -> Self {
        let message = format!(
            "Invalid type for '{param}': expected {wanted}, but got {} instead.",
            kind_of(seen)
        );
        Self::invalid(param, "invalid_type", message)
    }

    pub(crate) fn wrong_value(param: &str, seen: &str, allowed: &[&str]) -> Self {
        let allowed: Vec<_> = allowed.iter().map(|value| format!("'{value}'")).collect();
        let message =
            format!("Invalid value: '{seen}'. Supported values are: {}.", allowed.join(", "));
        Self::invalid(param, "invalid_value", message)
    }

    #[must_use]
    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    #[must_use]
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    #[must_use]
    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The engine failed while it was answering.
    pub(crate) fn engine() -> Self {
        Self::new(500, "The server had an error while processing your request. Sorry about that!")
    }

    /// Too many requests at once, or too many in a time.
    pub(crate) fn rate_limit() -> Self {
        Self::new(429, "Rate limit reached for requests. Please try again in 1s.")
            .kind("requests")
            .code("rate_limit_exceeded")
            .header("retry-after", "1")
            .header("x-ratelimit-limit-requests", "60")
            .header("x-ratelimit-remaining-requests", "0")
            .header("x-ratelimit-reset-requests", "1s")
    }

    pub(crate) fn overload() -> Self {
        Self::new(503, "The engine is currently overloaded, please try again later.")
            .header("retry-after", "1")
    }

    /// OpenAI's envelope: all four keys, always.
    pub(crate) fn envelope(&self) -> Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }})
    }

    pub(crate) fn reply(&self) -> Reply {
        let mut reply = Reply::new(self.status, Content::Json(self.envelope()));
        for (name, value) in &self.headers {
            reply.headers.push(*name, value.clone());
        }
        reply
    }
}

/// The kind of a JSON value, with its article.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
