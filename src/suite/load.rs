//! Suites from text and files.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::lint;
use super::model::{Spot, Suite};
use crate::document::{self, DocumentError};

/// Larger files are not suites; the limit keeps a wrong path from being read into memory whole.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

static SCHEMA: LazyLock<Value> = LazyLock::new(document::shape::schema_of::<Suite>);

/// A suite with the text it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The suite.
    pub suite: Suite,
    /// Its text.
    pub text: String,
    /// The path as given, or `suites/x.yaml` for one inside the binary.
    pub origin: String,
    /// Of the text, in hexadecimal.
    pub sha256: String,
}

impl Loaded {
    /// The line of a spot, without its line end; empty if there is none.
    pub fn line(&self, spot: Spot) -> &str {
        let index = usize::try_from(spot.line).ok().and_then(|line| line.checked_sub(1));
        index.and_then(|index| self.text.lines().nth(index)).unwrap_or_default()
    }

    /// How many characters to underline from a spot: to the end of its line, comments left out.
    pub fn underline(&self, spot: Spot) -> usize {
        let line = self.line(spot);
        let skip = usize::try_from(spot.column).unwrap_or(1).saturating_sub(1);
        let rest: String = line.chars().skip(skip).collect();
        document::first_line(&rest).chars().count().max(1)
    }
}

/// A suite that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// The file could not be read.
    #[error("suite `{}` cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No built-in suite has that name and no file either.
    #[error("there is no suite `{name}`: neither a built-in one nor a file")]
    Unknown {
        /// The name as given.
        name: String,
        /// What was perhaps meant.
        near: Option<String>,
        /// The built-in suites and sets.
        known: Vec<String>,
    },
    /// The file is wrong.
    #[error("suite {0}")]
    Wrong(DocumentError),
}

impl SuiteError {
    /// For a terminal: every problem with its line, a caret and what to do; ends with a line end.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Read { .. } => format!("error: {self}\n"),
            Self::Unknown { near, known, .. } => {
                let near = near.as_ref().map(|near| format!("did you mean `{near}`? "));
                let near = near.unwrap_or_default();
                format!("error: {self}\n  = help: {near}built in are: {}\n", known.join(", "))
            }
            Self::Wrong(error) => error.render(colour),
        }
    }
}

/// Reads a suite and lints it. `origin` is how messages call it.
pub fn parse(origin: &str, text: &str) -> Result<Loaded, SuiteError> {
    let wrong = |problems| Err(SuiteError::Wrong(DocumentError::new(origin, text, problems)));
    let (tree, mut problems) = document::parse_yaml(text);
    let Some(tree) = tree else { return wrong(problems) };
    let (suite, shape) = document::read::<Suite>(&SCHEMA, &tree);
    problems.extend(lint::file::problems(text, &tree, &shape));
    problems.extend(shape);
    match suite {
        Some(suite) if problems.is_empty() => Ok(Loaded {
            suite,
            text: text.to_owned(),
            origin: origin.to_owned(),
            sha256: hex(&Sha256::digest(text)),
        }),
        _ => wrong(problems),
    }
}

/// Reads a suite that is known to be without problems: one inside the binary, which a test lints.
pub(super) fn parse_trusted(origin: &str, text: &str) -> Result<Loaded, SuiteError> {
    let (tree, _) = document::parse_yaml(text);
    match tree.and_then(|tree| document::from_node::<Suite>(&tree).ok()) {
        Some(suite) => Ok(Loaded {
            suite,
            text: text.to_owned(),
            origin: origin.to_owned(),
            sha256: hex(&Sha256::digest(text)),
        }),
        // Then what is wrong with it had better be said.
        None => parse(origin, text),
    }
}

/// Reads the suite in a file.
pub fn file(path: &Path) -> Result<Loaded, SuiteError> {
    let text =
        read_text(path).map_err(|source| SuiteError::Read { path: path.to_owned(), source })?;
    parse(&path.display().to_string(), &text)
}

/// A file as text, within a limit.
pub(crate) fn read_text(path: &Path) -> std::io::Result<String> {
    let size = std::fs::metadata(path)?.len();
    if size > FILE_BYTES_MAX {
        let message = format!("the file has {size} bytes; at most {FILE_BYTES_MAX} are read");
        return Err(std::io::Error::other(message));
    }
    std::fs::read_to_string(path)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
