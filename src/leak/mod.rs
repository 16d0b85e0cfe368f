//! Looking for leaked bearer tokens of AWS, and for what they are made of, in anything that is
//! written down: logs of gateways and of agents, dumps, manifests.
//!
//! A pass with a skip table looks for *anchors*, short texts that are constant in every token, in
//! every encoding; around an anchor the surroundings are taken apart: line ends joined, escapes
//! undone, base64 decoded. What is found is told by place and kind. The bytes themselves are never
//! given back.

mod anchor;
mod judge;
mod named;
mod scanner;
mod seek;
mod text;
mod unpack;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use scanner::{Scanned, scan};
pub use unpack::unpack;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A bearer token of SageMaker: `sagemaker-api-key-…`, or its body without the prefix.
    SagemakerToken,
    /// A short-term key of Bedrock: `bedrock-api-key-…`, or its body without the prefix.
    BedrockToken,
    /// A long-term key of Bedrock: `ABSK…`.
    BedrockLongTermKey,
    /// The URL inside a bearer token, decoded: as good as the token.
    PresignedUrl,
    /// The session token of temporary credentials.
    SessionToken,
    /// A secret access key.
    SecretAccessKey,
    /// A signature of Signature Version 4.
    Signature,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::SagemakerToken,
        Self::BedrockToken,
        Self::BedrockLongTermKey,
        Self::PresignedUrl,
        Self::SessionToken,
        Self::SecretAccessKey,
        Self::Signature,
    ];

    /// Its name, as reports say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SagemakerToken => "sagemaker-token",
            Self::BedrockToken => "bedrock-token",
            Self::BedrockLongTermKey => "bedrock-long-term-key",
            Self::PresignedUrl => "presigned-url",
            Self::SessionToken => "session-token",
            Self::SecretAccessKey => "secret-access-key",
            Self::Signature => "signature",
        }
    }

    /// What it is, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SagemakerToken => "a bearer token of SageMaker",
            Self::BedrockToken => "a short-term key of Bedrock",
            Self::BedrockLongTermKey => "a long-term key of Bedrock",
            Self::PresignedUrl => "the presigned URL of a bearer token",
            Self::SessionToken => "a session token of temporary AWS credentials",
            Self::SecretAccessKey => "a secret access key of AWS",
            Self::Signature => "an AWS signature",
        }
    }
}

/// Whether what was found can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// By its own word it has not ended.
    Valid,
    /// It has ended.
    Expired,
    /// It does not say.
    Unknown,
}

/// Something that was found, told without what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The line it begins on, from 1, after decompression.
    pub line: u64,
    /// What it is.
    pub kind: Kind,
    /// Whether it can still be used.
    pub state: State,
    /// When it ends or ended, if it says so.
    pub expires: Option<DateTime<Utc>>,
    /// The last four characters of the access key id of who signed: whom to warn.
    pub key: Option<String>,
    /// The first eight digits of its SHA-256: two places with the same one leaked the same thing.
    pub fingerprint: String,
}

#[cfg(test)]
mod tests;
