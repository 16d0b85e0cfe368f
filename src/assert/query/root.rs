//! Roots: what a query starts from, and when it is not there.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Root;
use super::item::{At, Item, Part};
use crate::assert::place::{describe_answer, longest_gap};
use crate::assert::predicate::json_number;
use crate::assert::scene::{Scene, Seen};
use crate::dialect::openai::{Chunk, DONE};
use crate::units::Nanos;
use crate::wire::{json as strict, second_reader, sse};

/// What stands at a root.
pub(super) enum Base<'a> {
    /// One value; a path may go down from it.
    One(Item<'a>),
    /// A list; a path starts with an index.
    List {
        /// The list as a whole.
        whole: At<'a>,
        /// What its items are called.
        noun: &'static str,
        /// In order.
        items: Vec<Item<'a>>,
    },
}

impl Root {
    /// Whether it is read from the body, and so depends on how much of it arrived.
    pub(in crate::assert) const fn reads_body(&self) -> bool {
        matches!(
            self,
            Self::Body
                | Self::Raw
                | Self::Events
                | Self::Comments
                | Self::Oddities
                | Self::Chunks
                | Self::Assembled
                | Self::Reads
                | Self::SecondReader
        )
    }

    /// Whether it says itself how or when the exchange ended, so that a deadline of ours is part
    /// of the answer.
    pub(in crate::assert) const fn is_about_the_end(&self) -> bool {
        matches!(self, Self::End | Self::Timing)
    }
}

/// What stands at `root`, or why nothing can be told.
pub(super) fn base<'a>(
    root: &Root,
    seen: Option<&'a Seen>,
    owner: &str,
    scene: &Scene<'a>,
) -> Result<Base<'a>, String> {
    if let Root::Var(name) = root {
        let value = scene.vars.get(name).ok_or_else(|| format!("nothing is known as `{name}`"))?;
        let at = At::new(None, owner, Part::Named(format!("var `{name}`")));
        return Ok(Base::One(Item { at, value: Ok(Cow::Borrowed(value)) }));
    }
    let seen = seen.ok_or("no step has run")?;
    let exchange = &seen.exchange;
    let named = |name: &str| At::new(Some(seen), owner, Part::Named(name.to_owned()));
    let one = |at: At<'a>, value: Value| Ok(Base::One(Item { at, value: Ok(Cow::Owned(value)) }));
    if *root == Root::End {
        return one(named("end of the exchange"), kind_of(&exchange.end));
    }
    if *root == Root::Request {
        let body = strict::parse(&exchange.request.body)
            .map_err(|fault| format!("the request has no JSON body: {}", fault.message))?;
        return one(named("request body"), body);
    }
    let head = exchange
        .head
        .as_ref()
        .ok_or_else(|| format!("no response: {}", exchange.end.describe()))?;
    match root {
        Root::Status => one(At::new(Some(seen), owner, Part::Status), json!(head.status)),
        Root::HttpVersion => {
            one(named("http version"), json!(exchange.connection.version.as_str()))
        }
        Root::Header(name) => {
            let at = At::new(Some(seen), owner, Part::Header { name: name.clone(), nth: 0 });
            let value = head.headers.get(name).map(|value| Cow::Owned(json!(value)));
            Ok(Base::One(Item { at, value: value.ok_or_else(|| format!("no header `{name}`")) }))
        }
        Root::Headers(name) => {
            let items = head.headers.all(name).enumerate().map(|(nth, value)| Item {
                at: At::new(Some(seen), owner, Part::Header { name: name.clone(), nth }),
                value: Ok(Cow::Owned(json!(value))),
            });
            let whole = At::new(Some(seen), owner, Part::Header { name: name.clone(), nth: 0 });
            Ok(Base::List { whole, noun: "header line", items: items.collect() })
        }
        Root::Raw => {
            let text = String::from_utf8_lossy(&seen.reading().body).into_owned();
            one(At::new(Some(seen), owner, Part::Raw), Value::String(text))
        }
        Root::Timing => one(named("timing"), timing(seen)),
        Root::Reads => one(named("reads of the body"), json!(reads(seen))),
        Root::Connection => {
            let connection = &exchange.connection;
            let value = json!({"number": connection.number, "reused": connection.reused});
            one(named("connection"), value)
        }
        Root::Framing => one(named("framing of the body"), plain(&exchange.framing)),
        Root::Redactions => {
            let items = exchange.redactions.iter().map(|redaction| Item {
                at: named(&format!(
                    "redaction in the {} of the {}",
                    redaction.place,
                    side(redaction)
                )),
                value: Ok(Cow::Owned(plain(redaction))),
            });
            Ok(Base::List { whole: named("redactions"), noun: "redaction", items: items.collect() })
        }
        Root::Comments => Ok(list(seen, owner, "comment", comments(seen), Part::Comment)),
        Root::Oddities => Ok(list(seen, owner, "oddity", oddities(seen), Part::Oddity)),
        Root::Body => body(seen, owner),
        Root::Assembled => assembled(seen, owner),
        Root::Events => {
            let stream = stream(seen)?;
            Ok(list(seen, owner, "event", events(seen, stream), Part::Event))
        }
        Root::Chunks => {
            // What comes after `[DONE]` is no part of the reply; `events` has it.
            let done = stream(seen)?.events.iter().position(|event| event.data == DONE);
            let before = |chunk: &&Chunk| done.is_none_or(|done| chunk.event < done);
            let items = seen.reading().chunks.iter().filter(before).map(|chunk| Item {
                at: At::new(Some(seen), owner, Part::Chunk(chunk.event)),
                value: Ok(Cow::Borrowed(&chunk.value)),
            });
            Ok(Base::List { whole: named("event stream"), noun: "chunk", items: items.collect() })
        }
        Root::SecondReader => {
            stream(seen)?;
            let data = second_reader::read(&seen.reading().body).map_err(|not_asked| {
                format!("the second reader was not asked: {}", not_asked.why)
            })?;
            let values = data.into_iter().map(Value::String).collect();
            let part = |index| Part::Named(format!("event {index} of the second reader"));
            Ok(list(seen, owner, "event", values, part))
        }
        Root::Var(_) | Root::End | Root::Request => Err("it was asked before".to_owned()),
    }
}

