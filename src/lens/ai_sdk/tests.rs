use serde_json::json;

use super::*;
use crate::lens::tests::{chunk, exchange, streamed, usage_chunk};
use crate::lens::{MADE_UP_ID, Outcome};
use crate::transcript::End;

fn raised(taken: &Taken) -> &str {
    match &taken.outcome {
        Outcome::Raises { exception, .. } => exception,
        other => panic!("{other:?}"),
    }
}

fn fragment(fragment: &Value) -> Value {
    chunk(&json!({"tool_calls": [fragment]}), None)
}

fn finish() -> Value {
    chunk(&json!({}), Some("tool_calls"))
}

/// A request with the tool `f`, and this tool choice.
fn with_tool(mut exchange: Exchange, stream: bool, choice: &str) -> Exchange {
    let request = json!({
        "stream": stream,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": choice,
    });
    exchange.request.body = request.to_string().into();
    exchange
}

fn calls(fragments: &[Value]) -> Vec<Call> {
    let mut chunks: Vec<Value> = fragments.iter().map(fragment).collect();
    chunks.push(finish());
    read(&with_tool(streamed(&chunks), true, "auto")).answer.tool_calls
}

#[test]
fn an_id_tells_calls_under_one_index_apart() {
    let calls = calls(&[
        json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"x\":1}"}}),
        json!({"index": 0, "id": "b", "function": {"name": "f", "arguments": "{\"x\":2}"}}),
    ]);

    let seen: Vec<_> = calls.iter().map(|call| (call.id.as_deref(), &call.arguments)).collect();
    assert_eq!(seen, [(Some("a"), &json!({"x": 1})), (Some("b"), &json!({"x": 2}))]);
}

#[test]
fn without_an_index_a_fragment_goes_to_the_only_call() {
    let calls = calls(&[
        json!({"id": "a", "function": {"name": "f", "arguments": "{\"x\""}}),
        json!({"function": {"arguments": ":1}"}}),
    ]);

    assert_eq!(calls[0].arguments, json!({"x": 1}));
}

#[test]
fn a_name_in_two_pieces_makes_two_calls() {
    let calls = calls(&[
        json!({"index": 0, "id": "a", "function": {"name": "get_", "arguments": ""}}),
        json!({"index": 0, "function": {"name": "f", "arguments": "{}"}}),
    ]);

    let names: Vec<_> = calls.iter().map(|call| call.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["get_", "f"]);
}

#[test]
fn arguments_wait_for_the_name_and_calls_stand_in_the_order_of_their_index() {
    let calls = calls(&[
        json!({"index": 1, "id": "b", "function": {"arguments": "{\"x\":"}}),
        json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}),
        json!({"index": 1, "function": {"name": "f", "arguments": "1}"}}),
    ]);

    let seen: Vec<_> = calls.iter().map(|call| (call.id.as_deref(), &call.arguments)).collect();
    assert_eq!(seen, [(Some("a"), &json!({})), (Some("b"), &json!({"x": 1}))]);
}

#[test]
fn an_id_that_never_came_is_made_up_and_broken_arguments_stay_text() {
    let calls = calls(&[json!({"index": 0, "function": {"name": "f", "arguments": "{\"x\""}})]);

    assert_eq!(calls[0].id.as_deref(), Some(MADE_UP_ID));
    assert_eq!(calls[0].arguments, json!("{\"x\""));
}

#[test]
fn a_call_that_never_gets_a_name_breaks_the_stream_at_its_end() {
    let chunks =
        [fragment(&json!({"index": 0, "id": "a", "function": {"arguments": "{}"}})), finish()];

    let taken = read(&with_tool(streamed(&chunks), true, "auto"));

    assert_eq!(raised(&taken), "AI_InvalidResponseDataError");
    assert_eq!(taken.answer.finish_reason, None);
}

