//! Streams and bodies to read, and what is read from an exchange.

mod assembly;
mod hostile;

use std::fmt::Write as _;

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
        encoded: Vec::new(),
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
        let _ = write!(body, "data: {whole}\n\n");
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
    let reading = read("data: {\"type\": \"ping\"}\n\ndata: [DONE]\n\n");

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
