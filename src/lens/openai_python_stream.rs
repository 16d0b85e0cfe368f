//! openai-python's `stream()` helper, read with `get_final_completion()`.
//!
//! The helper keeps a snapshot of the completion and adds every chunk to it by rules that are
//! stricter than those of the plain iteration, and partly stranger: positions in lists stand for
//! indexes, texts that are set once are added up when they come again, the usage is the last
//! chunk's whatever it is, and arguments of strict tools are parsed on the way. What it does not
//! expect ends in whatever exception Python comes to.

mod list;
mod snapshot;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use self::list::{item, iterated, iterated_or_none, position};
use self::snapshot::{append, first, merge, normal};
use super::decode::json::{self, Prefix};
use super::decode::python::{Item, Major, attribute, stream, truthy};
use super::openai_python::{OBJECTS, stopped};
use super::{Answer, Lens, Surface, Taken};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "openai-python-stream",
    title: "openai-python, stream() and get_final_completion()",
    package: "openai",
    version: "3.54.0",
    names: ["openai-python", "openai-python .stream()"],
    surface: Surface::Stream,
    read,
};

/// The class of the exception that Python comes to.
type Raised = &'static str;

const LENGTH: Raised = "openai.LengthFinishReasonError";
const FILTER: Raised = "openai.ContentFilterFinishReasonError";
const ATTRIBUTE: Raised = "AttributeError";
const TYPE: Raised = "TypeError";
const INDEX: Raised = "IndexError";
const ASSERTION: Raised = "AssertionError";
const NOT_JSON: Raised = "json.JSONDecodeError";

fn read(exchange: &Exchange) -> Taken {
    let items = match stream(exchange, Major::Three) {
        Ok(items) => items,
        Err(stop) => return stopped(stop, Answer::default()),
    };
    let mut state = State::of(exchange);
    for item in items {
        match item {
            Item::Data(chunk) => {
                if let Err(exception) = state.chunk(&chunk) {
                    return Taken::raises(exception, "", Answer::default());
                }
            }
            Item::Stops(stop) => return stopped(stop, Answer::default()),
        }
    }
    match state.finish() {
        Ok(completion) => Taken::returns(OBJECTS.answer(&completion)),
        Err(exception) => Taken::raises(exception, "", Answer::default()),
    }
}

/// Names of the request's strict tools: only their arguments are parsed.
fn strict_tools(exchange: &Exchange) -> Vec<String> {
    let body: Value = serde_json::from_slice(&exchange.request.body).unwrap_or_default();
    let tools = body.get("tools").and_then(Value::as_array);
    let strict = tools.into_iter().flatten().filter_map(|tool| {
        let function = tool.get("function")?;
        let is_strict = function.get("strict").is_some_and(truthy);
        function.get("name").filter(|_| is_strict)?.as_str().map(str::to_owned)
    });
    strict.collect()
}

/// The completion so far.
#[derive(Default)]
pub(super) struct State {
    strict: Vec<String>,
    /// The choices of the snapshot, by position.
    choices: Option<Vec<Value>>,
    usage: Value,
    /// Which calls were told to be done, by position.
    progress: Vec<Progress>,
}

#[derive(Default)]
struct Progress {
    current: Option<i64>,
    done: BTreeSet<i64>,
}

impl State {
    /// Nothing yet of the answer to a request.
    pub(super) fn of(exchange: &Exchange) -> Self {
        Self { strict: strict_tools(exchange), ..Self::default() }
    }

    /// Adds a chunk to the snapshot.
    pub(super) fn chunk(&mut self, chunk: &Value) -> Result<(), Raised> {
        if !chunk.is_object() {
            return Err(ATTRIBUTE);
        }
        if attribute(chunk, "object").is_none_or(|object| object != "chat.completion.chunk") {
            return Ok(());
        }
        if self.choices.is_none() {
            self.choices = Some(first(chunk)?);
        } else {
            for choice in iterated(attribute(chunk, "choices"))? {
                self.add(choice)?;
            }
        }
        self.usage = chunk.get("usage").cloned().unwrap_or_default();
        for choice in iterated(attribute(chunk, "choices"))? {
            self.events(choice)?;
        }
        Ok(())
    }

    /// Adds a choice of a later chunk to the snapshot.
    fn add(&mut self, choice: &Value) -> Result<(), Raised> {
        let choices = self.choices.get_or_insert_default();
        let position = match position(attribute(choice, "index"), choices.len()) {
            Ok(position) => match merge(choices.get(position), choice) {
                Ok(message) => {
                    put(choices, position, "message", message);
                    position
                }
                Err(INDEX) => append(choices, choice)?,
                Err(other) => return Err(other),
            },
            Err(INDEX) => append(choices, choice)?,
            Err(other) => return Err(other),
        };
        if let Some(reason) = attribute(choice, "finish_reason").filter(|reason| truthy(reason)) {
            put(choices, position, "finish_reason", reason.clone());
            if !self.strict.is_empty() {
                if reason == "length" {
                    return Err(LENGTH);
                }
                if reason == "content_filter" {
                    return Err(FILTER);
                }
            }
        }
        let message = choices.get(position).and_then(|choice| attribute(choice, "message"));
        let calls = message.and_then(|message| attribute(message, "tool_calls"));
        let delta = attribute(choice, "delta").map(normal).unwrap_or_default();
        for fragment in iterated_or_none(attribute(&delta, "tool_calls"))? {
            let list = calls.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let call = item(list, attribute(fragment, "index"))?;
            parse_partly(&self.strict, call)?;
        }
        Ok(())
    }

