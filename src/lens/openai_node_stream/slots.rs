//! JavaScript arrays, as the helper writes to them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lens::decode::js;

/// A JavaScript array that is written to at any key.
pub(super) struct Slots<T> {
    pub(super) items: BTreeMap<u32, T>,
    pub(super) properties: BTreeMap<String, T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), properties: BTreeMap::new() }
    }
}

/// The key that a value makes; `None` is `undefined`.
pub(super) fn key(index: Option<&Value>) -> String {
    index.map_or_else(|| "undefined".to_owned(), js::to_text)
}

impl<T> Slots<T> {
    fn position(key: &str) -> Option<u32> {
        key.parse::<u32>().ok().filter(|at| *at < u32::MAX && at.to_string() == key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&T> {
        Self::position(key)
            .map_or_else(|| self.properties.get(key), |position| self.items.get(&position))
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        match Self::position(key) {
            Some(position) => self.items.get_mut(&position),
            None => self.properties.get_mut(key),
        }
    }

    pub(super) fn entry(&mut self, key: &str, new: impl FnOnce() -> T) -> &mut T {
        match Self::position(key) {
            Some(position) => self.items.entry(position).or_insert_with(new),
            None => self.properties.entry(key.to_owned()).or_insert_with(new),
        }
    }

    /// Whether a loop over the array meets `undefined`.
    pub(super) fn has_holes(&self) -> bool {
        self.items.keys().zip(0..).any(|(position, expected)| *position != expected)
    }
}
