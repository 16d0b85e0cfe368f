use proofhouse::mock::{Config, Server};
use serde_json::{Value, json};

use super::client::{ask, chat};
use super::{config, mock, says, weather};

const CHAT: &str = "/v1/chat/completions";

#[test]
fn a_bad_request_is_refused_in_openais_envelope() {
    let nameless = json!({"type": "function", "function": {"name": "nope"}});
    let bad_tool =
        json!({"type": "function", "function": {"name": "f", "parameters": {"type": "objekt"}}});
    let schema = |schema: Value| json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let cases = [
        (
            json!({"model": "proofhouse-mock"}),
            400,
            json!("messages"),
            json!("missing_required_parameter"),
        ),
        (says("x", json!({"messages": []})), 400, json!("messages"), json!("empty_array")),
        (
            says("x", json!({"messages": {"role": "user"}})),
            400,
            json!("messages"),
            json!("invalid_type"),
        ),
        (
            says("x", json!({"temperature": "hot"})),
            400,
            json!("temperature"),
            json!("invalid_type"),
        ),
        (
            says("x", json!({"temperature": 2.1})),
            400,
            json!("temperature"),
            json!("decimal_above_max_value"),
        ),
        (says("x", json!({"n": 0})), 400, json!("n"), json!("integer_below_min_value")),
        (
            says("x", json!({"n": 0, "stream": true})),
            400,
            json!("n"),
            json!("integer_below_min_value"),
        ),
        (
            says("x", json!({"max_tokens": 0})),
            400,
            json!("max_tokens"),
            json!("integer_below_min_value"),
        ),
        (
            says("x", json!({"max_tokens": -1})),
            400,
            json!("max_tokens"),
            json!("integer_below_min_value"),
        ),
        (says("x", json!({"model": "no-such"})), 404, Value::Null, json!("model_not_found")),
        (
            says("x", json!({"stream_options": {"include_usage": true}})),
            400,
            json!("stream_options"),
            Value::Null,
        ),
        (
            says("x", json!({"stop": ["a", "b", "c", "d", "e"]})),
            400,
            json!("stop"),
            json!("array_above_max_length"),
        ),
        (says("x", json!({"tool_choice": "required"})), 400, json!("tool_choice"), Value::Null),
        (
            says("x", json!({"tools": [weather()], "tool_choice": nameless})),
            400,
            json!("tool_choice"),
            Value::Null,
        ),
        (
            says("x", json!({"tools": [bad_tool]})),
            400,
            json!("tools[0].function.parameters"),
            json!("invalid_function_parameters"),
        ),
        (
            says("x", json!({"response_format": {"type": "yaml"}})),
            400,
            json!("response_format.type"),
            json!("invalid_value"),
        ),
        (
            says("x", json!({"response_format": {"type": "json_schema"}})),
            400,
            json!("response_format.json_schema"),
            json!("missing_required_parameter"),
        ),
        (
            says("x", json!({"response_format": schema(json!({"type": "objekt"}))})),
            400,
            json!("response_format"),
            json!("invalid_json_schema"),
        ),
        (says("x", json!({"top_logprobs": 3})), 400, json!("top_logprobs"), Value::Null),
        (
            says(
                "x",
                json!({"messages": [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "x", "content": "1"}]}),
            ),
            400,
            json!("messages[1].role"),
            Value::Null,
        ),
        (
            says(&"lorem ipsum ".repeat(20_000), json!({})),
            400,
            json!("messages"),
            json!("context_length_exceeded"),
        ),
        (
            says("x", json!({"max_tokens": 99_999})),
            400,
            json!("messages"),
            json!("context_length_exceeded"),
        ),
    ];
    let server = mock();
    for (body, status, param, code) in cases {
        let answer = chat(&server, &body);
        let error = answer.json()["error"].clone();
        let keys: Vec<_> = error.as_object().unwrap().keys().cloned().collect();
        let shown: String = body.to_string().chars().take(300).collect();
        assert_eq!(keys, ["message", "type", "param", "code"], "{shown}");
        assert_eq!(
            (answer.status, &error["param"], &error["code"]),
            (status, &param, &code),
            "{shown}"
        );
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.header("x-request-id").is_some());
    }
}

#[test]
fn what_is_no_request_is_refused_too() {
    let server = mock();
    let text = ["content-type: text/plain"];
    let body = says("x", json!({})).to_string();
    let cases = [
        ("POST", CHAT, &[][..], br#"{"model": x}"#.as_slice(), 400),
        ("POST", CHAT, &[], b"", 400),
        ("POST", CHAT, &[], b"[]", 400),
        ("POST", CHAT, &text, body.as_bytes(), 415),
        ("POST", "/v1/chat/nope", &[], body.as_bytes(), 404),
        ("GET", CHAT, &[], b"", 405),
        ("POST", "/v1/models", &[], b"{}", 405),
        ("GET", "/v1/models/nope", &[], b"", 404),
    ];
    for (method, path, headers, body, status) in cases {
        let answer = ask(&server, method, path, headers, body);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.json()["error"].as_object().unwrap().len(), 4);
    }
}

#[test]
fn a_key_is_asked_for_and_never_repeated() {
    let server = Server::start(Config { api_key: Some("sk-right".into()), ..config() }).unwrap();
    let body = says("Say hi", json!({})).to_string();
    let cases: [(&[&str], u16, Value); 4] = [
        (&[], 401, Value::Null),
        (&["authorization: Bearer sk-wrong"], 401, json!("invalid_api_key")),
        (&["authorization: Bearer sk-right"], 200, Value::Null),
        (&["authorization: bearer sk-right"], 200, Value::Null),
    ];
    for (headers, status, code) in cases {
        let answer = ask(&server, "POST", CHAT, headers, body.as_bytes());
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &code));
        assert!(!answer.text().contains("sk-") && !answer.head.contains("sk-"));
    }
    assert_eq!(ask(&server, "GET", "/health", &[], b"").status, 200);
}

#[test]
fn a_body_beyond_the_limit_is_answered_not_reset() {
    let server = Server::start(Config { body_bytes_max: 1_000, ..config() }).unwrap();
    let body = says(&"x".repeat(2_000_000), json!({})).to_string();

    let answer = ask(&server, "POST", CHAT, &[], body.as_bytes());

    assert_eq!(
        (answer.status, answer.json()["error"]["code"].clone()),
        (413, json!("request_too_large"))
    );
}

#[test]
fn limits_on_rate_and_capacity_are_told() {
    let server = Server::start(Config { capacity: 0, ..config() }).unwrap();
    let body = says("Say hi", json!({}));

    let full = chat(&server, &body);
    let order = ["x-proofhouse-mock: rate-limit"];
    let ordered = ask(&mock(), "POST", CHAT, &order, body.to_string().as_bytes());

    for answer in [full, ordered] {
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
        assert_eq!(answer.json()["error"]["code"], "rate_limit_exceeded");
    }
}
