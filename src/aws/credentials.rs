//! Who signs.

use std::fmt;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

/// The credentials of an AWS identity, as one snapshot: a signature never mixes two of them.
#[derive(Clone)]
pub struct Credentials {
    /// The access key id; no secret, but shown by its last four characters only.
    pub access_key_id: String,
    /// The secret access key.
    pub secret: SecretString,
    /// The session token of temporary credentials. An empty one is none, as in the SDKs.
    pub session_token: Option<SecretString>,
    /// When they end; `None` for those that do not.
    pub expires: Option<DateTime<Utc>>,
    /// Where they came from: `the environment`, `the profile "ci"`.
    pub source: String,
}

impl Credentials {
    /// The last four characters of the access key id.
    pub fn last_four(&self) -> &str {
        last_four(&self.access_key_id)
    }
}

/// The last four characters of `id`: enough to tell whom to warn.
pub(crate) fn last_four(id: &str) -> &str {
    let start = id.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    id.get(start..).unwrap_or_default()
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &format_args!("…{}", self.last_four()))
            .field("expires", &self.expires)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
