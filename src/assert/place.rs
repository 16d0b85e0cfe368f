//! Places in an exchange: which event, which frame, which byte, when it came, and the bytes
//! around it.

use serde_json::Value;

use super::scene::Seen;
use crate::transcript::{End, Exchange};
use crate::units::Nanos;
use crate::verdict::{Excerpt, Place};
use crate::wire::json::span_of;
use crate::wire::sse;

/// How many bytes on each side of a mark an excerpt shows: one terminal line in all.
const AROUND_BYTES: usize = 40;

impl Seen {
    /// A place known by name only, in this exchange.
    pub(super) fn named(&self, what: impl Into<String>) -> Place {
        Place { exchange: Some(self.exchange.id.clone()), ..Place::named(what) }
    }

    /// The body's byte `offset`; one past the last byte is the body's end.
    pub(super) fn at_byte(
        &self,
        what: impl Into<String>,
        offset: usize,
        label: impl Into<String>,
    ) -> Place {
        let body = &self.reading().body;
        let (frame, at) = match self.frame_of(offset) {
            Some((frame, at)) => (Some(frame), Some(at)),
            None => (None, None),
        };
        Place {
            frame,
            at,
            offset: Some(offset),
            excerpt: Some(Excerpt::around(body, offset, AROUND_BYTES, label)),
            ..self.named(what)
        }
    }

    /// The end of the body.
    pub(super) fn at_end(&self, label: impl Into<String>) -> Place {
        self.at_byte("end of the body", self.reading().body.len(), label)
    }

    /// A value in the body's JSON, or the value that lacks it.
    pub(super) fn in_body(&self, pointer: &str, inside: Option<usize>, label: &str) -> Place {
        let body = &self.reading().body;
        let offset = offset_of(body, pointer, inside);
        Place { pointer: some(pointer), ..self.at_byte("body", offset, label) }
    }

    /// An event's data, or a value in its JSON, or the value that lacks it.
    pub(super) fn in_event(
        &self,
        event: usize,
        pointer: &str,
        inside: Option<usize>,
        label: &str,
    ) -> Place {
        let what = format!("event {event}");
        let Some(found) = self.event(event) else { return self.named(what) };
        let within = offset_of(found.data.as_bytes(), pointer, inside);
        let offset = data_offset(&self.reading().body, found, within).unwrap_or(found.start);
        Place { pointer: some(pointer), ..self.at_byte(what, offset, label) }
    }

    /// A value in the assembled reply. Where the reply was streamed, the event that set the value
    /// (for a text: that added to it last) is named and shown.
    pub(super) fn in_assembled(&self, pointer: &str, inside: Option<usize>, label: &str) -> Place {
        if self.reading().sse.is_none() {
            return self.in_body(pointer, inside, label);
        }
        let what = "assembled reply";
        let place = match self.origin(pointer) {
            Some((event, below)) => Place {
                what: format!("{what}, from event {event}"),
                ..self.in_event(event, &below, None, label)
            },
            None => self.named(what),
        };
        Place { pointer: some(pointer), ..place }
    }

    /// The status line.
    pub(super) fn at_status(&self, label: &str) -> Place {
        let exchange = &self.exchange;
        let Some(head) = &exchange.head else { return self.named("status") };
        let version = format!("HTTP/{} ", exchange.connection.version.as_str());
        let line = format!("{version}{} {}", head.status, head.reason);
        Place {
            at: exchange.timing.head,
            excerpt: Some(Excerpt {
                text: line.trim_end().to_owned(),
                mark: version.chars().count(),
                label: label.to_owned(),
            }),
            ..self.named("status")
        }
    }

    /// The `nth` line under a header's name, from 0; `inside` is a byte of its value.
    pub(super) fn at_header(&self, name: &str, nth: usize, inside: usize, label: &str) -> Place {
        let place = Place { at: self.exchange.timing.head, ..self.named(format!("header {name}")) };
        let Some(head) = &self.exchange.head else { return place };
        let line = head.headers.iter().filter(|h| h.name.eq_ignore_ascii_case(name)).nth(nth);
        let excerpt = line.map(|header| {
            let start = format!("{}: ", header.name);
            let text = format!("{start}{}", header.value);
            Excerpt::around(text.as_bytes(), start.len() + inside, 2 * AROUND_BYTES, label)
        });
        Place { excerpt, ..place }
    }

    /// The event of this number, from 0.
    pub(super) fn event(&self, event: usize) -> Option<&sse::Event> {
        self.reading().sse.as_ref()?.events.get(event)
    }

    /// When the event was complete: the time of the read that brought its last byte.
    pub(super) fn arrival(&self, event: usize) -> Nanos {
        let arrival = self.reading().arrivals.get(event);
        arrival.map_or(self.exchange.timing.done, |arrival| arrival.at)
    }

    /// The frame that holds a byte, and when it came; the last frame for the body's end.
    pub(super) fn frame_of(&self, offset: usize) -> Option<(usize, Nanos)> {
        let ends = self.frame_ends();
        let index = ends.partition_point(|end| *end <= offset).min(ends.len().checked_sub(1)?);
        self.exchange.frames.get(index).map(|frame| (index, frame.at))
    }

