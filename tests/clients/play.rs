//! What the mock answers under each fault to each scenario.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use proofhouse::clock::Clock;
use proofhouse::mock::{self, Config, Server};
use proofhouse::transcript::{End, Exchange, Headers, WireRequest};
use proofhouse::transport::http::HttpTransport;
use proofhouse::transport::target::Target;
use proofhouse::transport::{Carry, Transport as _};
use proofhouse::units::Nanos;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Faults under way at once.
const AT_ONCE: usize = 8;

/// A longer silence is one that outlasts a client's patience.
const SILENCE: Duration = Duration::from_millis(1_500);

/// After so many silences in a row a fault counts as one that never answers.
const MUTE_MAX: usize = 3;

/// The key that the mock demands; no secret.
pub(crate) const KEY: &str = "sk-proofhouse-test-key";

/// One answer of the mock.
pub(crate) struct Play {
    /// Unique.
    pub(crate) id: String,
    /// The fault; empty for none.
    pub(crate) fault: String,
    pub(crate) scenario: String,
    /// Below the base URL.
    path: &'static str,
    /// The request's body.
    pub(crate) body: Value,
    pub(crate) exchange: Exchange,
    /// Of what the client gets to see.
    pub(crate) digest: String,
    /// Whether the mock was told to fail.
    ordered: bool,
    /// Whether the answer is another than without the fault.
    pub(crate) is_news: bool,
}

/// Every fault's answer to every scenario, the clean mock first.
pub(crate) fn all() -> Vec<Play> {
    let only = std::env::var("FAULT").ok();
    let names = mock::faults().iter().map(|fault| fault.name);
    let names =
        names.filter(|name| only.as_deref().is_none_or(|o| o.split(',').any(|o| o == *name)));
    let names: Vec<&str> = std::iter::once("").chain(names).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let played = stream::iter(names).map(answers).buffered(AT_ONCE).collect::<Vec<_>>();
    let mut plays: Vec<Play> = runtime.block_on(played).into_iter().flatten().collect();
    let clean: BTreeMap<String, String> = plays
        .iter()
        .filter(|play| play.fault.is_empty())
        .map(|play| (play.scenario.clone(), play.digest.clone()))
        .collect();
    for play in &mut plays {
        play.is_news = play.fault.is_empty() || clean[&play.scenario] != play.digest;
        // What was ordered by a header and brought no head, no client can be made to meet.
        play.is_news &= !(play.ordered && play.exchange.head.is_none());
    }
    plays
}

/// A mock with a fault, fast enough for hundreds.
pub(crate) fn mock(fault: &str) -> Server {
    let config = Config {
        faults: fault.parse().unwrap(),
        api_key: Some(KEY.to_owned()),
        ttft: Nanos::from_millis(1),
        itl: Nanos(100_000),
        ..Config::default()
    };
    Server::start(config).unwrap()
}

async fn answers(fault: &str) -> Vec<Play> {
    let server = mock(fault);
    let mut target = Target::new("mock", &server.base_url()).unwrap();
    target.timeouts.first_byte = SILENCE;
    target.timeouts.gap = SILENCE;
    target.timeouts.total = Duration::from_secs(20);
    let transport = HttpTransport::new(target, Clock::system()).unwrap();
    let mut plays = Vec::new();
    let mut mute = 0;
    for Scenario { name: scenario, path, body, orders, key } in scenarios() {
        // Who never answers is not asked forty times.
        if mute == MUTE_MAX {
            break;
        }
        let mut headers: Headers = [("content-type", "application/json")].into_iter().collect();
        if key {
            headers.push("authorization", format!("Bearer {KEY}"));
        }
        if !orders.is_empty() {
            headers.push("x-proofhouse-mock", orders.to_owned());
        }
        let request = WireRequest {
            method: "POST".into(),
            url: format!("{}{path}", server.base_url()),
            headers,
            body: body.to_string().into(),
        };
        let mut exchange = transport.exchange(&request, &Carry::default()).await;
        // A busy machine is silent as well, but not twice.
        if matches!(exchange.end, End::TimedOut { .. }) {
            exchange = transport.exchange(&request, &Carry::default()).await;
        }
        let is_mute = exchange.head.is_none() && matches!(exchange.end, End::TimedOut { .. });
        mute = if is_mute { mute + 1 } else { 0 };
        plays.push(Play {
            id: format!("{}-{scenario}", if fault.is_empty() { "clean" } else { fault }),
            fault: fault.to_owned(),
            scenario: scenario.to_owned(),
            digest: digest(&exchange),
            path,
            body,
            exchange,
            ordered: !orders.is_empty(),
            is_news: false,
        });
    }
    plays
}

