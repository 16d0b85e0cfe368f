//! A file as a tree in which everything knows its bytes.

use std::ops::Range;

use serde_json::Value;

/// A value in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the file. Scalars have all of them, quotes included; of a list or a map only
    /// the start is meaningful.
    pub span: Range<usize>,
    /// Line and column of its start.
    pub spot: super::Spot,
}

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite number.
    Number(serde_json::Number),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key as a string; YAML's bare `null` is the key `null`.
    pub key: String,
    /// The key's bytes in the file.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The entries, if it is a map.
    pub fn entries(&self) -> &[Entry] {
        if let Kind::Map(entries) = &self.kind { entries } else { &[] }
    }

    /// The items, if it is a list.
    pub fn items(&self) -> &[Self] {
        if let Kind::List(items) = &self.kind { items } else { &[] }
    }

    /// The text, if it is a string.
    pub fn text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }

    /// The entry of `key`.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// What there is to underline: a scalar's bytes, a map's first key, a list's first item.
    pub fn caret(&self) -> Range<usize> {
        match &self.kind {
            Kind::Map(entries) => {
                // A merged map may start with a key from elsewhere.
                let own = entries.iter().map(|entry| &entry.key_span);
                own.filter(|span| span.start >= self.span.start)
                    .min_by_key(|span| span.start)
                    .map_or_else(|| self.span.clone(), Range::clone)
            }
            Kind::List(items) => items.first().map_or_else(|| self.span.clone(), Self::caret),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => self.span.clone(),
        }
    }

    /// Whether something at `offset` stands inside it. What an alias stands for is elsewhere.
    pub fn holds(&self, offset: usize) -> bool {
        match &self.kind {
            Kind::List(items) => items.iter().any(|item| item.holds(offset)),
            Kind::Map(entries) => entries
                .iter()
                .any(|entry| entry.key_span.contains(&offset) || entry.value.holds(offset)),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {
                self.span.contains(&offset)
            }
        }
    }

    /// The same without positions.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::Text(value) => Value::String(value.clone()),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect(),
            ),
        }
    }

    /// `a string`, `the number 3`: for messages.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Number(value) => format!("the number {value}"),
            Kind::Text(value) => format!("the string `{}`", crate::text::ellipsis(value, 40)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }
}
