//! Questions to AWS's own services and to the machine's metadata: one request, no redirect, no
//! proxy to an address of the machine, and an answer of bounded length.

use std::time::Duration;

use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::Surroundings;
use crate::transport::control;
use crate::transport::target::Target;

/// Credentials with a long session token have about 4 KiB.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// A question.
pub(super) struct Question<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) headers: Vec<(&'static str, SecretString)>,
    pub(super) body: Option<String>,
    pub(super) timeout: Duration,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: SecretString,
}

impl Answer {
    /// The body of a 200, as JSON.
    pub(super) fn json(&self) -> Result<Value, String> {
        if self.status != 200 {
            return Err(format!("the answer was {}", self.status));
        }
        // serde_json's message would quote a piece of it.
        serde_json::from_str(self.body.expose_secret())
            .map_err(|_| "the answer was not JSON".to_owned())
    }
}

/// Asks once. The error never holds the URL's query nor a header.
pub(super) async fn ask(
    question: Question<'_>,
    surroundings: &Surroundings,
) -> Result<Answer, String> {
    let client = client(question.url, question.timeout, surroundings)?;
    let method = reqwest::Method::from_bytes(question.method.as_bytes())
        .map_err(|error| error.to_string())?;
    let mut request = client.request(method, question.url);
    for (name, value) in &question.headers {
        let mut value = reqwest::header::HeaderValue::from_str(value.expose_secret())
            .map_err(|_| format!("the header {name} cannot be sent"))?;
        value.set_sensitive(true);
        request = request.header(*name, value);
    }
    if let Some(body) = question.body {
        request = request.body(body);
    }
    let said = |error: reqwest::Error| {
        let error = error.without_url();
        if error.is_timeout() || error.is_connect() {
            "nobody answered".to_owned()
        } else {
            error.to_string()
        }
    };
    let mut response = request.send().await.map_err(said)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(said)? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_BYTES_MAX {
            return Err("the answer did not end".to_owned());
        }
    }
    let body = String::from_utf8(body).map_err(|_| "the answer was not text".to_owned())?;
    Ok(Answer { status, body: body.into() })
}

fn client(url: &str, timeout: Duration, surroundings: &Surroundings) -> Result<Client, String> {
    let mut target = Target::new("aws", origin(url)).map_err(|error| error.to_string())?;
    target.timeouts.connect = timeout;
    if let Some(bundle) = surroundings.get("AWS_CA_BUNDLE") {
        target.tls.ca.push(bundle.into());
    }
    control::plain_client(&target, timeout).map_err(|error| error.to_string())
}

fn origin(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?']).map_or(url.len(), |at| url.len() - rest.len() + at);
    url.get(..end).unwrap_or(url)
}
