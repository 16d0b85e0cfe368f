//! One choice of a completion, and its message, as their pieces come in.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::assemble::Faults;
use super::fault::{Problem, Want};

/// Deltas' text fields besides `content`.
const TEXTS: [&str; 3] = ["refusal", "reasoning", "reasoning_content"];

/// One choice so far.
#[derive(Default)]
pub(super) struct Choice {
    role: Option<Value>,
    content: Joined,
    texts: [Joined; TEXTS.len()],
    tool_calls: Option<BTreeMap<u64, Call>>,
    function_call: Option<Call>,
    /// Legacy completions.
    text: Joined,
    is_text: bool,
    logprobs: Option<Value>,
    finish_reason: Option<Value>,
}

impl Choice {
    pub(super) fn add(&mut self, choice: &Map<String, Value>, at: &str, faults: &mut Faults) {
        match (choice.get("delta"), choice.get("text")) {
            (Some(Value::Object(delta)), _) => self.delta(delta, &format!("{at}/delta"), faults),
            (None, Some(text)) => {
                self.is_text = true;
                self.text.add(Some(text), || format!("{at}/text"), faults);
            }
            (other, _) => faults.mistyped(format!("{at}/delta"), Want::Object, other),
        }
        if let Some(logprobs) = choice.get("logprobs") {
            self.logprobs(logprobs, at, faults);
        }
        match choice.get("finish_reason") {
            None | Some(Value::Null) => {}
            Some(reason @ Value::String(_)) => {
                if let Some(first) = self.finish_reason.replace(reason.clone()) {
                    faults.push(format!("{at}/finish_reason"), again(&first, reason));
                }
            }
            other => faults.mistyped(format!("{at}/finish_reason"), Want::String, other),
        }
    }

    fn delta(&mut self, delta: &Map<String, Value>, at: &str, faults: &mut Faults) {
        once(&mut self.role, delta.get("role"), || format!("{at}/role"), faults);
        self.content.add(delta.get("content"), || format!("{at}/content"), faults);
        for (text, key) in self.texts.iter_mut().zip(TEXTS) {
            text.add(delta.get(key), || format!("{at}/{key}"), faults);
        }
        match delta.get("tool_calls") {
            None | Some(Value::Null) => {}
            Some(Value::Array(calls)) => {
                let placed = self.tool_calls.get_or_insert_default();
                for (position, call) in calls.iter().enumerate() {
                    let at = format!("{at}/tool_calls/{position}");
                    let Some(call) = call.as_object() else {
                        faults.mistyped(at, Want::Object, Some(call));
                        continue;
                    };
                    match call.get("index").and_then(Value::as_u64) {
                        Some(index) => placed.entry(index).or_default().add(call, &at, faults),
                        None => {
                            faults.mistyped(format!("{at}/index"), Want::Index, call.get("index"));
                        }
                    }
                }
            }
            other => faults.mistyped(format!("{at}/tool_calls"), Want::Array, other),
        }
        match delta.get("function_call") {
            None | Some(Value::Null) => {}
            Some(Value::Object(call)) => {
                let at = format!("{at}/function_call");
                self.function_call.get_or_insert_default().function(call, &at, faults);
            }
            other => faults.mistyped(format!("{at}/function_call"), Want::Object, other),
        }
    }

    fn logprobs(&mut self, logprobs: &Value, at: &str, faults: &mut Faults) {
        let more = match logprobs {
            Value::Null => {
                self.logprobs.get_or_insert(Value::Null);
                return;
            }
            Value::Object(more) => more,
            other => {
                return faults.mistyped(format!("{at}/logprobs"), Want::Object, Some(other));
            }
        };
        if !matches!(self.logprobs, Some(Value::Object(_))) {
            self.logprobs = Some(Value::Object(Map::new()));
        }
        let Some(Value::Object(joined)) = &mut self.logprobs else { return };
        for (key, value) in more {
            match (joined.get_mut(key), value) {
                (Some(Value::Array(list)), Value::Array(more)) => list.extend(more.iter().cloned()),
                (Some(_), Value::Null) => {}
                (None | Some(Value::Null), Value::Array(_) | Value::Null) => {
                    joined.insert(key.clone(), value.clone());
                }
                _ => faults.mistyped(format!("{at}/logprobs/{key}"), Want::Array, Some(value)),
            }
        }
    }

