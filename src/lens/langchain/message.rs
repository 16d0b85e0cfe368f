//! A message as its chunks are added to it.

use serde_json::{Value, json};

use super::partial;
use crate::lens::decode::python::{attribute, is_valid, lax_index, lax_int, truthy};
use crate::lens::{Answer, Call, Usage};

/// The class of the exception that Python comes to.
pub(super) type Raised = &'static str;

/// What a message says that its types do not hold.
pub(super) const VALIDATION: Raised = "pydantic_core.ValidationError";

/// A message so far.
#[derive(Default)]
pub(super) struct Message {
    pub(super) chunks: usize,
    content: Vec<Value>,
    /// Whether the content is a list of blocks, and no text.
    blocks: bool,
    calls: Vec<Fragment>,
    finish: Option<String>,
    usage: Option<Usage>,
}

/// A piece of a call, or what was joined to one.
struct Fragment {
    index: Value,
    id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
}

impl Message {
    pub(super) fn add(
        &mut self,
        delta: &Value,
        counts: Option<Usage>,
        finish: Option<&Value>,
    ) -> Result<(), Raised> {
        let content = attribute(delta, "content").filter(|content| truthy(content));
        let content = content.cloned().unwrap_or_else(|| json!(""));
        text(&content)?;
        let fragments = fragments(delta)?;
        if let Some(usage) = counts {
            self.count(&usage)?;
        }
        self.content(content);
        let first = self.chunks == 0;
        for fragment in fragments {
            if first {
                self.calls.push(fragment);
            } else {
                self.fragment(fragment);
            }
        }
        if let Some(why) = finish.and_then(Value::as_str) {
            self.finish.get_or_insert_default().push_str(why);
        }
        self.chunks += 1;
        Ok(())
    }

    fn content(&mut self, content: Value) {
        match content {
            Value::Array(blocks) => {
                self.blocks = true;
                self.content.extend(blocks);
            }
            Value::String(more) => match self.content.last_mut() {
                Some(Value::String(text)) => text.push_str(&more),
                _ if self.blocks && more.is_empty() => {}
                _ => self.content.push(Value::String(more)),
            },
            _ => {}
        }
    }

    /// Joins a piece to the call of its index, unless both have ids and they differ.
    fn fragment(&mut self, more: Fragment) {
        let nameless = |id: &Option<String>| id.as_ref().is_none_or(String::is_empty);
        let found = self.calls.iter_mut().find(|kept| {
            more.index.is_i64()
                && kept.index == more.index
                && (nameless(&kept.id) || nameless(&more.id) || kept.id == more.id)
        });
        let Some(kept) = found else { return self.calls.push(more) };
        if kept.id != more.id {
            join(&mut kept.id, more.id);
        }
        join(&mut kept.name, more.name);
        join(&mut kept.arguments, more.arguments);
    }

    fn count(&mut self, more: &Usage) -> Result<(), Raised> {
        let sum = |kept: Option<&Value>, more: &Value| -> Result<Value, Raised> {
            let more = lax_int(more).ok_or(VALIDATION)?;
            Ok(json!(kept.and_then(lax_int).unwrap_or_default() + more))
        };
        let kept = self.usage.as_ref();
        self.usage = Some(Usage {
            prompt_tokens: sum(kept.map(|u| &u.prompt_tokens), &more.prompt_tokens)?,
            completion_tokens: sum(kept.map(|u| &u.completion_tokens), &more.completion_tokens)?,
            total_tokens: sum(kept.map(|u| &u.total_tokens), &more.total_tokens)?,
        });
        Ok(())
    }

    pub(super) fn answer(&self) -> Answer {
        let calls = self.calls.iter().filter_map(|call| {
            let arguments = match call.arguments.as_deref() {
                None | Some("") => json!({}),
                Some(text) => partial::repaired(text)?,
            };
            arguments.is_object().then(|| Call {
                id: call.id.clone(),
                name: Some(call.name.clone().unwrap_or_default()),
                arguments,
            })
        });
        Answer {
            text: text(&Value::Array(self.content.clone())).ok(),
            tool_calls: calls.collect(),
            finish_reason: self.finish.clone(),
            usage: self.usage.clone(),
            ..Answer::default()
        }
    }
}

fn join(kept: &mut Option<String>, more: Option<String>) {
    match (kept.as_mut(), more) {
        (Some(text), Some(more)) => text.push_str(&more),
        (None, more) => *kept = more,
        (Some(_), None) => {}
    }
}

/// The text of a content: a string, or a list of strings and blocks.
pub(super) fn text(content: &Value) -> Result<String, Raised> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => parts
            .iter()
            .map(|part| match part {
                Value::String(text) => Ok(text.as_str()),
                Value::Object(block) => Ok(block
                    .get("text")
                    .filter(|_| block.get("type").is_some_and(|kind| kind == "text"))
                    .and_then(Value::as_str)
                    .unwrap_or_default()),
                _ => Err(VALIDATION),
            })
            .collect(),
        _ => Err(VALIDATION),
    }
}

/// The pieces of calls in a delta.
fn fragments(delta: &Value) -> Result<Vec<Fragment>, Raised> {
    let Some(raw) = attribute(delta, "tool_calls").filter(|calls| truthy(calls)) else {
        return Ok(Vec::new());
    };
    let raw = raw.as_array().ok_or("TypeError")?;
    let valid = raw.iter().all(is_valid);
    raw.iter()
        .map(|raw| {
            let function = attribute(raw, "function").filter(|f| f.is_object());
            let function = function.ok_or("AttributeError")?;
            let maybe_text = |value: Option<&Value>| match value {
                None => Ok(None),
                Some(Value::String(text)) => Ok(Some(text.clone())),
                Some(_) => Err(VALIDATION),
            };
            let index = attribute(raw, "index").cloned().unwrap_or_default();
            if !(index.is_null() || index.is_string() || lax_int(&index).is_some()) {
                return Err(VALIDATION);
            }
            Ok(Fragment {
                index: if valid { lax_index(&index) } else { index },
                id: maybe_text(attribute(raw, "id"))?,
                name: maybe_text(attribute(function, "name"))?,
                arguments: maybe_text(attribute(function, "arguments"))?,
            })
        })
        .collect()
}