#[test]
fn an_error_part_does_not_stop_the_text() {
    let odd =
        [json!({}), json!({"error": {"message": "busy"}}), json!({"choices": [], "error": null})];
    let classes = ["AI_TypeValidationError", "error part", "error part"];
    for (odd, class) in odd.into_iter().zip(classes) {
        let taken = read(&streamed(&[
            chunk(&json!({"content": "Hel"}), None),
            odd,
            chunk(&json!({"content": "lo"}), Some("stop")),
            usage_chunk(),
        ]));

        assert_eq!(raised(&taken), class);
        assert_eq!(taken.answer.text.as_deref(), Some("Hello"));
        assert_eq!(taken.answer.finish_reason.as_deref(), Some("stop"));
    }
}

#[test]
fn a_stream_without_a_reason_for_its_end_is_an_error() {
    let taken = read(&streamed(&[chunk(&json!({"content": "Hel"}), None)]));

    assert_eq!(raised(&taken), "AI_InvalidResponseDataError");
    assert_eq!(taken.answer.finish_reason.as_deref(), Some("error"));
}

#[test]
fn a_broken_connection_loses_calls_and_keeps_text() {
    let call = json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}});
    let mut broken =
        streamed(&[chunk(&json!({"content": "Hel"}), None), fragment(&call), finish()]);
    broken.end = End::CutShort { why: "the last chunk".to_owned() };

    let taken = read(&broken);

    assert_eq!(raised(&taken), "AI_APICallError");
    assert_eq!(taken.answer.text.as_deref(), Some("Hel"));
    assert!(taken.answer.tool_calls.is_empty());
}

#[test]
fn only_the_first_choice_of_a_chunk_is_read_whatever_its_index() {
    let of = |index: u64, text: &str| {
        let mut chunk = chunk(&json!({"content": text}), Some("stop"));
        chunk["choices"][0]["index"] = json!(index);
        chunk
    };

    let taken = read(&streamed(&[of(0, "a"), of(1, "b")]));

    assert_eq!(taken.answer.text.as_deref(), Some("ab"));
    assert!(taken.answer.others.is_empty());
}

#[test]
fn an_answer_that_does_not_fit_the_schema_raises() {
    let whole = json!({"choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "Hi", "tool_calls": null},
    }]});
    let say = |answer: &Value| read(&exchange(false, 200, "text/html", &answer.to_string()));
    assert_eq!(say(&whole).answer.text.as_deref(), Some("Hi"));

    for (pointer, value) in [
        ("/choices/0/message/role", json!("bot")),
        ("/choices/0/message/content", json!(5)),
        ("/choices/0/message/tool_calls", json!([{"function": {"name": "f", "arguments": {}}}])),
        ("/choices/0/finish_reason", json!(1)),
        ("/choices", json!(null)),
    ] {
        let mut odd = whole.clone();
        *odd.pointer_mut(pointer).unwrap() = value;

        assert_eq!(raised(&say(&odd)), "AI_APICallError", "{pointer}");
    }
    assert_eq!(raised(&say(&json!({"choices": []}))), "AI_InvalidResponseDataError");
}

#[test]
fn a_tool_choice_that_was_not_kept_raises() {
    let prose = json!({"choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "Hi"},
    }]});
    let plain = exchange(false, 200, "application/json", &prose.to_string());
    let taken = read(&with_tool(plain, false, "required"));
    assert_eq!(raised(&taken), "AI_ToolChoiceViolationError");

    let call = json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}});
    let taken = read(&with_tool(streamed(&[fragment(&call), finish()]), true, "none"));
    assert_eq!(raised(&taken), "AI_ToolChoiceViolationError");
    assert!(taken.answer.tool_calls.is_empty());
}

#[test]
fn missing_counts_are_noughts_and_the_sum_is_made_anew() {
    let odd = json!({"choices": [], "usage": {"completion_tokens": 2, "total_tokens": 99}});

    let taken = read(&streamed(&[chunk(&json!({"content": "a"}), Some("stop")), odd]));

    let usage = taken.answer.usage.unwrap();
    assert_eq!((usage.prompt_tokens, usage.total_tokens), (json!(0), json!(2)));
}
