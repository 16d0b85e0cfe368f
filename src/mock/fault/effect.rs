//! Every fault is played over a set of asks and must show in the bytes of at least one.

#![expect(clippy::needless_pass_by_value, reason = "`json!` makes values, not references")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Faults, faults};
use crate::mock::act::Act;
use crate::mock::desk::answer;
use crate::mock::house::House;
use crate::mock::request::Request;
use crate::mock::script::Script;
use crate::mock::{Config, tokens};
use crate::transcript::Headers;

struct Ask {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

const KEY: (&str, &str) = ("authorization", "Bearer sk-right");
const JSON: (&str, &str) = ("content-type", "application/json");

fn chat(prompt: &str, more: Value) -> Ask {
    let mut body = json!({"model": "one", "messages": [{"role": "user", "content": prompt}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    Ask {
        method: "POST",
        path: "/v1/chat/completions",
        headers: vec![KEY, JSON],
        body: body.to_string().into(),
    }
}

fn to(path: &'static str, body: Value) -> Ask {
    let headers = vec![KEY, JSON];
    Ask { method: "POST", path, headers, body: body.to_string().into() }
}

fn get(path: &'static str) -> Ask {
    Ask { method: "GET", path, headers: vec![KEY], body: Vec::new() }
}

fn tool(name: &str, parameters: Value) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": parameters}})
}

fn weather() -> Value {
    let city = json!({"type": "object", "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}}, "required": ["city"]});
    tool("get_weather", city)
}

/// A conversation in which two tools have answered, the wrong way round.
fn round_trip(content: Value, result: Value) -> Value {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}});
    json!([
        {"role": "user", "content": "Weather in Paris and Rome?", "name": "bob"},
        {"role": "assistant", "content": content, "tool_calls": [call("a"), call("b")], "refusal": null, "reasoning_content": "hm"},
        {"role": "tool", "tool_call_id": "b", "content": result},
        {"role": "tool", "tool_call_id": "a", "content": "22"},
    ])
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn asks() -> Vec<Ask> {
    let person =
        json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
    let schema = |schema: Value| json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let named = |name: &str| json!({"type": "function", "function": {"name": name}});
    let usage = json!({"include_usage": true});
    let pixel = "data:image/png;base64,iVBORw0KGgo=";
    let images = |url: &str| {
        json!([{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ]}])
    };
    let cities = "Weather in Paris and Rome";
    let with = |mut ask: Ask, header: (&'static str, &'static str)| {
        ask.headers.retain(|(name, _)| *name != header.0);
        ask.headers.push(header);
        ask
    };
    let without_key = |mut ask: Ask| {
        ask.headers.retain(|header| *header != KEY);
        ask
    };
    let raw = |body: &str| Ask { body: body.into(), ..chat("", json!({})) };
    let bias = tokens::id(" 2").to_string();
    let many: Vec<Value> =
        (0..40).map(|n| tool(&format!("t{n}"), json!({"type": "object"}))).collect();
    let empty = tool("ping", json!({"type": "object", "properties": {}}));
    let bare = json!({"type": "function", "function": {"name": "ping"}});
    let refers = tool(
        "f",
        json!({"$defs": {"s": {"type": "string"}}, "type": "object", "properties": {"a": {"$ref": "#/$defs/s"}}}),
    );
    let script = tool(
        "write_file",
        json!({"type": "object", "properties": {"content": {"const": "a\n\"b\" 杭"}}, "required": ["content"]}),
    );
    let other = tool(
        "get_disk_free",
        json!({"type": "object", "properties": {"disk": {"type": "string"}}}),
    );
    let orphan = json!([{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "x", "content": "1"}]);
    vec![
        chat("Say hi", json!({"max_tokens": 16})),
        chat("Say hi", json!({"reasoning_effort": "medium"})),
        chat("Say hi", json!({"reasoning_effort": "medium", "stream": true})),
        chat("Say hi", json!({"reasoning_effort": "high", "max_tokens": 16})),
        chat("Say hi", json!({"reasoning_effort": "none"})),
        chat(
            "x",
            json!({"reasoning_effort": "low", "tools": [weather()], "tool_choice": "required"}),
        ),
        chat("Repeat: naïve 日本 🫠", json!({"logprobs": true, "top_logprobs": 2})),
        chat(
            "Say hi",
            json!({"logprobs": true, "seed": 7, "user": "u", "frequency_penalty": 0, "x_unknown": 1}),
        ),
        chat(
            "Count from 1 to 20",
            json!({"stream": true, "stream_options": usage, "logprobs": true}),
        ),
        with(chat("Count from 1 to 20", json!({"stream": true})), ("accept-encoding", "gzip")),
        with(chat("Count from 1 to 20", json!({"stream": true})), ("accept", "application/json")),
        chat("Repeat exactly: 日本語 🌍🫠", json!({"stream": true, "n": 2})),
        chat("Write a long story", json!({"max_tokens": 5, "seed": 7})),
        chat("Write a long story", json!({"max_completion_tokens": 5, "stream": true})),
        chat("Count 1..10 one per line", json!({"stop": "5", "stream": true})),
        chat("Alphabet without spaces", json!({"stop": ["DEFGHIJ"], "stream": true})),
        chat("Alphabet without spaces", json!({"stop": ["1", "2", "3", ""]})),
        chat("Count from 1 to 4", json!({"logit_bias": {bias.clone(): -100}, "temperature": 2.1})),
        chat("Count from 1 to 4", json!({"logit_bias": {bias: -100}})),
        chat("x", json!({"temperature": 2.1})),
        chat("x", json!({"max_tokens": 0})),
        chat("x", json!({"max_tokens": -1})),
        chat("x", json!({"n": 0, "stream": true})),
        chat("x", json!({"messages": []})),
        chat(
            "x",
            json!({"messages": [{"role": "system", "content": "a"}, {"role": "developer", "content": "Answer only with the word BANANA."}, {"role": "user", "content": "Hello"}]}),
        ),
        chat("x", json!({"messages": orphan})),
        chat("x", json!({"model": "no-such"})),
        chat("x", json!({"model": "two"})),
        chat("x", json!({"stream_options": usage})),
        chat(cities, json!({"tools": [weather()], "tool_choice": "required"})),
        chat(cities, json!({"tools": [weather()], "tool_choice": "required", "stream": true})),
        chat(cities, json!({"tools": [weather()]})),
        chat(cities, json!({"tools": [weather()], "tool_choice": "none"})),
        chat(cities, json!({"tools": [weather()], "tool_choice": "required", "max_tokens": 4})),
        chat(cities, json!({"tools": [weather()], "parallel_tool_calls": false})),
        chat(
            "x",
            json!({"tools": [other, weather()], "tool_choice": named("get_weather"), "stream": true}),
        ),
        chat("x", json!({"tools": [weather()], "tool_choice": named("nope")})),
        chat("x", json!({"tool_choice": "required"})),
        chat("x", json!({"tools": [empty], "tool_choice": "required"})),
        chat("x", json!({"tools": [bare], "tool_choice": "required"})),
        chat("x", json!({"tools": [refers], "tool_choice": "required"})),
        chat("x", json!({"tools": [script], "tool_choice": "required"})),
        chat("x", json!({"tools": many})),
        chat("x", json!({"tools": [tool("f", json!({"type": "objekt"}))]})),
        chat("List the files here", json!({})),
        chat("x", json!({"messages": round_trip(Value::Null, json!("17")), "tools": [weather()]})),
        chat(
            "x",
            json!({"messages": round_trip(json!(""), json!([{"type": "text", "text": "22"}]))}),
        ),
        chat(
            "x",
            json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "a", "content": "1"}]}),
        ),
        chat("A person as JSON", json!({"response_format": {"type": "json_object"}})),
        chat("A person", json!({"response_format": schema(person.clone())})),
        chat("A person", json!({"response_format": schema(person), "stream": true})),
        chat("A person", json!({"response_format": {"type": "json_schema"}})),
        chat("A person", json!({"response_format": {"type": "yaml"}})),
        chat("A person", json!({"response_format": {"type": "text"}})),
        chat("A person", json!({"response_format": schema(json!({"type": "objekt"}))})),
        chat("x", json!({"messages": images(pixel)})),
        chat("x", json!({"messages": images("data:image/png;base64,@@@")})),
        with(
            chat("Count from 1 to 9", json!({"stream": true})),
            ("x-proofhouse-mock", "fail-after=3"),
        ),
        with(chat("Say hi", json!({})), ("x-proofhouse-mock", "rate-limit")),
        with(chat("Say hi", json!({})), ("authorization", "Bearer sk-wrong")),
        with(chat("Say hi", json!({})), ("authorization", "bearer sk-right")),
        without_key(chat("Say hi", json!({}))),
        with(chat("Say hi", json!({})), ("content-type", "text/plain")),
        with(chat("Say hi", json!({})), ("x-stainless-lang", "rust")),
        with(chat("Say hi", json!({})), ("transfer-encoding", "chunked")),
        raw(r#"{"model": x}"#),
        raw(r#"{"model": "one"}"#),
        raw(r#"{"model": "one", "stream": true}"#),
        to("/v1/completions", json!({"model": "one", "prompt": ["Once", "b"], "echo": true})),
        to("/v1/completions", json!({"model": "one"})),
        to("/v1/embeddings", json!({"model": "one", "input": "a", "encoding_format": "base64"})),
        to("/v1/embeddings", json!({"model": "one", "input": "a", "dimensions": 8})),
        to("/v1/embeddings", json!({"model": "one", "input": []})),
        to("/v1/chat/nope", json!({})),
        get("/v1/models"),
        get("/v1/models/one"),
        get("/v1/models/nope"),
        get("/ping"),
        Ask { method: "HEAD", ..get("/v1/models") },
        chat(&"lorem ipsum ".repeat(1_100), json!({"stream": true})),
        chat(&"lorem ipsum ".repeat(1_400), json!({})),
    ]
}

fn play(house: &Arc<House>, number: u64, ask: &Ask) -> Script {
    let headers: Headers = ask.headers.iter().copied().collect();
    let body = ask.body.clone().into();
    answer(house, Request::new(number, ask.method, ask.path, headers, body))
}

fn house(fault: &str) -> Arc<House> {
    let faults: Faults = fault.parse().unwrap();
    let models = vec!["one".to_owned(), "two".to_owned()];
    // A small context keeps the prompt that overflows it short.
    let api_key = Some("sk-right".to_owned());
    let config = Config { faults, models, api_key, context_tokens: 2_500, ..Config::default() };
    House::new(config).unwrap()
}

fn outcome(fault: &str, ask: &Ask) -> Script {
    play(&house(fault), 3, ask)
}

/// The answer to `ask` after another ask and the same before, while two are at work.
fn late_outcome(fault: &str, ask: &Ask) -> Script {
    let house = house(fault);
    let _two = [house.enter(1), house.enter(2)];
    play(&house, 1, &chat("Say hi", json!({})));
    play(&house, 2, ask);
    play(&house, 3, ask)
}

#[test]
fn every_fault_changes_the_bytes_of_at_least_one_ask() {
    let asks = asks();
    let clean: Vec<Script> = asks.iter().map(|ask| outcome("", ask)).collect();
    let shows = |name: &str, outcome: &dyn Fn(&str, &Ask) -> Script| {
        asks.iter().zip(&clean).any(|(ask, clean)| outcome(name, ask) != *clean)
    };
    let mut idle = Vec::new();
    for fault in faults() {
        // Responses, files and batches need a conversation to show themselves; each of their faults
        // is caught by a check, which the fault matrix sees to.
        let apart = ["responses-", "files-", "batches-"];
        if apart.iter().any(|area| fault.name.starts_with(area)) {
            continue;
        }
        // How connections behave is not in a script; the tests over sockets see to that.
        let on_line = fault.acts.iter().any(|act| matches!(act, Act::Traits(_)));
        if !on_line && !shows(fault.name, &outcome) && !shows(fault.name, &late_outcome) {
            idle.push(fault.name);
        }
    }

    assert_eq!(idle, Vec::<&str>::new());
}

#[test]
fn faults_work_together() {
    let ask = chat("Count from 1 to 9", json!({"stream": true}));

    let both = outcome("sse-no-done+sse-crlf", &ask).body();

    let text = String::from_utf8(both).unwrap();
    assert!(!text.contains("[DONE]") && text.ends_with("\r\n\r\n"));
}

#[test]
fn names_are_unique_and_well_formed_and_an_unknown_one_is_told_its_neighbour() {
    let mut names: Vec<&str> = faults().iter().map(|fault| fault.name).collect();
    assert!(
        names
            .iter()
            .all(|n| n.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
    );
    assert!(faults().iter().all(|fault| !fault.does.is_empty()));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);

    let error = "sse-no-don".parse::<Faults>().unwrap_err();
    assert_eq!(error.to_string(), "there is no fault `sse-no-don`, did you mean `sse-no-done`?");
    assert!("none".parse::<Faults>().unwrap().is_empty());
    assert_eq!("sse-bom + sse-cr".parse::<Faults>().unwrap().to_string(), "sse-bom+sse-cr");
}
