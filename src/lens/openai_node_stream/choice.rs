//! One choice as the helper puts it together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::slots::{Slots, key};
use super::{of_undefined, own};
use crate::lens::MADE_UP_ID;
use crate::lens::decode::js::{self, Stop, property};

pub(super) struct Choice {
    pub(super) index: Option<Value>,
    pub(super) finish_reason: Option<Value>,
    /// `None` where a chunk set it to something that is no object.
    pub(super) message: Option<Message>,
    pub(super) current_call: Option<Value>,
    /// The first chunk had a text there, which nothing can be added to.
    pub(super) logprobs_are_text: bool,
}

#[derive(Default)]
pub(super) struct Message {
    pub(super) fields: Map<String, Value>,
    pub(super) calls: Option<Slots<ToolCall>>,
}

#[derive(Clone, Default)]
pub(super) struct ToolCall {
    id: Option<Value>,
    pub(super) kind: Option<Value>,
    pub(super) function: Option<Function>,
}

#[derive(Clone, Default)]
pub(super) struct Function {
    name: Option<Value>,
    arguments: Option<Value>,
}

/// The items of `for (… of value)`; of a text its characters.
pub(super) fn iterate<'a>(value: Option<&'a Value>, name: &str) -> Result<Cow<'a, [Value]>, Stop> {
    match value {
        Some(Value::Array(items)) => Ok(Cow::Borrowed(items)),
        Some(Value::String(text)) => {
            Ok(text.chars().map(|character| Value::String(character.into())).collect())
        }
        _ => Err(Stop::raises("TypeError", format!("{name} is not iterable"))),
    }
}

/// `(text || '') + more`.
fn add(text: Option<&Value>, more: &Value) -> Value {
    let text = text.filter(|text| js::truthy(Some(text))).map(js::to_text).unwrap_or_default();
    Value::String(text + &js::to_text(more))
}

pub(super) fn when_true(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| js::truthy(Some(value)))
}

pub(super) fn parsed(text: Option<&Value>) -> Result<(), Stop> {
    let text = text.map(js::to_text).unwrap_or_default();
    js::parse(&text).map(|_| ()).ok_or_else(|| Stop::raises("SyntaxError", ""))
}

pub(super) fn refuse_cut(finish_reason: Option<&Value>) -> Result<(), Stop> {
    match finish_reason.and_then(Value::as_str) {
        Some("length") => Err(Stop::raises(
            "LengthFinishReasonError",
            "Could not parse response content as the length limit was reached",
        )),
        Some("content_filter") => Err(Stop::raises(
            "ContentFilterFinishReasonError",
            "Could not parse response content as the request was rejected by the content filter",
        )),
        _ => Ok(()),
    }
}

/// The fields of a delta that are put together; the others overwrite.
const JOINED: [&str; 6] = ["audio", "content", "refusal", "function_call", "role", "tool_calls"];

impl Choice {
    pub(super) fn add(&mut self, piece: &Value, strict_tools: &[String]) -> Result<(), Stop> {
        if let Some(logprobs) = when_true(piece.get("logprobs")) {
            let extends = when_true(logprobs.get("content")).is_some()
                || when_true(logprobs.get("refusal")).is_some();
            if self.logprobs_are_text && (logprobs.is_string() || extends) {
                return Err(Stop::raises("TypeError", "Cannot assign to read only property"));
            }
            for name in ["content", "refusal"] {
                if let Some(list) = when_true(logprobs.get(name)) {
                    iterate(Some(list), name)?;
                }
            }
        }
        if let Some(reason) = when_true(piece.get("finish_reason")) {
            self.finish_reason = Some(reason.clone());
            if !strict_tools.is_empty() {
                refuse_cut(Some(reason))?;
            }
        }
        if let Some(message) = piece.get("message") {
            self.message = match message {
                Value::Object(message) => Some(Message::of(message)),
                // A list takes fields as an object does.
                Value::Array(_) => Some(Message::default()),
                _ => None,
            };
        }
        let Some(delta) = when_true(piece.get("delta")) else { return Ok(()) };
        let message = self
            .message
            .as_mut()
            .ok_or_else(|| Stop::raises("TypeError", "Cannot convert undefined to object"))?;
        message.add(delta)
    }

    /// The event at the end of a call, when another begins or the choice is finished.
    pub(super) fn call_done(&self, index: &Value, strict_tools: &[String]) -> Result<(), Stop> {
        let calls = self.message.as_ref().and_then(|message| message.calls.as_ref());
        let call = calls
            .and_then(|calls| calls.get(&js::to_text(index)))
            .ok_or_else(|| Stop::raises("Error", "no tool call snapshot"))?;
        if !js::truthy(call.kind.as_ref()) {
            return Err(Stop::raises("Error", "tool call snapshot missing `type`"));
        }
        if call.kind != Some("function".into()) {
            return Ok(());
        }
        let function = call.function.as_ref().ok_or_else(|| of_undefined("name"))?;
        let name = function.name.as_ref().and_then(Value::as_str).unwrap_or_default();
        if strict_tools.iter().any(|strict| strict == name) {
            parsed(function.arguments.as_ref())?;
        }
        Ok(())
    }

