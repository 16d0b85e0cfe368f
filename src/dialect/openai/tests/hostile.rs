//! Streams with something wrong in them, and bytes of any kind.

use proptest::prelude::*;
use serde_json::json;

use super::*;

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
        let body = chunks.iter().fold(String::new(), |body, chunk| body + &format!("data: {chunk}\n\n"));

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
