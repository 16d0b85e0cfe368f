//! A stream, as the package's wrapper hands it on chunk by chunk.
//!
//! The wrapper looks at the first choice of each chunk to decide whether the chunk says anything.
//! Finish reasons are taken out of the chunks and come again with a chunk of their own, for the
//! first choice alone; at the end comes a chunk with token counts if they were asked for, computed
//! over all chunks.

use serde_json::{Map, Value, json};

use super::model::{Invalid, counts, delta, finish_reason, usage};
use super::raised::{Fault, refused};
use crate::lens::caller::Joined;
use crate::lens::decode::python::{Item, Major, Stop, attribute, stream, truthy};
use crate::lens::openai_python::OBJECTS;
use crate::lens::{Answer, Asked, MADE_UP_COUNT, Taken, Usage};
use crate::transcript::Exchange;

/// So often may a piece of text come again before the wrapper takes it for a loop.
const SAME_MAX: usize = 100;

pub(super) fn read(exchange: &Exchange) -> Taken {
    let items = match stream(exchange, Major::Two) {
        Ok(items) => items,
        Err(stop) => return refused(exchange, stop),
    };
    let usage = Asked::of(exchange).is_some_and(|asked| asked.stream_usage);
    let mut wrapper = Wrapper::new(usage);
    for item in items {
        match item {
            Item::Data(Value::Null) => {}
            Item::Data(chunk) => {
                if let Err(fault) = wrapper.chunk(&chunk) {
                    return fault.raise_amid(wrapper.out.finish());
                }
            }
            Item::Stops(Stop::Hangs) => return Taken::hangs(wrapper.out.finish()),
            Item::Stops(Stop::Raises(_, words, _)) => {
                return Fault { status: None, words }.raise_amid(wrapper.out.finish());
            }
        }
    }
    Taken::returns(wrapper.finish())
}

/// The wrapper's state, and what the caller has joined of what it handed on.
struct Wrapper {
    out: Joined<'static>,
    /// Whether token counts were asked for.
    counts: bool,
    id: Value,
    fingerprint: Value,
    sent_first: bool,
    sent_last: bool,
    finish: Option<Value>,
    /// The finish reason of the very last chunk.
    finish_now: Option<Value>,
    /// What was handed on, or kept for the token counts.
    kept: Kept,
}

/// What the wrapper remembers for the token counts at the end.
#[derive(Default)]
struct Kept {
    chunks: usize,
    prompt: Option<i64>,
    completion: Option<i64>,
    last: Option<[i64; 3]>,
    /// Whether a completion could be rebuilt from the chunks.
    broken: bool,
    /// The text of the last two chunks, and how often it was the same.
    texts: [Option<String>; 2],
    same: usize,
}

impl Wrapper {
    fn new(counts: bool) -> Self {
        Self {
            out: OBJECTS.join(),
            counts,
            id: Value::Null,
            fingerprint: Value::Null,
            sent_first: false,
            sent_last: false,
            finish: None,
            finish_now: None,
            kept: Kept {
                chunks: 0,
                prompt: None,
                completion: None,
                last: None,
                broken: false,
                texts: [None, None],
                same: 1,
            },
        }
    }

    /// Takes a chunk, and hands on what becomes of it.
    fn chunk(&mut self, chunk: &Value) -> Result<(), Fault> {
        let wrong = |what: &str| Fault { status: None, words: what.to_owned() };
        let map = chunk.as_object().ok_or_else(|| wrong("no attribute 'choices'"))?;
        // openai-python gives what is missing as None.
        self.id = map.get("id").cloned().unwrap_or_default();
        let choices = match map.get("choices") {
            None => &[][..],
            Some(value) if !truthy(value) => &[][..],
            Some(Value::Array(list)) => list.as_slice(),
            Some(_) => return Err(wrong("choices are no list")),
        };
        let first = choices.first();
        let mut text = json!("");
        let mut said = Map::new();
        if let Some(first) = first {
            let choice = first.as_object().ok_or_else(|| wrong("a choice is no object"))?;
            match choice.get("delta") {
                None | Some(Value::Null) => {}
                Some(Value::Object(delta)) => {
                    if let Some(content) = delta.get("content").filter(|text| !text.is_null()) {
                        text = content.clone();
                    }
                    said.clone_from(delta);
                }
                Some(_) => return Err(wrong("a delta is no object")),
            }
            let reason = choice.get("finish_reason").filter(|reason| truthy(reason));
            self.finish_now = reason.cloned();
            if let Some(reason) = reason {
                if reason == "error" {
                    return Err(wrong("openai raised a streaming error"));
                }
                self.finish = Some(reason.clone());
            }
        } else {
            self.finish_now = None;
        }
        if let Some(fingerprint) = map.get("system_fingerprint") {
            self.fingerprint = fingerprint.clone();
        }
        let sent = match map.get("usage") {
            Some(Value::Object(sent)) => Some(usage(sent).map_err(|Invalid| wrong("usage"))?),
            _ => None,
        };
        if first.is_none() {
            return if self.counts { self.hand_on(&json!([]), sent) } else { Ok(()) };
        }
        // What of the first choice's delta the package's type does not take is gone.
        let delta = delta(&said).unwrap_or_else(|Invalid| json!({}));
        if self.speaks(&text, &delta) {
            self.kept.repeats()?;
            let choices: Vec<Value> = choices.iter().map(made_over).collect();
            self.sent_first = true;
            return self.hand_on(&Value::Array(choices), sent);
        }
        let Some(reason) = self.finish.clone() else {
            if let Some(sent) = sent {
                self.kept.count(sent);
                self.kept.chunks += 1;
            }
            return Ok(());
        };
        if self.sent_last {
            if sent.is_some() {
                let choice = json!({"index": 0, "delta": delta});
                return self.hand_on(&json!([choice]), sent);
            }
            return Ok(());
        }
        let empty = attribute(&delta, "content").is_none_or(|content| !truthy(content))
            && attribute(&delta, "tool_calls").is_none()
            && attribute(&delta, "function_call").is_none();
        let choice = if empty {
            self.sent_last = true;
            let reason = match &reason {
                Value::String(reason) => finish_reason(reason),
                Value::Array(_) | Value::Object(_) => return Err(wrong("unhashable")),
                _ => "stop",
            };
            json!({"index": 0, "delta": {}, "finish_reason": reason})
        } else {
            json!({"index": 0, "delta": delta})
        };
        self.hand_on(&json!([choice]), sent)
    }

