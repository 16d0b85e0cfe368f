//! Exchanges for tests, built by hand.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Assertion, Scene, Seen, StepSeen};
use crate::transcript::{
    BodyFraming, Connection, End, Exchange, Frame, Headers, ResponseHead, Timing, WireRequest,
};
use crate::units::Nanos;
use crate::verdict::{Evidence, Judgement};

/// The time between two frames.
pub(super) const STEP_MS: u64 = 100;

/// An answer of these frames, one every [`STEP_MS`], whole.
pub(super) fn answer(status: u16, content_type: &str, frames: &[&[u8]]) -> Exchange {
    let frames: Vec<Frame> = frames
        .iter()
        .enumerate()
        .map(|(index, bytes)| Frame {
            at: Nanos::from_millis(STEP_MS * (index as u64 + 2)),
            bytes: bytes.to_vec().into(),
        })
        .collect();
    let done = frames.last().map_or(Nanos::from_millis(STEP_MS), |frame| frame.at);
    Exchange {
        id: "x1".into(),
        request: WireRequest {
            method: "POST".into(),
            url: "http://h/v1/chat/completions".into(),
            headers: Headers::default(),
            body: r#"{"model":"m"}"#.into(),
        },
        connection: Connection::default(),
        head: Some(ResponseHead {
            status,
            reason: String::new(),
            headers: [("Content-Type", content_type)].into_iter().collect(),
        }),
        framing: BodyFraming::Chunked,
        frames,
        encoded: Vec::new(),
        trailers: Headers::default(),
        end: End::Complete,
        timing: Timing {
            sent: Some(Nanos::from_millis(10)),
            first_byte: Some(Nanos::from_millis(STEP_MS)),
            head: Some(Nanos::from_millis(STEP_MS)),
            done,
            ..Timing::default()
        },
        reads: Vec::new(),
        redactions: Vec::new(),
    }
}

/// An event stream of these raw frames.
pub(super) fn raw_stream(frames: &[&str]) -> Exchange {
    let frames: Vec<&[u8]> = frames.iter().map(|frame| frame.as_bytes()).collect();
    answer(200, "text/event-stream", &frames)
}

/// An event stream with one frame for each of these data.
pub(super) fn events(data: &[&str]) -> Exchange {
    let frames: Vec<String> = data.iter().map(|data| format!("data: {data}\n\n")).collect();
    raw_stream(&frames.iter().map(String::as_str).collect::<Vec<_>>())
}

/// An event stream of these chunks, and `[DONE]`.
pub(super) fn chunks(chunks: &[Value]) -> Exchange {
    let data: Vec<String> =
        chunks.iter().map(Value::to_string).chain(["[DONE]".to_owned()]).collect();
    events(&data.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A JSON answer.
pub(super) fn json_answer(status: u16, body: &Value) -> Exchange {
    answer(status, "application/json", &[body.to_string().as_bytes()])
}

/// A chunk with one choice of index 0.
pub(super) fn delta(delta: Value) -> Value {
    choice(0, delta, Value::Null)
}

/// A chunk with one choice.
pub(super) fn choice(index: u64, delta: Value, finish: impl Into<Value>) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish.into()}],
    })
}

/// The finish chunk of choice 0.
pub(super) fn finish(reason: &str) -> Value {
    choice(0, json!({}), reason)
}

/// A chunk with usage and no choices.
pub(super) fn usage() -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "m",
        "choices": [],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    })
}

/// A sound stream: role, two pieces of text, finish, usage, `[DONE]`.
pub(super) fn sound() -> Vec<Value> {
    vec![
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"content": "Hello, "})),
        delta(json!({"content": "world."})),
        finish("stop"),
        usage(),
    ]
}

/// An exchange that ended otherwise.
pub(super) fn ended(end: End, mut exchange: Exchange) -> Exchange {
    exchange.end = end;
    exchange
}

/// The assertion in YAML, judged on one exchange.
pub(super) fn judge(yaml: &str, exchange: Exchange) -> Judgement {
    judge_all(yaml, vec![("main", vec![exchange])])
}

/// The assertion in YAML, judged on several steps; the last one is the current one.
pub(super) fn judge_all(yaml: &str, steps: Vec<(&str, Vec<Exchange>)>) -> Judgement {
    let assertion: Assertion =
        serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
    assert_eq!(assertion.lint(), [""; 0], "{yaml}");
    let steps: Vec<(&str, Vec<Seen>)> = steps
        .into_iter()
        .map(|(name, copies)| (name, copies.into_iter().map(Seen::new).collect()))
        .collect();
    let steps: Vec<StepSeen<'_>> = steps
        .iter()
        .map(|(name, copies)| StepSeen { name, copies: copies.iter().collect() })
        .collect();
    let vars = BTreeMap::from([("call_id".to_owned(), json!("call_1"))]);
    let limits = BTreeMap::from([
        ("max_gap_s".to_owned(), json!(0.5)),
        ("close_after_done_s".to_owned(), json!(0.5)),
    ]);
    let current = steps.len() - 1;
    assertion.judge(&Scene { steps: &steps, current, copy: 0, vars: &vars, limits: &limits })
}

