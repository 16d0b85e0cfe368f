//! The reference accumulator: a chat completion rebuilt from the chunks of its stream.
//!
//! # Rules
//!
//! Pieces are placed by their `index` and by nothing else, and nothing is guessed: what cannot be
//! placed, or has the wrong type, is left out and recorded as an [`AssemblyFault`]. Chunks count up
//! to `[DONE]`.
//!
//! - **Top level.** `id`, `created` and `model`: the first value that is neither null nor an empty
//!   string (Azure's first chunk has empty ones). `usage`, `system_fingerprint` and `service_tier`:
//!   the last that is not null. `object` is `chat.completion`, or `text_completion` if the chunks
//!   say so. Other keys are left out.
//! - **Choices** are joined by `index` and stand in its order. An empty `choices` is fine (the
//!   usage chunk has one); a missing or null one is a fault, except beside an `error`.
//! - **`delta`** must be an object. `role`: set once. `content`, `refusal`, `reasoning` and
//!   `reasoning_content`: strings, joined; null says nothing. `content` is always there, null if no
//!   string ever came; the others are there if the stream had the key.
//! - **`tool_calls`** are joined by their own `index` and stand in its order. `id`, `type` and the
//!   function's `name` are set once; null and the empty string say nothing. `arguments` (and the
//!   `input` of a custom tool) are strings, joined. The index itself is dropped: a plain answer has
//!   none. The legacy `function_call` follows the same rules.
//! - **`finish_reason`**: the last that is not null; a second one is a fault. **`logprobs`**: the
//!   arrays in it are joined key by key.
//! - **Legacy completions**: `text` directly in the choice is joined, and such a choice has no
//!   message.
//!
//! A value that is set once and comes again is a fault: if it is equal, [`Problem::Repeated`]; if
//! not, [`Problem::Changed`] and the first is kept.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::choice::Choice;
use super::fault::{AssemblyFault, Kind, Problem, Want};
use super::reading::Chunk;
use crate::text::ellipsis;

/// What [`assemble`] made of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Assembly {
    /// The completion; `None` if no chunk had an array of choices.
    pub value: Option<Value>,
    /// What could not be put together, in order.
    pub faults: Vec<AssemblyFault>,
}

/// Rebuilds a completion from its chunks, by the rules above.
pub fn assemble<'a>(chunks: impl IntoIterator<Item = &'a Chunk>) -> Assembly {
    let mut accumulator = Accumulator::default();
    for chunk in chunks {
        accumulator.add(chunk);
    }
    accumulator.finish()
}

#[derive(Default)]
struct Accumulator {
    top: Map<String, Value>,
    legacy: bool,
    has_choices: bool,
    choices: BTreeMap<u64, Choice>,
    faults: Faults,
}

/// Faults of the event being read.
#[derive(Default)]
pub(super) struct Faults {
    event: usize,
    list: Vec<AssemblyFault>,
}

impl Faults {
    pub(super) fn push(&mut self, pointer: impl Into<String>, problem: Problem) {
        self.list.push(problem.at(self.event, pointer));
    }

    pub(super) fn mistyped(
        &mut self,
        pointer: impl Into<String>,
        want: Want,
        seen: Option<&Value>,
    ) {
        self.push(pointer, Problem::Mistyped { want, seen: Kind::of(seen) });
    }
}

impl Accumulator {
    fn add(&mut self, chunk: &Chunk) {
        self.faults.event = chunk.event;
        let Some(object) = chunk.value.as_object() else { return };
        for key in ["id", "created", "model"] {
            if let Some(value) = object.get(key).filter(|v| !v.is_null() && *v != "") {
                self.top.entry(key).or_insert_with(|| value.clone());
            }
        }
        for key in ["system_fingerprint", "service_tier", "usage"] {
            if let Some(value) = object.get(key).filter(|value| !value.is_null()) {
                self.top.insert(key.to_owned(), value.clone());
            }
        }
        self.legacy |= object.get("object").is_some_and(|value| value == "text_completion");
        let error = object.get("error").filter(|error| !error.is_null());
        if let Some(error) = error {
            let message = error.get("message").unwrap_or(error).as_str().unwrap_or_default();
            self.faults.push("/error", Problem::Error { message: ellipsis(message, 120) });
        }
        match object.get("choices") {
            Some(Value::Array(choices)) => {
                self.has_choices = true;
                for (position, choice) in choices.iter().enumerate() {
                    self.choice(choice, &format!("/choices/{position}"));
                }
            }
            None | Some(Value::Null) if error.is_some() => {}
            other => self.faults.mistyped("/choices", Want::Array, other),
        }
    }

    fn choice(&mut self, choice: &Value, pointer: &str) {
        let Some(choice) = choice.as_object() else {
            return self.faults.mistyped(pointer, Want::Object, Some(choice));
        };
        let Some(index) = choice.get("index").and_then(Value::as_u64) else {
            let seen = choice.get("index");
            return self.faults.mistyped(format!("{pointer}/index"), Want::Index, seen);
        };
        self.choices.entry(index).or_default().add(choice, pointer, &mut self.faults);
    }

    fn finish(self) -> Assembly {
        let Self { mut top, legacy, has_choices, choices, faults } = self;
        let value = has_choices.then(|| {
            let mut completion = Map::new();
            completion.extend(top.remove("id").map(|id| ("id".to_owned(), id)));
            let object = if legacy { "text_completion" } else { "chat.completion" };
            completion.insert("object".to_owned(), json!(object));
            let usage = top.remove("usage");
            completion.append(&mut top);
            let choices = choices.into_iter().map(|(index, choice)| choice.finish(index)).collect();
            completion.insert("choices".to_owned(), Value::Array(choices));
            completion.extend(usage.map(|usage| ("usage".to_owned(), usage)));
            Value::Object(completion)
        });
        Assembly { value, faults: faults.list }
    }
}
