use proofhouse::mock::{Config, Persona, Server};
use serde_json::{Value, json};

use super::client::{ask, chat};
use super::{config, persona, says, weather};

const CHAT: &str = "/v1/chat/completions";

/// Method, path, headers, body; status and body of the answer.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], Value, u16, Value);

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn every_deviation_says_what_and_where() {
    assert!(Persona::OpenAi.deviations().is_empty());
    for persona in [Persona::Vllm, Persona::Sglang] {
        assert!(persona.deviations().len() >= 8);
        for deviation in persona.deviations() {
            assert!(!deviation.what.is_empty() && deviation.link.starts_with("https://"));
        }
        assert_eq!(persona.name().parse::<Persona>().unwrap(), persona);
    }
    let error = "vlm".parse::<Persona>().unwrap_err();
    assert_eq!(error.to_string(), "there is no persona `vlm`, did you mean `vllm`?");
}

#[test]
fn vllms_plain_answer_has_the_fields_of_a_real_one() {
    let answer = chat(&persona(Persona::Vllm), &says("Say hi", json!({})));

    let body = answer.json();
    assert_eq!(
        keys(&body),
        [
            "id",
            "object",
            "created",
            "model",
            "choices",
            "service_tier",
            "system_fingerprint",
            "usage",
            "prompt_logprobs",
            "prompt_token_ids",
            "prompt_text",
            "kv_transfer_params",
            "ec_transfer_params",
            "metrics",
        ]
    );
    let choice = &body["choices"][0];
    assert_eq!(
        keys(choice),
        [
            "index",
            "message",
            "logprobs",
            "finish_reason",
            "stop_reason",
            "token_ids",
            "routed_experts"
        ]
    );
    assert_eq!(
        keys(&choice["message"]),
        ["role", "content", "refusal", "annotations", "audio", "function_call", "reasoning"]
    );
    assert_eq!(
        keys(&body["usage"]),
        [
            "prompt_tokens",
            "total_tokens",
            "completion_tokens",
            "prompt_tokens_details",
            "completion_tokens_details"
        ]
    );
    assert_eq!((answer.header("server"), answer.header("x-request-id")), (Some("uvicorn"), None));
}

