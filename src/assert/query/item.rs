//! Values as a query finds them, each with its place.

use std::borrow::Cow;

use serde_json::Value;

use crate::assert::scene::Seen;
use crate::verdict::Place;

/// A value that a query has found, or why there is none where it looked.
#[derive(Clone, Debug)]
pub(in crate::assert) struct Item<'a> {
    /// Where it stands.
    pub(in crate::assert) at: At<'a>,
    /// The value, or what stands there instead: a noun phrase.
    pub(in crate::assert) value: Result<Cow<'a, Value>, String>,
}

/// Where a value stands. Cheap to carry along; the bytes are looked up when a place is wanted.
#[derive(Clone, Debug)]
pub(in crate::assert) struct At<'a> {
    /// The exchange; captured values have none.
    pub(in crate::assert) seen: Option<&'a Seen>,
    /// Whose it is, where it is not the judged exchange's own: ``step `call`, ``.
    pub(in crate::assert) owner: String,
    /// Which part of the exchange.
    pub(in crate::assert) part: Part,
    /// JSON pointer below that part.
    pub(in crate::assert) pointer: String,
    /// After a filter that reads the value anew: JSON pointer in what it made.
    pub(in crate::assert) inner: Option<String>,
}

/// A part of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::assert) enum Part {
    Status,
    Header {
        name: String,
        nth: usize,
    },
    Body,
    Raw,
    /// An event's data as JSON.
    Chunk(usize),
    /// An event as an object with `data`, `name` and so on.
    Event(usize),
    Comment(usize),
    Oddity(usize),
    Assembled,
    /// Known by name only: `timing`, `connection`.
    Named(String),
}

impl<'a> At<'a> {
    pub(super) fn new(seen: Option<&'a Seen>, owner: &str, part: Part) -> Self {
        Self { seen, owner: owner.to_owned(), part, pointer: String::new(), inner: None }
    }

    /// One token further down.
    pub(super) fn below(&self, token: &str) -> Self {
        let mut at = self.clone();
        let pointer = at.inner.as_mut().unwrap_or(&mut at.pointer);
        pointer.push('/');
        pointer.push_str(&crate::assert::predicate::escape(token));
        at
    }

    /// The same place, for a value that a filter has made of what stands there.
    pub(super) fn anew(mut self) -> Self {
        self.inner = Some(String::new());
        self
    }

    /// In short, for messages: `event 3`, `body /data/0`.
    pub(in crate::assert) fn name(&self) -> String {
        let part = match &self.part {
            Part::Status => "the status".to_owned(),
            Part::Header { name, nth: 0 } => format!("header {name}"),
            Part::Header { name, nth } => format!("line {} of header {name}", nth + 1),
            Part::Body => "the body".to_owned(),
            Part::Raw => "the body's text".to_owned(),
            Part::Chunk(event) | Part::Event(event) => format!("event {event}"),
            Part::Comment(comment) => format!("comment {comment}"),
            Part::Oddity(oddity) => format!("oddity {oddity}"),
            Part::Assembled => "the assembled reply".to_owned(),
            Part::Named(name) => name.clone(),
        };
        // Among chunks the event says enough; elsewhere the pointer tells items apart.
        let pointer = match self.part {
            Part::Chunk(_) | Part::Event(_) => String::new(),
            _ if self.pointer.is_empty() => String::new(),
            _ => format!(" {}", self.pointer),
        };
        format!("{}{part}{pointer}", self.owner)
    }

    /// The place, with a mark. `below` is a JSON pointer from here; `inside` a byte of the text
    /// that stands there.
    pub(in crate::assert) fn place(
        &self,
        below: &str,
        inside: Option<usize>,
        label: &str,
    ) -> Place {
        let Some(seen) = self.seen else { return Place::named(self.name()) };
        // What a filter has made has no bytes of its own: the mark stays on its source.
        let (pointer, inside) = match &self.inner {
            Some(_) => (self.pointer.clone(), None),
            None => (format!("{}{below}", self.pointer), inside),
        };
        let mut place = match &self.part {
            Part::Status => seen.at_status(label),
            Part::Header { name, nth } => seen.at_header(name, *nth, inside.unwrap_or(0), label),
            Part::Body => seen.in_body(&pointer, inside, label),
            Part::Raw => in_raw(seen, inside, label),
            Part::Chunk(event) => seen.in_event(*event, &pointer, inside, label),
            Part::Event(event) => self.in_event_object(seen, *event, inside, label),
            Part::Comment(comment) => {
                let found = seen.reading().sse.as_ref().and_then(|sse| sse.comments.get(*comment));
                let what = format!("comment {comment}");
                match found {
                    Some(found) => seen.at_byte(what, found.offset, label),
                    None => seen.named(what),
                }
            }
            Part::Oddity(oddity) => {
                let found = seen.reading().sse.as_ref().and_then(|sse| sse.oddities.get(*oddity));
                let what = format!("oddity {oddity}");
                match found {
                    Some(found) => seen.at_byte(what, found.offset, label),
                    None => seen.named(what),
                }
            }
            Part::Assembled => seen.in_assembled(&pointer, inside, label),
            Part::Named(name) => Place {
                pointer: (!pointer.is_empty()).then_some(pointer),
                ..seen.named(name.clone())
            },
        };
        if let Some(inner) = &self.inner {
            let path = format!("{inner}{below}");
            if !path.is_empty() {
                place.what = format!("{}, inside it {path}", place.what);
            }
        }
        place.what = format!("{}{}", self.owner, place.what);
        place
    }

    fn in_event_object(
        &self,
        seen: &Seen,
        event: usize,
        inside: Option<usize>,
        label: &str,
    ) -> Place {
        if self.pointer == "/data" {
            return seen.in_event(event, "", inside, label);
        }
        let what = match self.pointer.strip_prefix('/') {
            Some(field) => format!("event {event}, its {field}"),
            None => format!("event {event}"),
        };
        match seen.event(event) {
            Some(found) => seen.at_byte(what, found.start, label),
            None => seen.named(what),
        }
    }
}

fn in_raw(seen: &Seen, inside: Option<usize>, label: &str) -> Place {
    // Offsets in the text are offsets in the body only while no byte was replaced.
    match inside.filter(|_| std::str::from_utf8(&seen.reading().body).is_ok()) {
        Some(offset) => seen.at_byte("body", offset, label),
        None => seen.at_byte("body", 0, label),
    }
}
