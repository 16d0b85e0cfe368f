//! AWS Signature Version 4.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>. Written out
//! here because it is a hundred lines on top of `hmac` and `sha2`, where the official crate brings
//! fifty others; a property holds the two against each other.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::Credentials;

/// The algorithm's name, as parameters and headers say it.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Everything outside RFC 3986's unreserved set.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a signature is good for.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// When it was signed, to the second.
    pub at: DateTime<Utc>,
    /// The region it is good for.
    pub region: &'a str,
    /// The service it is good for: `sagemaker`, `bedrock`.
    pub service: &'a str,
}

impl Scope<'_> {
    /// `20150830T123600Z`; a fraction of a second is dropped.
    pub fn time(&self) -> String {
        self.at.format("%Y%m%dT%H%M%SZ").to_string()
    }

    fn date(&self) -> String {
        self.at.format("%Y%m%d").to_string()
    }

    /// `20150830/us-east-1/sagemaker/aws4_request`.
    pub fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date(), self.region, self.service)
    }
}

/// A request, as far as its signature covers it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The path as it is sent, percent-encoded once.
    pub path: &'a str,
    /// Parameters, decoded, in any order.
    pub query: &'a [(String, String)],
    /// The headers that are signed, `host` among them, in any order and case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// The canonical request.
    pub fn canonical(&self) -> String {
        let mut query: Vec<(String, String)> =
            self.query.iter().map(|(name, value)| (encode(name), encode(value))).collect();
        query.sort();
        let query: Vec<String> =
            query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = String::new();
        for (name, value) in self.sorted() {
            let _ = writeln!(headers, "{name}:{value}");
        }
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{}",
            self.method,
            self.canonical_path(),
            query.join("&"),
            self.signed_headers(),
            hex(&Sha256::digest(self.body)),
        )
    }

    /// Every service but S3 signs the path encoded once more.
    fn canonical_path(&self) -> String {
        if self.path.is_empty() {
            return "/".to_owned();
        }
        let segments: Vec<String> = self.path.split('/').map(encode).collect();
        segments.join("/")
    }

    fn sorted(&self) -> Vec<(String, String)> {
        let mut headers: Vec<(String, String)> = self
            .headers
            .iter()
            .map(|(name, value)| {
                let words: Vec<&str> = value.split_ascii_whitespace().collect();
                (name.to_ascii_lowercase(), words.join(" "))
            })
            .collect();
        headers.sort();
        headers
    }

    /// `content-type;host;x-amz-date`.
    pub fn signed_headers(&self) -> String {
        let names: Vec<String> = self.sorted().into_iter().map(|(name, _)| name).collect();
        names.join(";")
    }
}

/// RFC 3986, nothing but the unreserved characters left as they are.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// What is signed for a canonical request.
pub fn string_to_sign(canonical: &str, scope: &Scope<'_>) -> String {
    let digest = hex(&Sha256::digest(canonical.as_bytes()));
    format!("{ALGORITHM}\n{}\n{}\n{digest}", scope.time(), scope.text())
}

/// The signature of `request`, in lower-case hexadecimal.
pub fn signature(secret: &SecretString, request: &Request<'_>, scope: &Scope<'_>) -> String {
    let first = format!("AWS4{}", secret.expose_secret());
    let key = mac(first.as_bytes(), scope.date().as_bytes());
    let key = mac(&key, scope.region.as_bytes());
    let key = mac(&key, scope.service.as_bytes());
    let key = mac(&key, b"aws4_request");
    hex(&mac(&key, string_to_sign(&request.canonical(), scope).as_bytes()))
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The headers that sign `request`: `x-amz-date`, the session token if there is one, and
/// `authorization`. `request` has what else is to be signed, `host` at least.
pub fn sign(
    credentials: &Credentials,
    request: &Request<'_>,
    scope: &Scope<'_>,
) -> Vec<(&'static str, SecretString)> {
    let mut signed = vec![("x-amz-date", SecretString::from(scope.time()))];
    if let Some(token) = session_token(credentials) {
        signed.push(("x-amz-security-token", token.clone()));
    }
    let mut headers = request.headers.to_vec();
    headers.extend(
        signed.iter().map(|(name, value)| ((*name).to_owned(), value.expose_secret().to_owned())),
    );
    let request = Request { headers: &headers, ..*request };
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={}",
        credentials.access_key_id,
        scope.text(),
        request.signed_headers(),
        signature(&credentials.secret, &request, scope),
    );
    signed.push(("authorization", authorization.into()));
    signed
}

/// The session token, if there is one that is not empty.
pub(crate) fn session_token(credentials: &Credentials) -> Option<&SecretString> {
    credentials.session_token.as_ref().filter(|token| !token.expose_secret().is_empty())
}

#[cfg(test)]
mod tests;
