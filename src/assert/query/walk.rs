//! Down a path.
//!
//! An own walker instead of a JSONPath crate: the crate `serde_json_path` returns located nodes
//! for what is there and nothing for what is not, and most evidence is about what is not there:
//! which item lacks the key, and what it has instead.

use std::borrow::Cow;

use serde_json::Value;

use super::Segment;
use super::item::{At, Item};
use crate::assert::operand::type_phrase;
use crate::text::plural;

/// How many keys a message names.
const KEYS_SHOWN: usize = 8;

/// Everything that stands at `path` below `items`.
///
/// A name or an index that is not there leaves an item without a value. A wildcard ranges over
/// what is there: over nothing and over null it finds no item.
pub(super) fn walk<'a>(items: Vec<Item<'a>>, path: &[Segment]) -> Vec<Item<'a>> {
    path.iter().fold(items, |items, segment| {
        items.into_iter().flat_map(|item| step(item, segment)).collect()
    })
}

fn step<'a>(item: Item<'a>, segment: &Segment) -> Vec<Item<'a>> {
    let Item { at, value } = item;
    match (segment, value) {
        (Segment::Name(name), value) => vec![named(&at, value, name)],
        (Segment::Names(names), value) => {
            names.iter().map(|name| named(&at, value.clone(), name)).collect()
        }
        (Segment::Index(index), value) => vec![indexed(&at, value, *index)],
        (Segment::Every | Segment::Slice(..), Err(_)) => Vec::new(),
        (Segment::Every, Ok(value)) => every(at, &value),
        (Segment::Slice(from, to), Ok(value)) => match &*value {
            Value::Null => Vec::new(),
            Value::Array(items) => {
                slice(items.len(), *from, *to).map(|index| element(&at, &value, index)).collect()
            }
            other => vec![odd(at, other)],
        },
    }
}

fn named<'a>(at: &At<'a>, value: Result<Cow<'a, Value>, String>, name: &str) -> Item<'a> {
    let value = value.and_then(|value| match &*value {
        Value::Object(fields) if fields.contains_key(name) => {
            child(&value, |value| value.get(name)).ok_or_else(|| no_key(&value, name))
        }
        _ => Err(no_key(&value, name)),
    });
    Item { at: at.below(name), value }
}

fn indexed<'a>(at: &At<'a>, value: Result<Cow<'a, Value>, String>, index: i64) -> Item<'a> {
    let value = match value {
        Ok(value) => value,
        Err(why) => return Item { at: at.below(&index.to_string()), value: Err(why) },
    };
    let Value::Array(items) = &*value else {
        let why = format!("{}, which has no item {index}", type_phrase(&value));
        return Item { at: at.clone(), value: Err(why) };
    };
    match position(items.len(), index) {
        Some(place) => element(at, &value, place),
        None => Item {
            at: at.clone(),
            value: Err(format!("an array of {}, and no item {index}", plural(items.len(), "item"))),
        },
    }
}

fn every<'a>(at: At<'a>, value: &Cow<'a, Value>) -> Vec<Item<'a>> {
    match &**value {
        Value::Null => Vec::new(),
        Value::Array(items) => (0..items.len()).map(|index| element(&at, value, index)).collect(),
        Value::Object(fields) => {
            fields.keys().map(|key| named(&at, Ok(value.clone()), key)).collect()
        }
        other => vec![odd(at, other)],
    }
}

fn odd<'a>(at: At<'a>, value: &Value) -> Item<'a> {
    Item { at, value: Err(format!("{}, which has no items", type_phrase(value))) }
}

fn element<'a>(at: &At<'a>, value: &Cow<'a, Value>, index: usize) -> Item<'a> {
    let found = child(value, |value| value.get(index));
    Item { at: at.below(&index.to_string()), value: found.ok_or_else(|| "no such item".to_owned()) }
}