    /// The events that a chunk fires once it is in the snapshot.
    fn events(&mut self, choice: &Value) -> Result<(), Raised> {
        let index = attribute(choice, "index");
        let at = match position(index, self.progress.len()) {
            Ok(at) => at,
            Err(INDEX) => {
                self.progress.push(Progress::default());
                self.progress.len() - 1
            }
            Err(other) => return Err(other),
        };
        let snapshot = item(self.choices.as_deref().unwrap_or_default(), index)?.clone();
        let message = attribute(&snapshot, "message");
        let calls = message.and_then(|message| attribute(message, "tool_calls"));
        let delta = normal(attribute(choice, "delta").ok_or(ATTRIBUTE)?);
        let fragments = iterated_or_none(attribute(&delta, "tool_calls"))?;
        for fragment in fragments {
            let call = item(
                calls.and_then(Value::as_array).ok_or(ASSERTION)?,
                attribute(fragment, "index"),
            )?;
            if attribute(call, "type").is_some_and(|kind| kind == "function") {
                attribute(fragment, "function").ok_or(ASSERTION)?;
                attribute(call, "function").ok_or(ATTRIBUTE)?;
            }
        }
        let mut progress = std::mem::take(self.progress.get_mut(at).ok_or(INDEX)?);
        let finished = attribute(&snapshot, "finish_reason").is_some_and(truthy);
        if let Some(current) = progress.current.filter(|_| finished) {
            self.done(&mut progress, calls, current)?;
        }
        for fragment in fragments {
            let index = attribute(fragment, "index").and_then(Value::as_i64);
            if let Some(current) = progress.current.filter(|current| Some(*current) != index) {
                self.done(&mut progress, calls, current)?;
            }
            progress.current = index;
        }
        *self.progress.get_mut(at).ok_or(INDEX)? = progress;
        Ok(())
    }

    fn done(
        &self,
        progress: &mut Progress,
        calls: Option<&Value>,
        index: i64,
    ) -> Result<(), Raised> {
        if !progress.done.insert(index) {
            return Ok(());
        }
        let calls = calls.and_then(Value::as_array).ok_or(ASSERTION)?;
        let call = item(calls, Some(&Value::from(index)))?;
        if attribute(call, "type").is_some_and(|kind| kind == "function") {
            self.parse(attribute(call, "function").ok_or(ATTRIBUTE)?)?;
        }
        Ok(())
    }

    /// The whole arguments of a strict tool are parsed.
    fn parse(&self, function: &Value) -> Result<(), Raised> {
        if !is_strict(&self.strict, function) {
            return Ok(());
        }
        let arguments = attribute(function, "arguments").and_then(Value::as_str).ok_or(TYPE)?;
        json::python(arguments).map(|_| ()).ok_or(NOT_JSON)
    }

    /// The completion, once the stream is at its end.
    pub(super) fn finish(mut self) -> Result<Value, Raised> {
        let mut choices = self.choices.take().ok_or(ASSERTION)?;
        for choice in &mut choices {
            match attribute(choice, "finish_reason").and_then(Value::as_str) {
                Some("length") => return Err(LENGTH),
                Some("content_filter") => return Err(FILTER),
                _ => {}
            }
            let message = attribute(choice, "message").ok_or(ATTRIBUTE)?;
            let mut kept = Vec::new();
            for call in iterated_or_none(attribute(message, "tool_calls"))? {
                match attribute(call, "type").and_then(Value::as_str) {
                    Some("function") => {
                        let function = attribute(call, "function").ok_or(ATTRIBUTE)?;
                        self.parse(function)?;
                        kept.push(call.clone());
                    }
                    Some("custom") => {}
                    _ => kept.push(call.clone()),
                }
            }
            if let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) {
                message.insert("tool_calls".to_owned(), Value::Array(kept));
            }
        }
        let mut completion = Map::new();
        completion.insert("choices".to_owned(), Value::Array(choices));
        completion.insert("usage".to_owned(), self.usage);
        Ok(Value::Object(completion))
    }
}

/// The arguments so far of a strict tool are parsed as far as they go.
fn parse_partly(strict: &[String], call: &Value) -> Result<(), Raised> {
    if attribute(call, "type").is_none_or(|kind| kind != "function") {
        return Ok(());
    }
    let function = attribute(call, "function").ok_or(ATTRIBUTE)?;
    let arguments = attribute(function, "arguments").filter(|value| truthy(value));
    let (true, Some(arguments)) = (is_strict(strict, function), arguments) else { return Ok(()) };
    let arguments = arguments.as_str().ok_or(TYPE)?;
    match json::prefix(arguments) {
        Prefix::Wrong => Err("ValueError"),
        Prefix::Whole | Prefix::Open => Ok(()),
    }
}

fn is_strict(strict: &[String], function: &Value) -> bool {
    attribute(function, "name").is_some_and(|name| strict.iter().any(|known| name == known))
}

fn put(choices: &mut [Value], at: usize, key: &str, value: Value) {
    if let Some(choice) = choices.get_mut(at).and_then(Value::as_object_mut) {
        choice.insert(key.to_owned(), value);
    }
}
