//! Whether a request was good: what the shared rules say of its answer.
//!
//! The rules are those of `check`, run by the same code on the gist of the answer. A request is
//! good when it arrived whole with a status of success, holds no error, and breaks none of the
//! rules below. They are those of level `must` whose breach loses or changes a reply; what only
//! annoys a client is for `check` to say.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::assert::{Assertion, Scene, Seen, StepSeen};
use crate::dialect::openai::{DONE, Reading};
use crate::plan::{Kind, Workload};
use crate::record::load::{Others, Usage};
use crate::text::{ellipsis, printable};
use crate::transcript::{End, Exchange, Phase};
use crate::verdict::Judgement;

/// Rules about streams, the gravest first: the first that is broken names the failure.
pub(super) const RULES: [&str; 16] = [
    "event_stream",
    "utf8",
    "each_event_json",
    "no_empty_data",
    "keepalive_comment",
    "no_bare_eof",
    "terminated",
    "finish_present",
    "done",
    "no_data_after_done",
    "choices_array",
    "delta_object",
    "tool_index_present",
    "tool_args_string",
    "tool_args_json",
    "usage_final",
];

/// What is to hold of the answers to one workload.
#[derive(Clone, Debug)]
pub(super) struct Rulebook {
    stream: bool,
    kind: Kind,
    /// The reply is gone on from.
    session: bool,
    rules: Vec<(&'static str, Assertion)>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ruling {
    /// The class of its failure; `None` when it was good.
    pub(super) class: Option<String>,
    /// What exactly was wrong, for people.
    pub(super) why: Option<String>,
    /// Token counts that the server gave.
    pub(super) usage: Option<Usage>,
    /// Why the first choice ended.
    pub(super) finish: Option<String>,
    /// What other tools would have called a success.
    pub(super) others: Others,
    /// The assistant's message, as it is sent back in the next turn.
    pub(super) reply: Option<Value>,
    /// Embeddings in the answer.
    pub(super) items: Option<u32>,
}

impl Ruling {
    /// Holds the answer against the number of texts that were sent.
    pub(super) fn hold(&mut self, texts: Option<u32>) {
        if let (None, Some(sent), Some(got)) = (&self.class, texts, self.items)
            && sent != got
        {
            self.class = Some("no-embedding".to_owned());
            self.why = Some(format!("{sent} texts were sent, and {got} embeddings came back"));
        }
    }
}

impl Rulebook {
    /// The rules for a kind of request: streamed or not, with usage asked for or not, with a JSON
    /// Schema for the reply or none.
    pub(super) fn new(kind: Kind, stream: bool, usage_asked: bool, schema: Option<&Value>) -> Self {
        let mut rules = Vec::new();
        let mut add = |name, spec: Value| {
            let assertion = serde_json::from_value(spec).expect("our own assertions are sound");
            rules.push((name, assertion));
        };
        if stream {
            for name in RULES.into_iter().filter(|name| usage_asked || *name != "usage_final") {
                add(name, json!({"stream": name}));
            }
        } else {
            match kind {
                Kind::Embeddings => {
                    add("embedding", json!({"that": "body.data[*].embedding", "exists": true}));
                }
                Kind::Chat | Kind::Completions => {
                    let that = "body.choices[*].finish_reason";
                    add("finish_present", json!({"that": that, "type": "string"}));
                }
            }
        }
        if let Some(schema) = schema {
            let that = "assembled.choices[*].message.content | json";
            add("schema", json!({"that": that, "schema": schema}));
        }
        Self { stream, kind, session: false, rules }
    }

    /// Whether a stream must end with `[DONE]`.
    pub(super) fn with_done(mut self, done: bool) -> Self {
        self.rules.retain(|(name, _)| done || *name != "done");
        self
    }