/// What of an exchange a client gets to see, in short.
fn digest(exchange: &Exchange) -> String {
    let mut text = String::new();
    let headers = exchange.head.iter().flat_map(|head| &head.headers);
    for header in headers.filter(|header| !header.name.eq_ignore_ascii_case("date")) {
        let _ = writeln!(text, "{}: {}", header.name, header.value);
    }
    let end = serde_json::to_value(&exchange.end).unwrap();
    let _ = write!(text, "{:?} {}", exchange.status(), end["kind"]);
    let mut hash = Sha256::new();
    hash.update(text);
    hash.update(exchange.body());
    hash.finalize()[..6].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One thing to ask.
struct Scenario {
    name: &'static str,
    /// Below the base URL.
    path: &'static str,
    /// The request's body.
    body: Value,
    /// What the mock is told to fail at.
    orders: &'static str,
    /// Whether the key goes along.
    key: bool,
}

/// What is asked.
fn scenarios() -> Vec<Scenario> {
    chats().into_iter().chain(responses()).collect()
}

/// A body with more members.
fn with(body: &Value, more: Value) -> Value {
    let mut body = body.clone();
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

/// What is asked of `/chat/completions`.
fn chats() -> Vec<Scenario> {
    let chat = json!({
        "model": "proofhouse-mock",
        "messages": [{"role": "user", "content": "Count from 1 to 20, separated by spaces."}],
        "max_tokens": 64,
    });
    let tool = json!({
        "model": "proofhouse-mock",
        "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
        "max_tokens": 128,
        "tools": [{"type": "function", "function": {
            "name": "get_weather",
            "description": "Get the weather of a city.",
            "strict": true,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "enum": ["Paris", "Rome", "Oslo"]}},
                "required": ["city"],
                "additionalProperties": false,
            },
        }}],
        "tool_choice": "required",
    });
    let mut two_tools = tool.clone();
    two_tools["messages"][0]["content"] = json!("What is the weather in Paris and in Rome?");
    two_tools["parallel_tool_calls"] = json!(true);
    two_tools["tool_choice"] = json!("auto");
    let schema = json!({"type": "json_schema", "json_schema": {
        "name": "answer",
        "strict": true,
        "schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": false,
        },
    }});
    let streamed = |body: &Value| {
        with(body, json!({"stream": true, "stream_options": {"include_usage": true}}))
    };
    let n2 = with(&chat, json!({"n": 2}));
    let length = with(&chat, json!({"max_tokens": 4}));
    let structured = with(&chat, json!({"response_format": schema}));
    let thinking = with(
        &chat,
        json!({
            "messages": [{"role": "user", "content": "How many legs have three spiders?"}],
            "reasoning_effort": "low",
            "max_tokens": 512,
        }),
    );
    let path = "/chat/completions";
    let plain = |name, body| Scenario { name, path, body, orders: "", key: true };
    let ordered = |name, body, orders| Scenario { name, path, body, orders, key: true };
    vec![
        plain("chat", chat.clone()),
        plain("chat-stream", streamed(&chat)),
        plain("tool", tool.clone()),
        plain("tool-stream", streamed(&tool)),
        plain("two-tools", two_tools.clone()),
        plain("two-tools-stream", streamed(&two_tools)),
        plain("n2", n2.clone()),
        plain("n2-stream", streamed(&n2)),
        plain("length", length.clone()),
        plain("length-stream", streamed(&length)),
        plain("tool-length-stream", streamed(&with(&tool, json!({"max_tokens": 3})))),
        plain("structured", structured.clone()),
        plain("structured-stream", streamed(&structured)),
        plain("thinking", thinking.clone()),
        plain("thinking-stream", streamed(&thinking)),
        plain("refused", with(&chat, json!({"temperature": "hot"}))),
        plain("refused-stream", streamed(&with(&chat, json!({"temperature": "hot"})))),
        plain("unknown-model", with(&chat, json!({"model": "no-such-model"}))),
        ordered("failing-stream", streamed(&chat), "fail-after=3"),
        ordered("rate-limit", chat.clone(), "rate-limit"),
        ordered("overload-stream", streamed(&chat), "overload"),
        Scenario { name: "no-key", path, body: chat, orders: "", key: false },
    ]
}

