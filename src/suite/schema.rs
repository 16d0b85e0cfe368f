//! JSON Schemas for editors: `# yaml-language-server: $schema=…` gives completion and red lines.

use serde_json::{Value, json};

use super::model::Suite;
use crate::document::shape::schema_of;

/// The schema of suite files.
pub fn suite() -> Value {
    titled(schema_of::<Suite>(), "A proofhouse suite")
}

/// Gives a schema the title that an editor shows.
pub(crate) fn titled(mut schema: Value, title: &str) -> Value {
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!(title));
    }
    schema
}
