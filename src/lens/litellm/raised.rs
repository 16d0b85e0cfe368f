//! Which exception the package makes of one of openai-python's, by its words before its status.

use crate::lens::decode::python::Stop;
use crate::lens::{Answer, Taken};
use crate::transcript::Exchange;

const INTERNAL: &str = "litellm.InternalServerError";
const BAD_REQUEST: &str = "litellm.BadRequestError";
const MID_STREAM: &str = "litellm.MidStreamFallbackError";

/// An error as the package looks at it: the status that it takes it for, and all its words.
pub(super) struct Fault {
    /// `None` for one that has no status at all.
    pub(super) status: Option<u16>,
    pub(super) words: String,
}

impl Fault {
    /// Something that went wrong in the package itself while it read an answer.
    pub(super) fn inner(words: impl Into<String>) -> Self {
        Self { status: Some(500), words: words.into() }
    }

    /// The class by which a caller knows it.
    pub(super) fn class(&self) -> &'static str {
        let Self { status, words } = self;
        let lower = words.to_lowercase();
        let says = |needle: &str| words.contains(needle);
        let invalid = says("invalid_request_error");
        if says("Request timed out") || says("The read operation timed out") {
            return "litellm.Timeout";
        }
        if limits_rate(&lower, *status) {
            return "litellm.RateLimitError";
        }
        if overflows(&lower) {
            return "litellm.ContextWindowExceededError";
        }
        if invalid && says("model_not_found") {
            return "litellm.NotFoundError";
        }
        if invalid && says("content_policy_violation") {
            return "litellm.ContentPolicyViolationError";
        }
        if invalid && !says("Incorrect API key provided") {
            return BAD_REQUEST;
        }
        if says("The server had an error processing your request.") {
            return INTERNAL;
        }
        if says("Request too large") {
            return "litellm.RateLimitError";
        }
        match status {
            Some(400 | 422) => BAD_REQUEST,
            Some(401) => "litellm.AuthenticationError",
            Some(404) => "litellm.NotFoundError",
            Some(408 | 504) => "litellm.Timeout",
            Some(429) => "litellm.RateLimitError",
            Some(500) => INTERNAL,
            Some(502) => "litellm.BadGatewayError",
            Some(503) => "litellm.ServiceUnavailableError",
            Some(_) => "litellm.APIError",
            None => "litellm.APIConnectionError",
        }
    }

    /// The call raises it.
    pub(super) fn raise(self) -> Taken {
        Taken::raises(self.class(), self.words, Answer::default())
    }

    /// The iteration raises it: as it is where the request was at fault, else as a failure amid the
    /// stream, which the package's router would answer with another server.
    pub(super) fn raise_amid(self, answer: Answer) -> Taken {
        let class = self.class();
        let class = match class {
            BAD_REQUEST
            | "litellm.ContextWindowExceededError"
            | "litellm.ContentPolicyViolationError"
            | "litellm.NotFoundError"
            | "litellm.AuthenticationError" => class,
            _ => MID_STREAM,
        };
        Taken::raises(class, self.words, answer)
    }
}

/// Whether the words tell of a rate limit. A bare 429 among them counts unless the status is
/// another.
fn limits_rate(lower: &str, status: Option<u16>) -> bool {
    let is_word = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    let numbered = lower.match_indices("429").any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| lower.as_bytes().get(at).copied());
        !is_word(before) && !is_word(lower.as_bytes().get(at + 3).copied())
    });
    let named = lower.match_indices("rate").any(|(at, _)| {
        lower.get(at + 4..).is_some_and(|rest| {
            rest.trim_start_matches(|c: char| c.is_whitespace() || c == '_' || c == '-')
                .starts_with("limit")
        })
    });
    numbered && status.is_none_or(|status| status == 429)
        || named
        || lower.contains("service tier capacity exceeded")
}

/// Whether the words tell that the prompt is too long.
fn overflows(lower: &str) -> bool {
    const WORDS: [&str; 9] = [
        "exceed context limit",
        "this model's maximum context length is",
        "string too long. expected a string with maximum length",
        "model's maximum context limit",
        "is longer than the model's context length",
        "input tokens exceed the configured limit",
        "`inputs` tokens + `max_new_tokens` must be",
        "exceeds the available context size",
        "exceeds the maximum number of tokens allowed",
    ];
    if lower.contains("string_above_max_length")
        || lower.contains("invalid 'user'") && lower.contains("string too long")
    {
        return false;
    }
    WORDS.iter().any(|words| lower.contains(words))
        || lower.contains("current length is") && lower.contains("while limit is")
        || lower.contains("maximum input length is") && lower.contains("tokens")
}

/// What the call comes to when openai-python gives no answer.
pub(super) fn refused(exchange: &Exchange, stop: Stop) -> Taken {
    let Stop::Raises(_, message, _) = stop else { return Taken::hangs(Answer::default()) };
    let status = exchange.status().filter(|status| !(200..300).contains(status));
    let words = match status {
        // The package looks at all of the error's body.
        Some(status) if !message.starts_with("Connection error") => {
            format!("Error code: {status} - {}", String::from_utf8_lossy(&exchange.body()).trim())
        }
        _ => message,
    };
    let status = if words.starts_with("Connection error") { 500 } else { status.unwrap_or(500) };
    Fault { status: Some(status), words }.raise()
}
