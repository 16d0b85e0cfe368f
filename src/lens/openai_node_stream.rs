//! openai-node's stream helper: `chat.completions.stream(…)` and `finalChatCompletion()`.
//!
//! The helper puts the chunks together itself: choices and tool calls into JavaScript arrays at
//! whatever `index` says, so that a missing index makes a property that no loop finds and a first
//! index of 1 leaves a hole; texts by `+=`, which takes any value; every other field of a delta,
//! reasoning among them, by overwriting. At the end it insists on a finish reason, a role, and a
//! type, a name and arguments for each call. What goes wrong inside is thrown as `OpenAIError`.

mod choice;
mod slots;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Map, Value};

use choice::{Choice, Message, iterate, parsed, refuse_cut, when_true};
use slots::{Slots, key};

use super::decode::js::{self, Stop, property};
use super::decode::node::{Item, stream};
use super::openai_node::{OBJECTS, stopped};
use super::{Answer, Lens, Surface, Taken};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "openai-node-stream",
    title: "openai-node, .stream() and finalChatCompletion()",
    package: "openai",
    version: "6.49.0",
    names: ["openai-node", "openai-node .stream()"],
    surface: Surface::Stream,
    read,
};

fn read(exchange: &Exchange) -> Taken {
    let mut helper = Helper::of(exchange);
    match helper.run(exchange) {
        Ok(completion) => Taken::returns(OBJECTS.answer(&completion)),
        Err(stop) => stopped(wrapped(stop), Answer { text: helper.content, ..Answer::default() }),
    }
}

/// The helper's own exceptions pass; any other becomes an `OpenAIError` with its text.
fn wrapped(stop: Stop) -> Stop {
    match stop {
        Stop::Raises("TypeError" | "SyntaxError" | "Error", message) => {
            Stop::raises("OpenAIError", message)
        }
        other => other,
    }
}

fn own(message: impl Into<String>) -> Stop {
    Stop::raises("OpenAIError", message)
}

fn of_undefined(name: &str) -> Stop {
    let message = format!("Cannot read properties of undefined (reading '{name}')");
    Stop::raises("TypeError", message)
}

/// `===`, where a list or an object is only ever itself.
fn same(one: &Value, other: Option<&Value>) -> bool {
    !(one.is_array() || one.is_object())
        && other.is_some_and(|other| js::stringify(one) == js::stringify(other))
}

/// What the helper holds while a stream arrives.
#[derive(Default)]
struct Helper {
    strict_tools: Vec<String>,
    wants_schema: bool,
    history_has_assistant: bool,
    snapshot: Option<Snapshot>,
    /// The text as the `content` event last gave it.
    content: Option<String>,
}

#[derive(Default)]
struct Snapshot {
    rest: Map<String, Value>,
    choices: Slots<Choice>,
}

impl Helper {
    fn of(exchange: &Exchange) -> Self {
        let request: Value = serde_json::from_slice(&exchange.request.body).unwrap_or_default();
        let list = |name| property(&request, name).and_then(Value::as_array).into_iter().flatten();
        let functions = list("tools").filter_map(|tool| property(tool, "function"));
        let strict =
            functions.filter(|function| property(function, "strict") == Some(&true.into()));
        Self {
            strict_tools: strict
                .filter_map(|function| property(function, "name")?.as_str().map(str::to_owned))
                .collect(),
            wants_schema: request.pointer("/response_format/type") == Some(&"json_schema".into()),
            history_has_assistant: list("messages").any(is_assistant),
            ..Self::default()
        }
    }

    fn run(&mut self, exchange: &Exchange) -> Result<Value, Stop> {
        for item in stream(exchange)? {
            match item {
                Item::Data(chunk) => self.take(&chunk)?,
                Item::Stops(stop) => return Err(stop),
            }
        }
        self.finish()
    }

    fn take(&mut self, chunk: &Value) -> Result<(), Stop> {
        self.accumulate(chunk)?;
        for choice in iterate(chunk.get("choices"), "chunk.choices")?.iter() {
            self.announce(choice)?;
        }
        Ok(())
    }

