use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::transcript::{
    BodyFraming, Connection, End, Exchange, Frame, Headers, ResponseHead, Timing, WireRequest,
};
use crate::units::Nanos;

/// An exchange whose body came in these pieces, one each millisecond.
fn exchange<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = B>) -> Exchange {
    let frame = |(index, piece): (u64, B)| Frame {
        at: Nanos::from_millis(index + 1),
        bytes: piece.as_ref().to_vec().into(),
    };
    Exchange {
        id: "x1".into(),
        request: WireRequest {
            method: "POST".into(),
            url: "http://h/v1/chat/completions".into(),
            headers: Headers::default(),
            body: "{}".into(),
        },
        connection: Connection::default(),
        head: Some(ResponseHead { status: 200, reason: "OK".into(), headers: Headers::default() }),
        framing: BodyFraming::Chunked,
        frames: (0..).zip(pieces).map(frame).collect(),
        trailers: Headers::default(),
        end: End::Complete,
        timing: Timing::default(),
        reads: Vec::new(),
        redactions: Vec::new(),
    }
}

fn read(body: impl AsRef<[u8]>) -> Reading {
    Reading::of(&exchange([body]))
}

/// A stream of chunks of one completion, with `[DONE]`.
fn stream(chunks: &[Value]) -> String {
    let head =
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m"});
    let mut body = String::new();
    for chunk in chunks {
        let mut whole = head.clone();
        whole.as_object_mut().unwrap().extend(chunk.as_object().unwrap().clone());
        body.push_str(&format!("data: {whole}\n\n"));
    }
    body + "data: [DONE]\n\n"
}

/// A chunk with one choice.
fn choice(index: u64, delta: &Value, finish: Option<&str>) -> Value {
    json!({"choices": [{"index": index, "delta": delta, "finish_reason": finish}]})
}

/// What is assembled from a stream in which nothing is wrong.
fn assembled(chunks: &[Value]) -> Value {
    let reading = read(stream(chunks));
    assert_eq!(reading.faults, []);
    assert_eq!(reading.chunks.len(), chunks.len());
    reading.assembled.unwrap()
}

/// `event pointer problem` of every fault of a stream.
fn faults(chunks: &[Value]) -> Vec<String> {
    read(stream(chunks)).faults.iter().map(said).collect()
}

fn said(fault: &AssemblyFault) -> String {
    format!("{} {} {}", fault.event, fault.pointer, fault.problem.name())
}

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
fn a_plain_answer_is_its_own_assembly() {
    let body =
        json!({"id": "c", "choices": [{"index": 0, "message": {"content": "a\n\ndata: b"}}]});

    let reading = read(serde_json::to_vec_pretty(&body).unwrap());

    assert_eq!(reading.assembled, Some(body.clone()));
    assert_eq!(reading.json, Ok(body));
    assert_eq!((reading.sse, reading.chunks.len(), reading.faults.len()), (None, 0, 0));
}

#[test]
fn what_is_neither_json_nor_a_stream_has_no_assembly() {
    for body in ["", "<html>\n<body>data: x</body>\n", "{\"a\": 1}\n{\"a\": 2}\n", ": ping\n\n"] {
        let reading = read(body);

        assert_eq!((reading.sse, reading.assembled), (None, None), "{body}");
        assert!(reading.json.is_err(), "{body}");
    }
}

#[test]
fn a_stream_without_choices_has_no_assembly() {
    let reading = read("data: {\"type\": \"response.created\"}\n\ndata: [DONE]\n\n");

    assert_eq!(reading.assembled, None);
    assert_eq!(reading.chunks.len(), 1);
    assert_eq!(
        reading.faults[0].to_string(),
        "event 0: /choices is missing where an array was due"
    );
}

#[test]
fn an_event_is_stamped_with_the_read_that_completed_it() {
    let reading = Reading::of(&exchange([
        "data: 1\n\ndata: 2\n",
        "\n",
        "",
        "data: 3\r\n\r",
        "\ndata: 4\n\n",
        "data: 5\n",
    ]));

    let stamps: Vec<_> = reading.arrivals.iter().map(|a| (a.frame, a.at.as_millis_f64())).collect();
    assert_eq!(stamps, [(0, 1.0), (1, 2.0), (3, 4.0), (4, 5.0)]);
    assert_eq!(reading.events().len(), 4);
}

