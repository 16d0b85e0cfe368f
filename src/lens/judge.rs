//! From what a client hands over to what that does to its user.
//!
//! What the client took is held against what the wire meant: the strict reading of
//! [`dialect`](crate::dialect), and where the wire is too broken for that, what can be told of it.
//! Beyond that an answer must be usable: arguments that are JSON, calls with id and name, a reason
//! for the end.

mod response;

use serde_json::Value;

use super::{Answer, Api, Asked, Call, Effect, MADE_UP_COUNT, MADE_UP_ID, Outcome, Taken};
use crate::dialect::openai::{AssemblyFault, Problem, Reading};
use crate::text::{ellipsis, plural};
use crate::transcript::{End, Exchange};

/// Characters of a text that a detail quotes.
const QUOTE_CHARS: usize = 60;

/// What an exchange does to the user of a client that took `taken` from it, and a sentence on it.
pub(super) fn judge(exchange: &Exchange, asked: Asked, taken: &Taken) -> (Effect, String) {
    let reading = Reading::of(exchange);
    let refused = exchange.status().filter(|status| !(200..300).contains(status));
    match &taken.outcome {
        Outcome::Raises { exception, message } => {
            let said = if message.is_empty() {
                format!("raises {exception}")
            } else {
                format!("raises {exception}: {}", ellipsis(message, QUOTE_CHARS))
            };
            // Some clients raise for the reasons that others only hand over.
            let due = refused.is_some()
                || told_of_an_error(asked, &reading)
                || ends_early(&reading) && exception.ends_with("FinishReasonError");
            if due {
                return (Effect::Ok, said);
            }
            (Effect::Raises, format!("{said}{}", so_far(asked, &taken.answer)))
        }
        Outcome::Hangs => {
            let waits = "waits for its own timeout (10 minutes by default in most clients)";
            (Effect::Hangs, format!("{waits}{}", so_far(asked, &taken.answer)))
        }
        Outcome::Returns => {
            let meant = match asked.api {
                Api::Chat => Meant::of(exchange, asked, &reading),
                Api::Responses => response::meant(exchange, asked, &reading),
            };
            let damage = match refused {
                Some(status) => vec![format!("an error {status} is taken for an answer")],
                None => meant.damage(&taken.answer),
            };
            if damage.is_empty() {
                (Effect::Ok, "returns what was sent".to_owned())
            } else {
                (Effect::SilentlyWrong, damage.join("; "))
            }
        }
    }
}

fn told_of_an_error(asked: Asked, reading: &Reading) -> bool {
    let told = |fault: &AssemblyFault| matches!(fault.problem, Problem::Error { .. });
    match asked.api {
        Api::Chat => reading.faults.iter().any(told),
        Api::Responses => asked.stream && response::told_of_an_error(reading),
    }
}

/// Whether a choice says that it ended at the token limit or at a filter.
fn ends_early(reading: &Reading) -> bool {
    let choices = reading.assembled.as_ref().and_then(|whole| whole.get("choices")?.as_array());
    choices.into_iter().flatten().any(|choice| {
        choice.get("finish_reason").is_some_and(|why| why == "length" || why == "content_filter")
    })
}

/// How much of a stream had reached the caller.
fn so_far(asked: Asked, answer: &Answer) -> String {
    let chars = answer.text.as_ref().map_or(0, |text| text.chars().count());
    match (asked.stream, chars, answer.tool_calls.len()) {
        (false, ..) => String::new(),
        (true, 0, 0) => ", before any of the answer".to_owned(),
        (true, chars, 0) => format!(", after {} of text", plural(chars, "character")),
        (true, _, calls) => format!(", after parts of {}", plural(calls, "tool call")),
    }
}

