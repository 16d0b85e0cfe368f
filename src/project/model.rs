//! The shape of a project file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::At;
use crate::verdict::Level;

/// A project file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Project {
    /// The endpoints, by the name that `--target` takes.
    pub targets: BTreeMap<String, At<TargetEntry>>,
    /// What `check` does when the command line does not say.
    pub check: CheckSettings,
}

/// An endpoint. Every key has a command-line option of the same name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TargetEntry {
    /// The base URL, with the version: `https://llm.example.com/v1`. A `kind` makes its own.
    #[serde(default)]
    pub url: Option<String>,
    /// A kind of endpoint whose URL and tokens are made from its names.
    #[serde(default)]
    pub kind: Option<TargetKind>,
    /// The region of a `kind`; `AWS_REGION` if absent.
    #[serde(default)]
    pub region: Option<String>,
    /// The endpoint's name in SageMaker.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The inference component of the endpoint that is to answer.
    #[serde(default)]
    pub component: Option<String>,
    /// Speak to the FIPS host of SageMaker.
    #[serde(default)]
    pub fips: bool,
    /// Speak to the dual-stack host of SageMaker.
    #[serde(default)]
    pub dual_stack: bool,
    /// How long a minted token lives: `15m`.
    #[serde(default)]
    pub token_expiry: Option<String>,
    /// The model to ask for; the first of `/models` if absent.
    #[serde(default)]
    pub model: Option<String>,
    /// The environment variable that holds the key.
    #[serde(default)]
    pub auth_env: Option<String>,
    /// A command whose first line of output is the key.
    #[serde(default)]
    pub auth_command: Option<Vec<String>>,
    /// How long the key of `auth-command` may be used: `10m`.
    #[serde(default)]
    pub auth_ttl: Option<String>,
    /// The header that takes the key as it is; `authorization: Bearer …` if absent.
    #[serde(default)]
    pub auth_header: Option<String>,
    /// A built-in profile, or the path of one.
    #[serde(default)]
    pub profile: Option<String>,
    /// Sent with every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// PEM files of certificate authorities, trusted besides the system's.
    #[serde(default)]
    pub ca: OneOrMany,
    /// A PEM file with our certificate.
    #[serde(default)]
    pub client_cert: Option<String>,
    /// A PEM file with the key of `client-cert`.
    #[serde(default)]
    pub client_key: Option<String>,
    /// The URL of an HTTP proxy.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Trust any certificate. For test servers only.
    #[serde(default)]
    pub insecure: bool,
    /// The HTTP version; what TLS agrees on if absent.
    #[serde(default)]
    pub http: Option<HttpVersion>,
    /// Deadlines, by what is waited for.
    #[serde(default)]
    pub timeouts: TimeoutSettings,
}

/// A kind of endpoint whose URL and tokens are made from its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// The OpenAI route of a SageMaker endpoint: `endpoint`, and perhaps `component`.
    Sagemaker,
    /// The OpenAI route of Bedrock.
    Bedrock,
}

/// One text or several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "Texts")]
#[schemars(with = "Texts")]
pub struct OneOrMany(pub Vec<String>);

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl From<Texts> for OneOrMany {
    fn from(texts: Texts) -> Self {
        match texts {
            Texts::One(text) => Self(vec![text]),
            Texts::Many(texts) => Self(texts),
        }
    }
}

/// An HTTP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[serde(rename = "1.1")]
    Http1,
    /// HTTP/2; with prior knowledge where there is no TLS.
    #[serde(rename = "2")]
    Http2,
}

/// Deadlines: `10s`, `500ms`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TimeoutSettings {
    /// Name resolution and TCP connect.
    pub connect: Option<String>,
    /// The TLS handshake.
    pub tls: Option<String>,
    /// From the request's last byte to the response's first.
    pub first_byte: Option<String>,
    /// Between two reads of a response.
    pub gap: Option<String>,
    /// The whole exchange.
    pub total: Option<String>,
}

/// What `check` does when the command line does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct CheckSettings {
    /// Built-in suites and sets by name, or paths of others.
    pub suites: Vec<String>,
    /// Patterns of cases to run: `sse.*`, `tag:quick`.
    pub select: Vec<String>,
    /// Patterns of cases to leave out.
    pub skip: Vec<String>,
    /// Only cases of these levels.
    pub levels: Vec<Level>,
    /// Cases under way at once.
    #[schemars(range(min = 1))]
    pub concurrency: Option<u32>,
    /// A known deviation that no longer deviates fails the run.
    pub strict_known: bool,
    /// A run whose answers may have more tokens than this does not begin.
    pub budget_tokens: Option<u64>,
}
