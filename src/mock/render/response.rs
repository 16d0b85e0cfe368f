//! Responses, whole and streamed.

use serde_json::{Value, json};

use super::schedule::{Piece, schedule};
use super::{EPOCH, unique};
use crate::mock::answer::{Answer, Choice};
use crate::mock::ask::ResponseAsk;
use crate::mock::event::Event;
use crate::mock::house::House;
use crate::mock::refusal::Refusal;
use crate::units::Nanos;

/// One item of the output as it is in the end.
struct Item {
    id: String,
    what: What,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Reasoning,
    Message,
    /// The call of this index.
    Call(usize),
}

/// What every form of one response shares.
struct Shell<'a> {
    asked: &'a ResponseAsk,
    answer: &'a Answer,
    id: String,
    created: u64,
    items: Vec<Item>,
}

impl<'a> Shell<'a> {
    fn new(answer: &'a Answer, asked: &'a ResponseAsk, house: &House, number: u64) -> Self {
        let tail = unique(house.config.seed, number, 40);
        let items = answer.choices.first().map(|choice| items(choice, &tail)).unwrap_or_default();
        Self { asked, answer, id: format!("resp_{tail}"), created: EPOCH + number, items }
    }

    fn is_cut(&self) -> bool {
        self.answer.choices.iter().any(|choice| choice.finish == "length")
    }

    /// The status of what has come to its end.
    fn status(&self) -> &'static str {
        if self.is_cut() { "incomplete" } else { "completed" }
    }

    /// The response in a state of its making.
    fn body(&self, status: &str, output: &[Value], error: &Value) -> Value {
        let over = !matches!(status, "in_progress" | "failed");
        let details = (status == "incomplete").then(|| json!({"reason": "max_output_tokens"}));
        let mut body = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": false,
            "completed_at": (status == "completed").then_some(self.created + 1),
            "error": error,
            "incomplete_details": details,
            "model": self.asked.ask.model,
            "output": output,
            "usage": over.then(|| usage(self.answer)),
        });
        if let Some(map) = body.as_object_mut() {
            map.extend(self.asked.echo.clone());
        }
        body
    }
}

fn usage(answer: &Answer) -> Value {
    let usage = &answer.usage;
    json!({
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    })
}

fn items(choice: &Choice, tail: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let id = |prefix: &str, index: usize| format!("{prefix}_{tail}{index:02}");
    if !choice.reasoning.is_empty() {
        let id = id("rs", items.len());
        let part = json!({"type": "reasoning_text", "text": choice.reasoning.concat()});
        let value = json!({"id": id, "type": "reasoning", "status": "completed", "summary": [], "content": [part]});
        items.push(Item { id, what: What::Reasoning, value });
    }
    if choice.text.as_ref().is_some_and(|text| !text.is_empty() || choice.calls.is_empty()) {
        let id = id("msg", items.len());
        let part = text_part(&choice.content());
        let value = json!({"id": id, "type": "message", "status": "completed", "role": "assistant", "content": [part]});
        items.push(Item { id, what: What::Message, value });
    }
    for (index, call) in choice.calls.iter().enumerate() {
        let id = id("fc", items.len());
        let value = json!({"id": id, "type": "function_call", "status": "completed", "call_id": call.id, "name": call.name, "arguments": call.json()});
        items.push(Item { id, what: What::Call(index), value });
    }
    if choice.finish == "length"
        && let Some(status) = items.last_mut().and_then(|item| item.value.get_mut("status"))
    {
        *status = "incomplete".into();
    }
    items
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// A whole response.
pub(crate) fn response(answer: &Answer, asked: &ResponseAsk, house: &House, number: u64) -> Value {
    let shell = Shell::new(answer, asked, house, number);
    let output: Vec<Value> = shell.items.iter().map(|item| item.value.clone()).collect();
    shell.body(shell.status(), &output, &Value::Null)
}

/// The same as a stream.
pub(crate) fn response_events(
    answer: &Answer,
    asked: &ResponseAsk,
    house: &House,
    number: u64,
) -> Vec<Event> {
    let shell = Shell::new(answer, asked, house, number);
    let mut tape = Tape { shell: &shell, events: Vec::new(), after: Nanos(0), open: None, done: 0 };
    let opening = shell.body("in_progress", &[], &Value::Null);
    tape.push("response.created", json!({"response": opening}));
    tape.push("response.in_progress", json!({"response": opening}));
    for step in schedule(answer, house, false) {
        tape.after = step.after;
        match step.piece {
            Piece::Open => {}
            Piece::Thought(token) => {
                tape.turn_to(What::Reasoning);
                tape.delta("response.reasoning_text.delta", token);
            }
            Piece::Text(token, _) => {
                tape.turn_to(What::Message);
                tape.delta("response.output_text.delta", token);
            }
            Piece::Call(_, index) => tape.turn_to(What::Call(index)),
            Piece::Arguments(token, _) => {
                tape.delta("response.function_call_arguments.delta", token);
            }
            Piece::Close => tape.end(),
            Piece::Failure => tape.fail(),
        }
    }
    tape.events
}

/// A stream as it is written.
struct Tape<'a> {
    shell: &'a Shell<'a>,
    events: Vec<Event>,
    /// The gap before the next event.
    after: Nanos,
    /// The item under way, by its place in the output.
    open: Option<usize>,
    /// Items that are over.
    done: usize,
}

