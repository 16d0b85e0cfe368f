//! The events of a Responses stream, and the items they belong to.

use serde_json::Value;

use super::look::Look;
use crate::verdict::Place;

/// The events that may end a response.
pub(super) const ENDS: [&str; 3] = ["response.completed", "response.incomplete", "response.failed"];

/// An event whose data has a `type`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed<'a> {
    /// The event's number, from 0.
    pub(super) event: usize,
    pub(super) kind: &'a str,
    pub(super) value: &'a Value,
}

impl<'a> Typed<'a> {
    /// A text in the data, by pointer.
    pub(super) fn text(&self, pointer: &str) -> Option<&'a str> {
        self.value.pointer(pointer)?.as_str()
    }

    /// A whole number in the data, by pointer.
    pub(super) fn number(&self, pointer: &str) -> Option<u64> {
        self.value.pointer(pointer)?.as_u64()
    }

    /// The id of the item that it belongs to.
    pub(super) fn item_id(&self) -> Option<&'a str> {
        self.text("/item_id").or_else(|| self.text("/item/id"))
    }

    /// Whether it belongs to an item of the output.
    pub(super) fn is_of_item(&self) -> bool {
        ["item_id", "output_index", "item"].iter().any(|key| self.value.get(key).is_some())
    }

    /// The place of its content part; 0 where it says none.
    pub(super) fn part(&self) -> u64 {
        self.number("/content_index").unwrap_or(0)
    }

    pub(super) fn place(&self, look: &Look<'_>, pointer: &str, label: &str) -> Place {
        look.place(self.event, pointer, label)
    }
}

/// The events of the Responses API, in order.
pub(super) fn typed<'a>(look: &Look<'a>) -> Vec<Typed<'a>> {
    let chunks = &look.seen.reading().chunks;
    chunks
        .iter()
        .filter_map(|chunk| {
            let kind = chunk.value.get("type")?.as_str()?;
            let is_ours = kind.starts_with("response.") || kind == "error";
            is_ours.then_some(Typed { event: chunk.event, kind, value: &chunk.value })
        })
        .collect()
}

/// An item of the output, as the stream tells it.
pub(super) struct Item<'a> {
    pub(super) added: Typed<'a>,
    /// Everything about it after that.
    pub(super) events: Vec<Typed<'a>>,
}

impl<'a> Item<'a> {
    pub(super) fn id(&self) -> Option<&'a str> {
        self.added.item_id()
    }

    /// `message`, `function_call`, `reasoning`.
    pub(super) fn kind(&self) -> &'a str {
        self.added.text("/item/type").unwrap_or_default()
    }

    pub(super) fn of(&self, kind: &str) -> impl Iterator<Item = &Typed<'a>> {
        self.events.iter().filter(move |event| event.kind == kind)
    }

    /// The last event of a kind about a content part.
    pub(super) fn of_part(&self, kind: &str, part: u64) -> Option<&Typed<'a>> {
        self.events.iter().rev().find(|event| event.kind == kind && event.part() == part)
    }

    /// How a message calls it.
    pub(super) fn name(&self) -> String {
        format!("`{}`", self.id().unwrap_or("without an id"))
    }
}

/// The items, and the events of items that were never opened.
///
/// An event belongs to the item that has its id, and else to the one at its index: so a wrong id
/// or a wrong index is one fault, and not also an item that never ends.
pub(super) fn items<'a>(look: &Look<'a>) -> (Vec<Item<'a>>, Vec<Typed<'a>>) {
    let mut items: Vec<Item<'a>> = Vec::new();
    let mut strays = Vec::new();
    for event in typed(look) {
        if event.kind == "response.output_item.added" {
            items.push(Item { added: event, events: Vec::new() });
            continue;
        }
        if !event.is_of_item() {
            continue;
        }
        let by_id =
            items.iter().rposition(|item| item.id().is_some() && item.id() == event.item_id());
        let at = by_id.or_else(|| {
            let index = event.number("/output_index")?;
            items.iter().rposition(|item| item.added.number("/output_index") == Some(index))
        });
        match at.and_then(|at| items.get_mut(at)) {
            Some(item) => item.events.push(event),
            None => strays.push(event),
        }
    }
    (items, strays)
}

/// The event that ended the response well.
pub(super) fn end<'a>(look: &Look<'a>) -> Option<Typed<'a>> {
    let over = |event: &Typed<'a>| ENDS.contains(&event.kind) && event.kind != "response.failed";
    typed(look).into_iter().rev().find(over)
}
