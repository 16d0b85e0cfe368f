//! What is assembled from streams as servers send them.

use serde_json::json;

use super::*;

#[test]
fn a_streamed_answer_is_the_plain_answer() {
    let got = assembled(&[
        json!({"system_fingerprint": "fp", "choices": [{"index": 0, "delta":
            {"role": "assistant", "content": "", "refusal": null}, "logprobs": null, "finish_reason": null}],
            "usage": null}),
        choice(0, &json!({"content": "Hel"}), None),
        choice(0, &json!({"content": "lo 🌍"}), None),
        choice(0, &json!({}), Some("stop")),
        json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}),
    ]);

    assert_eq!(
        got,
        json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 7,
            "model": "m",
            "system_fingerprint": "fp",
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": "Hello 🌍", "refusal": null},
                "logprobs": null,
                "finish_reason": "stop",
            }],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        })
    );
}

#[test]
fn two_choices_interleaved_are_kept_apart_and_stand_in_index_order() {
    let got = assembled(&[
        choice(1, &json!({"role": "assistant", "content": "b"}), None),
        choice(0, &json!({"role": "assistant", "content": "a"}), None),
        json!({"choices": [
            {"index": 0, "delta": {"content": "A"}}, {"index": 1, "delta": {"content": "B"}},
        ]}),
        choice(1, &json!({}), Some("length")),
        choice(0, &json!({}), Some("stop")),
    ]);

    let choices: Vec<_> = (0..2)
        .map(|at| &got["choices"][at])
        .map(|c| (c["index"].clone(), c["message"]["content"].clone(), c["finish_reason"].clone()))
        .collect();
    assert_eq!(
        choices,
        [(json!(0), json!("aA"), json!("stop")), (json!(1), json!("bB"), json!("length"))]
    );
}

#[test]
fn parallel_tool_calls_are_joined_by_their_index() {
    let call = |index: u64, arguments: &str| {
        choice(
            0,
            &json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}),
            None,
        )
    };
    let open = |index: u64, id: &str, name: &str| {
        let function = json!({"name": name, "arguments": ""});
        let call = json!({"index": index, "id": id, "type": "function", "function": function});
        choice(0, &json!({"role": "assistant", "content": null, "tool_calls": [call]}), None)
    };
    let role_once = |mut chunk: Value| {
        chunk["choices"][0]["delta"].as_object_mut().unwrap().remove("role");
        chunk
    };

    let got = assembled(&[
        open(0, "call_a", "get_weather"),
        call(0, "{\"city\":"),
        role_once(open(1, "call_b", "get_time")),
        call(1, "{}"),
        call(0, "\"Oslo\"}"),
        choice(
            0,
            &json!({"tool_calls": [{"index": 1, "id": null, "function": {"name": ""}}]}),
            None,
        ),
        choice(0, &json!({}), Some("tool_calls")),
    ]);

    assert_eq!(
        got["choices"][0]["message"],
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_a", "type": "function",
             "function": {"name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"}},
            {"id": "call_b", "type": "function",
             "function": {"name": "get_time", "arguments": "{}"}},
        ]})
    );
}

#[test]
fn custom_tools_and_the_legacy_function_call_are_joined_too() {
    let got = assembled(&[
        choice(
            0,
            &json!({"tool_calls": [
                {"index": 0, "id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT "}},
            ]}),
            None,
        ),
        choice(0, &json!({"tool_calls": [{"index": 0, "custom": {"input": "1"}}]}), None),
        choice(1, &json!({"function_call": {"name": "f", "arguments": "{"}}), None),
        choice(1, &json!({"function_call": {"arguments": "}"}}), Some("function_call")),
    ]);

    assert_eq!(
        got["choices"][0]["message"]["tool_calls"],
        json!([{"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}])
    );
    assert_eq!(
        got["choices"][1]["message"]["function_call"],
        json!({"name": "f", "arguments": "{}"})
    );
}

#[test]
fn reasoning_is_joined_under_the_name_the_server_gave_it() {
    let got = assembled(&[
        choice(0, &json!({"role": "assistant", "reasoning_content": "Let me "}), None),
        choice(0, &json!({"reasoning_content": "think."}), None),
        choice(0, &json!({"content": "4", "reasoning_content": null}), Some("stop")),
        choice(1, &json!({"role": "assistant", "reasoning": "Hm."}), Some("stop")),
    ]);

    assert_eq!(
        got["choices"][0]["message"],
        json!({"role": "assistant", "content": "4", "reasoning_content": "Let me think."})
    );
    assert_eq!(
        got["choices"][1]["message"],
        json!({"role": "assistant", "content": null, "reasoning": "Hm."})
    );
}

#[test]
fn a_refusal_is_joined_and_the_content_stays_null() {
    let got = assembled(&[
        choice(0, &json!({"role": "assistant", "content": null, "refusal": "I "}), None),
        choice(0, &json!({"refusal": "can't."}), Some("stop")),
    ]);

    assert_eq!(
        got["choices"][0]["message"],
        json!({"role": "assistant", "content": null, "refusal": "I can't."})
    );
}

#[test]
fn logprobs_are_joined_token_by_token() {
    let token = |token: &str| json!({"token": token, "logprob": -0.5, "top_logprobs": []});
    let chunk = |text: &str| {
        json!({"choices": [{"index": 0, "delta": {"content": text},
            "logprobs": {"content": [token(text)], "refusal": null}}]})
    };

    let got = assembled(&[
        json!({"choices": [{"index": 0, "delta": {"role": "assistant"}, "logprobs": null}]}),
        chunk("a"),
        chunk("b"),
        json!({"choices": [{"index": 0, "delta": {}, "logprobs": {"content": null}}]}),
        json!({"choices": [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "stop"}]}),
    ]);

    assert_eq!(
        got["choices"][0]["logprobs"],
        json!({"content": [token("a"), token("b")], "refusal": null})
    );
}

#[test]
fn legacy_completions_have_text_and_no_message() {
    let chunk = |text: &str, offset: u64, finish: Option<&str>| {
        json!({"object": "text_completion", "choices": [{"index": 0, "text": text,
            "logprobs": {"tokens": [text], "text_offset": [offset]}, "finish_reason": finish}]})
    };

    let got = assembled(&[chunk("Once", 0, None), chunk(" upon", 4, Some("length"))]);

    assert_eq!(got["object"], "text_completion");
    assert_eq!(
        got["choices"],
        json!([{"index": 0, "text": "Once upon",
            "logprobs": {"tokens": ["Once", " upon"], "text_offset": [0, 4]},
            "finish_reason": "length"}])
    );
}

#[test]
fn empty_metadata_of_a_first_chunk_does_not_win() {
    let got = assembled(&[
        json!({"id": "", "model": "", "object": "", "choices": [], "prompt_filter_results": []}),
        choice(0, &json!({"role": "assistant", "content": "a"}), Some("stop")),
    ]);

    assert_eq!((&got["id"], &got["model"]), (&json!("chatcmpl-1"), &json!("m")));
}

#[test]
fn of_rotating_metadata_the_first_counts_and_of_totals_the_last() {
    let chunk = |id: &str, tokens: u64| json!({"id": id, "created": tokens, "choices": [], "usage": {"total_tokens": tokens}});

    let got = assembled(&[chunk("a", 1), chunk("b", 2)]);

    assert_eq!((&got["id"], &got["created"]), (&json!("a"), &json!(1)));
    assert_eq!(got["usage"], json!({"total_tokens": 2}));
}
