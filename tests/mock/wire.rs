use std::io::Write as _;

use proofhouse::mock::{Config, Server};
use proofhouse::transcript::HttpVersion;
use serde_json::json;

use super::client::{Client, ask, chat};
use super::{config, mock, says};

#[test]
fn a_connection_carries_many_requests_also_after_streams_and_errors() {
    let server = mock();
    let mut client = Client::new(&server);
    let asks = [
        (says("Say hi", json!({})), 200),
        (says("Say hi", json!({"stream": true})), 200),
        (json!({}), 400),
        (says("Say hi", json!({})), 200),
    ];
    for (body, status) in &asks {
        client.send("POST", "/v1/chat/completions", &[], body.to_string().as_bytes());
        assert_eq!(client.read(false).unwrap().status, *status);
    }

    let captured = server.captured();
    let connections: Vec<_> =
        captured.iter().map(|c| (c.connection.number, c.connection.reused)).collect();
    assert_eq!(connections, [(1, false), (1, true), (1, true), (1, true)]);
    assert!(captured.iter().all(|c| c.finished && c.connection.version == HttpVersion::Http11));
    assert_eq!(&*captured[0].request.body, asks[0].0.to_string().as_bytes());
    assert!(captured[0].request.url.ends_with("/v1/chat/completions"));
}

#[test]
fn models_are_listed_and_head_has_no_body() {
    let models = vec!["a".to_owned(), "org/b".to_owned()];
    let server = Server::start(Config { models, ..config() }).unwrap();

    let list = ask(&server, "GET", "/v1/models", &[], b"").json();
    let one = ask(&server, "GET", "/v1/models/org/b", &[], b"").json();
    let get = ask(&server, "GET", "/v1/models", &[], b"");
    let head = ask(&server, "HEAD", "/v1/models", &[], b"");

    assert_eq!(list["object"], "list");
    assert_eq!(list["data"][1], one);
    assert_eq!(one["id"], "org/b");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert!(server.captured().iter().all(|captured| captured.finished));
    for path in ["/health", "/ping", "/metrics"] {
        assert_eq!(ask(&server, "GET", path, &[], b"").status, 200, "{path}");
    }
}

#[test]
fn request_ids_differ() {
    let server = mock();

    let ids = [0, 1].map(|_| {
        chat(&server, &says("Say hi", json!({}))).header("x-request-id").unwrap().to_owned()
    });

    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_request_may_come_in_chunks_or_byte_by_byte_or_after_100_continue() {
    let server = mock();
    let body = says("Say hi", json!({})).to_string();
    let mut chunked = Client::new(&server);
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let bytes =
        format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    chunked.stream().write_all(bytes.as_bytes()).unwrap();
    assert_eq!(chunked.read(false).unwrap().status, 200);

    let mut slow = Client::new(&server);
    for byte in format!("{head}content-length: {}\r\n\r\n{body}", body.len()).bytes() {
        slow.stream().write_all(&[byte]).unwrap();
    }
    assert_eq!(slow.read(false).unwrap().status, 200);

    let expect = ["expect: 100-continue"];
    assert_eq!(ask(&server, "POST", "/v1/chat/completions", &expect, body.as_bytes()).status, 200);
}

#[test]
fn http_2_is_spoken_to_those_who_begin_with_it() {
    let server = mock();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    rustls::crypto::ring::default_provider().install_default().ok();

    let version = runtime.block_on(async {
        let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        let response = client.get(format!("{}/models", server.base_url())).send().await.unwrap();
        (response.status().as_u16(), response.version())
    });

    assert_eq!(version, (200, reqwest::Version::HTTP_2));
}

#[test]
fn a_stopped_server_is_gone_and_a_new_one_may_have_its_port() {
    let server = mock();
    let port = server.address().port();

    server.stop();
    server.stop();

    assert!(std::net::TcpStream::connect(server.address()).is_err());
    let again = Server::start(Config { port, ..config() }).unwrap();
    assert_eq!(again.base_url(), format!("http://127.0.0.1:{port}/v1"));
}

#[test]
fn every_request_goes_to_the_capture_file_without_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.jsonl");
    let server = Server::start(Config { capture: Some(path.clone()), ..config() }).unwrap();

    let body = says("Say hi", json!({})).to_string();
    ask(
        &server,
        "POST",
        "/v1/chat/completions",
        &["authorization: Bearer sk-canary"],
        body.as_bytes(),
    );
    server.stop();

    let text = std::fs::read_to_string(path).unwrap();
    let captured: proofhouse::mock::Captured = serde_json::from_str(text.trim()).unwrap();
    assert!(!text.contains("sk-canary"));
    assert_eq!((captured.status, captured.finished), (Some(200), true));
}