/// The event stream, or why there is none to judge.
pub(in crate::assert) fn stream(seen: &Seen) -> Result<&sse::Stream, String> {
    succeeded(seen)?;
    match &seen.reading().sse {
        Some(stream) if !stream.events.is_empty() => Ok(stream),
        Some(_) => Err(format!("no event of the stream is complete: {}", describe_answer(seen))),
        None => Err(format!("the answer is not an event stream: {}", describe_answer(seen))),
    }
}

/// Whether the status is one of success; otherwise why there is no reply.
pub(in crate::assert) fn succeeded(seen: &Seen) -> Result<(), String> {
    match seen.exchange.status() {
        None => Err(format!("no response: {}", seen.exchange.end.describe())),
        Some(200..=299) => Ok(()),
        Some(status) => Err(format!("the status is {status}, so there is no reply to judge")),
    }
}

fn body<'a>(seen: &'a Seen, owner: &str) -> Result<Base<'a>, String> {
    match &seen.reading().json {
        Ok(value) => {
            let at = At::new(Some(seen), owner, Part::Body);
            Ok(Base::One(Item { at, value: Ok(Cow::Borrowed(value)) }))
        }
        Err(_) if seen.reading().body.is_empty() => Err("the body is empty".to_owned()),
        Err(fault) => Err(format!(
            "the body is not JSON: {} at byte {} ({})",
            fault.message,
            fault.offset,
            describe_answer(seen)
        )),
    }
}

fn assembled<'a>(seen: &'a Seen, owner: &str) -> Result<Base<'a>, String> {
    succeeded(seen)?;
    let reading = seen.reading();
    // An error under a success status is one fault; without this it would be fifty.
    let replies = reading.sse.is_none() && reading.json.as_ref().is_ok_and(is_error)
        || !reading.chunks.is_empty()
            && reading.chunks.iter().all(|chunk| chunk.value.get("choices").is_none())
            && reading.chunks.iter().any(|chunk| is_error(&chunk.value));
    if replies {
        return Err(format!("the answer is an error and no reply: {}", describe_answer(seen)));
    }
    match &reading.assembled {
        Some(value) => {
            let at = At::new(Some(seen), owner, Part::Assembled);
            Ok(Base::One(Item { at, value: Ok(Cow::Borrowed(value)) }))
        }
        None if reading.sse.is_some() => {
            Err(format!("no reply can be assembled from the events: {}", describe_answer(seen)))
        }
        None => Err(format!(
            "the answer is neither an event stream nor JSON: {}",
            describe_answer(seen)
        )),
    }
}

