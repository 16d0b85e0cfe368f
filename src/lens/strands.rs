//! Strands Agents' `OpenAIModel`, as its agent loop reads it.
//!
//! The model turns a stream of openai-python (version 2) into blocks, and the loop joins the
//! blocks to a message. It reads the first choice of each chunk up to the first finish reason, and
//! of the rest only the very last chunk's usage. Text is kept when its block ends, which the finish
//! reason does: without one it is gone. A call whose arguments are no JSON is made with none; one
//! without id or name is passed over. Every other finish reason than three is `end_turn`.

use serde_json::{Value, json};

use super::decode::json;
use super::decode::python::{Item, Major, Stop, attribute, is_valid, lax_index, stream, truthy};
use super::openai_python::{stopped, usage};
use super::{Answer, Call, Lens, Surface, Taken, Usage};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "strands",
    title: "Strands Agents, OpenAIModel in the agent loop",
    package: "strands-agents",
    version: "1.62.0",
    names: ["strands-agents", "strands-agents OpenAIModel"],
    surface: Surface::Stream,
    read,
};

const ATTRIBUTE: &str = "AttributeError";
const TYPE: &str = "TypeError";

fn read(exchange: &Exchange) -> Taken {
    let items = match stream(exchange, Major::Two) {
        Ok(items) => items,
        Err(stop) => return raised(stop, String::new()),
    };
    let mut turn = Turn::default();
    let mut last = None;
    for item in items {
        match item {
            Item::Data(chunk) => {
                if !turn.ended
                    && let Err(exception) = turn.add(&chunk)
                {
                    return Taken::raises(exception, "", partly(turn.told));
                }
                last = Some(chunk);
            }
            // Calls are handed on between the two readings of the stream.
            Item::Stops(stop) => {
                if turn.ended
                    && let Err(exception) = turn.calls()
                {
                    return Taken::raises(exception, "", partly(turn.told));
                }
                return raised(stop, turn.told);
            }
        }
    }
    let calls = match turn.calls() {
        Ok(calls) => calls,
        Err(exception) => return Taken::raises(exception, "", partly(turn.told)),
    };
    let counts = last.as_ref().and_then(|chunk| attribute(chunk, "usage")).and_then(usage);
    Taken::returns(turn.finish(calls, counts))
}

/// An exception of openai-python, as the model passes it on.
fn raised(stop: Stop, told: String) -> Taken {
    if let Stop::Raises(exception, message, code) = &stop
        && exception.starts_with("openai.")
        && let Some(kind) = kind(exception, message, code.as_deref().unwrap_or_default())
    {
        return Taken::raises(kind, message, partly(told));
    }
    stopped(stop, partly(told))
}

/// What the model makes of an API error by its status, code and words.
fn kind(exception: &str, message: &str, code: &str) -> Option<&'static str> {
    let (message, code) = (message.to_lowercase(), code.to_lowercase());
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if exception == "openai.RateLimitError"
        || code == "rate_limit_exceeded"
        || says(&["rate_limit_exceeded", "rate limit", "too many requests"])
    {
        return Some("strands.ModelThrottledException");
    }
    let overflow = code == "context_length_exceeded"
        || says(&[
            "context length",
            "context_length_exceeded",
            "too many tokens",
            "input is too long for requested model",
            "input length and `max_tokens` exceed context limit",
            "too many total text bytes",
            "exceeds the max_model_len",
            "exceed model maximum",
            "exceeds model maximum",
            "exceeded model maximum",
            "customer model maximum",
        ]);
    overflow.then_some("strands.ContextWindowOverflowException")
}

/// The text that had reached the caller before an exception.
fn partly(told: String) -> Answer {
    Answer { text: Some(told).filter(|text| !text.is_empty()), ..Answer::default() }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    Reasoning,
}

#[derive(Default)]
struct Turn {
    block: Option<Block>,
    /// Of the block under way.
    text: String,
    reasoning: String,
    /// Of blocks that ended.
    kept_text: Option<String>,
    kept_reasoning: Option<String>,
    /// All the text that was told on the way.
    told: String,
    fragments: Vec<(Value, Vec<Value>)>,
    finish: Option<Value>,
    ended: bool,
}

