//! openai-python's `stream()` helper, read with `get_final_completion()`.
//!
//! The helper keeps a snapshot of the completion and adds every chunk to it by rules that are
//! stricter than those of the plain iteration, and partly stranger: positions in lists stand for
//! indexes, texts that are set once are added up when they come again, the usage is the last
//! chunk's whatever it is, and arguments of strict tools are parsed on the way. What it does not
//! expect ends in whatever exception Python comes to.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::decode::json::{self, Prefix};
use super::decode::python::{Item, Major, attribute, stream, truthy};
use super::openai_python::{answer, is_valid, lax_index, stopped};
use super::{Answer, Lens, Surface, Taken};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "openai-python-stream",
    title: "openai-python, stream() and get_final_completion()",
    package: "openai",
    version: "3.54.0",
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
    let mut state = State { strict: strict_tools(exchange), ..State::default() };
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
        Ok(completion) => Taken::returns(answer(&completion)),
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
struct State {
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
    fn chunk(&mut self, chunk: &Value) -> Result<(), Raised> {
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

    fn finish(mut self) -> Result<Value, Raised> {
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

/// The choices of the first chunk, each put where its index says.
fn first(chunk: &Value) -> Result<Vec<Value>, Raised> {
    let listed = chunk.get("choices").ok_or("KeyError")?;
    let choices = listed.as_array().ok_or(TYPE)?;
    let mut snapshot = choices.clone();
    for choice in choices {
        let made = started(choice)?;
        let at = position(attribute(choice, "index"), choices.len())?;
        if let Some(place) = snapshot.get_mut(at) {
            *place = made;
        }
    }
    Ok(snapshot)
}

/// A choice of a chunk as a choice of the snapshot.
fn started(choice: &Value) -> Result<Value, Raised> {
    let mut made = choice.as_object().ok_or(ATTRIBUTE)?.clone();
    let delta = made.remove("delta").filter(Value::is_object).ok_or(ATTRIBUTE)?;
    let mut message = Map::new();
    accumulate(&mut message, normal(&delta).as_object().ok_or(ATTRIBUTE)?)?;
    made.insert("message".to_owned(), Value::Object(message));
    Ok(Value::Object(made))
}

fn append(choices: &mut Vec<Value>, choice: &Value) -> Result<usize, Raised> {
    choices.push(started(choice)?);
    Ok(choices.len() - 1)
}

/// The message of a choice of the snapshot with a delta added.
fn merge(kept: Option<&Value>, choice: &Value) -> Result<Value, Raised> {
    let message = kept.and_then(|kept| attribute(kept, "message")).ok_or(ATTRIBUTE)?;
    let delta = attribute(choice, "delta").filter(|delta| delta.is_object()).ok_or(ATTRIBUTE)?;
    let mut merged = message.as_object().ok_or(ATTRIBUTE)?.clone();
    accumulate(&mut merged, normal(delta).as_object().ok_or(ATTRIBUTE)?)?;
    let merged = Value::Object(merged);
    let before = iterated_or_none(attribute(message, "tool_calls"))?;
    let after = iterated_or_none(attribute(&merged, "tool_calls"))?;
    for (before, after) in before.iter().zip(after) {
        if attribute(before, "type").is_some_and(|kind| kind == "function") {
            if attribute(after, "type").is_none_or(|kind| kind != "function") {
                return Err(ASSERTION);
            }
            attribute(after, "function").ok_or(ATTRIBUTE)?;
        }
    }
    Ok(merged)
}

/// Adds a delta to what there is, key by key.
fn accumulate(kept: &mut Map<String, Value>, delta: &Map<String, Value>) -> Result<(), Raised> {
    for (key, more) in delta {
        if kept.get(key).is_none_or(Value::is_null) {
            if !has_indexes(more) {
                kept.insert(key.clone(), more.clone());
                continue;
            }
            kept.insert(key.clone(), Value::Array(Vec::new()));
        }
        if key == "index" || key == "type" {
            kept.insert(key.clone(), more.clone());
            continue;
        }
        match (kept.get_mut(key), more) {
            (Some(Value::String(text)), Value::String(more)) => text.push_str(more),
            (Some(Value::Object(kept)), Value::Object(more)) => accumulate(kept, more)?,
            (Some(Value::Array(list)), Value::Array(more)) => accumulate_list(list, more)?,
            (Some(kept @ Value::Number(_)), Value::Number(more)) => {
                let sum = kept.as_f64().unwrap_or_default() + more.as_f64().unwrap_or_default();
                *kept = Value::from(sum);
            }
            _ => {}
        }
    }
    Ok(())
}

fn accumulate_list(list: &mut Vec<Value>, more: &[Value]) -> Result<(), Raised> {
    let plain = list.iter().all(|item| item.is_string() || item.is_number() || item.is_boolean());
    if plain && (!list.is_empty() || !more.iter().any(|item| item.get("index").is_some())) {
        list.extend(more.iter().cloned());
        return Ok(());
    }
    for entry in more {
        let fragment = entry.as_object().ok_or(TYPE)?;
        let index = fragment.get("index").ok_or("RuntimeError")?;
        match position(Some(index), list.len()) {
            Ok(at) => {
                let kept = list.get_mut(at).and_then(Value::as_object_mut).ok_or(TYPE)?;
                accumulate(kept, fragment)?;
            }
            Err(INDEX) => list.push(entry.clone()),
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

fn has_indexes(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().any(|entry| entry.get("index").is_some()))
}

/// A delta with its calls' indexes as pydantic leaves them.
fn normal(delta: &Value) -> Value {
    let mut delta = delta.clone();
    if let Some(calls) = delta.get_mut("tool_calls").and_then(Value::as_array_mut)
        && calls.iter().all(is_valid)
    {
        for call in calls {
            if let Some(index) = call.get_mut("index") {
                *index = lax_index(index);
            }
        }
    }
    delta
}

/// Where Python's `list[index]` points.
fn position(index: Option<&Value>, len: usize) -> Result<usize, Raised> {
    let index = match index {
        Some(Value::Bool(index)) => i64::from(*index),
        Some(Value::Number(number)) => number.as_i64().ok_or(TYPE)?,
        _ => return Err(TYPE),
    };
    let from_end = usize::try_from(index.unsigned_abs()).map_err(|_| INDEX)?;
    let at = if index < 0 { len.checked_sub(from_end).ok_or(INDEX)? } else { from_end };
    if at < len { Ok(at) } else { Err(INDEX) }
}

fn item<'a>(list: &'a [Value], index: Option<&Value>) -> Result<&'a Value, Raised> {
    list.get(position(index, list.len())?).ok_or(INDEX)
}

/// What Python's `for` goes through.
fn iterated(value: Option<&Value>) -> Result<&[Value], Raised> {
    value.and_then(Value::as_array).map(Vec::as_slice).ok_or(TYPE)
}

/// What `for … in value or []` goes through.
fn iterated_or_none(value: Option<&Value>) -> Result<&[Value], Raised> {
    value.filter(|value| truthy(value)).map_or(Ok(&[]), |value| iterated(Some(value)))
}

fn put(choices: &mut [Value], at: usize, key: &str, value: Value) {
    if let Some(choice) = choices.get_mut(at).and_then(Value::as_object_mut) {
        choice.insert(key.to_owned(), value);
    }
}