/// What the wire meant.
struct Meant {
    /// The body is no chat answer at all: what it is instead.
    no_answer: Option<String>,
    /// Why the answer cannot be whole, if it cannot.
    unfinished: Option<String>,
    choices: Vec<Intent>,
    usage: Option<Value>,
    usage_due: bool,
    /// How the API calls the counts of the prompt, the answer and both.
    counts: [&'static str; 3],
}

/// One choice as it was meant.
struct Intent {
    text: String,
    calls: Vec<Call>,
    /// Whether the calls could be read for sure.
    calls_known: bool,
    finish: Option<String>,
    /// How the API calls the reason for the end.
    ends_by: &'static str,
}

impl Meant {
    fn of(exchange: &Exchange, asked: Asked, reading: &Reading) -> Self {
        let choices = reading.assembled.as_ref().and_then(|whole| whole.get("choices"));
        let choices = choices.and_then(Value::as_array).filter(|list| !list.is_empty());
        let no_answer = choices.is_none().then(|| no_answer(exchange, reading, "choices"));
        let unfinished = match &exchange.end {
            End::Complete | End::Left | End::LimitReached { .. } | End::Interrupted => reading
                .faults
                .iter()
                .find(|fault| matches!(fault.problem, Problem::Error { .. }))
                .map(|fault| format!("the failure in the stream goes unnoticed ({fault})")),
            end if reading.events().iter().all(|event| event.data != "[DONE]") => {
                Some(format!("a cut answer is taken for whole ({})", end.describe()))
            }
            _ => None,
        };
        let misplaced = reading.faults.iter().any(|fault| {
            fault.problem.loses_content()
                && (fault.pointer.contains("tool_calls") || !fault.pointer.contains("delta"))
        });
        let cumulative = if asked.stream { cumulative(reading) } else { None };
        let mut intents: Vec<Intent> =
            choices.into_iter().flatten().map(|choice| Intent::of(choice, !misplaced)).collect();
        if let (Some(text), Some(first)) = (cumulative, intents.first_mut()) {
            first.text = text;
        }
        let usage = reading.assembled.as_ref().and_then(|whole| whole.get("usage"));
        Self {
            no_answer,
            unfinished,
            choices: intents,
            usage: usage.filter(|usage| usage.is_object()).cloned(),
            usage_due: !asked.stream || asked.stream_usage,
            counts: ["prompt_tokens", "completion_tokens", "total_tokens"],
        }
    }

    /// What is wrong with what was handed over, each in a clause.
    fn damage(&self, answer: &Answer) -> Vec<String> {
        if let Some(instead) = &self.no_answer {
            return vec![format!("{instead} is taken for an answer")];
        }
        let mut damage: Vec<String> = self.unfinished.iter().cloned().collect();
        if answer.others.len() + 1 == self.choices.len() {
            let answers = std::iter::once(answer).chain(&answer.others);
            for (index, (intent, answer)) in self.choices.iter().zip(answers).enumerate() {
                let place = if index == 0 { String::new() } else { format!("choice {index}: ") };
                damage.extend(intent.damage(answer).into_iter().map(|text| place.clone() + &text));
            }
        } else if self.choices.len() > 1 {
            let seen = answer.others.len() + 1;
            damage.push(format!("{seen} of {} choices", self.choices.len()));
            damage.extend(self.choices.first().into_iter().flat_map(|first| first.damage(answer)));
        } else {
            damage.extend(self.choices.first().into_iter().flat_map(|first| first.damage(answer)));
        }
        damage.extend(self.usage_damage(answer));
        damage
    }

