//! Files that people write: read with the position of everything, held against their schema, and
//! complained about with a caret.
//!
//! Suites, profiles and `proofhouse.toml` all come through here, so a misspelt key is answered in
//! the same words everywhere. A file becomes a [`Node`] tree once; [`shape::check`] compares it with
//! the JSON Schema of its type and finds every problem at once; then the type itself is read from
//! the tree, keeping positions where it asks for them with [`At`].

mod at;
mod problem;
mod reader;
pub mod shape;
mod toml;
mod tree;
mod yaml;

pub use at::{At, Spot};
pub use problem::{DocumentError, Problem};
pub use reader::from_node;
pub use toml::parse as parse_toml;
pub use tree::{Entry, Kind, Node};
pub use yaml::parse as parse_yaml;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The type `T` and what is wrong, read from `node` as far as either goes. `schema` is
/// [`shape::schema_of::<T>`](shape::schema_of), which is worth keeping.
///
/// The problems are those of shape; the value is there when nothing was wrong with it.
pub fn read<T: DeserializeOwned>(schema: &Value, node: &Node) -> (Option<T>, Vec<Problem>) {
    let mut problems = shape::check(schema, node);
    match from_node(node) {
        Ok(value) => (problems.is_empty().then_some(value), problems),
        Err(problem) => {
            // What the schema found says the same with more help.
            if problems.is_empty() {
                problems.push(problem);
            }
            (None, problems)
        }
    }
}

/// The first line of a piece of a file, without a comment and without what closes the flow around
/// it: what a caret underlines when a whole entry is meant.
pub fn first_line(rest: &str) -> &str {
    let line = rest.lines().next().unwrap_or_default();
    let line = line.split(" #").next().unwrap_or(line);
    line.trim_end()
}