#[test]
fn vllms_stream_has_the_fields_of_a_real_one() {
    let server = persona(Persona::Vllm);
    let more = json!({"stream": true, "stream_options": {"include_usage": true}, "max_tokens": 3});
    let cut = chat(&server, &says("Count from 1 to 9", more)).chunks();
    let whole = chat(&server, &says("Count from 1 to 3", json!({"stream": true}))).chunks();

    assert_eq!(
        keys(&cut[0]),
        ["id", "object", "created", "model", "choices", "prompt_token_ids", "prompt_text"]
    );
    assert_eq!(cut[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(
        keys(&cut[1]["choices"][0]),
        ["index", "delta", "logprobs", "finish_reason", "token_ids"]
    );
    let last = &cut[cut.len() - 2]["choices"][0];
    assert_eq!(
        (&last["delta"]["content"], &last["finish_reason"]),
        (&json!(" 3"), &json!("length"))
    );
    let usage = cut.last().unwrap();
    assert_eq!(keys(&usage["usage"]), ["prompt_tokens", "total_tokens", "completion_tokens"]);
    assert!(usage["system_fingerprint"].as_str().unwrap().starts_with("vllm-0.32.0-"));
    let finish = whole.last().unwrap();
    assert_eq!(finish["choices"][0]["delta"], json!({}));
    assert_eq!(
        keys(&finish["choices"][0]),
        ["index", "delta", "logprobs", "finish_reason", "stop_reason", "token_ids"]
    );
}

#[test]
fn vllms_streamed_call_opens_without_arguments() {
    let more = json!({"tools": [weather()], "tool_choice": "required", "stream": true});
    let answer = chat(&persona(Persona::Vllm), &says("Weather in Paris", more));

    let chunks = answer.chunks();
    let delta = &chunks[1]["choices"][0]["delta"];
    let call = &delta["tool_calls"][0];
    assert_eq!(keys(delta), ["content", "tool_calls"]);
    assert_eq!(keys(call), ["id", "type", "index", "function"]);
    assert_eq!(call["function"], json!({"name": "get_weather"}));
    assert!(call["id"].as_str().unwrap().starts_with("chatcmpl-tool-"));
    assert_eq!(answer.finishes(), ["tool_calls"]);
}

#[test]
fn vllms_errors_are_those_of_a_real_one() {
    let server =
        Server::start(Config { persona: Persona::Vllm, api_key: Some("k".into()), ..config() })
            .unwrap();
    let key = "authorization: Bearer k";
    let cases: [Case; 12] = [
        ("POST", CHAT, &[], says("x", json!({})), 401, json!({"error": "Unauthorized"})),
        ("POST", "/v1/nope", &[], json!({}), 401, json!({"error": "Unauthorized"})),
        ("POST", "/v1/nope", &[key], json!({}), 404, json!({"detail": "Not Found"})),
        ("GET", CHAT, &[key], json!({}), 405, json!({"detail": "Method Not Allowed"})),
        (
            "GET",
            "/v1/models/proofhouse-mock",
            &[key],
            json!({}),
            404,
            json!({"detail": "Not Found"}),
        ),
        ("GET", "/v1/models/nope", &[key], json!({}), 404, json!({"detail": "Not Found"})),
        (
            "POST",
            "/v1/embeddings",
            &[key],
            json!({"model": "x", "input": "hi"}),
            404,
            json!({"detail": "Not Found"}),
        ),
        (
            "POST",
            CHAT,
            &[key],
            json!({"model": "tiny", "max_tokens": 48, "seed": 7}),
            400,
            json!({"error": {"message": "1 validation error:\n  {'type': 'missing', 'loc': 'body.messages', 'msg': 'Field required', 'input': '<dict of 3 items>'}", "type": "Bad Request", "param": "body.messages", "code": 400}}),
        ),
        (
            "POST",
            CHAT,
            &[key],
            says("x", json!({"tools": []})),
            400,
            json!({"error": {"message": "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely. (parameter=tools)", "type": "BadRequestError", "param": "tools", "code": 400}}),
        ),
        (
            "POST",
            CHAT,
            &[key],
            says("x", json!({"messages": []})),
            400,
            json!({"error": {"message": "Cannot apply chat template to an empty conversation. Provide at least one message.", "type": "BadRequestError", "param": null, "code": 400}}),
        ),
        (
            "POST",
            CHAT,
            &[key],
            says("x", json!({"n": 0})),
            400,
            json!({"error": {"message": "n must be at least 1, got 0.", "type": "BadRequestError", "param": null, "code": 400}}),
        ),
        (
            "POST",
            CHAT,
            &[key],
            says("x", json!({"model": "nope"})),
            404,
            json!({"error": {"message": "The model `nope` does not exist.", "type": "NotFoundError", "param": "model", "code": 404}}),
        ),
    ];
    for (method, path, headers, body, status, wanted) in cases {
        let answer = ask(&server, method, path, headers, body.to_string().as_bytes());
        assert_eq!((answer.status, answer.json()), (status, wanted), "{method} {path} {body}");
    }
    let bare = says("Say hi", json!({"model": null, "max_tokens": 32_760})).to_string();
    assert_eq!(ask(&server, "POST", CHAT, &[key], bare.as_bytes()).status, 200);
}

#[test]
fn sglangs_answers_carry_its_nulls() {
    let server = persona(Persona::Sglang);
    let body =
        chat(&server, &says("Count from 1 to 9", json!({"stop": "4", "model": "any"}))).json();
    let more = json!({"tools": [weather()], "tool_choice": "required", "stream": true});
    let chunks = chat(&server, &says("Weather in Paris", more)).chunks();

    let choice = &body["choices"][0];
    assert_eq!((&choice["matched_stop"], &body["model"]), (&json!("4"), &json!("any")));
    assert_eq!(keys(&choice["message"]), ["role", "content", "reasoning_content", "tool_calls"]);
    assert_eq!(
        chunks[0]["choices"][0]["delta"],
        json!({"role": "assistant", "content": "", "reasoning_content": null, "tool_calls": null})
    );
    let later = &chunks[2]["choices"][0]["delta"];
    assert_eq!((&later["role"], &later["tool_calls"][0]["id"]), (&Value::Null, &Value::Null));
    assert_eq!(later["tool_calls"][0]["function"]["name"], Value::Null);
    let error = chat(&server, &json!({"model": "x"}));
    assert_eq!(keys(&error.json()), ["object", "message", "type", "param", "code"]);
    assert_eq!(error.json()["code"], 400);
}
