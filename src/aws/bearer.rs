//! Bearer tokens: a presigned `CallWithBearerToken` in base64, byte for byte as the generators of
//! AWS write it.
//!
//! Sources: `generate_token` of `sagemaker-core`
//! (<https://github.com/aws/sagemaker-python-sdk/pull/5868>) and `provide_token` of
//! `aws-bedrock-token-generator`. Minting is arithmetic: no request is sent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use super::Credentials;
use super::sigv4::{self, ALGORITHM, Scope};

/// The service that a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Real-time endpoints of SageMaker.
    SageMaker,
    /// Bedrock's short-term API keys.
    Bedrock,
}

impl Service {
    /// Both.
    pub const ALL: [Self; 2] = [Self::SageMaker, Self::Bedrock];

    /// The service's name in the scope: `sagemaker`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SageMaker => "sagemaker",
            Self::Bedrock => "bedrock",
        }
    }

    /// What stands before the base64.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::SageMaker => "sagemaker-api-key-",
            Self::Bedrock => "bedrock-api-key-",
        }
    }

    /// The host that is signed for. It is the same in every region and partition, and no request
    /// goes there.
    pub const fn host(self) -> &'static str {
        match self {
            Self::SageMaker => "sagemaker.amazonaws.com",
            Self::Bedrock => "bedrock.amazonaws.com",
        }
    }
}

/// How long a token is to live: 1 s to 12 h, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry(u32);

/// The longest life of a token, in seconds.
const SECONDS_MAX: u32 = 12 * 60 * 60;

impl Expiry {
    /// The longest there is.
    pub const MAX: Self = Self(SECONDS_MAX);

    /// Of this many seconds.
    pub fn from_seconds(seconds: u32) -> Result<Self, ExpiryError> {
        if (1..=SECONDS_MAX).contains(&seconds) { Ok(Self(seconds)) } else { Err(ExpiryError) }
    }

    /// In seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl Default for Expiry {
    /// A quarter of an hour: a token cannot be revoked, so it had better end.
    fn default() -> Self {
        Self(15 * 60)
    }
}

impl From<Expiry> for Duration {
    fn from(expiry: Expiry) -> Self {
        Self::from_secs(expiry.0.into())
    }
}

/// A life that no token has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a token lives from 1 second to 12 hours: `900`, `15m`, `12h`")]
pub struct ExpiryError;

impl FromStr for Expiry {
    type Err = ExpiryError;

    /// `900`, `900s`, `15m`, `12h`. A fraction of a second is dropped, as the generators do; less
    /// than a second, which they turn into a token that lives for none, is refused.
    fn from_str(text: &str) -> Result<Self, ExpiryError> {
        let text = text.trim();
        let (number, unit) = match text.char_indices().last() {
            Some((at, 's')) => (text.get(..at), 1.0),
            Some((at, 'm')) => (text.get(..at), 60.0),
            Some((at, 'h')) => (text.get(..at), 3600.0),
            _ => (Some(text), 1.0),
        };
        let number = number.unwrap_or_default();
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(ExpiryError);
        }
        let seconds = number.parse::<f64>().map_err(|_| ExpiryError)? * unit;
        if !(1.0..=f64::from(SECONDS_MAX)).contains(&seconds) {
            return Err(ExpiryError);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the bounds that were just tested"
        )]
        Ok(Self(seconds.trunc() as u32))
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

/// A token, and when it ends.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token, prefix and all.
    pub secret: SecretString,
    /// When it ends, or the credentials that signed it do.
    pub expires: DateTime<Utc>,
    /// The life it was given, which may be shorter than what was asked for.
    pub expiry: Expiry,
}

/// Why no token could be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MintError {
    /// The region is none.
    #[error("`{0}` is not a region; expected something like us-west-2")]
    Region(String),
    /// What signs has ended already.
    #[error("the credentials of {source_name} ended at {at}")]
    Ended {
        /// Where they came from.
        source_name: String,
        /// When they ended.
        at: String,
    },
}

/// Makes a token that is good in `region` from `now` on. It ends with the credentials at the latest.
pub fn mint(
    service: Service,
    credentials: &Credentials,
    region: &str,
    expiry: Expiry,
    now: DateTime<Utc>,
) -> Result<Token, MintError> {
    if !is_region(region) {
        return Err(MintError::Region(region.to_owned()));
    }
    let now = now.trunc_subsecs(0);
    let expiry = match credentials.expires.map(|ends| (ends, (ends - now).num_seconds())) {
        Some((ends, left)) => {
            let left = u32::try_from(left).unwrap_or_default().min(SECONDS_MAX);
            let left = Expiry::from_seconds(left).map_err(|ExpiryError| MintError::Ended {
                source_name: credentials.source.clone(),
                at: ends.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            })?;
            expiry.min(left)
        }
        None => expiry,
    };
    let url = presign(service, credentials, region, expiry, now);
    let secret = format!("{}{}", service.prefix(), BASE64_STANDARD.encode(url));
    let expires = now + TimeDelta::seconds(expiry.0.into());
    Ok(Token { secret: secret.into(), expires, expiry })
}

/// The presigned URL without its scheme, its parameters in the order of the Python generators.
fn presign(
    service: Service,
    credentials: &Credentials,
    region: &str,
    expiry: Expiry,
    now: DateTime<Utc>,
) -> String {
    let scope = Scope { at: now, region, service: service.name() };
    let mut query = vec![
        ("Action", "CallWithBearerToken".to_owned()),
        ("X-Amz-Algorithm", ALGORITHM.to_owned()),
        ("X-Amz-Credential", format!("{}/{}", credentials.access_key_id, scope.text())),
        ("X-Amz-Date", scope.time()),
        ("X-Amz-Expires", expiry.0.to_string()),
        ("X-Amz-SignedHeaders", "host".to_owned()),
    ];
    if let Some(token) = sigv4::session_token(credentials) {
        query.push(("X-Amz-Security-Token", token.expose_secret().to_owned()));
    }
    let query: Vec<(String, String)> =
        query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let headers = [("host".to_owned(), service.host().to_owned())];
    let request =
        sigv4::Request { method: "POST", path: "/", query: &query, headers: &headers, body: b"" };
    let signature = sigv4::signature(&credentials.secret, &request, &scope);
    let shown: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", sigv4::encode(value))).collect();
    // The version comes after signing, and is not covered.
    format!("{}/?{}&X-Amz-Signature={signature}&Version=1", service.host(), shown.join("&"))
}

/// Whether `text` may be a region. The generators take any text; only what could not stand in a
/// scope is refused.
pub fn is_region(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests;
