//! `streamText(…)`, its full stream read to the end.

use std::collections::HashSet;

use serde_json::Value;

use super::tracker::{Delta, Tracker};
use super::{
    Choice, Event, Part, Provider, Settings, call_error, finish_reason, secure_parse, stopped,
    success, usage,
};
use crate::lens::decode::eventsource;
use crate::lens::decode::http::BodyEnd;
use crate::lens::decode::js::{self, Stop, property};
use crate::lens::{Answer, Outcome, Taken};
use crate::transcript::Exchange;

pub(super) fn read(exchange: &Exchange, settings: &Settings) -> Taken {
    let mut run = Run::new(settings);
    match run.read(exchange) {
        Ok(()) => run.taken(),
        Err(stop) => stopped(stop, run.answer),
    }
}

/// Why a stream ends, so far.
enum Finish {
    /// By an error part, if no reason comes after it.
    Error,
    /// By the reason on the wire.
    Said(Value),
}

/// A stream under way.
struct Run<'a> {
    settings: &'a Settings,
    answer: Answer,
    /// The first error part.
    error: Option<Stop>,
    finish: Option<Finish>,
    refused: bool,
    /// Nothing has come yet that would make an error a late one.
    is_silent: bool,
    usage: Option<Value>,
    tracker: Tracker,
    pending: Vec<(String, Delta)>,
    forwarded: HashSet<String>,
}

impl<'a> Run<'a> {
    fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            answer: Answer::default(),
            error: None,
            finish: None,
            refused: false,
            is_silent: true,
            usage: None,
            tracker: Tracker::default(),
            pending: Vec::new(),
            forwarded: HashSet::new(),
        }
    }

    fn taken(self) -> Taken {
        match self.error {
            Some(stop) => stopped(stop, self.answer),
            None => Taken { outcome: Outcome::Returns, answer: self.answer },
        }
    }

    fn error_part(&mut self, class: &'static str, message: impl Into<String>) {
        self.is_silent = false;
        self.finish = Some(Finish::Error);
        self.error.get_or_insert_with(|| Stop::raises(class, message));
    }

    fn read(&mut self, exchange: &Exchange) -> Result<(), Stop> {
        if success(exchange)? == 204 {
            return Err(call_error("Failed to process successful response"));
        }
        for data in eventsource::read(&exchange.body()) {
            if data != "[DONE]" {
                self.event(&data)?;
            }
        }
        match BodyEnd::of(exchange) {
            BodyEnd::Whole => self.flush(),
            BodyEnd::Broken => Err(call_error("Failed to process successful response")),
            BodyEnd::Silent => Err(Stop::Hangs),
        }
    }

    fn event(&mut self, data: &str) -> Result<(), Stop> {
        let Some(value) = secure_parse(data) else {
            self.error_part("AI_JSONParseError", "JSON parsing failed");
            return Ok(());
        };
        match self.settings.provider.event(&value) {
            Some(Event::Chunk) => return self.chunk(&value),
            Some(Event::Error) => {
                let error = value.get("error").unwrap_or(&Value::Null);
                let message = property(error, "message").and_then(Value::as_str);
                let message = message.map_or_else(|| js::stringify(error), str::to_owned);
                if self.settings.provider == Provider::OpenAi && self.is_silent {
                    return Err(call_error(message));
                }
                self.error_part("error part", message);
            }
            None => self.error_part("AI_TypeValidationError", "Type validation failed"),
        }
        Ok(())
    }

    fn chunk(&mut self, value: &Value) -> Result<(), Stop> {
        self.is_silent &= !is_output(value);
        if let Some(usage) = property(value, "usage") {
            self.usage = Some(usage.clone());
        }
        let Some(choice) = value.pointer("/choices/0") else { return Ok(()) };
        if let Some(reason) = property(choice, "finish_reason") {
            self.finish = Some(Finish::Said(reason.clone()));
        }
        let Some(delta) = property(choice, "delta") else { return Ok(()) };
        self.refused |= self.settings.provider.refuses(delta);
        for part in self.settings.provider.parts(delta) {
            let (into, more) = match part {
                Part::Text(more) => (&mut self.answer.text, more),
                Part::Reasoning(more) => (&mut self.answer.reasoning, more),
            };
            into.get_or_insert_default().push_str(&more);
        }
        let fragments = property(delta, "tool_calls").and_then(Value::as_array);
        for fragment in fragments.into_iter().flatten() {
            let delta = Delta::of(fragment);
            match self.settings.provider {
                Provider::Compatible => self.fragment(delta)?,
                Provider::OpenAi => self.tracker.process(&delta)?,
            }
        }
        Ok(())
    }

    /// Fragments of an index wait for the call's name.
    fn fragment(&mut self, delta: Delta) -> Result<(), Stop> {
        let Some(index) = delta.index.clone().filter(|index| !self.forwarded.contains(index))
        else {
            return self.tracker.process(&delta);
        };
        let at = self.pending.iter().position(|(known, _)| *known == index);
        let mut held = match at {
            Some(at) => self.pending.remove(at).1,
            None => Delta {
                index: Some(index.clone()),
                arguments: Some(String::new()),
                ..Delta::default()
            },
        };
        held.id = held.id.or(delta.id);
        if let (Some(held), Some(more)) = (&mut held.arguments, &delta.arguments) {
            held.push_str(more);
        }
        held.name = delta.name;
        if held.name.is_some() {
            self.tracker.process(&held)?;
            self.forwarded.insert(index);
        } else {
            let at = at.unwrap_or(self.pending.len());
            self.pending.insert(at, (index, held));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stop> {
        for (_, held) in std::mem::take(&mut self.pending) {
            self.tracker.process(&held)?;
        }
        let calls = std::mem::take(&mut self.tracker).finish();
        if self.finish.is_none() && self.settings.provider == Provider::Compatible {
            self.error_part(
                "AI_InvalidResponseDataError",
                "Response stream ended without a finish reason.",
            );
        }
        if matches!(self.settings.choice, Choice::None) && !calls.is_empty() {
            self.error_part(
                "AI_ToolChoiceViolationError",
                "Model response contained a tool call even though tool choice was none.",
            );
        } else {
            self.answer.tool_calls =
                calls.into_iter().map(|call| self.settings.parse(call)).collect();
        }
        let finish = match &self.finish {
            Some(Finish::Error) => "error",
            Some(Finish::Said(reason)) => finish_reason(Some(reason), self.refused),
            None => "other",
        };
        self.answer.finish_reason = Some(finish.to_owned());
        self.answer.usage = self.usage.as_ref().map(usage);
        Ok(())
    }
}

/// Whether a chunk holds output, in any choice.
fn is_output(chunk: &Value) -> bool {
    let filled = |value: &Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    };
    let choices = property(chunk, "choices").and_then(Value::as_array);
    choices.into_iter().flatten().filter_map(|choice| property(choice, "delta")).any(|delta| {
        let names = ["content", "refusal", "tool_calls", "annotations"];
        names.iter().any(|name| delta.get(*name).is_some_and(filled))
    })
}