    fn accumulate(&mut self, chunk: &Value) -> Result<(), Stop> {
        if chunk.is_null() {
            return Err(Stop::raises("TypeError", "chunk is null"));
        }
        let known = self.snapshot.is_some();
        let snapshot = self.snapshot.get_or_insert_default();
        if !known || js::truthy(chunk.get("id")) {
            let fields = chunk.as_object().into_iter().flatten();
            let rest = fields.filter(|(name, _)| *name != "choices");
            snapshot.rest.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
        }
        for piece in iterate(chunk.get("choices"), "chunk.choices")?.iter() {
            if piece.is_null() {
                return Err(Stop::raises("TypeError", "Cannot destructure null"));
            }
            let index = piece.get("index");
            let choice = snapshot.choices.entry(&key(index), || Choice {
                index: index.cloned(),
                finish_reason: piece.get("finish_reason").cloned(),
                message: Some(Message::default()),
                current_call: None,
                logprobs_are_text: when_true(piece.get("logprobs")).is_some_and(Value::is_string),
            });
            choice.add(piece, &self.strict_tools)?;
        }
        Ok(())
    }

    /// The events of a chunk, which read what was just put together.
    fn announce(&mut self, piece: &Value) -> Result<(), Stop> {
        let Some(snapshot) = &mut self.snapshot else { return Ok(()) };
        let Some(choice) = snapshot.choices.get_mut(&key(piece.get("index"))) else {
            return Ok(());
        };
        let delta = piece.get("delta").unwrap_or(&Value::Null);
        let role = choice.message.as_ref().and_then(|message| message.fields.get("role"));
        if property(delta, "content").is_some() && role == Some(&"assistant".into()) {
            let content = choice.message.as_ref().and_then(|m| m.fields.get("content"));
            if let Some(content) = when_true(content) {
                self.content = content.as_str().map(str::to_owned).or(self.content.take());
            }
        }
        if js::truthy(choice.finish_reason.as_ref()) {
            choice.message.as_ref().ok_or_else(|| of_undefined("content"))?;
            if let Some(current) = &choice.current_call {
                choice.call_done(current, &self.strict_tools)?;
            }
        }
        let fragments = match delta.get("tool_calls") {
            None | Some(Value::Null) => Cow::default(),
            some => iterate(some, "delta.tool_calls")?,
        };
        for fragment in fragments.iter() {
            let index = fragment.get("index");
            if let Some(current) = choice.current_call.as_ref().filter(|c| !same(c, index)) {
                choice.call_done(current, &self.strict_tools)?;
            }
            choice.current_call = index.filter(|index| !index.is_null()).cloned();
        }
        for fragment in fragments.iter() {
            let calls = choice.message.as_ref().and_then(|message| message.calls.as_ref());
            let call = calls.and_then(|calls| calls.get(&key(fragment.get("index"))));
            let Some(call) = call.filter(|call| js::truthy(call.kind.as_ref())) else { continue };
            if call.kind == Some("function".into()) && call.function.is_none() {
                return Err(of_undefined("arguments"));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value, Stop> {
        let snapshot =
            self.snapshot.take().ok_or_else(|| own("request ended without sending any chunks"))?;
        let parses = !self.strict_tools.is_empty();
        let mut choices = Vec::new();
        for choice in snapshot.choices.items.values() {
            choices.push(choice.finish()?);
        }
        for (choice, made) in snapshot.choices.items.values().zip(&choices) {
            if parses {
                refuse_cut(made.get("finish_reason"))?;
            }
            choice.check_calls(made)?;
            if parses {
                self.parse(made)?;
            }
        }
        if snapshot.choices.has_holes() {
            return Err(of_undefined("message"));
        }
        let assistant = choices.first().and_then(|choice| choice.get("message"));
        if !self.history_has_assistant && !assistant.is_some_and(is_assistant) {
            let message = "stream ended without producing a ChatCompletionMessage with \
                           role=assistant";
            return Err(own(message));
        }
        let mut completion = snapshot.rest;
        completion.insert("choices".to_owned(), Value::Array(choices));
        Ok(Value::Object(completion))
    }

    /// What strict tools make the helper parse.
    fn parse(&self, choice: &Value) -> Result<(), Stop> {
        let message = choice.get("message").unwrap_or(&Value::Null);
        let calls = property(message, "tool_calls").and_then(Value::as_array);
        for function in calls.into_iter().flatten().filter_map(|call| property(call, "function")) {
            let name = property(function, "name").and_then(Value::as_str).unwrap_or_default();
            if self.strict_tools.iter().any(|strict| strict == name) {
                parsed(property(function, "arguments"))?;
            }
        }
        let refused = js::truthy(message.get("refusal"));
        match when_true(message.get("content")) {
            Some(content) if self.wants_schema && !refused => parsed(Some(content)),
            _ => Ok(()),
        }
    }
}

fn is_assistant(message: &Value) -> bool {
    message.get("role") == Some(&"assistant".into())
}
