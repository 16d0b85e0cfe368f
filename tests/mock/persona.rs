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
    for persona in Persona::ALL.into_iter().filter(|persona| *persona != Persona::OpenAi) {
        assert!(persona.deviations().len() >= 6, "{persona}");
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

/// A server of another persona that wants a key, and what it says to one request.
fn answer_of(
    persona: Persona,
    path: &str,
    headers: &[&str],
    body: &Value,
) -> super::client::Answer {
    let server = Server::start(Config { persona, api_key: Some("k".into()), ..config() }).unwrap();
    let method = if body.is_null() { "GET" } else { "POST" };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut all = vec!["authorization: Bearer k"];
    all.extend(headers);
    ask(&server, method, path, &all, body.as_bytes())
}

#[test]
fn llamacpps_answers_name_the_one_model_and_its_errors_have_no_param() {
    let persona = Persona::LlamaCpp;
    let body = answer_of(persona, CHAT, &[], &says("Say hi", json!({"model": "any"}))).json();
    let refused = answer_of(persona, CHAT, &[], &json!({"model": "any"}));
    let one = answer_of(persona, "/v1/models/proofhouse-mock", &[], &Value::Null);

    assert_eq!(body["model"], "proofhouse-mock");
    assert!(body["choices"][0].get("logprobs").is_none() && body["timings"].is_object());
    assert_eq!(keys(&refused.json()["error"]), ["code", "message", "type"]);
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(400)));
    assert_eq!(refused.header("connection"), Some("close"));
    assert_eq!((one.status, &one.json()["error"]["message"]), (404, &json!("File Not Found")));
}

#[test]
fn ollamas_calls_come_whole_and_nothing_forces_or_forbids_them() {
    let tools = json!({"tools": [weather()], "tool_choice": "none", "stream": true});
    let chunks = answer_of(Persona::Ollama, CHAT, &[], &says("Weather in Paris", tools)).chunks();
    let unknown = answer_of(Persona::Ollama, CHAT, &[], &says("x", json!({"model": "nope"})));
    let nowhere = answer_of(Persona::Ollama, "/v1/nope", &[], &json!({}));

    let delta = &chunks[0]["choices"][0]["delta"];
    assert_eq!((&delta["role"], &delta["content"]), (&json!("assistant"), &json!("")));
    let arguments = delta["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(arguments).unwrap()["city"].is_string());
    assert_eq!(
        unknown.json()["error"],
        json!({"message": "model 'nope' not found", "type": "not_found_error", "param": null, "code": null})
    );
    assert_eq!((nowhere.status, nowhere.text().as_str()), (404, "404 page not found"));
}

#[test]
fn tgis_calls_are_no_list_when_streamed_and_its_errors_are_two_texts() {
    let tools = json!({"tools": [weather()], "tool_choice": "required"});
    let body = answer_of(Persona::Tgi, CHAT, &[], &says("Weather in Paris", tools.clone())).json();
    let mut streamed = says("Weather in Paris", tools);
    streamed["stream"] = json!(true);
    let chunks = answer_of(Persona::Tgi, CHAT, &[], &streamed).chunks();
    let refused = answer_of(Persona::Tgi, CHAT, &[], &says("x", json!({"temperature": 3})));
    let format = json!({"response_format": {"type": "json_object"}});
    let format = answer_of(Persona::Tgi, CHAT, &[], &says("x", format));

    let choice = &body["choices"][0];
    assert!(choice["message"]["tool_calls"][0]["function"]["arguments"].is_object());
    assert_eq!((&choice["finish_reason"], &body["id"]), (&json!("stop"), &json!("")));
    assert_eq!(chunks[0]["choices"][0]["delta"]["tool_calls"]["id"], "");
    assert_eq!((refused.status, keys(&refused.json())), (422, vec!["error", "error_type"]));
    assert!(format.text().contains("missing field `value`") && format.status == 422);
}

#[test]
fn openrouters_stream_has_comments_a_provider_and_an_error_that_ends_a_choice() {
    let stream = says("Count from 1 to 9", json!({"stream": true}));
    let answer = answer_of(Persona::OpenRouter, CHAT, &[], &stream);
    let fails = ["x-proofhouse-mock: fail-after=3"];
    let failed = answer_of(Persona::OpenRouter, CHAT, &fails, &stream).chunks();
    let plain = answer_of(Persona::OpenRouter, CHAT, &fails, &says("Say hi", json!({})));

    assert!(answer.text().starts_with(": OPENROUTER PROCESSING\n\n"), "{}", answer.text());
    let chunks = answer.chunks();
    assert!(chunks.iter().all(|chunk| chunk["provider"] == "Mock"));
    let last = chunks.last().unwrap();
    assert!(last["usage"]["cost"].is_number() && last["choices"] == json!([]));
    let last = failed.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "error");
    assert_eq!(last["error"]["code"], "server_error");
    assert_eq!((plain.status, &plain.json()["error"]["code"]), (200, &json!(502)));
}