    /// Which event set the value at `pointer` of the assembled reply, and where in that event.
    fn origin(&self, pointer: &str) -> Option<(usize, String)> {
        let reading = self.reading();
        let tokens: Vec<&str> = pointer.split('/').skip(1).collect();
        let chunks = || reading.chunks.iter();
        match tokens.as_slice() {
            ["usage", ..] => chunks()
                .rev()
                .find(|chunk| chunk.value.get("usage").is_some_and(|usage| !usage.is_null()))
                .map(|chunk| (chunk.event, pointer.to_owned())),
            ["choices", position, rest @ ..] => {
                let choice = reading.assembled.as_ref()?.get("choices")?;
                let index = choice.get(position.parse::<usize>().ok()?)?.get("index").cloned();
                chunks().rev().find_map(|chunk| {
                    let choices = chunk.value.get("choices")?.as_array()?;
                    choices.iter().enumerate().find_map(|(place, choice)| {
                        if choice.get("index") != index.as_ref() {
                            return None;
                        }
                        let below = below_choice(choice, rest)?;
                        Some((chunk.event, format!("/choices/{place}{below}")))
                    })
                })
            }
            [key] => chunks()
                .find(|chunk| chunk.value.get(*key).is_some())
                .map(|chunk| (chunk.event, pointer.to_owned())),
            _ => None,
        }
    }
}

/// Where a streamed choice holds what the assembled one has at `rest`.
fn below_choice(choice: &Value, rest: &[&str]) -> Option<String> {
    let set = |value: &Value| !value.is_null();
    match rest {
        [] => Some(String::new()),
        ["message", "tool_calls", number, ..] => {
            let fragments = choice.get("delta")?.get("tool_calls")?.as_array()?;
            let number: u64 = number.parse().ok()?;
            let place = fragments.iter().position(|fragment| {
                fragment.get("index").and_then(Value::as_u64) == Some(number)
            })?;
            Some(format!("/delta/tool_calls/{place}"))
        }
        ["message", key, ..] => {
            choice.get("delta")?.get(*key).filter(|value| set(value))?;
            Some(format!("/delta/{key}"))
        }
        ["message"] => choice.get("delta").map(|_| "/delta".to_owned()),
        [key, ..] => {
            choice.get(*key).filter(|value| set(value))?;
            Some(format!("/{key}"))
        }
    }
}

fn some(pointer: &str) -> Option<String> {
    (!pointer.is_empty()).then(|| pointer.to_owned())
}

/// Where in `json` the value at `pointer` starts, or the closest value around it that is there.
/// With `inside`, that byte of a text, as long as no escape before it shifts it.
fn offset_of(json: &[u8], pointer: &str, inside: Option<usize>) -> usize {
    if let (true, Some(inside)) = (pointer.is_empty(), inside) {
        return inside.min(json.len());
    }
    let mut pointer = pointer;
    loop {
        if pointer.is_empty() {
            return 0;
        }
        if let Some(span) = span_of(json, pointer) {
            let start = span.start;
            return match inside {
                Some(inside) => {
                    let text = json.get(start..start + inside + 1).unwrap_or_default();
                    if text.contains(&b'\\') { start } else { start + inside + 1 }
                }
                None => start,
            };
        }
        pointer = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}

/// Where in the body byte `within` of an event's data stands. The data of several `data` lines is
/// joined with line feeds, so each line has an offset of its own.
pub(super) fn data_offset(body: &[u8], event: &sse::Event, within: usize) -> Option<usize> {
    let raw = body.get(event.start..event.end)?;
    let (mut at, mut joined) = (event.start, 0);
    let mut last = None;
    for line in raw.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        let text = line.trim_ascii_end();
        if let Some(value) = text.strip_prefix(b"data:") {
            let space = usize::from(value.first() == Some(&b' '));
            let start = at + b"data:".len() + space;
            let len = at + text.len() - start;
            if within <= joined + len {
                return Some(start + (within - joined));
            }
            joined += len + 1;
            last = Some(at + text.len());
        }
        at += line.len();
    }
    last
}

/// The largest silence between two frames of the body up to frame `last`, and the frame before it.
/// When that is the last frame of all and the response did not end by itself, the silence until the
/// end counts too.
pub(super) fn longest_gap(exchange: &Exchange, last: usize) -> Option<(Nanos, usize)> {
    let all = exchange.frames.as_slice();
    let frames = all.get(..=last).unwrap_or(all);
    let between = frames.windows(2).enumerate().filter_map(|(index, pair)| match pair {
        [before, after] => Some((after.at.since(before.at), index)),
        _ => None,
    });
    let to_end = frames
        .last()
        .filter(|_| last >= all.len() && exchange.end != End::Complete)
        .map(|last| (exchange.timing.done.since(last.at), frames.len() - 1));
    between.chain(to_end).max_by_key(|(gap, index)| (*gap, std::cmp::Reverse(*index)))
}

/// What kind of answer this is, for people: its content type and how its body starts.
pub(super) fn describe_answer(seen: &Seen) -> String {
    let kind = match seen.exchange.header("content-type") {
        Some(kind) => format!("content-type {kind}"),
        None => "no content-type".to_owned(),
    };
    let body = &seen.reading().body;
    if body.is_empty() {
        return format!("{kind}, an empty body");
    }
    let start = crate::text::printable(body.get(..AROUND_BYTES).unwrap_or(body));
    format!("{kind}, starts `{start}`")
}
