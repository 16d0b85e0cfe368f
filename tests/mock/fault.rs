//! Faults that only a socket can show.

use std::io::Write as _;
use std::time::Duration;

use proofhouse::mock::{Config, Server};
use proofhouse::units::Nanos;
use serde_json::json;

use super::client::{Client, ask, chat};
use super::{config, faulty, mock, says};

const CHAT: &str = "/v1/chat/completions";

fn stream() -> serde_json::Value {
    says("Count from 1 to 5", json!({"stream": true}))
}

#[test]
fn a_stream_may_be_cut_in_every_way() {
    for fault in ["http-no-end-chunk", "http-bad-chunk"] {
        let answer = chat(&faulty(fault), &stream());
        assert!(!answer.whole, "{fault}");
        assert_eq!(answer.streamed(0), "1 2 3 4 5", "{fault}");
    }
    let plain = chat(&faulty("http-cut-plain"), &says("Say hi", json!({})));
    assert!(!plain.whole && !plain.body.is_empty());
}

#[test]
fn a_reset_comes_after_what_was_sent() {
    let server = faulty("errstream-cut-connection");
    let body = stream().to_string();
    let order = ["x-proofhouse-mock: fail-after=3"];

    let answer = ask(&server, "POST", CHAT, &order, body.as_bytes());

    assert_eq!(answer.streamed(0), "1 2 3");
    assert!(!answer.whole && !answer.text().contains("error"));
}

#[test]
fn a_plain_answer_may_be_a_reset() {
    let server = faulty("http-reset-plain");
    let mut client = Client::new(&server);
    client.send("POST", CHAT, &[], says("Say hi", json!({})).to_string().as_bytes());

    assert!(client.read(false).is_none());
}

#[test]
fn bytes_written_one_by_one_are_the_same_bytes() {
    let body = says("Repeat exactly: 日本語 🌍", json!({"stream": true}));

    let split = chat(&faulty("sse-split-bytes"), &body);

    assert_eq!(split.body, chat(&mock(), &body).body);
}

#[test]
fn duplicate_headers_reach_the_wire() {
    let answer = chat(&faulty("http-duplicate-headers"), &says("Say hi", json!({})));

    let lines = answer.head.lines().filter(|line| line.to_lowercase().starts_with("content-type:"));
    assert_eq!(lines.count(), 2);
}

#[test]
fn a_connection_is_closed_where_a_fault_says_so() {
    let cases = [
        ("http-close-each", says("Say hi", json!({}))),
        ("http-close-on-error", json!({})),
        ("http-close-after-stream", stream()),
    ];
    for (fault, body) in cases {
        let server = faulty(fault);
        let mut client = Client::new(&server);
        client.send("POST", CHAT, &[], body.to_string().as_bytes());
        assert!(client.read(false).is_some(), "{fault}");
        client.send("POST", CHAT, &[], body.to_string().as_bytes());
        assert!(client.read(false).is_none(), "{fault}");
    }
}

#[test]
fn what_hangs_lets_go_when_the_server_stops() {
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let cases = [
        ("sse-hang-after-done", stream(), ""),
        ("sse-stall", stream(), ""),
        ("n-zero-hang", says("x", json!({"n": 0})), ""),
        ("expect-hang", says("x", json!({})), "expect: 100-continue\r\n"),
    ];
    for (fault, body, header) in cases {
        let server = faulty(fault);
        let mut client = Client::new(&server);
        client.stream().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let body = body.to_string();
        let head = format!("{head}{header}content-length: {}\r\n\r\n", body.len());
        client.stream().write_all(head.as_bytes()).unwrap();
        client.stream().write_all(body.as_bytes()).unwrap();
        let seen = client.read(false);
        assert!(seen.is_none_or(|answer| !answer.whole), "{fault}");

        server.stop();

        assert_eq!(server.running(), 0, "{fault}");
    }
}

#[test]
fn load_beyond_the_capacity_may_be_reset_and_so_may_an_ordered_overload() {
    let order = ["x-proofhouse-mock: overload"];
    for (capacity, order) in [(0, &[][..]), (9, &order[..])] {
        let faults = "overload-reset".parse().unwrap();
        let server = Server::start(Config { faults, capacity, ..config() }).unwrap();
        let mut client = Client::new(&server);
        client.send("POST", CHAT, order, says("Say hi", json!({})).to_string().as_bytes());

        assert!(client.read(false).is_none());
    }
}

#[test]
fn a_large_body_may_be_reset() {
    let faults = "too-large-reset".parse().unwrap();
    let server = Server::start(Config { faults, body_bytes_max: 1_000, ..config() }).unwrap();
    let mut client = Client::new(&server);
    client.send("POST", CHAT, &[], says(&"x".repeat(5_000), json!({})).to_string().as_bytes());

    assert!(client.read(false).is_none());
}

#[test]
fn a_bad_schema_may_bring_the_server_down() {
    let server = faulty("bad-schema-crash");
    let bad =
        json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "objekt"}}});
    for body in [says("x", json!({"response_format": bad})), says("Say hi", json!({}))] {
        let mut client = Client::new(&server);
        client.send("POST", CHAT, &[], body.to_string().as_bytes());
        assert!(client.read(false).is_none());
    }
}

#[test]
fn an_unknown_model_may_be_served_under_its_own_name() {
    let answer = chat(&faulty("unknown-model-200"), &says("Say hi", json!({"model": "no-such"})));

    assert_eq!((answer.status, answer.json()["model"].clone()), (200, json!("no-such")));
}

#[test]
fn a_saved_exchange_is_played_with_its_own_bytes() {
    let saved = proofhouse::transcript::Exchange {
        id: "x1".into(),
        request: proofhouse::transcript::WireRequest {
            method: "POST".into(),
            url: "http://elsewhere/v1/chat/completions".into(),
            headers: proofhouse::transcript::Headers::default(),
            body: "".into(),
        },
        connection: proofhouse::transcript::Connection::default(),
        head: Some(proofhouse::transcript::ResponseHead {
            status: 200,
            reason: "OK".into(),
            headers: [("content-type", "text/event-stream"), ("x-from", "life")]
                .into_iter()
                .collect(),
        }),
        framing: proofhouse::transcript::BodyFraming::Chunked,
        frames: vec![proofhouse::transcript::Frame { at: Nanos(9), bytes: "data: 1\n\n".into() }],
        encoded: Vec::new(),
        trailers: proofhouse::transcript::Headers::default(),
        end: proofhouse::transcript::End::CutShort { why: "the terminating chunk".into() },
        timing: proofhouse::transcript::Timing::default(),
        reads: Vec::new(),
        redactions: Vec::new(),
    };
    let server = Server::start(Config { replay: Some(vec![saved]), ..config() }).unwrap();

    let answer = chat(&server, &says("Say hi", json!({})));
    let missing = ask(&server, "GET", "/v1/models", &[], b"");

    assert_eq!((answer.text().as_str(), answer.whole), ("data: 1\n\n", false));
    assert_eq!(answer.header("x-from"), Some("life"));
    assert_eq!(missing.status, 404);
}
