//! The control plane: questions about a server that are neither judged nor timed.
//!
//! reqwest, with every default that could surprise spelled out. Judged traffic never goes this
//! way: reqwest's pool may send a request twice.

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use thiserror::Error;

use super::target::Target;
use crate::clock::Clock;

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
    /// A certificate could not be used.
    #[error("a certificate could not be read: {0}")]
    Certificate(String),
    /// There is no key.
    #[error(transparent)]
    Auth(#[from] super::AuthError),
    /// Nobody answered.
    #[error("nobody answered")]
    Unreachable(#[source] reqwest::Error),
    /// Somebody answered something else.
    #[error("the answer was {status} {body}")]
    Answer {
        /// The status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
}

/// The models that an endpoint lists, in its order. A bare array is taken as well as OpenAI's
/// `{"data": […]}`: this is a question, not a judgement.
pub async fn models(target: &Target) -> Result<Vec<ModelEntry>, ControlError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Listed {
        List { data: Vec<ModelEntry> },
        Bare(Vec<ModelEntry>),
    }
    let (status, body) = get(target, &target.url("/models", &[])).await?;
    let answer = |body: &str| ControlError::Answer {
        status,
        body: crate::text::ellipsis(&crate::text::printable(body.trim().as_bytes()), 160),
    };
    if status != 200 {
        return Err(answer(&body));
    }
    match serde_json::from_str(&body) {
        Ok(Listed::List { data } | Listed::Bare(data)) => Ok(data),
        Err(_) => Err(answer(&body)),
    }
}

/// What the server says of itself, as far as it does: `GET /version` and `/get_server_info` below
/// its root. Best effort; silence is an answer.
pub async fn server_facts(target: &Target) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for (key, path) in [("version", "root:/version"), ("server_info", "root:/get_server_info")] {
        let Ok((200, body)) = get(target, &target.url(path, &[])).await else { continue };
        let Ok(serde_json::Value::Object(object)) = serde_json::from_str(&body) else { continue };
        if let Some(version) = object.get("version").and_then(serde_json::Value::as_str) {
            facts.insert(key.to_owned(), crate::text::ellipsis(version, 80));
        }
    }
    facts
}

async fn get(target: &Target, url: &str) -> Result<(u16, String), ControlError> {
    let mut request = client(target)?.get(url);
    for line in &target.headers {
        request = request.header(&line.name, &line.value);
    }
    let secret = target.auth.secret(&Clock::system()).await?;
    if let (Some((name, prefix)), Some(secret)) = (target.auth.header(), secret) {
        request = request.header(name, format!("{prefix}{}", secret.expose_secret()));
    }
    let response =
        request.send().await.map_err(|error| ControlError::Unreachable(error.without_url()))?;
    let status = response.status().as_u16();
    let body =
        response.text().await.map_err(|error| ControlError::Unreachable(error.without_url()))?;
    Ok((status, body))
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
        .connect_timeout(target.timeouts.connect)
        .timeout(target.timeouts.total.min(QUESTION))
        .user_agent(concat!("proofhouse/", env!("CARGO_PKG_VERSION")))
        .danger_accept_invalid_certs(target.tls.insecure);
    if let Some(proxy) = &target.proxy {
        builder =
            builder.proxy(reqwest::Proxy::all(proxy.to_string()).map_err(ControlError::Client)?);
    }
    for path in &target.tls.ca {
        let pem = std::fs::read(path)
            .map_err(|error| ControlError::Certificate(format!("{}: {error}", path.display())))?;
        for certificate in
            reqwest::Certificate::from_pem_bundle(&pem).map_err(ControlError::Client)?
        {
            builder = builder.add_root_certificate(certificate);
        }
    }
    if let Some((certificate, key)) = &target.tls.client {
        let mut pem = Vec::new();
        for path in [certificate, key] {
            pem.extend(std::fs::read(path).map_err(|error| {
                ControlError::Certificate(format!("{}: {error}", path.display()))
            })?);
        }
        builder =
            builder.identity(reqwest::Identity::from_pem(&pem).map_err(ControlError::Client)?);
    }
    builder.build().map_err(ControlError::Client)
}

/// A question is small; a server that takes longer has no answer.
const QUESTION: Duration = Duration::from_secs(10);
