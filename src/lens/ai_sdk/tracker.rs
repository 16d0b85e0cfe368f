//! The SDK's tracker of streamed tool calls.
//!
//! A fragment goes to the call that its id, its index or its name point to; where they disagree, a
//! new call may begin, and where they point to several, the fragment is dropped. A call's arguments
//! count as complete once their brackets are closed, so that an index which comes again with a name
//! and an opening bracket begins another call.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{ProviderCall, property};
use crate::lens::MADE_UP_ID;
use crate::lens::decode::js::{self, Stop};

/// A fragment of a call, as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Delta {
    /// As a number is written in JavaScript.
    pub(super) index: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
}

impl Delta {
    pub(super) fn of(fragment: &Value) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let function = property(fragment, "function");
        Self {
            index: property(fragment, "index").map(js::to_text),
            id: text(fragment.get("id")),
            name: text(function.and_then(|function| function.get("name"))),
            arguments: text(function.and_then(|function| function.get("arguments"))),
        }
    }
}

struct Tracked {
    id: String,
    index: Option<String>,
    name: String,
    arguments: String,
    shape: Shape,
}

/// Every call of a stream so far.
#[derive(Default)]
pub(super) struct Tracker {
    calls: Vec<Tracked>,
    by_id: HashMap<String, Vec<usize>>,
    by_index: HashMap<String, Vec<usize>>,
    used_ids: HashSet<String>,
}

/// Where a fragment belongs.
enum Goes {
    To(usize),
    New,
    Nowhere,
}

impl Tracker {
    pub(super) fn process(&mut self, delta: &Delta) -> Result<(), Stop> {
        let blank_name = delta.name.as_deref().is_some_and(is_blank);
        let id = delta.id.as_deref().filter(|id| !is_blank(id));
        let name = delta.name.as_deref().filter(|name| !is_blank(name));
        let opens = delta.arguments.as_deref().is_some_and(opens_a_value);
        let starts = name.is_some() && opens;
        let at = match self.resolve(id, delta.index.as_deref(), name, starts) {
            Goes::Nowhere => return Ok(()),
            Goes::New if blank_name => return Ok(()),
            Goes::New => {
                let name = name.ok_or_else(|| {
                    let message = "Expected 'function.name' to be a string.";
                    Stop::raises("AI_InvalidResponseDataError", message)
                })?;
                self.begin(id, name, delta)
            }
            Goes::To(at) => {
                if let (Some(call), Some(more)) = (self.calls.get_mut(at), &delta.arguments) {
                    call.shape.append(more);
                    call.arguments.push_str(more);
                }
                at
            }
        };
        if let Some(id) = id {
            associate(&mut self.by_id, id, at);
        }
        if let Some(index) = &delta.index {
            associate(&mut self.by_index, index, at);
        }
        Ok(())
    }

    fn begin(&mut self, id: Option<&str>, name: &str, delta: &Delta) -> usize {
        let id = id.filter(|id| self.used_ids.insert((*id).to_owned())).unwrap_or(MADE_UP_ID);
        let arguments = delta.arguments.clone().unwrap_or_default();
        let mut shape = Shape::default();
        shape.append(&arguments);
        self.calls.push(Tracked {
            id: id.to_owned(),
            index: delta.index.clone(),
            name: name.to_owned(),
            arguments,
            shape,
        });
        self.calls.len() - 1
    }

    fn resolve(
        &self,
        id: Option<&str>,
        index: Option<&str>,
        name: Option<&str>,
        starts: bool,
    ) -> Goes {
        let of_index = index.and_then(|index| self.by_index.get(index));
        let named = |at: &usize| {
            name.is_none_or(|name| self.calls.get(*at).is_some_and(|call| call.name == name))
        };
        let matching: Vec<usize> =
            of_index.into_iter().flatten().copied().filter(|at| named(at)).collect();
        if let Some(id) = id {
            let Some(of_id) = self.by_id.get(id) else {
                if matching.is_empty() || starts {
                    return Goes::New;
                }
                return self.choose(&matching, false);
            };
            if index.is_some() {
                let both: Vec<usize> =
                    matching.into_iter().filter(|at| of_id.contains(at)).collect();
                return match self.choose(&both, starts) {
                    Goes::New if name.is_some() => Goes::New,
                    Goes::New if of_index.is_some() => Goes::Nowhere,
                    Goes::New => self.choose(of_id, false),
                    found => found,
                };
            }
            if name.is_some() {
                let of_name: Vec<usize> = of_id.iter().copied().filter(|at| named(at)).collect();
                return self.choose(&of_name, starts);
            }
            return self.choose(of_id, false);
        }
        if of_index.is_some() {
            return self.choose(&matching, starts);
        }
        match (name, self.calls.len()) {
            (Some(_), _) | (None, 0) => Goes::New,
            (None, 1) => Goes::To(0),
            (None, _) => Goes::Nowhere,
        }
    }

    fn choose(&self, calls: &[usize], starts: bool) -> Goes {
        let open: Vec<usize> = calls
            .iter()
            .copied()
            .filter(|at| !starts || self.calls.get(*at).is_some_and(|call| !call.shape.complete()))
            .collect();
        match open.as_slice() {
            [] => Goes::New,
            [only] => Goes::To(*only),
            _ => Goes::Nowhere,
        }
    }

    /// Every call, by index if each has one, else in the order of coming.
    pub(super) fn finish(mut self) -> Vec<ProviderCall> {
        let number = |call: &Tracked| call.index.as_ref().and_then(|i| i.parse::<f64>().ok());
        if self.calls.iter().all(|call| number(call).is_some()) {
            self.calls.sort_by(|a, b| {
                number(a).unwrap_or_default().total_cmp(&number(b).unwrap_or_default())
            });
        }
        let calls = self.calls.into_iter();
        calls
            .map(|Tracked { id, name, arguments, .. }| ProviderCall { id, name, input: arguments })
            .collect()
    }
}

fn associate(map: &mut HashMap<String, Vec<usize>>, key: &str, at: usize) {
    let calls = map.entry(key.to_owned()).or_default();
    if !calls.contains(&at) {
        calls.push(at);
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn opens_a_value(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// How far arguments have come: whether their outermost brackets are closed.
#[derive(Default)]
enum Shape {
    #[default]
    Unknown,
    Other,
    Open {
        stack: Vec<char>,
        in_text: bool,
        escaped: bool,
    },
    Complete,
}

impl Shape {
    const fn complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    fn append(&mut self, text: &str) {
        for character in text.chars() {
            self.step(character);
        }
    }

    fn step(&mut self, character: char) {
        match self {
            Self::Unknown if character.is_whitespace() => {}
            Self::Unknown => {
                *self = match character {
                    '{' | '[' => {
                        Self::Open { stack: vec![character], in_text: false, escaped: false }
                    }
                    _ => Self::Other,
                };
            }
            Self::Other | Self::Complete => {}
            Self::Open { in_text: true, escaped: escaped @ true, .. } => *escaped = false,
            Self::Open { in_text: in_text @ true, escaped, .. } => match character {
                '\\' => *escaped = true,
                '"' => *in_text = false,
                _ => {}
            },
            Self::Open { stack, in_text, .. } => match character {
                '"' => *in_text = true,
                '{' | '[' => stack.push(character),
                '}' | ']' => {
                    let opening = if character == '}' { '{' } else { '[' };
                    if stack.pop() != Some(opening) {
                        *self = Self::Other;
                    } else if stack.is_empty() {
                        *self = Self::Complete;
                    }
                }
                _ => {}
            },
        }
    }
}
