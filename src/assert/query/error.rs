//! What is wrong with a query, and at which column.

use std::fmt;

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// The query as written.
    pub query: String,
    /// The column, in characters from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query `{}`, column {}: {}", self.query, self.column, self.message)
    }
}

impl std::error::Error for QueryError {}