    /// Whether a chunk says anything beside its end.
    fn speaks(&self, text: &Value, delta: &Value) -> bool {
        let has = |name| attribute(delta, name).is_some();
        let calls = attribute(delta, "tool_calls");
        text.as_str().is_some_and(|text| !text.is_empty())
            || calls.is_some_and(|calls| calls.as_array().is_none_or(|list| !list.is_empty()))
            || has("function_call")
            || has("reasoning_content")
            || has("provider_specific_fields")
            || has("annotations")
            || has("reasoning_items")
            || (!self.sent_first && has("role"))
    }

    /// Hands a chunk on to the caller.
    fn hand_on(&mut self, choices: &Value, sent: Option<[i64; 3]>) -> Result<(), Fault> {
        let wrong = |what: &str| Fault { status: None, words: what.to_owned() };
        let first = choices.get(0).and_then(|choice| choice.get("delta"));
        let content = first.and_then(|delta| attribute(delta, "content")).cloned();
        if content.as_ref().is_some_and(|content| truthy(content) && !content.is_string()) {
            return Err(wrong("can only concatenate str"));
        }
        self.kept.keep(choices, content.as_ref(), sent);
        if choices.as_array().is_some_and(|list| !list.is_empty()) {
            self.sent_first = true;
        }
        if sent.is_some() {
            // A chunk with token counts is made anew without them, and with validation.
            let fits = |value: &Value| value.is_null() || value.is_string();
            if !fits(&self.id) || !fits(&self.fingerprint) {
                return Err(wrong("Input should be a valid string"));
            }
        }
        self.out.add(&json!({"choices": choices}));
        Ok(())
    }

    /// The end of the stream.
    fn finish(mut self) -> Answer {
        if !self.sent_last {
            let reason = self.finish.take().or_else(|| self.finish_now.take());
            if reason.is_some() {
                self.kept.chunks += 1;
            }
            let reason = reason.unwrap_or_else(|| json!("stop"));
            let choice = json!({"index": 0, "delta": {}, "finish_reason": reason});
            self.out.add(&json!({"choices": [choice]}));
        }
        let mut answer = self.out.finish();
        if self.counts {
            answer.usage = self.kept.usage();
        }
        answer
    }
}

/// A choice in the package's type, without its finish reason; an empty one for what does not fit.
fn made_over(choice: &Value) -> Value {
    let empty = || json!({"index": 0, "delta": {}});
    let Some(choice) = choice.as_object() else { return empty() };
    let index = choice.get("index").cloned().unwrap_or_default();
    match choice.get("delta") {
        None | Some(Value::Null) => json!({"index": index, "delta": {}}),
        Some(Value::Object(said)) => delta(said)
            .map_or_else(|Invalid| empty(), |delta| json!({"index": index, "delta": delta})),
        Some(_) => empty(),
    }
}

impl Kept {
    fn keep(&mut self, choices: &Value, content: Option<&Value>, sent: Option<[i64; 3]>) {
        self.chunks += 1;
        if let Some(sent) = sent {
            self.count(sent);
        }
        let indexes = choices.as_array().into_iter().flatten().map(|choice| choice.get("index"));
        self.broken |= indexes.flatten().any(|index| !index.is_i64() && !index.is_u64());
        let has_choices = choices.as_array().is_some_and(|list| !list.is_empty());
        let text = content.and_then(Value::as_str).map(str::to_owned);
        let [_, last] = std::mem::take(&mut self.texts);
        self.texts = [last, text.filter(|_| has_choices)];
    }

    /// A text that comes again and again is taken for a loop.
    fn repeats(&mut self) -> Result<(), Fault> {
        let [before, last] = &self.texts;
        match last {
            Some(text) if text.chars().count() > 2 => {
                self.same = if before.as_ref() == Some(text) { self.same + 1 } else { 1 };
            }
            _ => self.same = 1,
        }
        if self.same < SAME_MAX {
            return Ok(());
        }
        Err(Fault::inner("The model is repeating the same chunk"))
    }

    fn count(&mut self, sent: [i64; 3]) {
        let [prompt, completion, _] = sent;
        let newer = |kept: &mut Option<i64>, count: i64| {
            if count > 0 || kept.is_none() {
                *kept = Some(count);
            }
        };
        newer(&mut self.prompt, prompt);
        newer(&mut self.completion, completion);
        self.last = Some(sent);
    }

    /// The token counts at the end: of the chunks that had some, else by a tokenizer.
    fn usage(&self) -> Option<Usage> {
        if self.chunks == 0 {
            return None;
        }
        if let (Some(prompt), Some(completion)) = (self.prompt, self.completion) {
            return Some(counts([prompt, completion, prompt + completion]));
        }
        let made_up = || json!(MADE_UP_COUNT);
        Some(Usage {
            prompt_tokens: made_up(),
            completion_tokens: made_up(),
            total_tokens: made_up(),
        })
    }
}
