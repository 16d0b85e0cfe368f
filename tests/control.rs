//! The control plane: questions that are neither judged nor timed.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use proofhouse::transport::Auth;
use proofhouse::transport::control::{models, server_facts};
use proofhouse::transport::target::Target;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn listing(status: u16, body: Value) -> (MockServer, Target) {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/base/v1/models"))
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        // Once: this client has nothing that would ask again.
        .expect(1)
        .mount(&server)
        .await;
    let target = Target::new("t", &format!("{}/base/v1", server.uri())).unwrap();
    (server, target)
}

async fn ids(body: Value) -> Vec<String> {
    let (_server, target) = listing(200, body).await;
    models(&target).await.unwrap().into_iter().map(|model| model.id).collect()
}

#[tokio::test]
async fn models_are_read_from_a_list_object_and_from_a_bare_array() {
    let entries = json!([{"id": "b", "object": "model"}, {"id": "a"}]);
    assert_eq!(ids(json!({"object": "list", "data": entries})).await, ["b", "a"]);
    assert_eq!(ids(entries).await, ["b", "a"]);
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_shown() {
    for (status, body) in [(500, json!({"error": "boom-7"})), (200, json!({"detail": "boom-7"}))] {
        let (_server, target) = listing(status, body).await;
        let error = models(&target).await.unwrap_err().to_string();
        assert!(error.contains("boom-7") && error.contains(&status.to_string()), "{error}");
    }
}

#[tokio::test]
async fn the_key_goes_along_and_a_redirect_is_not_followed() {
    let server = MockServer::start().await;
    let elsewhere = MockServer::start().await;
    Mock::given(path("/v1/models"))
        .and(header("authorization", "Bearer sk-canary-control"))
        .respond_with(
            ResponseTemplate::new(307)
                .insert_header("location", format!("{}/v1/models", elsewhere.uri())),
        )
        .expect(1)
        .mount(&server)
        .await;
    let mut target = Target::new("t", &format!("{}/v1", server.uri())).unwrap();
    target.auth = Auth::bearer("KEY", "sk-canary-control".to_owned().into());

    let error = models(&target).await.unwrap_err().to_string();

    assert!(error.contains("307") && !error.contains("canary"), "{error}");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_may_say_its_version_or_nothing() {
    let server = MockServer::start().await;
    Mock::given(path("/version"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"version": "0.32.0"})))
        .mount(&server)
        .await;
    let target = Target::new("t", &format!("{}/v1", server.uri())).unwrap();
    let facts = server_facts(&target).await;
    assert_eq!(facts.get("version").map(String::as_str), Some("0.32.0"));
    assert_eq!(facts.len(), 1);
}