    fn usage_damage(&self, answer: &Answer) -> Option<String> {
        if !self.usage_due {
            return None;
        }
        let Some(meant) = &self.usage else {
            return Some("no usage was sent, so that the cost is unknown".to_owned());
        };
        let Some(taken) = &answer.usage else {
            return Some("usage was sent and is lost".to_owned());
        };
        let pairs = [
            ("prompt_tokens", &taken.prompt_tokens),
            ("completion_tokens", &taken.completion_tokens),
            ("total_tokens", &taken.total_tokens),
        ];
        pairs.iter().zip(self.counts).find_map(|((key, taken), name)| {
            let taken = *taken;
            let meant = meant.get(*key).unwrap_or(&Value::Null);
            if *taken == MADE_UP_COUNT {
                return Some(format!("usage.{name} is made up by the client"));
            }
            if !taken.is_u64() {
                return Some(format!("usage.{name} is {taken} and no count"));
            }
            (meant.is_u64() && meant != taken)
                .then(|| format!("usage.{name} is {taken} where {meant} was sent"))
        })
    }
}

/// What stands where a chat answer was due.
fn no_answer(exchange: &Exchange, reading: &Reading, lacks: &str) -> String {
    if reading.body.is_empty() {
        return "an empty body".to_owned();
    }
    if reading.json.as_ref().is_ok_and(|value| value.get("error").is_some_and(|e| !e.is_null())) {
        return "an error body".to_owned();
    }
    let media = exchange.header("content-type").unwrap_or("no content type");
    let start: String = String::from_utf8_lossy(&reading.body).chars().take(40).collect();
    format!("a body without {lacks} ({media}, starts {start:?})")
}

/// The text of a stream each of whose deltas holds all of the text before it.
fn cumulative(reading: &Reading) -> Option<String> {
    let texts: Vec<&str> = reading
        .chunks
        .iter()
        .filter_map(|chunk| chunk.value.pointer("/choices/0/delta/content")?.as_str())
        .filter(|text| !text.is_empty())
        .collect();
    let grows = texts.windows(2).all(|pair| match pair {
        [before, after] => after.len() > before.len() && after.starts_with(before),
        _ => true,
    });
    (texts.len() >= 3 && grows).then(|| texts.last().map(|&text| text.to_owned())).flatten()
}

impl Intent {
    fn of(choice: &Value, calls_known: bool) -> Self {
        let message = choice.get("message").unwrap_or(&Value::Null);
        let calls = message.get("tool_calls").and_then(Value::as_array);
        Self {
            text: message.get("content").map(plain_text).unwrap_or_default(),
            calls: calls.into_iter().flatten().map(call).collect(),
            calls_known,
            finish: choice.get("finish_reason").and_then(Value::as_str).map(str::to_owned),
            ends_by: "finish_reason",
        }
    }

    fn damage(&self, answer: &Answer) -> Vec<String> {
        let mut damage = Vec::new();
        damage.extend(self.text_damage(answer.text.as_deref().unwrap_or_default()));
        // A call that the token limit cut off, and said so, may be set aside.
        let truncated = matches!(self.finish.as_deref(), Some("length" | "incomplete"));
        let cut = |call: &&Call| call.arguments.as_str().is_some_and(|text| !is_json(text));
        let aside = if truncated { self.calls.iter().filter(cut).count() } else { 0 };
        let counts = self.calls.len() - aside..=self.calls.len();
        if self.calls_known && !counts.contains(&answer.tool_calls.len()) {
            let (taken, sent) = (answer.tool_calls.len(), self.calls.len());
            damage.push(format!("{} where {sent} sent", plural(taken, "tool call")));
        }
        for (index, call) in answer.tool_calls.iter().enumerate() {
            let meant = self.calls.get(index).filter(|_| self.calls_known);
            damage.extend(call_damage(call, meant, truncated));
        }
        damage.extend(same_ids(&answer.tool_calls));
        let word = self.ends_by;
        match (&answer.finish_reason, &self.finish) {
            (None, _) => damage.push(format!("{word} is missing: a cut answer looks whole")),
            (Some(taken), Some(sent)) if !same_reason(taken, sent) => {
                damage.push(format!("{word} is {taken:?} where {sent:?} was sent"));
            }
            (Some(taken), None) => {
                damage.push(format!("no {word} was sent, and the client says {taken:?}"));
            }
            _ => {}
        }
        damage
    }

