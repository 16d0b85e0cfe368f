//! openai-node, called plainly: `create(…)`, and `create({stream: true})` iterated.
//!
//! The package hands over what the wire has, without a look at it. Joining the chunks of a stream
//! is the caller's work; the lens joins them as a careful caller does: choices by `index`, text
//! added up, a tool call's id and name from the first fragment that has them and its arguments
//! added up by the call's `index`.

use serde_json::Value;

use super::decode::js::{self, Stop, property};
use super::decode::node::{Item, plain, stream};
use super::{Answer, Asked, Call, Lens, Surface, Taken, Usage};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "openai-node",
    title: "openai-node, create() and create({stream: true})",
    package: "openai",
    version: "6.49.0",
    surface: Surface::Both,
    read,
};

fn read(exchange: &Exchange) -> Taken {
    if Asked::of(exchange).is_some_and(|asked| asked.stream) {
        return streamed(exchange);
    }
    match plain(exchange) {
        Ok(completion) => Taken::returns(answer(&completion)),
        Err(stop) => stopped(stop, Answer::default()),
    }
}

/// How the call ends when reading stops.
pub(super) fn stopped(stop: Stop, answer: Answer) -> Taken {
    match stop {
        Stop::Raises(class, message) => Taken::raises(class, message, answer),
        Stop::Hangs => Taken::hangs(answer),
    }
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// A completion's properties as a caller reads them.
pub(super) fn answer(completion: &Value) -> Answer {
    let mut answers = items(property(completion, "choices")).map(|choice| {
        let message = property(choice, "message").unwrap_or(&Value::Null);
        Answer {
            text: text(message, "content"),
            reasoning: reasoning(message),
            tool_calls: items(property(message, "tool_calls")).map(call).collect(),
            finish_reason: text(choice, "finish_reason"),
            ..Answer::default()
        }
    });
    let mut first = answers.next().unwrap_or_default();
    first.others = answers.collect();
    first.usage = property(completion, "usage").and_then(usage);
    first
}

fn call(call: &Value) -> Call {
    let function = property(call, "function").unwrap_or(&Value::Null);
    Call {
        id: text(call, "id"),
        name: text(function, "name"),
        arguments: property(function, "arguments").cloned().unwrap_or_default(),
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    property(value, name).and_then(Value::as_str).map(str::to_owned)
}

fn reasoning(message: &Value) -> Option<String> {
    text(message, "reasoning_content").or_else(|| text(message, "reasoning"))
}

fn usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| {
        let count = |name| property(usage, name).cloned().unwrap_or_default();
        Usage {
            prompt_tokens: count("prompt_tokens"),
            completion_tokens: count("completion_tokens"),
            total_tokens: count("total_tokens"),
        }
    })
}

fn streamed(exchange: &Exchange) -> Taken {
    let items = match stream(exchange) {
        Ok(items) => items,
        Err(stop) => return stopped(stop, Answer::default()),
    };
    let mut joined = Joined::default();
    for item in items {
        match item {
            Item::Data(chunk) => joined.add(&chunk),
            Item::Stops(stop) => return stopped(stop, joined.finish()),
        }
    }
    Taken::returns(joined.finish())
}

/// The chunks of a stream as a caller joins them.
#[derive(Default)]
struct Joined {
    choices: Vec<(String, Choice)>,
    usage: Option<Usage>,
}

#[derive(Default)]
struct Choice {
    answer: Answer,
    calls: Vec<(String, Call)>,
}

impl Joined {
    fn add(&mut self, chunk: &Value) {
        self.usage = property(chunk, "usage").and_then(usage).or(self.usage.take());
        for choice in items(property(chunk, "choices")).filter(|choice| choice.is_object()) {
            entry(&mut self.choices, key(choice)).add(choice);
        }
    }

    fn finish(self) -> Answer {
        let mut choices = self.choices;
        if let Some(at) = choices.iter().position(|(key, _)| key == "0") {
            let first = choices.remove(at);
            choices.insert(0, first);
        }
        let mut answers = choices.into_iter().map(|(_, choice)| choice.finish());
        let mut first = answers.next().unwrap_or_default();
        first.others = answers.collect();
        first.usage = self.usage;
        first
    }
}

/// The index of a choice or a call, whatever it is.
fn key(value: &Value) -> String {
    js::stringify(value.get("index").unwrap_or(&Value::Null))
}

fn entry<T: Default>(list: &mut Vec<(String, T)>, key: String) -> &mut T {
    let at = list.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
        list.push((key, T::default()));
        list.len() - 1
    });
    &mut list.get_mut(at).expect("it was found or just added").1
}

impl Choice {
    fn add(&mut self, choice: &Value) {
        let Self { answer, calls } = self;
        if let Some(reason) = text(choice, "finish_reason") {
            answer.finish_reason = Some(reason);
        }
        let Some(delta) = property(choice, "delta") else { return };
        if let Some(content) = text(delta, "content") {
            answer.text.get_or_insert_default().push_str(&content);
        }
        if let Some(content) = reasoning(delta) {
            answer.reasoning.get_or_insert_default().push_str(&content);
        }
        for fragment in items(property(delta, "tool_calls")).filter(|part| part.is_object()) {
            let call = entry(calls, key(fragment));
            let function = property(fragment, "function").unwrap_or(&Value::Null);
            call.id = call.id.take().or_else(|| text(fragment, "id"));
            call.name = call.name.take().or_else(|| text(function, "name"));
            match (property(function, "arguments"), &mut call.arguments) {
                (Some(Value::String(more)), Value::String(arguments)) => arguments.push_str(more),
                (Some(more), arguments) => *arguments = more.clone(),
                (None, _) => {}
            }
        }
    }

    fn finish(self) -> Answer {
        let tool_calls = self.calls.into_iter().map(|(_, call)| call).collect();
        Answer { tool_calls, ..self.answer }
    }
}
