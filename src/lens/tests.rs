//! Lenses on hand-written exchanges.

use serde_json::{Value, json};

use super::*;
use crate::transcript::{
    Body, BodyFraming, Connection, End, Frame, Headers, ResponseHead, Timing, WireRequest,
};
use crate::units::Nanos;

/// An answer with this status, content type and body to a chat request.
pub(super) fn exchange(stream: bool, status: u16, media: &str, body: &str) -> Exchange {
    let request = json!({
        "model": "m",
        "stream": stream,
        "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "hi"}],
    });
    Exchange {
        id: "x1".into(),
        request: WireRequest {
            method: "POST".into(),
            url: "http://h/v1/chat/completions".into(),
            headers: Headers::default(),
            body: request.to_string().into(),
        },
        connection: Connection::default(),
        head: Some(ResponseHead {
            status,
            reason: String::new(),
            headers: [("content-type", media)].into_iter().collect(),
        }),
        framing: BodyFraming::Chunked,
        frames: vec![Frame { at: Nanos(1), bytes: Body::from(body.to_owned()) }],
        encoded: Vec::new(),
        trailers: Headers::default(),
        end: End::Complete,
        timing: Timing::default(),
        reads: Vec::new(),
        redactions: Vec::new(),
    }
}

/// A stream of these chunks.
pub(super) fn streamed(chunks: &[Value]) -> Exchange {
    let mut body: Vec<String> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    body.push("data: [DONE]\n\n".to_owned());
    exchange(true, 200, "text/event-stream", &body.concat())
}

/// A chunk with one choice.
pub(super) fn chunk(delta: &Value, finish: Option<&str>) -> Value {
    json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    })
}

/// The chunk that holds the token counts.
pub(super) fn usage_chunk() -> Value {
    json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    })
}

fn look(id: &str, exchange: &Exchange) -> Sight {
    find(id).unwrap().look(exchange).unwrap()
}

#[test]
fn a_good_stream_hurts_no_client() {
    let good = streamed(&[
        chunk(&json!({"role": "assistant", "content": ""}), None),
        chunk(&json!({"content": "Hello"}), None),
        chunk(&json!({"content": " there"}), None),
        chunk(&json!({}), Some("stop")),
        usage_chunk(),
    ]);

    for lens in all() {
        let Some(sight) = lens.look(&good) else { continue };
        assert_eq!(sight.effect, Effect::Ok, "{}: {}", lens.id, sight.detail);
        assert_eq!(sight.taken.answer.text.as_deref(), Some("Hello there"), "{}", lens.id);
    }
}

#[test]
fn silent_damage_is_graver_than_an_exception() {
    assert!(Effect::SilentlyWrong > Effect::Raises && Effect::Raises > Effect::Ok);
}

#[test]
fn a_stream_without_a_reason_for_its_end_is_silently_wrong() {
    let cut = streamed(&[chunk(&json!({"content": "Hel"}), None)]);

    let sight = look("openai-python", &cut);

    assert_eq!(sight.effect, Effect::SilentlyWrong);
    assert!(sight.detail.contains("finish_reason is missing"), "{}", sight.detail);
}