/// That it holds.
pub(super) fn holds(yaml: &str, exchange: Exchange) {
    assert_eq!(judge(yaml, exchange), Judgement::Holds, "{yaml}");
}

/// That it fails, with the evidence.
pub(super) fn fails(yaml: &str, exchange: Exchange) -> Vec<Evidence> {
    match judge(yaml, exchange) {
        Judgement::Fails(evidence) => evidence,
        other => panic!("{yaml}: {other:?}"),
    }
}

/// That nothing can be told, with the reason.
pub(super) fn cannot_tell(yaml: &str, exchange: Exchange) -> String {
    match judge(yaml, exchange) {
        Judgement::CannotTell { why } => why,
        other => panic!("{yaml}: {other:?}"),
    }
}

/// Evidence as a report would set it, for snapshots.
pub(super) fn said(evidence: &[Evidence]) -> String {
    let mut text = String::new();
    for piece in evidence {
        let Evidence { expected, seen, place } = piece;
        write!(text, "expected {expected}\n    seen {seen}\n      at {}", place.what).unwrap();
        for (name, value) in [
            ("", place.pointer.clone()),
            ("frame ", place.frame.map(|frame| frame.to_string())),
            ("byte ", place.offset.map(|offset| offset.to_string())),
            ("+", place.at.map(|at| at.to_string())),
        ] {
            if let Some(value) = value {
                write!(text, ", {name}{value}").unwrap();
            }
        }
        if let Some(excerpt) = &place.excerpt {
            let mark = " ".repeat(excerpt.mark);
            write!(text, "\n       | {}\n       | {mark}^ {}", excerpt.text, excerpt.label)
                .unwrap();
        }
        text = text.trim_end().to_owned() + "\n";
    }
    text
}

/// A chunk with the first fragment of a tool call.
pub(super) fn call(index: u64, id: &str, name: &str, arguments: &str) -> Value {
    let function = json!({"name": name, "arguments": arguments});
    delta(json!({
        "tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]
    }))
}

/// A sound stream with two tool calls.
pub(super) fn tool_stream() -> Vec<Value> {
    let more = |index: u64, text: &str| {
        delta(json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]}))
    };
    vec![
        delta(json!({"role": "assistant", "content": null})),
        call(0, "call_a", "get_weather", ""),
        more(0, "{\"city\": \"Par"),
        more(0, "is\"}"),
        call(1, "call_b", "get_weather", ""),
        more(1, "{\"city\": \"Rome\"}"),
        finish("tool_calls"),
    ]
}

/// A stream of the Responses API: each event under the name of its `type`.
pub(super) fn typed(events: &[Value]) -> Exchange {
    let frame = |event: &Value| {
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
    };
    let frames: Vec<String> = events.iter().map(frame).collect();
    raw_stream(&frames.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A sound one: a message and a call.
pub(super) fn typed_stream() -> Vec<Value> {
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let message = |status: &str, content: Value| json!({"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content});
    let call = |status: &str, arguments: &str| json!({"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "status": status, "arguments": arguments});
    let response =
        |status: &str, output: Value| json!({"id": "resp_1", "status": status, "output": output});
    let (text, arguments) = (message("completed", json!([part("Hello")])), call("completed", "{}"));
    let of = |kind: &str, index: u64, fields: Value| {
        let id = if index == 0 { "msg_1" } else { "fc_1" };
        let mut event = json!({"type": kind, "item_id": id, "output_index": index});
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event
    };
    let at = |kind: &str, fields: Value| {
        let mut event = of(kind, 0, fields);
        event["content_index"] = json!(0);
        event
    };
    let item = |kind: &str, index: u64, item: Value| json!({"type": kind, "output_index": index, "item": item});
    let mut events = vec![
        json!({"type": "response.created", "response": response("in_progress", json!([]))}),
        json!({"type": "response.in_progress", "response": response("in_progress", json!([]))}),
        item("response.output_item.added", 0, message("in_progress", json!([]))),
        at("response.content_part.added", json!({"part": part("")})),
        at("response.output_text.delta", json!({"delta": "Hel"})),
        at("response.output_text.delta", json!({"delta": "lo"})),
        at("response.output_text.done", json!({"text": "Hello"})),
        at("response.content_part.done", json!({"part": part("Hello")})),
        item("response.output_item.done", 0, text.clone()),
        item("response.output_item.added", 1, call("in_progress", "")),
        of("response.function_call_arguments.delta", 1, json!({"delta": "{}"})),
        of("response.function_call_arguments.done", 1, json!({"arguments": "{}"})),
        item("response.output_item.done", 1, arguments.clone()),
        json!({"type": "response.completed", "response": response("completed", json!([text, arguments]))}),
    ];
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events
}

/// The same without the events of a type.
pub(super) fn without(kind: &str) -> Vec<Value> {
    typed_stream().into_iter().filter(|event| event["type"] != kind).collect()
}
