use serde_json::json;

use super::*;
use crate::lens::tests::{chunk, exchange, streamed, usage_chunk};
use crate::lens::{Outcome, Taken};
use crate::transcript::End;

fn raised(taken: &Taken) -> &str {
    match &taken.outcome {
        Outcome::Raises { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

fn call(index: &Value, name: &str, arguments: &str) -> Value {
    let function = json!({"name": name, "arguments": arguments});
    json!({"role": "assistant", "tool_calls": [
        {"index": index, "id": "call_1", "type": "function", "function": function},
    ]})
}

fn finish() -> Value {
    chunk(&json!({}), Some("tool_calls"))
}

#[test]
fn a_first_index_of_one_leaves_a_hole_that_raises() {
    let taken = read(&streamed(&[chunk(&call(&json!(1), "f", "{}"), None), finish()]));

    assert_eq!(raised(&taken), "Cannot read properties of undefined (reading 'type')");
}

#[test]
fn a_call_without_an_index_is_lost() {
    let mut delta = call(&json!(0), "f", "{}");
    delta["tool_calls"][0].as_object_mut().unwrap().remove("index");

    let taken = read(&streamed(&[chunk(&delta, None), finish()]));

    assert_eq!((taken.outcome, taken.answer.tool_calls), (Outcome::Returns, Vec::new()));
}

#[test]
fn an_index_that_is_a_text_is_as_good_as_a_number() {
    let taken = read(&streamed(&[chunk(&call(&json!("0"), "f", "{}"), None), finish()]));

    assert_eq!(taken.answer.tool_calls.len(), 1);
}

#[test]
fn two_calls_under_one_index_are_one_call() {
    let first = chunk(&call(&json!(0), "f", "{\"a\":1}"), None);
    let second = chunk(&call(&json!(0), "g", "{\"b\":2}"), None);

    let taken = read(&streamed(&[first, second, finish()]));

    let call = &taken.answer.tool_calls[0];
    assert_eq!(call.name.as_deref(), Some("g"));
    assert_eq!(call.arguments, json!("{\"a\":1}{\"b\":2}"));
}

#[test]
fn arguments_that_are_an_object_become_the_text_of_one() {
    let mut delta = call(&json!(0), "f", "");
    delta["tool_calls"][0]["function"]["arguments"] = json!({"a": 1});

    let taken = read(&streamed(&[chunk(&delta, None), finish()]));

    assert_eq!(taken.answer.tool_calls[0].arguments, json!("[object Object]"));
}

#[test]
fn an_id_that_never_came_is_made_up() {
    let mut delta = call(&json!(0), "f", "{}");
    delta["tool_calls"][0]["id"] = json!("");

    let taken = read(&streamed(&[chunk(&delta, None), finish()]));

    assert_eq!(taken.answer.tool_calls[0].id.as_deref(), Some(crate::lens::MADE_UP_ID));
}

#[test]
fn strict_tools_make_a_cut_answer_raise() {
    let mut cut = streamed(&[
        chunk(&json!({"role": "assistant", "content": "He"}), None),
        chunk(&json!({}), Some("length")),
    ]);
    let request = json!({
        "stream": true,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "f", "strict": true}}],
    });
    assert_eq!(read(&cut).outcome, Outcome::Returns);
    cut.request.body = request.to_string().into();

    let taken = read(&cut);

    assert!(raised(&taken).contains("length limit"), "{taken:?}");
    assert_eq!(taken.answer.text.as_deref(), Some("He"));
}

#[test]
fn what_is_missing_at_the_end_raises_with_the_text_so_far() {
    let role = chunk(&json!({"role": "assistant", "content": "Hel"}), None);
    let no_role = chunk(&json!({"content": "Hel"}), Some("stop"));
    for (chunks, message, text) in [
        (vec![role], "missing finish_reason for choice 0", Some("Hel")),
        (vec![no_role], "missing role for choice 0", None),
        (vec![], "request ended without sending any chunks", None),
    ] {
        let taken = read(&streamed(&chunks));

        assert_eq!(raised(&taken), message);
        assert_eq!(taken.answer.text.as_deref(), text);
    }
}

#[test]
fn each_choice_is_found_by_its_index_whatever_the_order() {
    let of = |index: u64, text: &str| {
        let mut chunk = chunk(&json!({"role": "assistant", "content": text}), Some("stop"));
        chunk["choices"][0]["index"] = json!(index);
        chunk
    };

    let taken = read(&streamed(&[of(1, "b"), of(0, "a")]));

    assert_eq!(taken.answer.text.as_deref(), Some("a"));
    assert_eq!(taken.answer.others[0].text.as_deref(), Some("b"));
}

#[test]
fn choices_without_an_index_end_in_an_empty_completion() {
    let mut lost = chunk(&json!({"role": "assistant", "content": "Hi"}), Some("stop"));
    lost["choices"][0].as_object_mut().unwrap().remove("index");

    let taken = read(&streamed(&[lost]));

    assert!(raised(&taken).contains("role=assistant"), "{taken:?}");
}

#[test]
fn usage_in_a_chunk_without_id_is_lost() {
    let mut usage = usage_chunk();
    usage["id"] = json!("");
    let said = chunk(&json!({"role": "assistant", "content": "Hi"}), Some("stop"));

    let taken = read(&streamed(&[said, usage]));

    assert_eq!((taken.outcome, taken.answer.usage), (Outcome::Returns, None));
}

#[test]
fn reasoning_is_overwritten_and_not_added_up() {
    let thought = |text| chunk(&json!({"role": "assistant", "reasoning_content": text}), None);

    let taken = read(&streamed(&[thought("one"), thought("two"), finish()]));

    assert_eq!(taken.answer.reasoning.as_deref(), Some("two"));
}

#[test]
fn what_comes_after_done_can_still_break_the_call() {
    let mut whole =
        streamed(&[chunk(&json!({"role": "assistant", "content": "Hi"}), Some("stop"))]);
    assert_eq!(read(&whole).outcome, Outcome::Returns);

    whole.end = End::Reset { why: "reset".to_owned() };

    assert_eq!(raised(&read(&whole)), "terminated");
}

#[test]
fn an_error_in_the_stream_keeps_its_own_class() {
    let error = json!({"error": {"message": "overloaded"}});
    let role = chunk(&json!({"role": "assistant", "content": "Hel"}), None);

    let taken = read(&streamed(&[role, error]));

    let exception = "APIError".to_owned();
    let outcome = Outcome::Raises { exception, message: "overloaded".to_owned() };
    assert_eq!(taken.outcome, outcome);
}

#[test]
fn a_plain_completion_in_one_event_is_taken_whole() {
    let completion = json!({"id": "c", "choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "Hi"},
    }]});

    let taken = read(&exchange(true, 200, "text/event-stream", &format!("data: {completion}\n\n")));

    assert_eq!((taken.outcome, taken.answer.text.as_deref()), (Outcome::Returns, Some("Hi")));
}

#[test]
fn a_list_in_place_of_a_message_takes_the_fields_of_the_deltas() {
    let mut odd = chunk(&json!({"role": "assistant", "content": "Hi"}), Some("stop"));
    odd["choices"][0]["message"] = json!([null]);

    let taken = read(&streamed(&[odd]));

    assert_eq!((taken.outcome, taken.answer.text.as_deref()), (Outcome::Returns, Some("Hi")));
}
