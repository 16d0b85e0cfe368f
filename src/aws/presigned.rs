//! Reading a bearer token back, whoever made it: parameters in any order, and nothing trusted.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use thiserror::Error;

use super::bearer::Service;
use super::credentials::last_four;

/// What a token says of itself. Nothing in it is verified.
#[derive(Clone)]
pub struct Presigned {
    /// The service it is for, by the host that was signed.
    pub service: Service,
    /// The access key id of who signed.
    pub access_key_id: String,
    /// The region it is good in.
    pub region: String,
    /// When it was signed.
    pub issued: DateTime<Utc>,
    /// When it ends by its own word; the credentials may end before.
    pub expires: DateTime<Utc>,
    /// The signature.
    pub signature: SecretString,
    /// The session token of temporary credentials.
    pub session_token: Option<SecretString>,
    /// Every parameter, decoded, in its order. Some are secrets.
    parameters: Vec<(String, String)>,
}

impl fmt::Debug for Presigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presigned")
            .field("service", &self.service)
            .field("key", &format_args!("…{}", self.last_four()))
            .field("region", &self.region)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Why something is no token. It never quotes what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotAToken {
    /// Another prefix, or none.
    #[error("it does not start with `sagemaker-api-key-` or `bedrock-api-key-`")]
    Prefix,
    /// The rest is no base64.
    #[error("what follows the prefix is not base64")]
    Base64,
    /// The base64 is of something else.
    #[error("it holds no URL of the service that its prefix names")]
    Url,
    /// A parameter is missing or given twice.
    #[error("its parameter {0} is missing or given twice")]
    Parameter(&'static str),
    /// A parameter cannot be what it is.
    #[error("its parameter {0} cannot be read")]
    Value(&'static str),
    /// It asks for something else than a bearer call.
    #[error("its action is not CallWithBearerToken")]
    Action,
}

/// Standard base64, with or without its padding: proxies and people lose it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Reads a token.
pub fn parse_token(token: &str) -> Result<Presigned, NotAToken> {
    let token = token.trim();
    let found = Service::ALL.into_iter().find_map(|s| Some((s, token.strip_prefix(s.prefix())?)));
    let (service, body) = found.ok_or(NotAToken::Prefix)?;
    let url = BASE64.decode(body).map_err(|_| NotAToken::Base64)?;
    let url = String::from_utf8(url).map_err(|_| NotAToken::Url)?;
    let presigned = parse_url(&url)?;
    if presigned.service == service { Ok(presigned) } else { Err(NotAToken::Url) }
}

/// Reads the URL inside a token, with or without its scheme.
pub fn parse_url(url: &str) -> Result<Presigned, NotAToken> {
    let url = url.strip_prefix("https://").unwrap_or(url);
    let (host, query) = url.split_once("/?").ok_or(NotAToken::Url)?;
    let service = Service::ALL.into_iter().find(|service| service.host() == host);
    let service = service.ok_or(NotAToken::Url)?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let parameters: Vec<(String, String)> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let optional = |name: &'static str| {
        let mut found = parameters.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(Some(value.as_str())),
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(NotAToken::Parameter(name)),
        }
    };
    let needed = |name| optional(name)?.ok_or(NotAToken::Parameter(name));
    if needed("Action")? != "CallWithBearerToken" {
        return Err(NotAToken::Action);
    }
    let credential: Vec<&str> = needed("X-Amz-Credential")?.split('/').collect();
    let [access_key_id, date, region, scope, "aws4_request"] = credential.as_slice() else {
        return Err(NotAToken::Value("X-Amz-Credential"));
    };
    let stamp = needed("X-Amz-Date")?;
    let issued = NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ")
        .map_err(|_| NotAToken::Value("X-Amz-Date"))?
        .and_utc();
    if *scope != service.name() || access_key_id.is_empty() || !stamp.starts_with(date) {
        return Err(NotAToken::Value("X-Amz-Credential"));
    }
    let life: u32 =
        needed("X-Amz-Expires")?.parse().map_err(|_| NotAToken::Value("X-Amz-Expires"))?;
    let expires = issued
        .checked_add_signed(TimeDelta::seconds(life.into()))
        .ok_or(NotAToken::Value("X-Amz-Date"))?;
    let signature = needed("X-Amz-Signature")?;
    if signature.len() != 64 || !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(NotAToken::Value("X-Amz-Signature"));
    }
    Ok(Presigned {
        service,
        access_key_id: (*access_key_id).to_owned(),
        region: (*region).to_owned(),
        issued,
        expires,
        signature: signature.to_owned().into(),
        session_token: optional("X-Amz-Security-Token")?
            .map(|token| SecretString::from(token.to_owned())),
        parameters,
    })
}

