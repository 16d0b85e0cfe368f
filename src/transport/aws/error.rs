//! Why there are no credentials.

use thiserror::Error;

/// Why there are no credentials. It names sources and files, never what stands in them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Nobody has any.
    #[error("there are no AWS credentials: not in {}", tried.join(", not in "))]
    Nothing {
        /// Where they were looked for.
        tried: Vec<String>,
    },
    /// A source should have them, and does not.
    #[error("{source_name} gave no credentials: {why}")]
    Source {
        /// `the profile "ci"`.
        source_name: String,
        /// Why not.
        why: String,
    },
}

impl CredentialsError {
    pub(super) fn source(source_name: &str, why: impl std::fmt::Display) -> Self {
        Self::Source { source_name: source_name.to_owned(), why: why.to_string() }
    }
}