    /// The choice of the completion. A stream of audio may end without a finish reason; the lens
    /// does not know audio.
    pub(super) fn finish(&self) -> Result<Value, Stop> {
        let index = self.index.as_ref().map_or_else(|| "undefined".to_owned(), js::to_text);
        let message = self.message.as_ref().ok_or_else(|| of_undefined("content"))?;
        let finish_reason = when_true(self.finish_reason.as_ref())
            .ok_or_else(|| own(format!("missing finish_reason for choice {index}")))?;
        if !js::truthy(message.fields.get("role")) {
            return Err(own(format!("missing role for choice {index}")));
        }
        let mut made = message.fields.clone();
        if let Some(call) = when_true(made.get("function_call")) {
            for (name, there) in [
                ("arguments", property(call, "arguments").is_some()),
                ("name", js::truthy(call.get("name"))),
            ] {
                if !there {
                    return Err(own(format!("missing function_call.{name} for choice {index}")));
                }
            }
        } else if let Some(calls) = &message.calls {
            let mut list = Vec::new();
            for (at, call) in &calls.items {
                list.push(call.finish(&index, *at)?);
            }
            made.insert("tool_calls".to_owned(), Value::Array(list));
        }
        let mut choice = Map::new();
        choice.insert("message".to_owned(), Value::Object(made));
        choice.insert("finish_reason".to_owned(), finish_reason.clone());
        Ok(Value::Object(choice))
    }

    /// The loop over the calls of a finished choice.
    pub(super) fn check_calls(&self, made: &Value) -> Result<(), Stop> {
        if made.pointer("/message/tool_calls").is_none() {
            return Ok(());
        }
        let calls = self.message.as_ref().and_then(|message| message.calls.as_ref());
        let Some(calls) = calls else { return Ok(()) };
        for (position, call) in (0..).zip(&calls.items) {
            if *call.0 != position {
                return Err(of_undefined("type"));
            }
            if call.1.kind != Some("function".into()) {
                let kind = key(call.1.kind.as_ref());
                return Err(own(format!(
                    "Currently only `function` tool calls are supported; Received `{kind}`"
                )));
            }
        }
        Ok(())
    }
}

impl Message {
    /// A message that came whole.
    fn of(message: &Map<String, Value>) -> Self {
        let mut fields = message.clone();
        let calls = fields.remove("tool_calls").and_then(|calls| match calls {
            Value::Array(calls) => {
                let calls = calls.iter().map(ToolCall::of);
                Some(Slots { items: (0..).zip(calls).collect(), properties: BTreeMap::new() })
            }
            _ => None,
        });
        Self { fields, calls }
    }

    fn add(&mut self, delta: &Value) -> Result<(), Stop> {
        let others = delta.as_object().into_iter().flatten();
        for (name, value) in others.filter(|(name, _)| !JOINED.contains(&name.as_str())) {
            self.fields.insert(name.clone(), value.clone());
        }
        for name in ["refusal", "content"] {
            if let Some(more) = when_true(delta.get(name)) {
                let text = add(self.fields.get(name), more);
                self.fields.insert(name.to_owned(), text);
            }
        }
        if let Some(role) = when_true(delta.get("role")) {
            self.fields.insert("role".to_owned(), role.clone());
        }
        if let Some(call) = when_true(delta.get("function_call")) {
            self.function_call(call);
        }
        let Some(fragments) = when_true(delta.get("tool_calls")) else { return Ok(()) };
        let calls = self.calls.get_or_insert_default();
        for fragment in iterate(Some(fragments), "tool_calls")?.iter() {
            if fragment.is_null() {
                return Err(Stop::raises("TypeError", "Cannot destructure null"));
            }
            calls.entry(&key(fragment.get("index")), ToolCall::default).add(fragment);
        }
        Ok(())
    }

    fn function_call(&mut self, call: &Value) {
        match self.fields.get_mut("function_call") {
            Some(Value::Object(known)) => {
                if let Some(name) = when_true(call.get("name")) {
                    known.insert("name".to_owned(), name.clone());
                }
                if let Some(more) = when_true(call.get("arguments")) {
                    let text = add(known.get("arguments"), more);
                    known.insert("arguments".to_owned(), text);
                }
            }
            _ => {
                self.fields.insert("function_call".to_owned(), call.clone());
            }
        }
    }
}

impl ToolCall {
    /// A call that came whole.
    fn of(call: &Value) -> Self {
        let function = property(call, "function").map(|function| Function {
            name: function.get("name").cloned(),
            arguments: function.get("arguments").cloned(),
        });
        Self { id: call.get("id").cloned(), kind: call.get("type").cloned(), function }
    }

    fn add(&mut self, fragment: &Value) {
        if let Some(id) = when_true(fragment.get("id")) {
            self.id = Some(id.clone());
        }
        if let Some(kind) = when_true(fragment.get("type")) {
            self.kind = Some(kind.clone());
        }
        let Some(more) = when_true(fragment.get("function")) else { return };
        let function = self.function.get_or_insert_with(|| Function {
            name: Some(property(more, "name").cloned().unwrap_or_else(|| "".into())),
            arguments: Some("".into()),
        });
        if let Some(name) = when_true(more.get("name")) {
            function.name = Some(name.clone());
        }
        if let Some(more) = when_true(more.get("arguments")) {
            function.arguments = Some(add(function.arguments.as_ref(), more));
        }
    }

    fn finish(&self, choice: &str, at: u32) -> Result<Value, Stop> {
        let present = |value: &Option<Value>| value.clone().filter(|value| !value.is_null());
        let function = self.function.clone().unwrap_or_default();
        let missing = |name| own(format!("missing choices[{choice}].tool_calls[{at}].{name}"));
        let kind = present(&self.kind).ok_or_else(|| missing("type"))?;
        let name = present(&function.name).ok_or_else(|| missing("function.name"))?;
        let arguments =
            present(&function.arguments).ok_or_else(|| missing("function.arguments"))?;
        let id = when_true(self.id.as_ref()).cloned().unwrap_or_else(|| MADE_UP_ID.into());
        Ok(serde_json::json!({
            "id": id,
            "type": kind,
            "function": {"name": name, "arguments": arguments},
        }))
    }
}