    fn text_damage(&self, taken: &str) -> Option<String> {
        let sent = self.text.as_str();
        if taken == sent {
            return None;
        }
        let (all, got) = (sent.chars().count(), taken.chars().count());
        Some(if taken.is_empty() {
            format!("the text is lost ({})", plural(all, "character"))
        } else if sent.starts_with(taken) {
            format!("the text is cut after {got} of {}", plural(all, "character"))
        } else if sent.ends_with(taken) {
            format!("the first {} of the text are lost", plural(all - got, "character"))
        } else {
            format!("the text is another: {:?}", ellipsis(taken, QUOTE_CHARS))
        })
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok()
}

/// The text of a content, parts included.
fn plain_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}

fn call(call: &Value) -> Call {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let function = call.get("function").unwrap_or(&Value::Null);
    Call {
        id: text(call.get("id")),
        name: text(function.get("name")),
        arguments: function.get("arguments").cloned().unwrap_or_default(),
    }
}

/// The words that clients have of their own for the dialect's reasons.
fn same_reason(taken: &str, sent: &str) -> bool {
    taken == sent
        || matches!(
            (taken, sent),
            // That a turn with calls is one for tools is what the server should have said.
            ("end_turn" | "tool_use", "stop")
                | ("max_tokens", "length")
                | ("tool_use" | "tool-calls" | "tool_calls", "tool_calls" | "function_call")
                | (
                    "content-filter" | "content_filtered" | "guardrail_intervened",
                    "content_filter"
                )
        )
}

fn call_damage(call: &Call, meant: Option<&Call>, truncated: bool) -> Vec<String> {
    let mut damage = Vec::new();
    match call.name.as_deref() {
        None | Some("") => damage.push("a tool call has no name".to_owned()),
        Some(name) => {
            if let Some(sent) = meant.and_then(|meant| meant.name.as_deref())
                && sent != name
            {
                damage.push(format!("a call of {sent:?} is taken for one of {name:?}"));
            }
        }
    }
    match call.id.as_deref() {
        None | Some("") => {
            damage.push("a tool call has no id, so that its result cannot be sent back".to_owned());
        }
        Some(id) => {
            if let Some(sent) = meant.and_then(|meant| meant.id.as_deref())
                && sent != id
                && !sent.is_empty()
            {
                damage.push(format!("the call's id is {id:?} where {sent:?} was sent"));
            }
        }
    }
    damage.extend(argument_damage(call, meant, truncated));
    damage
}

/// Two calls of one turn by one id: the result of one is taken for the other's.
fn same_ids(calls: &[Call]) -> Option<String> {
    let ids = || calls.iter().filter_map(|call| call.id.as_deref()).filter(|id| !id.is_empty());
    let twice = |id: &&str| *id != MADE_UP_ID && ids().filter(|other| other == id).count() > 1;
    ids().find(twice).map(|id| format!("two calls have the id {id:?}: one gets the other's result"))
}

fn argument_damage(call: &Call, meant: Option<&Call>, truncated: bool) -> Option<String> {
    let sent = meant.map(|meant| &meant.arguments);
    let sent_value = sent.and_then(|sent| match sent {
        Value::String(text) => serde_json::from_str::<Value>(text).ok(),
        other => Some(other.clone()),
    });
    match &call.arguments {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(_)) if sent.is_none_or(|sent| sent == &call.arguments) => None,
            Ok(taken @ Value::Object(_)) => (sent_value.as_ref() != Some(&taken))
                .then(|| format!("the arguments are {}", ellipsis(text, QUOTE_CHARS))),
            // Cut by the token limit, and said so.
            _ if truncated && sent.is_some_and(|sent| sent == &call.arguments) => None,
            _ if text.is_empty() => Some("a call's arguments are an empty text".to_owned()),
            _ => Some(format!("a call's arguments are no object: {}", ellipsis(text, QUOTE_CHARS))),
        },
        Value::Object(_) if sent_value.as_ref().is_some_and(|sent| sent != &call.arguments) => {
            Some(format!(
                "the arguments are {}",
                ellipsis(&call.arguments.to_string(), QUOTE_CHARS)
            ))
        }
        // The client parses arguments and this is what the wire had.
        Value::Object(_) if sent.is_some_and(Value::is_object) => {
            Some("a call's arguments are an object and no text".to_owned())
        }
        // The client made whole what came cut off.
        Value::Object(_)
            if !truncated && sent.is_some_and(Value::is_string) && sent_value.is_none() =>
        {
            Some(format!(
                "broken arguments are taken for {}",
                ellipsis(&call.arguments.to_string(), QUOTE_CHARS)
            ))
        }
        Value::Object(_) => None,
        other => {
            Some(format!("a call's arguments are {}", ellipsis(&other.to_string(), QUOTE_CHARS)))
        }
    }
}