impl Presigned {
    /// The last four characters of the access key id.
    pub fn last_four(&self) -> &str {
        last_four(&self.access_key_id)
    }

    /// How long it was to live, in seconds.
    pub fn life_seconds(&self) -> i64 {
        (self.expires - self.issued).num_seconds()
    }

    /// Whether it has ended at `now`.
    pub fn has_ended(&self, now: DateTime<Utc>) -> bool {
        self.expires <= now
    }

    /// A parameter, decoded.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What was signed: every parameter but the signature and the version that comes after it.
    pub fn signed_parameters(&self) -> Vec<(String, String)> {
        let outside = |name: &str| matches!(name, "X-Amz-Signature" | "Version");
        self.parameters.iter().filter(|(name, _)| !outside(name)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::aws::Credentials;
    use crate::aws::bearer::{Expiry, mint};

    fn token() -> String {
        let credentials = Credentials {
            access_key_id: "ASIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into(),
            session_token: Some("AQoDYXdzEJr1K/example+session=token==".to_owned().into()),
            expires: None,
            source: "a test".to_owned(),
        };
        let now = "2026-11-20T09:41:07Z".parse().unwrap();
        let minted = mint(Service::SageMaker, &credentials, "us-west-2", Expiry::default(), now);
        minted.unwrap().secret.expose_secret().to_owned()
    }

    fn url() -> String {
        let token = token();
        let body = token.strip_prefix("sagemaker-api-key-").unwrap();
        String::from_utf8(BASE64_STANDARD.decode(body).unwrap()).unwrap()
    }

    fn retoken(url: &str) -> String {
        format!("sagemaker-api-key-{}", BASE64_STANDARD.encode(url))
    }

    #[test]
    fn a_token_says_who_signed_it_and_how_long_it_lives() {
        let read = parse_token(&format!(" {}\n", token())).unwrap();
        assert_eq!((read.service, read.last_four()), (Service::SageMaker, "MPLE"));
        assert_eq!((read.region.as_str(), read.life_seconds()), ("us-west-2", 900));
        assert_eq!(read.issued.to_rfc3339(), "2026-11-20T09:41:07+00:00");
        let session = read.session_token.as_ref().unwrap().expose_secret();
        assert_eq!(session, "AQoDYXdzEJr1K/example+session=token==");
        assert!(
            !read.has_ended(read.expires - TimeDelta::seconds(1)) && read.has_ended(read.expires)
        );
        let shown = format!("{read:?}");
        assert!(!shown.contains("ASIA") && !shown.contains("AQoD"), "{shown}");
    }

    #[test]
    fn the_order_of_the_parameters_and_the_padding_do_not_matter() {
        let url = url();
        let (host, query) = url.split_once("/?").unwrap();
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.reverse();
        let turned = retoken(&format!("{host}/?{}", pairs.join("&")));
        assert_eq!(parse_token(&turned).unwrap().region, "us-west-2");
        assert!(parse_token(turned.trim_end_matches('=')).is_ok());
    }

    #[test]
    fn what_is_no_token_is_told_without_quoting_it() {
        let url = url();
        let body = token().split_off("sagemaker-api-key-".len());
        for (text, why) in [
            ("sk-123".to_owned(), NotAToken::Prefix),
            (body.clone(), NotAToken::Prefix),
            ("sagemaker-api-key-%%%".to_owned(), NotAToken::Base64),
            ("sagemaker-api-key-aGVsbG8=".to_owned(), NotAToken::Url),
            (format!("bedrock-api-key-{body}"), NotAToken::Url),
            (retoken(&url.replace("sagemaker.amazonaws.com", "evil.example")), NotAToken::Url),
            (retoken(&url.replace("CallWith", "DeleteAll")), NotAToken::Action),
            (retoken(&url.replace("&X-Amz-Date=", "&X-Date=")), NotAToken::Parameter("X-Amz-Date")),
            (retoken(&format!("{url}&X-Amz-Expires=1")), NotAToken::Parameter("X-Amz-Expires")),
            (retoken(&url.replace("Expires=900", "Expires=-1")), NotAToken::Value("X-Amz-Expires")),
            (retoken(&url.replace("T094107Z", "T99")), NotAToken::Value("X-Amz-Date")),
            (
                retoken(&url.replace("%2F20261120%2F", "%2F20261121%2F")),
                NotAToken::Value("X-Amz-Credential"),
            ),
            (
                retoken(&url.replace("Signature=", "Signature=zz")),
                NotAToken::Value("X-Amz-Signature"),
            ),
        ] {
            assert_eq!(parse_token(&text).unwrap_err(), why, "{text}");
        }
    }
}
