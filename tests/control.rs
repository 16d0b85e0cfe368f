//! The control plane: questions that are neither judged nor timed.

use proofhouse::transport::control::{model_list, server_facts};
use proofhouse::transport::target::Target;
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

fn ids(body: &Value) -> Option<Vec<String>> {
    let models = model_list(body.to_string().as_bytes())?;
    Some(models.into_iter().map(|model| model.id).collect())
}

#[test]
fn models_are_read_from_a_list_object_and_from_a_bare_array() {
    let entries = json!([{"id": "b", "object": "model"}, {"id": "a"}]);
    let expected = Some(vec!["b".to_owned(), "a".to_owned()]);
    assert_eq!(ids(&json!({"object": "list", "data": entries})), expected);
    assert_eq!(ids(&entries), expected);
}

#[test]
fn what_is_no_list_is_none() {
    for body in [json!({"error": "boom"}), json!({"data": {}}), json!([1]), Value::Null] {
        assert_eq!(ids(&body), None, "{body}");
    }
    assert_eq!(model_list(b"<html>"), None);
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