#[test]
fn azures_filter_speaks_before_the_first_choice_and_instead_of_an_answer() {
    let stream = says("Say hi", json!({"stream": true}));
    let chunks = answer_of(Persona::Azure, CHAT, &[], &stream).chunks();
    let order = ["x-proofhouse-mock: content-filter"];
    let refused = answer_of(Persona::Azure, CHAT, &order, &says("Say hi", json!({})));
    let served = answer_of(Persona::OpenAi, CHAT, &order, &says("Say hi", json!({})));

    assert_eq!((&chunks[0]["choices"], &chunks[0]["object"]), (&json!([]), &json!("")));
    let safe = &chunks[0]["prompt_filter_results"][0]["content_filter_results"]["hate"];
    assert_eq!(safe, &json!({"filtered": false, "severity": "safe"}));
    assert!(chunks.iter().any(|chunk| chunk["choices"][0]["content_filter_offsets"].is_object()));
    let error = &refused.json()["error"];
    assert_eq!((refused.status, &error["code"]), (400, &json!("content_filter")));
    assert_eq!(error["innererror"]["code"], "ResponsibleAIPolicyViolation");
    assert_eq!(served.status, 200);
}

#[test]
fn bedrock_knows_the_fields_it_was_built_with_and_one_operation() {
    let unknown = answer_of(Persona::Bedrock, CHAT, &[], &says("Say hi", json!({"top_k": 5})));
    let penalty = says("Say hi", json!({"frequency_penalty": 0}));
    let penalty = answer_of(Persona::Bedrock, CHAT, &[], &penalty);
    let models = answer_of(Persona::Bedrock, "/v1/models", &[], &Value::Null);

    let error = &unknown.json()["error"];
    assert_eq!((unknown.status, &error["code"]), (400, &json!("validation_error")));
    assert!(error["message"].as_str().unwrap().contains("unknown field top_k"));
    assert_eq!((penalty.status, models.status), (400, 404));
    assert!(penalty.header("x-amzn-requestid").is_some());
}

#[test]
fn sagemakers_front_door_quotes_the_error_of_the_container() {
    let refused = answer_of(Persona::SageMaker, CHAT, &[], &says("x", json!({"model": "nope"})));
    let header = ["x-amzn-sagemaker-inference-component: c"];
    let component = answer_of(Persona::SageMaker, CHAT, &header, &says("Say hi", json!({})));
    let models = answer_of(Persona::SageMaker, "/v1/models", &[], &Value::Null);
    let served = answer_of(Persona::SageMaker, CHAT, &[], &says("Say hi", json!({})));

    let error = &refused.json()["error"];
    assert_eq!((refused.status, &error["code"]), (400, &json!("model_error")));
    let text = error["message"].as_str().unwrap();
    assert!(text.starts_with("Received client error (404) from primary with message \"{\"error\""));
    assert_eq!(component.json()["error"]["code"], "validation_error");
    assert_eq!((models.status, served.status), (404, 200));
    assert!(served.json().get("kv_transfer_params").is_some());
}
