//! What keeps a record from being written or read.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::FormatVersion;

/// A record that could not be written or read: which file, which line, and why.
#[derive(Debug, Error)]
#[error("cannot {doing} {place}", place = Place(&self.path, self.line))]
#[non_exhaustive]
pub struct RecordError {
    /// What was being done.
    pub doing: Doing,
    /// The file or directory.
    pub path: PathBuf,
    /// The line in it, counted from 1, where one line is to blame.
    pub line: Option<usize>,
    /// Why.
    #[source]
    pub kind: RecordErrorKind,
}

/// What was being done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Writing it.
    Write,
    /// Reading it.
    Read,
}

/// Why a record could not be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// The system said no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The directory holds a record already.
    #[error("it already holds a record (started {started})")]
    Exists {
        /// When the run in it began, or `unknown`.
        started: String,
    },
    /// There is no record there.
    #[error("there is no run.json in it, so it is not a run record")]
    NoRecord,
    /// The file, or the line, is not what a record holds there.
    #[error("not {expected}: {source}")]
    Malformed {
        /// What should have stood there: `a run event`.
        expected: &'static str,
        /// Where in the line, and why.
        source: serde_json::Error,
    },
    /// Written by a newer program, in a way that this one would misread.
    #[error(
        "it has record format {found}, written by proofhouse {tool}; \
         this proofhouse reads formats {}.0 to {}.x", FormatVersion::OLDEST.major,
        FormatVersion::CURRENT.major
    )]
    TooNew {
        /// The record's format.
        found: FormatVersion,
        /// The version that wrote it.
        tool: String,
    },
    /// A case of a target that `run.json` does not list.
    #[error("the case `{id}` is of the target `{target}`, which run.json does not list")]
    UnknownTarget {
        /// The case.
        id: String,
        /// The target it names.
        target: String,
    },
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write => "write",
            Self::Read => "read",
        })
    }
}

/// `path` or `path:line`.
struct Place<'a>(&'a std::path::Path, Option<usize>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())?;
        self.1.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}
