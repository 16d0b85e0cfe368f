//! `proofhouse.toml`: the targets of a project by name, and how it checks them.
//!
//! The file is meant to be committed, so a secret in it is refused: it names the environment
//! variable or the command that gives the key.

mod lint;
mod load;
mod model;

pub use load::{LoadedProject, ProjectError, find, load, parse};
pub use model::{
    CheckSettings, HttpVersion, OneOrMany, Project, TargetEntry, TargetKind, TimeoutSettings,
};

use serde_json::Value;

/// The name of the file, looked for in the working directory and those above it.
pub const FILE_NAME: &str = "proofhouse.toml";

/// The name of the schema that the template's first line points to; `init` writes it beside.
pub const SCHEMA_FILE_NAME: &str = "proofhouse.schema.json";

/// A project file with every setting explained, for `init`.
pub const fn template() -> &'static str {
    include_str!("template.toml")
}

/// The JSON Schema of project files, for editors.
pub fn schema() -> Value {
    crate::suite::schema::titled(
        crate::document::shape::schema_of::<Project>(),
        "A proofhouse project",
    )
}