#[test]
fn pieces_that_cannot_be_placed_are_left_out_and_recorded() {
    let good = choice(0, &json!({"role": "assistant", "content": "a"}), None);
    let call = |call: Value| choice(0, &json!({"tool_calls": [call]}), None);
    let cases: Vec<(Value, &str)> = vec![
        (json!({"choices": null}), "1 /choices mistyped"),
        (json!({"choices": {"0": 1}}), "1 /choices mistyped"),
        (json!({}), "1 /choices mistyped"),
        (json!({"choices": [7]}), "1 /choices/0 mistyped"),
        (json!({"choices": [{"delta": {"content": "x"}}]}), "1 /choices/0/index mistyped"),
        (json!({"choices": [{"index": null, "delta": {}}]}), "1 /choices/0/index mistyped"),
        (json!({"choices": [{"index": -1, "delta": {}}]}), "1 /choices/0/index mistyped"),
        (json!({"choices": [{"index": "0", "delta": {}}]}), "1 /choices/0/index mistyped"),
        (json!({"choices": [{"index": 0.5, "delta": {}}]}), "1 /choices/0/index mistyped"),
        (json!({"choices": [{"index": 0}]}), "1 /choices/0/delta mistyped"),
        (json!({"choices": [{"index": 0, "delta": null}]}), "1 /choices/0/delta mistyped"),
        (
            json!({"choices": [{"index": 0, "message": {"content": "x"}}]}),
            "1 /choices/0/delta mistyped",
        ),
        (
            choice(0, &json!({"content": [{"text": "x"}]}), None),
            "1 /choices/0/delta/content mistyped",
        ),
        (choice(0, &json!({"role": "assistant"}), None), "1 /choices/0/delta/role repeated"),
        (choice(0, &json!({"role": "user"}), None), "1 /choices/0/delta/role changed"),
        (choice(0, &json!({"role": 1}), None), "1 /choices/0/delta/role mistyped"),
        (choice(0, &json!({"tool_calls": {}}), None), "1 /choices/0/delta/tool_calls mistyped"),
        (call(json!("x")), "1 /choices/0/delta/tool_calls/0 mistyped"),
        (call(json!({"id": "c"})), "1 /choices/0/delta/tool_calls/0/index mistyped"),
        (call(json!({"index": 0, "id": 5})), "1 /choices/0/delta/tool_calls/0/id mistyped"),
        (
            call(json!({"index": 0, "function": "f"})),
            "1 /choices/0/delta/tool_calls/0/function mistyped",
        ),
        (
            call(json!({"index": 0, "function": {"arguments": {"a": 1}}})),
            "1 /choices/0/delta/tool_calls/0/function/arguments mistyped",
        ),
        (
            json!({"choices": [{"index": 0, "delta": {}, "logprobs": [1]}]}),
            "1 /choices/0/logprobs mistyped",
        ),
        (
            json!({"choices": [{"index": 0, "delta": {}, "logprobs": {"content": 1}}]}),
            "1 /choices/0/logprobs/content mistyped",
        ),
        (
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": 1}]}),
            "1 /choices/0/finish_reason mistyped",
        ),
    ];
    for (bad, fault) in cases {
        let reading =
            read(stream(&[good.clone(), bad.clone(), choice(0, &json!({"content": "b"}), None)]));

        let found: Vec<_> = reading.faults.iter().map(said).collect();
        assert_eq!(found, [fault], "{bad}");
        let message = &reading.assembled.unwrap()["choices"][0]["message"];
        assert_eq!(
            (&message["role"], &message["content"]),
            (&json!("assistant"), &json!("ab")),
            "{bad}"
        );
    }
}

#[test]
fn a_call_that_changes_its_identity_keeps_the_first() {
    let call = |id: &str| choice(0, &json!({"tool_calls": [{"index": 0, "id": id}]}), None);

    let reading = read(stream(&[call("a"), call("b"), call("a")]));

    assert_eq!(reading.assembled.unwrap()["choices"][0]["message"]["tool_calls"][0]["id"], "a");
    let messages: Vec<_> = reading.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "event 1: /choices/0/delta/tool_calls/0/id is \"b\" after it was \"a\"",
            "event 2: /choices/0/delta/tool_calls/0/id is set a second time",
        ]
    );
}

