//! A plain answer before it becomes bytes.

use bytes::Bytes;
use serde_json::Value;

use super::script::{Cue, Ending, Head, Script};
use crate::transcript::Headers;
use crate::units::Nanos;

/// A plain answer before it becomes bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) content: Content,
    /// How long it takes to make.
    pub(crate) after: Nanos,
}

/// What a reply says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Json(Value),
    Text {
        media_type: &'static str,
        text: String,
    },
    /// A file, as it is.
    File(Bytes),
    Nothing,
}

impl Reply {
    pub(crate) fn new(status: u16, content: Content) -> Self {
        Self { status, headers: Headers::default(), content, after: Nanos(0) }
    }

    pub(crate) fn json(value: Value) -> Self {
        Self::new(200, Content::Json(value))
    }

    pub(crate) fn text(status: u16, media_type: &'static str, text: impl Into<String>) -> Self {
        Self::new(status, Content::Text { media_type, text: text.into() })
    }

    /// The JSON it says, to be changed.
    pub(crate) fn json_mut(&mut self) -> Option<&mut Value> {
        match &mut self.content {
            Content::Json(value) => Some(value),
            Content::Text { .. } | Content::File(_) | Content::Nothing => None,
        }
    }

    /// The bytes it becomes.
    pub(crate) fn script(self) -> Script {
        let mut headers = self.headers;
        let bytes: Bytes = match self.content {
            Content::Json(value) => {
                headers.set("content-type", "application/json");
                value.to_string().into()
            }
            Content::Text { media_type, text } => {
                headers.set("content-type", media_type);
                text.into()
            }
            Content::File(bytes) => {
                headers.set("content-type", "application/octet-stream");
                bytes
            }
            Content::Nothing => Bytes::new(),
        };
        Script {
            head: Head { after: self.after, status: self.status, headers },
            cues: if bytes.is_empty() { Vec::new() } else { vec![Cue { after: Nanos(0), bytes }] },
            end: Ending::Complete,
            sized: true,
        }
    }
}