/// An error object in place of a reply, in OpenAI's envelope or flat.
pub(in crate::assert) fn is_error(value: &Value) -> bool {
    value.get("choices").is_none()
        && (value.get("error").is_some_and(|error| !error.is_null())
            || value.get("object").and_then(Value::as_str) == Some("error"))
}

fn list<'a>(
    seen: &'a Seen,
    owner: &str,
    noun: &'static str,
    values: Vec<Value>,
    part: impl Fn(usize) -> Part,
) -> Base<'a> {
    let items = values.into_iter().enumerate().map(|(index, value)| Item {
        at: At::new(Some(seen), owner, part(index)),
        value: Ok(Cow::Owned(value)),
    });
    let whole = At::new(Some(seen), owner, Part::Named("event stream".to_owned()));
    Base::List { whole, noun, items: items.collect() }
}

fn events(seen: &Seen, stream: &sse::Stream) -> Vec<Value> {
    stream
        .events
        .iter()
        .enumerate()
        .map(|(index, event)| {
            let mut fields = Map::new();
            fields.insert("data".to_owned(), json!(event.data));
            fields.insert("name".to_owned(), json!(event.name));
            if let Some(id) = &event.id {
                fields.insert("id".to_owned(), json!(id));
            }
            fields.insert("at_ms".to_owned(), json_number(seen.arrival(index).as_millis_f64()));
            fields.insert("bytes".to_owned(), json!(event.end - event.start));
            fields.insert("data_lines".to_owned(), json!(event.data_lines));
            Value::Object(fields)
        })
        .collect()
}

fn comments(seen: &Seen) -> Vec<Value> {
    let comments = seen.reading().sse.iter().flat_map(|stream| &stream.comments);
    comments.map(|comment| json!(comment.text)).collect()
}

fn oddities(seen: &Seen) -> Vec<Value> {
    let oddities = seen.reading().sse.iter().flat_map(|stream| &stream.oddities);
    oddities
        .map(|oddity| json!({"kind": oddity.kind.name(), "offset": oddity.offset, "times": oddity.times}))
        .collect()
}

/// How many reads brought bytes of the body: frames of one read have one time.
fn reads(seen: &Seen) -> usize {
    let frames = seen.exchange.frames.iter().filter(|frame| !frame.bytes.is_empty());
    frames.map(|frame| frame.at).collect::<BTreeSet<Nanos>>().len()
}

/// In seconds. `ttfb` and `ttft` count from the request's last byte, so that a new connection is
/// not billed to the model; `total` counts from the start. What did not happen is left out.
fn timing(seen: &Seen) -> Value {
    let timing = &seen.exchange.timing;
    let sent = timing.sent.unwrap_or_default();
    let connect = timing.connected.map(|at| at.since(timing.resolved.unwrap_or_default()));
    let first_token = first_content(seen).map(|at| at.since(sent));
    let first_byte = timing.first_byte.map(|at| at.since(sent));
    let gap = longest_gap(&seen.exchange, usize::MAX).map(|(gap, _)| gap);
    [
        ("connect", connect),
        ("ttfb", first_byte),
        ("ttft", first_token),
        ("total", Some(timing.done)),
        ("gap_max", gap),
    ]
    .into_iter()
    .filter_map(|(name, span)| Some((name.to_owned(), json_number(span?.as_secs_f64()))))
    .collect::<Map<String, Value>>()
    .into()
}

/// When the first event with text, reasoning or a tool call was complete.
fn first_content(seen: &Seen) -> Option<Nanos> {
    let chunk = seen.reading().chunks.iter().find(|chunk| {
        let choices = chunk.value.get("choices").and_then(Value::as_array);
        choices.is_some_and(|choices| choices.iter().any(has_content))
    })?;
    Some(seen.arrival(chunk.event))
}

fn has_content(choice: &Value) -> bool {
    let full = |value: &Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => false,
    };
    // A role alone, or null content, is a greeting and no token.
    let delta = choice.get("delta").and_then(Value::as_object);
    let in_delta =
        delta.is_some_and(|delta| delta.iter().any(|(key, value)| key != "role" && full(value)));
    in_delta || choice.get("text").is_some_and(full)
}

fn plain(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn kind_of(end: &crate::transcript::End) -> Value {
    plain(end).get("kind").cloned().unwrap_or_default()
}

fn side(redaction: &crate::transcript::Redaction) -> &'static str {
    match redaction.side {
        crate::transcript::Side::Request => "request",
        crate::transcript::Side::Response => "response",
    }
}