    pub(super) fn finish(self, index: u64) -> Value {
        let mut choice = Map::new();
        choice.insert("index".to_owned(), json!(index));
        if self.is_text {
            choice.insert("text".to_owned(), self.text.finish());
        } else {
            let mut message = Map::new();
            message.extend(self.role.map(|role| ("role".to_owned(), role)));
            message.insert("content".to_owned(), self.content.finish());
            for (text, key) in self.texts.into_iter().zip(TEXTS) {
                if text.seen {
                    message.insert(key.to_owned(), text.finish());
                }
            }
            if let Some(calls) = self.tool_calls {
                let calls = calls.into_values().map(Call::finish).collect();
                message.insert("tool_calls".to_owned(), Value::Array(calls));
            }
            if let Some(call) = self.function_call {
                let function = call.function.unwrap_or_default().finish("arguments");
                message.insert("function_call".to_owned(), function);
            }
            choice.insert("message".to_owned(), Value::Object(message));
        }
        choice.extend(self.logprobs.map(|logprobs| ("logprobs".to_owned(), logprobs)));
        choice.insert("finish_reason".to_owned(), self.finish_reason.unwrap_or_default());
        Value::Object(choice)
    }
}

/// One tool call so far.
#[derive(Default)]
struct Call {
    id: Option<Value>,
    kind: Option<Value>,
    function: Option<Named>,
    custom: Option<Named>,
}

/// The `function` or `custom` of a call: a name, set once, and a text, joined.
#[derive(Default)]
struct Named {
    name: Option<Value>,
    text: Joined,
}

impl Call {
    fn add(&mut self, call: &Map<String, Value>, at: &str, faults: &mut Faults) {
        once(&mut self.id, call.get("id"), || format!("{at}/id"), faults);
        once(&mut self.kind, call.get("type"), || format!("{at}/type"), faults);
        match call.get("function") {
            None | Some(Value::Null) => {}
            Some(Value::Object(function)) => {
                self.function(function, &format!("{at}/function"), faults);
            }
            other => faults.mistyped(format!("{at}/function"), Want::Object, other),
        }
        match call.get("custom") {
            None | Some(Value::Null) => {}
            Some(Value::Object(custom)) => {
                let at = format!("{at}/custom");
                self.custom.get_or_insert_default().add(custom, "input", &at, faults);
            }
            other => faults.mistyped(format!("{at}/custom"), Want::Object, other),
        }
    }

    fn function(&mut self, function: &Map<String, Value>, at: &str, faults: &mut Faults) {
        self.function.get_or_insert_default().add(function, "arguments", at, faults);
    }

    fn finish(self) -> Value {
        let mut call = Map::new();
        call.extend(self.id.map(|id| ("id".to_owned(), id)));
        call.extend(self.kind.map(|kind| ("type".to_owned(), kind)));
        if let Some(function) = self.function {
            call.insert("function".to_owned(), function.finish("arguments"));
        }
        if let Some(custom) = self.custom {
            call.insert("custom".to_owned(), custom.finish("input"));
        }
        Value::Object(call)
    }
}

impl Named {
    fn add(&mut self, from: &Map<String, Value>, text: &str, at: &str, faults: &mut Faults) {
        once(&mut self.name, from.get("name"), || format!("{at}/name"), faults);
        self.text.add(from.get(text), || format!("{at}/{text}"), faults);
    }

    fn finish(self, text: &str) -> Value {
        let mut named = Map::new();
        named.extend(self.name.map(|name| ("name".to_owned(), name)));
        if self.text.seen {
            named.insert(text.to_owned(), self.text.finish());
        }
        Value::Object(named)
    }
}

/// Strings joined in the order they came.
#[derive(Default)]
struct Joined {
    text: Option<String>,
    /// The key was there, if only with null.
    seen: bool,
}

impl Joined {
    fn add(&mut self, piece: Option<&Value>, at: impl FnOnce() -> String, faults: &mut Faults) {
        self.seen |= piece.is_some();
        match piece {
            None | Some(Value::Null) => {}
            Some(Value::String(piece)) => self.text.get_or_insert_default().push_str(piece),
            other => faults.mistyped(at(), Want::String, other),
        }
    }

    fn finish(self) -> Value {
        self.text.map_or(Value::Null, Value::String)
    }
}

/// Sets what is set once.
fn once(
    slot: &mut Option<Value>,
    value: Option<&Value>,
    at: impl FnOnce() -> String,
    faults: &mut Faults,
) {
    match value {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) if text.is_empty() => {}
        Some(value @ Value::String(_)) => match slot {
            None => *slot = Some(value.clone()),
            Some(first) => faults.push(at(), again(first, value)),
        },
        other => faults.mistyped(at(), Want::String, other),
    }
}

fn again(first: &Value, value: &Value) -> Problem {
    if first == value {
        Problem::Repeated
    } else {
        Problem::Changed { first: first.to_string(), again: value.to_string() }
    }
}
