//! What a careful caller makes of what a client hands on as the wire has it.
//!
//! Joining the chunks of a stream is the caller's work with such a client. They are joined as the
//! packages' guides do: choices by `index`, text added up, a tool call's id and name from its first
//! fragment that has them and its arguments added up by the call's `index`.

use serde_json::Value;

use super::decode::json::member;
use super::{Answer, Call, Usage};

/// Where the objects of the clients' languages differ.
pub(super) struct Objects {
    /// Token counts as they can be read.
    pub(super) usage: fn(&Value) -> Option<Usage>,
    /// Which choice a choice of a chunk belongs to, by its `index`; `0` for the first.
    pub(super) choice: fn(&Value) -> String,
    /// Which call each fragment of one delta belongs to.
    pub(super) calls: fn(&[&Value]) -> Vec<String>,
}

/// The items of a list; none if it is no list.
pub(super) fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// A member that is a text.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    member(value, name).and_then(Value::as_str).map(str::to_owned)
}

/// The reasoning of a message or a delta, by either of its names.
pub(super) fn reasoning(message: &Value) -> Option<String> {
    text(message, "reasoning_content").or_else(|| text(message, "reasoning"))
}

/// The index of a choice or a call, whatever it is; null if there is none.
pub(super) fn index(value: &Value) -> Value {
    member(value, "index").cloned().unwrap_or_default()
}

/// Token counts as they came.
pub(super) fn raw_usage(usage: &Value) -> Option<Usage> {
    usage.is_object().then(|| {
        let count = |name| member(usage, name).cloned().unwrap_or_default();
        Usage {
            prompt_tokens: count("prompt_tokens"),
            completion_tokens: count("completion_tokens"),
            total_tokens: count("total_tokens"),
        }
    })
}

impl Objects {
    /// What a caller reads from a completion.
    pub(super) fn answer(&self, completion: &Value) -> Answer {
        let mut answers = items(member(completion, "choices")).map(|choice| {
            let message = member(choice, "message").unwrap_or(&Value::Null);
            Answer {
                text: text(message, "content"),
                reasoning: reasoning(message),
                tool_calls: items(member(message, "tool_calls")).map(call).collect(),
                finish_reason: text(choice, "finish_reason"),
                ..Answer::default()
            }
        });
        let mut first = answers.next().unwrap_or_default();
        first.others = answers.collect();
        first.usage = member(completion, "usage").and_then(self.usage);
        first
    }

    /// No chunk yet.
    pub(super) const fn join(&self) -> Joined<'_> {
        Joined { objects: self, choices: Vec::new(), usage: None }
    }
}

fn call(call: &Value) -> Call {
    let function = member(call, "function").unwrap_or(&Value::Null);
    Call {
        id: text(call, "id"),
        name: text(function, "name"),
        arguments: member(function, "arguments").cloned().unwrap_or_default(),
    }
}

/// The chunks of a stream as a caller joins them.
pub(super) struct Joined<'a> {
    objects: &'a Objects,
    choices: Vec<(String, Choice)>,
    usage: Option<Usage>,
}

#[derive(Default)]
struct Choice {
    answer: Answer,
    calls: Vec<(String, Call)>,
}

impl Joined<'_> {
    /// Adds a chunk.
    pub(super) fn add(&mut self, chunk: &Value) {
        let objects = self.objects;
        self.usage = member(chunk, "usage").and_then(objects.usage).or(self.usage.take());
        for choice in items(member(chunk, "choices")).filter(|choice| choice.is_object()) {
            entry(&mut self.choices, (objects.choice)(choice)).add(choice, objects);
        }
    }

    /// What the caller has by now: the choice with the index 0 first, then the others as they came.
    pub(super) fn finish(self) -> Answer {
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

fn entry<T: Default>(list: &mut Vec<(String, T)>, key: String) -> &mut T {
    let at = list.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
        list.push((key, T::default()));
        list.len() - 1
    });
    &mut list.get_mut(at).expect("it was found or just added").1
}

impl Choice {
    fn add(&mut self, choice: &Value, objects: &Objects) {
        let Self { answer, calls } = self;
        if let Some(reason) = text(choice, "finish_reason") {
            answer.finish_reason = Some(reason);
        }
        let Some(delta) = member(choice, "delta") else { return };
        if let Some(content) = text(delta, "content") {
            answer.text.get_or_insert_default().push_str(&content);
        }
        if let Some(content) = reasoning(delta) {
            answer.reasoning.get_or_insert_default().push_str(&content);
        }
        let fragments: Vec<&Value> =
            items(member(delta, "tool_calls")).filter(|part| part.is_object()).collect();
        for (fragment, key) in fragments.iter().zip((objects.calls)(&fragments)) {
            let call = entry(calls, key);
            let function = member(fragment, "function").unwrap_or(&Value::Null);
            call.id = call.id.take().or_else(|| text(fragment, "id"));
            call.name = call.name.take().or_else(|| text(function, "name"));
            match (member(function, "arguments"), &mut call.arguments) {
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
