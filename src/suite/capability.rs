//! What an endpoint may or may not offer: the words of `needs` and of a profile's `capabilities`.

/// A capability's name and meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilityWord {
    /// As written in `needs`.
    pub name: &'static str,
    /// What an endpoint that has it can do.
    pub means: &'static str,
    /// Why cases that need it are skipped unless a profile names it: they cost, take minutes, or
    /// assume a special server. `None` where a profile's silence means that it is found out by
    /// asking.
    pub opt_in: Option<&'static str>,
}

const fn word(name: &'static str, means: &'static str) -> CapabilityWord {
    CapabilityWord { name, means, opt_in: None }
}

const fn opt_in(name: &'static str, means: &'static str, why: &'static str) -> CapabilityWord {
    CapabilityWord { name, means, opt_in: Some(why) }
}

/// Every capability, in the order of the documentation.
pub const CAPABILITIES: [CapabilityWord; 41] = [
    word("chat", "POST /chat/completions"),
    word("stream", "`stream: true`"),
    word("usage_stream", "`stream_options.include_usage`"),
    word("tools", "`tools` and `tool_choice`"),
    word("tools_strict", "`strict: true` in a tool's function"),
    word("parallel_tools", "more than one call in an answer, and `parallel_tool_calls`"),
    word("json_object", "`response_format: {type: json_object}`"),
    word("json_schema", "`response_format: {type: json_schema}`"),
    word("logprobs", "`logprobs` and `top_logprobs`"),
    word("logit_bias", "`logit_bias`"),
    word("n", "`n` greater than 1"),
    word("seed", "`seed` makes answers repeatable"),
    word("stop", "`stop`"),
    word("max_completion_tokens", "`max_completion_tokens`"),
    word("developer_role", "messages of the role `developer`"),
    word("reasoning", "the model thinks, and says so in a field of its own"),
    word("vision", "image parts in messages"),
    word("models", "GET /models"),
    word("model_routing", "the `model` of a request decides which model answers"),
    opt_in(
        "multi_model",
        "more than one model behind one base URL",
        "several models have to be named",
    ),
    word("completions", "POST /completions"),
    word("embeddings", "POST /embeddings"),
    word("responses", "POST /responses"),
    word("responses_store", "responses are kept: `previous_response_id`, GET and DELETE"),
    opt_in(
        "batches",
        "POST /files and POST /batches",
        "files are uploaded, and work is begun that is billed",
    ),
    word("auth", "requests without a valid key are refused"),
    opt_in(
        "rate_limit",
        "a request limit that a test may reach",
        "a limit is used up that others may need",
    ),
    word("gzip", "compressed answers on request"),
    word("http2", "HTTP/2"),
    opt_in(
        "metrics",
        "a Prometheus page that counts running requests",
        "the page is of one kind of server",
    ),
    word("idempotency", "`Idempotency-Key`"),
    opt_in("gateway", "the endpoint passes requests on to another", "a gateway is assumed"),
    opt_in(
        "reference_tokens",
        "the profile knows token counts of reference prompts: `limits.reference_tokens`",
        "the profile has to know them",
    ),
    opt_in("load", "many requests at once are welcome", "many requests go out at once"),
    opt_in(
        "inject_errors",
        "the header `x-proofhouse-mock` makes the endpoint fail on request",
        "only a mock fails on request",
    ),
    opt_in("slow", "cases that last minutes are welcome", "minutes go by"),
    opt_in("sagemaker", "an Amazon SageMaker endpoint", "an Amazon SageMaker endpoint is assumed"),
    opt_in(
        "sagemaker_container",
        "the container behind a SageMaker endpoint, asked directly",
        "the container behind a SageMaker endpoint is assumed",
    ),
    opt_in(
        "sagemaker_ic",
        "a SageMaker endpoint with inference components",
        "inference components are assumed",
    ),
    opt_in("adapter", "a Bedrock adapter in front of the endpoint", "a Bedrock adapter is assumed"),
    opt_in("mock", "the endpoint is proofhouse's own mock", "proofhouse's own mock is assumed"),
];

/// The word of that name.
pub fn named(name: &str) -> Option<&'static CapabilityWord> {
    CAPABILITIES.iter().find(|capability| capability.name == name)
}

/// The names alone, for messages.
pub fn names() -> impl Iterator<Item = &'static str> {
    CAPABILITIES.iter().map(|capability| capability.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_capability_is_listed_twice() {
        let mut seen: Vec<_> = names().collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), CAPABILITIES.len());
    }
}
