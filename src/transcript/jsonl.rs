//! Exchanges as JSON Lines: one exchange a line.

use std::io::{BufRead, Write};

use thiserror::Error;

use super::Exchange;

/// A line that is not an exchange, or a file that could not be read.
#[derive(Debug, Error)]
pub enum JsonlError {
    /// The reader failed.
    #[error("line {line} could not be read")]
    Read {
        /// Counted from 1.
        line: usize,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The line is not an exchange.
    #[error("line {line} is not an exchange")]
    Parse {
        /// Counted from 1.
        line: usize,
        /// Where in the line, and why.
        #[source]
        source: serde_json::Error,
    },
}

/// Writes one exchange and its line end.
pub fn write_jsonl(out: &mut impl Write, exchange: &Exchange) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, exchange)?;
    out.write_all(b"\n")
}

/// Reads exchanges until the end; blank lines are passed over.
pub fn read_jsonl(input: impl BufRead) -> Result<Vec<Exchange>, JsonlError> {
    let mut exchanges = Vec::new();
    for (index, line) in input.lines().enumerate() {
        let line_number = index + 1;
        let line = line.map_err(|source| JsonlError::Read { line: line_number, source })?;
        if line.trim().is_empty() {
            continue;
        }
        exchanges.push(
            serde_json::from_str(&line)
                .map_err(|source| JsonlError::Parse { line: line_number, source })?,
        );
    }
    Ok(exchanges)
}