/// A borrowed value has borrowed children; of an owned one they are copied.
fn child<'a>(
    value: &Cow<'a, Value>,
    get: impl Fn(&Value) -> Option<&Value>,
) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(value) => get_borrowed(value, get),
        Cow::Owned(value) => get(value).cloned().map(Cow::Owned),
    }
}

fn get_borrowed(value: &Value, get: impl Fn(&Value) -> Option<&Value>) -> Option<Cow<'_, Value>> {
    get(value).map(Cow::Borrowed)
}

fn no_key(value: &Value, name: &str) -> String {
    match value {
        Value::Object(fields) if fields.is_empty() => format!("no `{name}`; the object is empty"),
        Value::Object(fields) => {
            let mut keys: Vec<&str> = fields.keys().map(String::as_str).take(KEYS_SHOWN).collect();
            if fields.len() > KEYS_SHOWN {
                keys.push("…");
            }
            format!("no `{name}`; the keys are {}", keys.join(", "))
        }
        other => format!("{}, which has no `{name}`", type_phrase(other)),
    }
}

/// An index from the front, or from the end when negative.
pub(super) fn position(len: usize, index: i64) -> Option<usize> {
    let place = if index < 0 {
        len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(index).ok()?
    };
    (place < len).then_some(place)
}

/// The indices of a slice; ends beyond the list are the list's ends.
pub(super) fn slice(len: usize, from: Option<i64>, to: Option<i64>) -> std::ops::Range<usize> {
    let clamp = |index: i64| {
        let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        if index < 0 { len.saturating_sub(distance) } else { distance.min(len) }
    };
    let start = from.map_or(0, clamp);
    start..to.map_or(len, clamp).max(start)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Query, item::Part};
    use super::*;

    /// What a path finds: values, or `!` and why not.
    fn found(value: &Value, path: &str) -> Vec<String> {
        let query = Query::parse(&format!("body{path}")).unwrap();
        let at = At::new(None, "", Part::Body);
        let items = walk(vec![Item { at, value: Ok(Cow::Borrowed(value)) }], &query.path);
        items
            .into_iter()
            .map(|item| match item.value {
                Ok(value) => format!("{} {value}", item.at.pointer),
                Err(why) => format!("{} !{why}", item.at.pointer),
            })
            .collect()
    }

    #[test]
    fn what_is_there_comes_with_its_pointer() {
        let value = json!({"data": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "a/b": 1});
        assert_eq!(found(&value, ".data[-1].id"), ["/data/2/id \"c\""]);
        assert_eq!(found(&value, ".data[1:].id"), ["/data/1/id \"b\"", "/data/2/id \"c\""]);
        assert_eq!(found(&value, ".data[:-2].id"), ["/data/0/id \"a\""]);
        assert_eq!(found(&value, "[\"a/b\"]"), ["/a~1b 1"]);
        assert_eq!(found(&value, ".data[0].*"), ["/data/0/id \"a\""]);
        assert_eq!(found(&json!({"p": 1, "q": 2}), "[\"p\", \"q\"]"), ["/p 1", "/q 2"]);
    }

    #[test]
    fn what_is_not_there_says_what_is() {
        let value = json!({"choices": [{"message": null}], "n": 3});
        assert_eq!(found(&value, ".usage"), ["/usage !no `usage`; the keys are choices, n"]);
        assert_eq!(
            found(&value, ".choices[0].message.role"),
            ["/choices/0/message/role !null, which has no `role`"]
        );
        assert_eq!(found(&value, ".choices[1]"), ["/choices !an array of 1 item, and no item 1"]);
        assert_eq!(found(&value, ".n[*]"), ["/n !an integer, which has no items"]);
    }

    #[test]
    fn a_wildcard_over_nothing_or_null_finds_no_item() {
        let value = json!({"calls": null, "list": []});
        assert_eq!(found(&value, ".calls[*].id"), [""; 0]);
        assert_eq!(found(&value, ".absent[*].id"), [""; 0]);
        assert_eq!(found(&value, ".list[*].id"), [""; 0]);
        assert_eq!(found(&value, ".absent[1:]"), [""; 0]);
    }
}
