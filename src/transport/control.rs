//! The control plane: questions about a server that are neither judged nor timed.
//!
//! reqwest, with every default that could surprise spelled out. Judged traffic never goes this
//! way: reqwest's pool may send a request twice.

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::http::tls;
use super::target::{HttpChoice, Target, TargetError};
use crate::text;
use crate::transcript::Redactor;

/// A model that an endpoint lists.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct ModelEntry {
    /// Its id, as requests name it.
    pub id: String,
}

/// Why a question got no answer.
#[derive(Debug, Error)]
pub enum ControlError {
    /// The client could not be made.
    #[error("no client could be made")]
    Client(#[source] reqwest::Error),
    /// The target cannot be used: a certificate could not be read.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// There is no key.
    #[error(transparent)]
    Auth(#[from] super::AuthError),
    /// Nobody answered.
    #[error("nobody answered")]
    Unreachable(#[source] reqwest::Error),
    /// Somebody answered without end.
    #[error("the answer was {status} and longer than 4 MiB")]
    TooLong {
        /// The status.
        status: u16,
    },
}

/// The models in an answer of `GET /models`, in its order; `None` if it is no list. A bare array is
/// taken as well as OpenAI's `{"data": […]}`: this is a question, not a judgement.
pub fn model_list(body: &[u8]) -> Option<Vec<ModelEntry>> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Listed {
        List { data: Vec<ModelEntry> },
        Bare(Vec<ModelEntry>),
    }
    match serde_json::from_slice(body) {
        Ok(Listed::List { data } | Listed::Bare(data)) => Some(data),
        Err(_) => None,
    }
}

/// What the server says of itself, as far as it does: its `server` header, and the versions that
/// `GET /version` (vLLM) and `GET /get_server_info` (`SGLang`) below its root tell. Best effort;
/// silence is an answer.
pub async fn server_facts(target: &Target) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for (key, path) in [("version", "root:/version"), ("server_info", "root:/get_server_info")] {
        let Ok(answer) = get(target, &target.url(path, &[])).await else { continue };
        if let Some(server) = &answer.server {
            facts.entry("server".to_owned()).or_insert_with(|| shown(server, 80));
        }
        if answer.status != 200 {
            continue;
        }
        if let Ok(Value::Object(object)) = serde_json::from_str(&answer.body)
            && let Some(version) = object.get("version").and_then(Value::as_str)
        {
            facts.insert(key.to_owned(), shown(version, 80));
        }
    }
    facts
}

fn shown(text: &str, chars: usize) -> String {
    text::ellipsis(&text::printable(text.trim().as_bytes()), chars)
}

struct Answer {
    status: u16,
    /// The `server` header.
    server: Option<String>,
    body: String,
}

/// The status and the text of an answer to `GET url`, asked as the target wants to be.
pub async fn text(target: &Target, url: &str) -> Result<(u16, String), ControlError> {
    let answer = get(target, url).await?;
    Ok((answer.status, answer.body))
}

async fn get(target: &Target, url: &str) -> Result<Answer, ControlError> {
    let secret = target.auth.secret().await?;
    let mut request = client(target)?.get(url);
    for line in &target.headers {
        request = request.header(&line.name, &line.value);
    }
    let mut redactor = Redactor::default();
    if let (Some((name, prefix)), Some(secret)) = (target.auth.header(), &secret) {
        redactor.add(target.auth.secret_name(), secret);
        request = request.header(name, format!("{prefix}{}", secret.expose_secret()));
    }
    let unreachable = |error: reqwest::Error| ControlError::Unreachable(error.without_url());
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let server = response.headers().get("server").and_then(|value| value.to_str().ok());
    let server = server.map(|server| redactor.text(server));
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(ControlError::TooLong { status });
        }
    }
    // What is shown of an answer may hold the key that was sent.
    let body = redactor.text(&String::from_utf8_lossy(&body));
    Ok(Answer { status, server, body })
}

/// A client for one question to `target`'s host, answered within `timeout`: no redirect, no second
/// try, no proxy, and the certificates of judged traffic.
pub(super) fn plain_client(
    target: &Target,
    timeout: Duration,
) -> Result<reqwest::Client, ControlError> {
    let mut target = target.clone();
    target.timeouts.total = timeout;
    client(&target)
}