    /// What the workload's own keys ask for besides.
    pub(super) fn of_workload(mut self, workload: &Workload) -> Self {
        self.session = workload.session.is_some();
        let mut add = |name, spec: Value| {
            let assertion = serde_json::from_value(spec).expect("our own assertions are sound");
            self.rules.push((name, assertion));
        };
        let calls = "assembled.choices[*].message.tool_calls";
        if !workload.tools.is_empty() && !self.stream {
            let that = format!("{calls}[*].function.arguments | json");
            add("tool_args_json", json!({"that": that, "type": "object", "allow_empty": true}));
        }
        let named = workload
            .tool_choice
            .as_ref()
            .is_some_and(|choice| choice.is_object() || choice.as_str() == Some("required"));
        if named {
            add(
                "tool_call",
                json!({"that": format!("{calls}[0].function.name"), "type": "string"}),
            );
        }
        self
    }

    /// Judges an answer. The exchange's body is a gist.
    pub(super) fn rule(&self, exchange: Exchange) -> Ruling {
        let seen = Seen::new(exchange);
        let reading = seen.reading();
        let error = error_in(reading);
        let others = others(&seen, error.is_some());
        let assembled = reading.assembled.as_ref();
        let usage = assembled.and_then(|reply| reply.get("usage")).and_then(usage);
        let finish = assembled
            .and_then(|reply| reply.pointer("/choices/0/finish_reason"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let (class, why) = match self.fault(&seen, error) {
            Some((class, why)) => (Some(class), Some(why)),
            None => (None, None),
        };
        let reply = assembled.filter(|_| self.session).and_then(said);
        let items = assembled
            .filter(|_| self.kind == Kind::Embeddings)
            .and_then(|reply| reply.get("data")?.as_array())
            .and_then(|data| u32::try_from(data.len()).ok());
        Ruling { class, why, usage, finish, others, reply, items }
    }

    fn fault(&self, seen: &Seen, error: Option<String>) -> Option<(String, String)> {
        let exchange = &seen.exchange;
        let status = exchange.status();
        if let Some(status) = status.filter(|status| !(200..300).contains(status)) {
            let body = exchange.body();
            let said = ellipsis(&printable(body.trim_ascii()), 200);
            return Some((format!("http-{status}"), said));
        }
        // An error in the stream is the reason for an early end, and not the other way round.
        if let Some(error) = error {
            return Some(("in-band-error".to_owned(), error));
        }
        if exchange.end != End::Complete {
            return Some((class_of(&exchange.end).to_owned(), exchange.end.describe()));
        }
        if !self.stream
            && let Err(fault) = &seen.reading().json
        {
            return Some(("invalid-json".to_owned(), fault.to_string()));
        }
        let (vars, limits) = (BTreeMap::new(), BTreeMap::new());
        let steps = [StepSeen { name: "load", copies: vec![seen] }];
        let scene = Scene { steps: &steps, current: 0, copy: 0, vars: &vars, limits: &limits };
        self.rules.iter().find_map(|(name, assertion)| match assertion.judge(&scene) {
            Judgement::Fails(evidence) => {
                let why = evidence.first().map_or_else(String::new, |piece| {
                    format!("{}: expected {}, seen {}", name, piece.expected, piece.seen)
                });
                Some((self.class(name).to_owned(), why))
            }
            Judgement::Holds | Judgement::CannotTell { .. } => None,
        })
    }

    fn class(&self, rule: &'static str) -> &'static str {
        match rule {
            "event_stream" => "no-stream",
            "utf8" | "each_event_json" => "invalid-json",
            "no_bare_eof" | "terminated" => "truncated",
            "finish_present" => "no-finish-reason",
            "done" => "no-done",
            "usage_final" => "no-usage",
            "tool_call" => "no-tool-call",
            "tool_index_present" | "tool_args_string" | "tool_args_json" => "tool-arguments",
            "schema" => "schema",
            _ if self.kind == Kind::Embeddings => "no-embedding",
            _ => "broken-stream",
        }
    }
}

/// The class of an end that is no whole answer.
pub(super) const fn class_of(end: &End) -> &'static str {
    match end {
        End::Complete => "complete",
        End::CutShort { .. } | End::ClosedBeforeResponse => "truncated",
        End::Reset { .. } => "reset",
        End::TimedOut { phase: Phase::Connect, .. } => "timeout-connect",
        End::TimedOut { phase: Phase::Tls, .. } => "timeout-tls",
        End::TimedOut { phase: Phase::FirstByte, .. } => "timeout-first-byte",
        End::TimedOut { phase: Phase::Gap, .. } => "timeout-gap",
        End::TimedOut { phase: Phase::Total, .. } => "timeout-total",
        End::Refused { .. } => "connect",
        End::Unresolved { .. } => "dns",
        End::TlsFailed { .. } => "tls",
        End::NotHttp { .. } => "not-http",
        End::Left | End::Interrupted => "interrupted",
        End::LimitReached { .. } => "too-long",
        End::Unsent { .. } => "unsent",
    }
}

/// What an error in the answer says, if there is one: `{"error": …}`, `{"object": "error"}`, or an
/// event of that name.
fn error_in(reading: &Reading) -> Option<String> {
    let events = reading.events();
    let chunk = reading.chunks.iter().map(|chunk| (events.get(chunk.event), &chunk.value));
    let plain = reading.json.as_ref().ok().map(|value| (None, value));
    chunk.chain(plain).find_map(|(event, value)| {
        let named = event.is_some_and(|event| event.name == "error");
        let error = value.get("error").filter(|error| !error.is_null());
        let flat = value.get("object").and_then(Value::as_str) == Some("error");
        if !named && error.is_none() && !flat {
            return None;
        }
        let error = error.unwrap_or(value);
        let message = error.get("message").and_then(Value::as_str);
        let said = message.map_or_else(|| error.to_string(), str::to_owned);
        Some(ellipsis(&said, 200))
    })
}

/// The assistant's message of a reply: what of it a client sends back.
fn said(reply: &Value) -> Option<Value> {
    let message = reply.pointer("/choices/0/message")?;
    let text = message.get("content").and_then(Value::as_str);
    let calls =
        message.get("tool_calls").filter(|calls| !calls.as_array().is_none_or(Vec::is_empty));
    Some(match calls {
        Some(calls) => json!({"role": "assistant", "content": text, "tool_calls": calls}),
        None => json!({"role": "assistant", "content": text.unwrap_or_default()}),
    })
}

fn usage(value: &Value) -> Option<Usage> {
    let count = |pointer: &str| value.pointer(pointer).and_then(Value::as_u64);
    Some(Usage {
        prompt: count("/prompt_tokens")?,
        reply: count("/completion_tokens").unwrap_or(0),
        cached: count("/prompt_tokens_details/cached_tokens"),
        reasoning: count("/completion_tokens_details/reasoning_tokens"),
    })
}

/// What other tools would have made of the answer, by the rules in their sources:
///
/// - `vllm bench serve` (0.17, `endpoint_request_func.py`): an HTTP 200 whose events all parse, at
///   least one of them with choices; a connection that breaks raises.
/// - SGLang `bench_serving` (0.5, `serving.py`): an HTTP 200 whose events all parse.
/// - `GuideLLM` (0.8, `request_handlers.py`): besides no error and some text; a clean end of the body
///   anywhere will do.
fn others(seen: &Seen, error: bool) -> Others {
    let exchange = &seen.exchange;
    let whole = exchange.status() == Some(200) && exchange.end == End::Complete;
    let reading = seen.reading();
    let stream = reading.sse.is_some();
    let data = || reading.events().iter().map(|event| event.data.as_str()).filter(|d| *d != DONE);
    let all_parse = !stream || data().count() == reading.chunks.len();
    let with_choices = |value: &Value| {
        value.get("choices").and_then(Value::as_array).is_some_and(|choices| !choices.is_empty())
    };
    let has_choices = reading.chunks.iter().any(|chunk| with_choices(&chunk.value));
    let text = reading.assembled.as_ref().is_some_and(|reply| {
        let of = |pointer: &str| reply.pointer(pointer).and_then(Value::as_str);
        ["/choices/0/message/content", "/choices/0/message/reasoning_content", "/choices/0/text"]
            .iter()
            .any(|pointer| of(pointer).is_some_and(|text| !text.is_empty()))
    });
    Others {
        vllm_bench: whole && all_parse && (has_choices || (!stream && reading.json.is_ok())),
        sglang_bench: whole && all_parse,
        guidellm: whole && all_parse && !error && text,
    }
}
