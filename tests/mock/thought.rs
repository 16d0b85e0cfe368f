use proofhouse::mock::{Persona, Server};
use serde_json::{Value, json};

use super::client::chat;
use super::{mock, persona, says, weather};

/// The thoughts and the text of a stream, and whether a thought came behind the text.
fn streamed(server: &Server, body: Value, field: &str) -> (String, String, bool) {
    let (mut thought, mut text, mut late) = (String::new(), String::new(), false);
    for chunk in chat(server, &body).chunks() {
        let delta = &chunk["choices"][0]["delta"];
        if let Some(piece) = delta[field].as_str() {
            late |= !text.is_empty();
            thought.push_str(piece);
        }
        text.push_str(delta["content"].as_str().unwrap_or_default());
    }
    (thought, text, late)
}

#[test]
fn thoughts_come_where_they_are_asked_for_and_nowhere_else() {
    let cases = [
        (json!({}), false),
        (json!({"reasoning_effort": "none"}), false),
        (json!({"reasoning_effort": "low"}), true),
        (json!({"reasoning_effort": "xhigh"}), true),
        (json!({"chat_template_kwargs": {"enable_thinking": true}}), true),
        (
            json!({"chat_template_kwargs": {"enable_thinking": false}, "reasoning_effort": "low"}),
            false,
        ),
        (
            json!({"chat_template_kwargs": {"enable_thinking": true}, "reasoning_effort": "none"}),
            false,
        ),
    ];
    let server = mock();
    for (more, thinks) in cases {
        let body = chat(&server, &says("Say hi", more.clone())).json();
        let message = &body["choices"][0]["message"];
        assert_eq!(message["reasoning_content"].is_string(), thinks, "{more}");
        let count = body["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64();
        assert_eq!(count.unwrap() > 0, thinks, "{more}");
        assert!(!message["content"].as_str().unwrap().is_empty(), "{more}");
    }
}

#[test]
fn an_effort_that_there_is_not_is_refused() {
    let answer = chat(&mock(), &says("Say hi", json!({"reasoning_effort": "enormous"})));

    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["param"], "reasoning_effort");
}

#[test]
fn thoughts_are_streamed_before_the_text_and_say_the_same() {
    let more = json!({"reasoning_effort": "medium", "seed": 1});
    let server = mock();

    let plain = chat(&server, &says("Say hi", more.clone())).json();
    let mut body = says("Say hi", more);
    body["stream"] = json!(true);
    let (thought, text, late) = streamed(&server, body, "reasoning_content");

    let message = &plain["choices"][0]["message"];
    assert_eq!(message["reasoning_content"], thought);
    assert_eq!(message["content"], text);
    assert!(!late);
}

#[test]
fn thoughts_count_against_the_limit_and_may_use_it_up() {
    let more = json!({"reasoning_effort": "high", "max_tokens": 16});

    let body = chat(&mock(), &says("Count from 1 to 9", more)).json();

    let choice = &body["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("length"), &json!(""))
    );
    assert_eq!(body["usage"]["completion_tokens"], 16);
    assert_eq!(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 16);
}

#[test]
fn what_is_said_does_not_depend_on_the_thoughts() {
    let said = |more| {
        let body = chat(&mock(), &says("What is new?", more)).json();
        body["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };

    assert_eq!(said(json!({"seed": 1})), said(json!({"seed": 1, "reasoning_effort": "low"})));
}

#[test]
fn a_call_stands_beside_thoughts() {
    let more = json!({"tools": [weather()], "tool_choice": "required", "reasoning_effort": "low"});

    let body = chat(&mock(), &says("Weather in Paris", more)).json();

    let message = &body["choices"][0]["message"];
    assert!(message["reasoning_content"].is_string());
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 1);
}

#[test]
fn vllm_calls_them_reasoning_and_sglang_keeps_the_old_name() {
    for (who, field, other) in [
        (Persona::Vllm, "reasoning", "reasoning_content"),
        (Persona::Sglang, "reasoning_content", "reasoning"),
    ] {
        let server = persona(who);
        let mut body = says("Say hi", json!({"reasoning_effort": "low"}));
        let plain = chat(&server, &body).json();
        let message = &plain["choices"][0]["message"];
        assert!(message[field].is_string(), "{who}: {message}");
        assert!(message[other].is_null(), "{who}: {message}");

        body["stream"] = json!(true);
        let (thought, _, _) = streamed(&server, body, field);
        assert!(!thought.is_empty(), "{who}");

        // A limit that the thoughts use up still ends the stream.
        let short = json!({"reasoning_effort": "high", "max_tokens": 8, "stream": true});
        assert_eq!(chat(&server, &says("Say hi", short)).finishes(), ["length"], "{who}");
    }
}