fn client(target: &Target) -> Result<reqwest::Client, ControlError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error means that somebody installed one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .tcp_nodelay(true)
        .pool_max_idle_per_host(0)
        .connect_timeout(target.timeouts.connect)
        .timeout(target.timeouts.total.min(QUESTION))
        .user_agent(concat!("proofhouse/", env!("CARGO_PKG_VERSION")));
    builder = match target.http {
        HttpChoice::Http1 => builder.http1_only(),
        HttpChoice::Http2 if !target.base_url.is_tls() => builder.http2_prior_knowledge(),
        HttpChoice::Auto | HttpChoice::Http2 => builder,
    };
    if let Some(proxy) = &target.proxy {
        builder =
            builder.proxy(reqwest::Proxy::all(proxy.to_string()).map_err(ControlError::Client)?);
    }
    if target.base_url.is_tls() {
        // The same certificates, and the same trust, as the traffic that is judged.
        builder = builder.tls_backend_preconfigured(tls::config(target)?);
    }
    builder.build().map_err(ControlError::Client)
}

/// A question is small; a server that takes longer has no answer.
const QUESTION: Duration = Duration::from_secs(10);
/// A list of a thousand models is a quarter of this.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::transport::{Auth, Place};

    async fn serve(at: &str, answer: ResponseTemplate) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path(at))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        server
    }

    fn target(server: &MockServer) -> Target {
        Target::new("t", &format!("{}/v1", server.uri())).unwrap()
    }

    async fn ask(target: &Target) -> Result<Answer, ControlError> {
        get(target, &target.url("/models", &[])).await
    }

    #[tokio::test]
    async fn the_key_and_the_targets_headers_go_along() {
        let server = MockServer::start().await;
        Mock::given(header("api-key", "sk-canary-1"))
            .and(header("x-tenant", "7"))
            .respond_with(ResponseTemplate::new(200).set_body_string("yes"))
            .mount(&server)
            .await;
        let mut target = target(&server);
        target.auth = Auth::Key {
            name: "KEY".to_owned(),
            secret: "sk-canary-1".to_owned().into(),
            place: Place::Header("api-key".to_owned()),
        };
        target.headers.push("x-tenant", "7");

        assert_eq!(ask(&target).await.unwrap().body, "yes");

        let asked = server.received_requests().await.unwrap();
        let sent = &asked[0].headers;
        assert!(sent.get("accept-encoding").is_none() && sent.get("referer").is_none());
        assert!(sent["user-agent"].to_str().unwrap().starts_with("proofhouse/"));
    }

    #[tokio::test]
    async fn an_answer_is_kept_without_the_key() {
        for status in [200, 401] {
            let answer = ResponseTemplate::new(status).set_body_string("bad key sk-canary-1");
            let server = serve("/v1/models", answer).await;
            let mut target = target(&server);
            target.auth = Auth::bearer("KEY", "sk-canary-1".to_owned().into());
            let answer = ask(&target).await.unwrap();
            assert_eq!(answer.status, status);
            assert!(answer.body.contains("bad key") && !answer.body.contains("canary"));
        }
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_an_overload_is_asked_once() {
        for status in [307, 503] {
            let answer = ResponseTemplate::new(status).insert_header("location", "/v1/elsewhere");
            // `serve` expects one request, and dropping the server looks.
            let server = serve("/v1/models", answer).await;
            assert_eq!(ask(&target(&server)).await.unwrap().status, status);
        }
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut() {
        let body = vec![b' '; ANSWER_BYTES_MAX + 1];
        let server = serve("/v1/models", ResponseTemplate::new(200).set_body_bytes(body)).await;
        let error = ask(&target(&server)).await.err().unwrap();
        assert!(matches!(error, ControlError::TooLong { status: 200 }), "{error}");
    }

    #[tokio::test]
    async fn nobody_and_bad_certificates_are_told_apart() {
        let server = MockServer::start().await;
        let mut gone = target(&server);
        drop(server);
        gone.timeouts.total = Duration::from_secs(2);
        gone.base_url = crate::transport::target::BaseUrl::parse("http://127.0.0.1:1/v1").unwrap();
        let error = ask(&gone).await.err().unwrap();
        assert!(matches!(error, ControlError::Unreachable(_)), "{error}");

        let mut secure = Target::new("t", "https://127.0.0.1:1/v1").unwrap();
        secure.tls.ca = vec!["/no/such/ca.pem".into()];
        let error = ask(&secure).await.err().unwrap();
        assert!(error.to_string().contains("/no/such/ca.pem"), "{error}");
    }

    #[tokio::test]
    async fn a_server_is_known_by_what_it_says() {
        let server = MockServer::start().await;
        let version = ResponseTemplate::new(200)
            .insert_header("server", "uvicorn")
            .set_body_string(r#"{"version":"0.32.1"}"#);
        Mock::given(path("/version")).respond_with(version).mount(&server).await;
        let facts = server_facts(&target(&server)).await;
        let expected = [("server", "uvicorn"), ("version", "0.32.1")];
        assert_eq!(facts, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_no_error() {
        let server = MockServer::start().await;
        assert_eq!(server_facts(&target(&server)).await, BTreeMap::new());
    }
}
