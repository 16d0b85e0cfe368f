//! openai-python, called plainly: `create(…)`, and `create(…, stream=True)` iterated.
//!
//! The package builds its models without validation and hands over what the wire has. Joining the
//! chunks of a stream is the caller's work; the lens joins them the way the package's own guide
//! does: choices by `index`, text added up, a tool call's id and name from its first fragment and
//! its arguments added up by the call's `index`.

use serde_json::Value;

use super::decode::python::{Item, Major, Stop, attribute, lax_int, plain, stream};
use super::{Answer, Call, Lens, Surface, Taken, Usage};
use crate::lens::Asked;
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "openai-python",
    title: "openai-python, create() and create(stream=True)",
    package: "openai",
    version: "3.54.0",
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
        Stop::Raises(exception, message, _) => Taken::raises(exception, message, answer),
        Stop::Hangs => Taken::hangs(answer),
    }
}

/// A completion's attributes as a caller reads them.
pub(super) fn answer(completion: &Value) -> Answer {
    let choices = attribute(completion, "choices").and_then(Value::as_array);
    let mut answers = choices.into_iter().flatten().map(|choice| {
        let message = attribute(choice, "message").unwrap_or(&Value::Null);
        let calls = attribute(message, "tool_calls").and_then(Value::as_array);
        Answer {
            text: text(message, "content"),
            reasoning: reasoning(message),
            tool_calls: calls.into_iter().flatten().map(call).collect(),
            finish_reason: text(choice, "finish_reason"),
            ..Answer::default()
        }
    });
    let mut first = answers.next().unwrap_or_default();
    first.others = answers.collect();
    first.usage = attribute(completion, "usage").and_then(usage);
    first
}

fn call(call: &Value) -> Call {
    let function = attribute(call, "function").unwrap_or(&Value::Null);
    Call {
        id: text(call, "id"),
        name: text(function, "name"),
        arguments: attribute(function, "arguments").cloned().unwrap_or_default(),
    }
}

pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    attribute(value, name).and_then(Value::as_str).map(str::to_owned)
}

pub(super) fn reasoning(message: &Value) -> Option<String> {
    text(message, "reasoning_content").or_else(|| text(message, "reasoning"))
}

const COUNTS: [&str; 3] = ["prompt_tokens", "completion_tokens", "total_tokens"];

/// Token counts. If all three read as whole numbers they are handed over as such, else as they
/// came.
pub(super) fn usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then_some(())?;
    let raw = COUNTS.map(|name| attribute(usage, name).cloned().unwrap_or_default());
    let whole: Vec<Value> = raw.iter().filter_map(lax_int).map(Value::from).collect();
    let [prompt_tokens, completion_tokens, total_tokens] = whole.try_into().unwrap_or(raw);
    Some(Usage { prompt_tokens, completion_tokens, total_tokens })
}

fn streamed(exchange: &Exchange) -> Taken {
    let items = match stream(exchange, Major::Three) {
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
    choices: Vec<(Value, Choice)>,
    usage: Option<Usage>,
}

#[derive(Default)]
struct Choice {
    answer: Answer,
    calls: Vec<(Value, Call)>,
}

impl Joined {
    fn add(&mut self, chunk: &Value) {
        self.usage = attribute(chunk, "usage").and_then(usage).or(self.usage.take());
        let choices = attribute(chunk, "choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten().filter(|choice| choice.is_object()) {
            let index = attribute(choice, "index").cloned().unwrap_or_default();
            entry(&mut self.choices, index).add(choice);
        }
    }

    fn finish(self) -> Answer {
        let mut choices = self.choices;
        if let Some(at) = choices.iter().position(|(index, _)| *index == 0) {
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

fn entry<T: Default>(list: &mut Vec<(Value, T)>, key: Value) -> &mut T {
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
        let Some(delta) = attribute(choice, "delta") else { return };
        if let Some(content) = text(delta, "content") {
            answer.text.get_or_insert_default().push_str(&content);
        }
        if let Some(content) = reasoning(delta) {
            answer.reasoning.get_or_insert_default().push_str(&content);
        }
        let fragments = attribute(delta, "tool_calls").and_then(Value::as_array);
        let fragments: Vec<&Value> =
            fragments.into_iter().flatten().filter(|fragment| fragment.is_object()).collect();
        let valid = fragments.iter().all(|fragment| is_valid(fragment));
        for fragment in fragments {
            let index = attribute(fragment, "index").cloned().unwrap_or_default();
            let index = if valid { lax_index(&index) } else { index };
            let call = entry(calls, index);
            let function = attribute(fragment, "function").unwrap_or(&Value::Null);
            call.id = call.id.take().or_else(|| text(fragment, "id"));
            call.name = call.name.take().or_else(|| text(function, "name"));
            match (attribute(function, "arguments"), &mut call.arguments) {
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

/// An index as pydantic makes it a number.
pub(super) fn lax_index(index: &Value) -> Value {
    lax_int(index).map_or_else(|| index.clone(), Value::from)
}

/// Whether pydantic would take a fragment of a call as it is; only then its index is made a number.
pub(super) fn is_valid(fragment: &Value) -> bool {
    let maybe_text = |value: &Value, name| attribute(value, name).is_none_or(Value::is_string);
    let function = attribute(fragment, "function");
    attribute(fragment, "index").and_then(lax_int).is_some()
        && maybe_text(fragment, "id")
        && attribute(fragment, "type").is_none_or(|kind| kind == "function")
        && function
            .is_none_or(|f| f.is_object() && maybe_text(f, "name") && maybe_text(f, "arguments"))
}