/// What is asked of `/responses`.
fn responses() -> Vec<Scenario> {
    let text = json!({
        "model": "proofhouse-mock",
        "input": "Count from 1 to 20, separated by spaces.",
        "max_output_tokens": 64,
    });
    let tool = json!({
        "model": "proofhouse-mock",
        "input": "What is the weather in Paris?",
        "max_output_tokens": 128,
        "tools": [{
            "type": "function",
            "name": "get_weather",
            "description": "Get the weather of a city.",
            "strict": true,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "enum": ["Paris", "Rome", "Oslo"]}},
                "required": ["city"],
                "additionalProperties": false,
            },
        }],
        "tool_choice": "required",
    });
    let two_tools = with(
        &tool,
        json!({
            "input": "What is the weather in Paris and in Rome?",
            "parallel_tool_calls": true,
            "tool_choice": "auto",
        }),
    );
    let thinking = with(
        &text,
        json!({
            "input": "How many legs have three spiders?",
            "reasoning": {"effort": "low"},
            "max_output_tokens": 512,
        }),
    );
    let format = json!({"text": {"format": {
        "type": "json_schema",
        "name": "answer",
        "strict": true,
        "schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": false,
        },
    }}});
    let length = with(&text, json!({"max_output_tokens": 16}));
    let refused = with(&text, json!({"temperature": "hot"}));
    let path = "/responses";
    let streamed = |body: &Value| with(body, json!({"stream": true}));
    let plain = |name, body| Scenario { name, path, body, orders: "", key: true };
    let ordered = |name, body, orders| Scenario { name, path, body, orders, key: true };
    vec![
        plain("response", text.clone()),
        plain("response-stream", streamed(&text)),
        plain("response-tool", tool.clone()),
        plain("response-tool-stream", streamed(&tool)),
        plain("response-two-tools", two_tools.clone()),
        plain("response-two-tools-stream", streamed(&two_tools)),
        plain("response-length", length.clone()),
        plain("response-length-stream", streamed(&length)),
        plain("response-structured-stream", streamed(&with(&text, format))),
        plain("response-thinking", thinking.clone()),
        plain("response-thinking-stream", streamed(&thinking)),
        plain("response-refused", refused.clone()),
        plain("response-refused-stream", streamed(&refused)),
        ordered("response-failing-stream", streamed(&text), "fail-after=3"),
        ordered("response-overload", text, "overload"),
    ]
}

/// A server that plays each exchange again, at `/ID/v1`.
pub(crate) fn replay(plays: &[&Play]) -> Server {
    let saved = plays.iter().filter(|play| play.exchange.head.is_some()).map(|play| Exchange {
        request: WireRequest {
            method: "POST".into(),
            url: format!("http://h/{}/v1{}", play.id, play.path),
            headers: Headers::default(),
            body: "".into(),
        },
        ..play.exchange.clone()
    });
    Server::start(Config { replay: Some(saved.collect()), ..Config::default() }).unwrap()
}