#[test]
fn the_last_of_two_finish_reasons_counts_and_both_are_known() {
    let chunks = [choice(0, &json!({}), Some("stop")), choice(0, &json!({}), Some("length"))];

    assert_eq!(faults(&chunks), ["1 /choices/0/finish_reason changed"]);
    assert_eq!(read(stream(&chunks)).assembled.unwrap()["choices"][0]["finish_reason"], "length");
}

#[test]
fn an_error_in_the_stream_is_recorded_with_its_message() {
    let reading = read(
        "data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"a\"}}]}\n\n\
         data: {\"error\": {\"message\": \"out of memory\", \"code\": 500}}\n\n\
         data: [DONE]\n\n",
    );

    assert_eq!(reading.faults.len(), 1);
    assert_eq!(reading.faults[0].to_string(), "event 1: /error is an error (out of memory)");
    assert_eq!(reading.assembled.unwrap()["choices"][0]["message"]["content"], "a");
}

#[test]
fn events_that_are_no_chunks_are_passed_over_and_recorded() {
    let reading = read(
        "data: hello\n\ndata: [1]\n\ndata: {\"choices\": []}\n\ndata: \n\ndata: [DONE]\n\n\
         data: {\"choices\": [{\"index\": 0, \"delta\": {\"content\": \"late\"}}]}\n\n",
    );

    let found: Vec<_> = reading.faults.iter().map(said).collect();
    assert_eq!(found, ["0  not-json", "1  not-an-object", "3  not-json", "5  after-done"]);
    assert_eq!(reading.chunks.iter().map(|chunk| chunk.event).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(reading.assembled.unwrap()["choices"], json!([]));
}

#[test]
fn an_absurd_index_costs_nothing() {
    let far = u64::MAX - 1;
    let got = assembled(&[choice(far, &json!({"tool_calls": [{"index": far, "id": "a"}]}), None)]);

    assert_eq!(got["choices"][0]["index"], far);
    assert_eq!(got["choices"][0]["message"]["tool_calls"], json!([{"id": "a"}]));
}

/// JSON in the likeness of a chunk, with any value in any place.
fn chunk_like() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "choices",
        "delta",
        "index",
        "content",
        "role",
        "tool_calls",
        "function",
        "arguments",
        "name",
        "id",
        "type",
        "finish_reason",
        "logprobs",
        "usage",
        "error",
        "text",
        "custom",
        "input",
        "function_call",
        "refusal",
        "reasoning",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1_i64..3).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6)
                .prop_map(|list| list.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    });
    // Half of them reach the inside of a delta.
    prop_oneof![
        value.clone(),
        value.prop_map(|delta| json!({"choices": [{"index": 0, "delta": delta}]})),
    ]
}

proptest! {
    #[test]
    fn no_json_in_any_place_makes_the_accumulator_panic(
        chunks in prop::collection::vec(chunk_like(), 0..6),
    ) {
        let body: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();

        let reading = read(&body);

        prop_assert_eq!(reading.events().len(), chunks.len());
        prop_assert_eq!(reading.arrivals.len(), chunks.len());
    }

    #[test]
    fn arbitrary_bytes_in_arbitrary_reads_never_panic(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6),
    ) {
        let reading = Reading::of(&exchange(&pieces));

        prop_assert_eq!(reading.body.as_ref(), pieces.concat());
        prop_assert_eq!(reading.arrivals.len(), reading.events().len());
    }

    #[test]
    fn how_the_body_was_cut_changes_nothing_but_the_arrivals(
        texts in prop::collection::vec("[a-zé🌍]{0,4}", 1..6), size in 1_usize..40,
    ) {
        let chunks: Vec<_> =
            texts.iter().map(|text| choice(0, &json!({"content": text}), None)).collect();
        let body = stream(&chunks);

        let mut cut = Reading::of(&exchange(body.as_bytes().chunks(size)));
        let whole = read(&body);

        prop_assert_eq!(&cut.assembled.as_ref().unwrap()["choices"][0]["message"]["content"], &texts.concat());
        cut.arrivals.clone_from(&whole.arrivals);
        prop_assert_eq!(cut, whole);
    }
}
