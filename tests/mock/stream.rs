use proofhouse::mock::{Config, Server};
use proofhouse::units::Nanos;
use serde_json::{Value, json};

use super::client::{Client, ask, chat};
use super::{config, mock, says, until};

#[test]
fn a_stream_opens_with_the_role_and_ends_with_finish_and_done() {
    let answer = chat(&mock(), &says("Count from 1 to 3", json!({"stream": true})));

    assert!(answer.header("content-type").unwrap().starts_with("text/event-stream"));
    let deltas: Vec<Value> =
        answer.chunks().iter().map(|c| c["choices"][0]["delta"].clone()).collect();
    assert_eq!(
        deltas,
        [
            json!({"role": "assistant", "content": "", "refusal": null}),
            json!({"content": "1"}),
            json!({"content": " 2"}),
            json!({"content": " 3"}),
            json!({}),
        ]
    );
    assert_eq!(answer.finishes(), ["stop"]);
    assert_eq!(answer.data().last().unwrap(), "[DONE]");
    assert!(answer.text().ends_with("data: [DONE]\n\n") && answer.whole);
    assert!(answer.chunks().iter().all(|c| c.get("usage").is_none()));
}

#[test]
fn usage_comes_last_is_null_before_and_equals_the_plain_answers() {
    let server = mock();
    let more = json!({"stream": true, "stream_options": {"include_usage": true}, "seed": 1});
    let chunks = chat(&server, &says("Tell me a story", more)).chunks();
    let plain = chat(&server, &says("Tell me a story", json!({"seed": 1}))).json();

    let (last, before) = chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"], plain["usage"]);
    assert!(before.iter().all(|c| c["usage"].is_null() && c.get("usage").is_some()));
}

#[test]
fn a_stream_says_what_the_plain_answer_says() {
    let server = mock();
    for prompt in ["Tell me a story", "Repeat exactly: 日本語 🌍🫠", "Continue the alphabet: ABC"]
    {
        let more = json!({"temperature": 0, "stop": ["XYZ"], "max_tokens": 40});
        let plain = chat(&server, &says(prompt, more.clone())).json();
        let mut more = more;
        more["stream"] = json!(true);
        let stream = chat(&server, &says(prompt, more));
        assert_eq!(stream.streamed(0), plain["choices"][0]["message"]["content"].as_str().unwrap());
    }
}

#[test]
fn choices_of_a_stream_advance_side_by_side_and_each_finishes_once() {
    let more = json!({"stream": true, "n": 2, "max_tokens": 6});
    let answer = chat(&mock(), &says("Tell me a story", more));

    assert!(!answer.streamed(0).is_empty() && !answer.streamed(1).is_empty());
    assert_eq!(answer.finishes(), ["length", "length"]);
    let order: Vec<_> =
        answer.chunks().iter().map(|c| c["choices"][0]["index"].as_u64().unwrap()).collect();
    assert_eq!(order[..4], [0, 1, 0, 1]);
}

#[test]
fn logprobs_are_streamed_token_by_token() {
    let more = json!({"stream": true, "logprobs": true, "top_logprobs": 2, "max_tokens": 4});
    let answer = chat(&mock(), &says("Count from 1 to 9", more));

    let entries: Vec<Value> = answer
        .chunks()
        .iter()
        .filter_map(|c| c["choices"][0]["logprobs"]["content"].as_array().cloned())
        .flatten()
        .collect();
    assert_eq!(entries.len(), 4);
    let text: String = entries.iter().map(|e| e["token"].as_str().unwrap()).collect();
    assert_eq!(text, answer.streamed(0));
}

#[test]
fn a_failing_engine_says_so_in_the_stream_and_ends_the_body() {
    let server = mock();
    let body = says("Count from 1 to 9", json!({"stream": true})).to_string();
    let order = ["x-proofhouse-mock: fail-after=3"];

    let stream = ask(&server, "POST", "/v1/chat/completions", &order, body.as_bytes());
    let body = says("Count from 1 to 9", json!({})).to_string();
    let plain = ask(&server, "POST", "/v1/chat/completions", &order, body.as_bytes());

    assert_eq!(stream.streamed(0), "1 2 3");
    let last: Value = serde_json::from_str(stream.data().last().unwrap()).unwrap();
    assert_eq!(last["error"]["type"], "server_error");
    assert!(stream.whole && stream.finishes().is_empty());
    assert_eq!((plain.status, plain.json()["error"]["type"].clone()), (500, json!("server_error")));
}

#[test]
fn a_client_that_leaves_a_stream_stops_its_request() {
    leave(true);
}

#[test]
fn a_client_that_leaves_before_its_plain_answer_stops_its_request() {
    leave(false);
}

fn leave(stream: bool) {
    let server = Server::start(Config { itl: Nanos::from_millis(5), ..config() }).unwrap();
    let body = says("Write a very long story", json!({"stream": stream, "max_tokens": 9000}));
    let mut client = Client::new(&server);
    client.send("POST", "/v1/chat/completions", &[], body.to_string().as_bytes());
    until("a request at work", || server.running() > 0);

    drop(client);

    until("the end of the request", || server.running() == 0);
    let captured = server.captured();
    assert_eq!((captured.len(), captured[0].finished), (1, false));
}