impl Turn {
    fn add(&mut self, chunk: &Value) -> Result<(), &'static str> {
        let Some(choices) = attribute(chunk, "choices").filter(|choices| truthy(choices)) else {
            return Ok(());
        };
        let choice = choices.as_array().and_then(|list| list.first()).ok_or("KeyError")?;
        let delta =
            attribute(choice, "delta").filter(|delta| delta.is_object()).ok_or(ATTRIBUTE)?;
        let said = |name| attribute(delta, name).and_then(Value::as_str).filter(|t| !t.is_empty());
        if let Some(more) = said("reasoning_content").or_else(|| said("reasoning")) {
            self.switch(Block::Reasoning);
            self.reasoning.push_str(more);
        }
        if let Some(content) = attribute(delta, "content").filter(|content| truthy(content)) {
            self.switch(Block::Text);
            let more = content.as_str().ok_or(TYPE)?;
            self.text.push_str(more);
            self.told.push_str(more);
        }
        if let Some(list) = attribute(delta, "tool_calls").filter(|calls| truthy(calls)) {
            let list = list.as_array().ok_or(TYPE)?;
            let valid = list.iter().all(is_valid);
            for fragment in list {
                let index = attribute(fragment, "index").cloned().unwrap_or_default();
                if index.is_array() || index.is_object() {
                    return Err(TYPE);
                }
                let index = if valid { lax_index(&index) } else { index };
                match self.fragments.iter_mut().find(|(known, _)| *known == index) {
                    Some((_, list)) => list.push(fragment.clone()),
                    None => self.fragments.push((index, vec![fragment.clone()])),
                }
            }
        }
        if let Some(reason) = attribute(choice, "finish_reason").filter(|reason| truthy(reason)) {
            self.finish = Some(reason.clone());
            if self.block.is_some() {
                self.stop();
            }
            self.ended = true;
        }
        Ok(())
    }

    fn switch(&mut self, block: Block) {
        if self.block != Some(block) {
            if self.block.is_some() {
                self.stop();
            }
            self.block = Some(block);
        }
    }

    /// A block ends: what was joined so far is kept.
    fn stop(&mut self) {
        for (kept, text) in
            [(&mut self.kept_text, &mut self.text), (&mut self.kept_reasoning, &mut self.reasoning)]
        {
            if !text.is_empty() {
                kept.get_or_insert_default().push_str(&std::mem::take(text));
            }
        }
    }

    fn calls(&mut self) -> Result<Vec<Call>, &'static str> {
        let mut calls = Vec::new();
        for (_, fragments) in std::mem::take(&mut self.fragments) {
            let mut call = Call::default();
            let mut arguments = String::new();
            for (position, fragment) in fragments.iter().enumerate() {
                let function = attribute(fragment, "function").filter(|f| f.is_object());
                let function = function.ok_or(ATTRIBUTE)?;
                if position == 0 {
                    let said = |value, name| {
                        attribute(value, name).and_then(Value::as_str).map(str::to_owned)
                    };
                    call.id = said(fragment, "id");
                    call.name = said(function, "name");
                }
                if let Some(more) = attribute(function, "arguments").filter(|more| truthy(more)) {
                    arguments.push_str(more.as_str().ok_or(TYPE)?);
                }
            }
            let nothing = arguments.trim().is_empty();
            let parsed = if nothing { None } else { json::python(&arguments) };
            call.arguments = parsed.unwrap_or_else(|| json!({}));
            let told = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
            let whole = told(&call.id) && told(&call.name);
            if whole {
                // The end of a call's block keeps text that no finish reason has ended.
                self.stop();
                calls.push(call);
            }
        }
        Ok(calls)
    }

    fn finish(self, calls: Vec<Call>, counts: Option<Usage>) -> Answer {
        let reason = match self.finish.as_ref().and_then(Value::as_str) {
            Some("tool_calls") => "tool_use",
            Some("length") => "max_tokens",
            Some("content_filter") => "content_filtered",
            _ if !calls.is_empty() => "tool_use",
            _ => "end_turn",
        };
        let zero = || json!(0);
        Answer {
            text: self.kept_text,
            reasoning: self.kept_reasoning,
            tool_calls: calls,
            finish_reason: Some(reason.to_owned()),
            usage: Some(counts.unwrap_or_else(|| Usage {
                prompt_tokens: zero(),
                completion_tokens: zero(),
                total_tokens: zero(),
            })),
            others: Vec::new(),
        }
    }
}