#[test]
fn an_error_status_is_for_raising() {
    let refused =
        exchange(false, 429, "application/json", r#"{"error": {"message": "slow down"}}"#);

    let sight = look("openai-python", &refused);

    assert_eq!(sight.effect, Effect::Ok);
    assert_eq!(sight.detail, "raises openai.RateLimitError: Error code: 429 - slow down");
}

#[test]
fn an_error_body_under_200_is_taken_for_an_answer() {
    let error = exchange(false, 200, "application/json", r#"{"error": {"message": "no"}}"#);

    let sight = look("openai-python", &error);

    assert_eq!(sight.effect, Effect::SilentlyWrong);
    assert_eq!(sight.detail, "an error body is taken for an answer");
}

#[test]
fn what_no_client_would_ask_is_not_looked_at() {
    let mut other = exchange(false, 200, "application/json", "{}");
    other.request.url = "http://h/v1/models".into();

    assert!(find("openai-python").unwrap().look(&other).is_none());
}

#[test]
fn a_kept_connection_that_turns_out_closed_hurts_no_client() {
    let mut closed = exchange(true, 200, "text/event-stream", "");
    closed.head = None;
    closed.end = End::ClosedBeforeResponse;
    assert!(all().iter().all(|lens| lens.look(&closed).is_none()));

    closed.end = End::Reset { why: "connection reset".into() };
    assert_eq!(look("openai-python", &closed).effect, Effect::Raises);
}

#[test]
fn a_request_for_nothing_but_text_is_an_everyday_one() {
    let everyday = |request: &Value| {
        let mut asked = exchange(false, 200, "application/json", "{}");
        asked.request.body = request.to_string().into();
        Asked::of(&asked).unwrap().everyday
    };
    let hi = json!([{"role": "user", "content": "hi"}]);
    assert!(everyday(&json!({"model": "m", "messages": hi, "max_tokens": 5, "stop": ["."]})));
    assert!(!everyday(&json!({"model": "m", "messages": hi, "tools": []})));
    assert!(!everyday(&json!({"model": "m", "messages": hi, "max_tokens": -1})));
    let parts = json!([{"role": "user", "content": [{"type": "text", "text": "hi"}]}]);
    assert!(!everyday(&json!({"model": "m", "messages": parts})));
    let long = json!([{"role": "user", "content": "hi ".repeat(30_000)}]);
    assert!(!everyday(&json!({"model": "m", "messages": long})));
}

#[test]
fn two_calls_by_one_id_are_silent_damage() {
    let call = |index| {
        json!({
            "index": index, "id": "c1", "type": "function",
            "function": {"name": "f", "arguments": "{}"},
        })
    };
    let twins = streamed(&[
        chunk(&json!({"role": "assistant", "tool_calls": [call(0), call(1)]}), None),
        chunk(&json!({}), Some("tool_calls")),
        usage_chunk(),
    ]);

    let sight = look("openai-python", &twins);

    assert_eq!(sight.effect, Effect::SilentlyWrong);
    assert!(sight.detail.contains("two calls have the id \"c1\""), "{}", sight.detail);
}

#[test]
fn langchain_streams_a_response_format_through_the_helper() {
    let mut formatted = streamed(&[
        chunk(&json!({"role": "assistant", "content": "{}"}), None),
        chunk(&json!({}), Some("stop")),
        usage_chunk(),
    ]);
    let request = json!({
        "stream": true, "messages": [{"role": "user", "content": "hi"}],
        "response_format": {"type": "json_object"},
        "stream_options": {"include_usage": true},
    });
    formatted.request.body = request.to_string().into();
    let answer = look("langchain", &formatted).taken.answer;
    assert_eq!(
        (answer.text.as_deref(), answer.usage.unwrap().total_tokens),
        (Some("{}"), json!(5))
    );

    // The helper asserts that there was a chunk.
    let mut none = exchange(true, 200, "text/event-stream", "data: [DONE]\n\n");
    none.request.body = request.to_string().into();
    let Outcome::Raises { exception, .. } = look("langchain", &none).taken.outcome else {
        panic!()
    };
    assert_eq!(exception, "AssertionError");
}

#[test]
fn a_body_in_a_content_coding_is_not_looked_at() {
    let mut coded = exchange(false, 200, "application/json", "\u{1f}\u{8}");
    coded.head.as_mut().unwrap().headers.push("content-encoding", "gzip");

    assert!(all().iter().all(|lens| !lens.applies(&coded)));
}

#[test]
fn a_client_that_cannot_ask_for_two_choices_is_not_hurt_by_them() {
    let mut two = streamed(&[chunk(&json!({"content": "Hi"}), Some("stop")), usage_chunk()]);
    let request = json!({
        "stream": true, "n": 2, "messages": [{"role": "user", "content": "hi"}],
    });
    two.request.body = request.to_string().into();

    let judged = |id| find(id).unwrap().look(&two).is_some();

    assert_eq!(["openai-node", "ai-sdk", "strands"].map(judged), [true, false, false]);
}

#[test]
fn strands_loses_text_that_no_finish_reason_has_ended() {
    let cut = streamed(&[chunk(&json!({"content": "Hel"}), None), usage_chunk()]);

    let sight = look("strands", &cut);

    assert_eq!((sight.effect, sight.taken.answer.text), (Effect::SilentlyWrong, None));
    assert_eq!(sight.taken.answer.finish_reason.as_deref(), Some("end_turn"));
}

#[test]
fn strands_makes_a_call_with_broken_arguments_without_any() {
    let call = json!({"tool_calls": [{
        "index": 0, "id": "c1", "type": "function",
        "function": {"name": "f", "arguments": "{\"a\": "},
    }]});
    let broken = streamed(&[chunk(&call, None), chunk(&json!({}), Some("stop")), usage_chunk()]);

    let sight = look("strands", &broken);

    assert_eq!(sight.effect, Effect::SilentlyWrong);
    assert_eq!(sight.taken.answer.tool_calls[0].arguments, json!({}));
    assert_eq!(sight.taken.answer.finish_reason.as_deref(), Some("tool_use"));
}

#[test]
fn langchain_joins_two_finish_reasons_and_adds_up_two_usages() {
    let twice = streamed(&[
        chunk(&json!({"content": "Hi"}), Some("stop")),
        chunk(&json!({}), Some("stop")),
        usage_chunk(),
        usage_chunk(),
    ]);

    let sight = look("langchain", &twice);

    let answer = sight.taken.answer;
    assert_eq!(answer.finish_reason.as_deref(), Some("stopstop"));
    assert_eq!(answer.usage.unwrap().total_tokens, 10);
    assert_eq!(sight.effect, Effect::SilentlyWrong);
}

#[test]
fn langchain_raises_for_an_error_body_and_puts_broken_arguments_aside() {
    let error = exchange(false, 200, "application/json", r#"{"error": {"message": "no"}}"#);
    assert_eq!(look("langchain", &error).effect, Effect::Raises);

    let body = json!({
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": null, "tool_calls": [{
                "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\""},
            }],
        }}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    });
    let sight = look("langchain", &exchange(false, 200, "application/json", &body.to_string()));
    assert_eq!(sight.detail, "0 tool calls where 1 sent");
}

#[test]
fn the_stream_helper_adds_up_an_id_that_comes_twice() {
    let fragment = |arguments: &str| {
        json!({"tool_calls": [{
            "index": 0, "id": "c1", "type": "function",
            "function": {"name": "f", "arguments": arguments},
        }]})
    };
    let repeated = streamed(&[
        chunk(&json!({"role": "assistant"}), None),
        chunk(&fragment("{"), None),
        chunk(&fragment("}"), None),
        chunk(&json!({}), Some("tool_calls")),
        usage_chunk(),
    ]);

    let call = look("openai-python-stream", &repeated).taken.answer.tool_calls.remove(0);

    assert_eq!((call.id.as_deref(), call.name.as_deref()), (Some("c1c1"), Some("ff")));
    assert_eq!(look("openai-python", &repeated).effect, Effect::Ok);
}