impl Tape<'_> {
    fn push(&mut self, kind: &str, fields: Value) {
        let mut value = json!({"type": kind, "sequence_number": self.events.len()});
        if let (Some(map), Value::Object(fields)) = (value.as_object_mut(), fields) {
            map.extend(fields);
        }
        self.events.push(Event::typed(std::mem::take(&mut self.after), value));
    }

    fn item(&self, index: usize) -> Option<&Item> {
        self.shell.items.get(index)
    }

    /// Opens the item of this kind, unless it is the one under way.
    fn turn_to(&mut self, what: What) {
        if self.open.and_then(|at| self.item(at)).is_some_and(|item| item.what == what) {
            return;
        }
        self.close();
        let Some(index) = self.shell.items.iter().position(|item| item.what == what) else {
            return;
        };
        self.open = Some(index);
        let Some(item) = self.item(index) else { return };
        let mut bare = item.value.clone();
        let empty = if matches!(what, What::Call(_)) {
            ("arguments", json!(""))
        } else {
            ("content", json!([]))
        };
        if let Some(map) = bare.as_object_mut() {
            map.insert("status".to_owned(), "in_progress".into());
            map.insert(empty.0.to_owned(), empty.1);
        }
        let part = match what {
            What::Reasoning => Some(json!({"type": "reasoning_text", "text": ""})),
            What::Message => Some(text_part("")),
            What::Call(_) => None,
        };
        let at = json!({"item_id": item.id, "output_index": index, "content_index": 0});
        self.push("response.output_item.added", json!({"output_index": index, "item": bare}));
        if let Some(part) = part {
            self.push("response.content_part.added", with(at, "part", part));
        }
    }

    fn delta(&mut self, kind: &str, token: &str) {
        let Some((index, item)) = self.open.and_then(|at| Some((at, self.item(at)?))) else {
            return;
        };
        let mut fields = json!({"item_id": item.id, "output_index": index, "delta": token});
        if !matches!(item.what, What::Call(_)) {
            fields = with(fields, "content_index", 0.into());
        }
        if item.what == What::Message {
            fields = with(fields, "logprobs", json!([]));
        }
        self.push(kind, fields);
    }

    /// Ends the item under way.
    fn close(&mut self) {
        let Some(index) = self.open.take() else { return };
        let Some(item) = self.item(index) else { return };
        let (what, value) = (item.what, item.value.clone());
        let at = json!({"item_id": item.id, "output_index": index});
        self.done = index + 1;
        match what {
            What::Call(_) => {
                let mut fields = at;
                for key in ["name", "arguments"] {
                    let text = value.get(key).cloned().unwrap_or_default();
                    fields = with(fields, key, text);
                }
                self.push("response.function_call_arguments.done", fields);
            }
            What::Reasoning | What::Message => {
                let at = with(at, "content_index", 0.into());
                let part = value.pointer("/content/0").cloned().unwrap_or_default();
                let text = part.get("text").cloned().unwrap_or_default();
                let mut fields = with(at.clone(), "text", text);
                let kind = if what == What::Message {
                    fields = with(fields, "logprobs", json!([]));
                    "response.output_text.done"
                } else {
                    "response.reasoning_text.done"
                };
                self.push(kind, fields);
                self.push("response.content_part.done", with(at, "part", part));
            }
        }
        self.push("response.output_item.done", json!({"output_index": index, "item": value}));
    }

    fn over(&self) -> Vec<Value> {
        self.shell.items.iter().take(self.done).map(|item| item.value.clone()).collect()
    }

    fn end(&mut self) {
        if self.open.is_none() && self.done == 0 && !self.shell.items.is_empty() {
            // An answer of no tokens is a message all the same.
            self.turn_to(What::Message);
        }
        self.close();
        let status = self.shell.status();
        let body = self.shell.body(status, &self.over(), &Value::Null);
        self.push(&format!("response.{status}"), json!({"response": body}));
    }

    fn fail(&mut self) {
        let Refusal { message, kind, .. } = Refusal::engine();
        self.push("error", json!({"code": kind, "message": message, "param": null}));
        let error = json!({"code": kind, "message": message});
        let body = self.shell.body("failed", &self.over(), &error);
        self.push("response.failed", json!({"response": body}));
    }
}

fn with(mut value: Value, key: &str, field: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.insert(key.to_owned(), field);
    }
    value
}
