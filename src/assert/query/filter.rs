//! Filters: what may stand after `|`.

use regex::Regex;
use serde_json::Value;

use super::{Query, Segment};

/// The names of all filters.
pub(in crate::assert) const NAMES: [&str; 25] = [
    "base64",
    "bytes",
    "count",
    "f32le",
    "first",
    "get",
    "join",
    "json",
    "jsonl",
    "keys",
    "last",
    "len",
    "lower",
    "media_type",
    "not_null",
    "present",
    "regex",
    "sort",
    "sum",
    "trim",
    "unique",
    "utf8",
    "values",
    "where",
    "where_not",
];

/// A step between the values found and the values judged.
///
/// Most change each item on its own. `unique`, `sort`, `sum`, `join`, `count`, `first` and `last`
/// make one value of all items when the query has found many, and look inside the value when it
/// has found one.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::assert) enum Filter {
    /// Reads a text as JSON, strictly.
    Json,
    /// Reads each line of a text as JSON, strictly; empty lines are passed over.
    Jsonl,
    /// Characters of a text, items of an array, keys of an object.
    Len,
    /// Without repetitions, in order of first appearance.
    Unique,
    /// The keys of an object.
    Keys,
    /// The values of an object.
    Values,
    /// The first item.
    First,
    /// The last item.
    Last,
    /// In ascending order.
    Sort,
    /// The sum of numbers.
    Sum,
    /// Texts joined with a separator, or arrays joined end to end. Null and absent items are
    /// passed over.
    Join(String),
    /// The UTF-8 bytes of a text, as an array of numbers.
    Bytes,
    /// The bytes that a base64 text stands for, as an array of numbers.
    Base64,
    /// Every four bytes as a little-endian float.
    F32le,
    /// Bytes back to a text.
    Utf8,
    /// In lower case.
    Lower,
    /// Without white space at both ends.
    Trim,
    /// What a group of a pattern matched; group 0 is the whole match.
    Regex(Pattern, usize),
    /// Drops items that are absent or null.
    NotNull,
    /// Drops items that are absent.
    Present,
    /// A header value without its parameters, in lower case.
    MediaType,
    /// How many items there are, absent ones left out.
    Count,
    /// Keeps the items in which the value at a path is (or is not) the given one.
    Where(Vec<Segment>, Value, bool),
    /// Goes on down a path.
    Get(Vec<Segment>),
}

/// A compiled pattern, compared by its text.
#[derive(Clone, Debug)]
pub(in crate::assert) struct Pattern(pub(in crate::assert) Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Filter {
    /// A filter of [`NAMES`], or what is wrong with its arguments.
    pub(super) fn new(name: &str, arguments: &[Value]) -> Result<Self, String> {
        let plain = match name {
            "json" => Self::Json,
            "jsonl" => Self::Jsonl,
            "len" => Self::Len,
            "unique" => Self::Unique,
            "keys" => Self::Keys,
            "values" => Self::Values,
            "first" => Self::First,
            "last" => Self::Last,
            "sort" => Self::Sort,
            "sum" => Self::Sum,
            "bytes" => Self::Bytes,
            "base64" => Self::Base64,
            "f32le" => Self::F32le,
            "utf8" => Self::Utf8,
            "lower" => Self::Lower,
            "trim" => Self::Trim,
            "not_null" => Self::NotNull,
            "present" => Self::Present,
            "media_type" => Self::MediaType,
            "count" => Self::Count,
            _ => return Self::with_arguments(name, arguments),
        };
        if arguments.is_empty() { Ok(plain) } else { Err(format!("`{name}` takes no arguments")) }
    }

    fn with_arguments(name: &str, arguments: &[Value]) -> Result<Self, String> {
        match (name, arguments) {
            ("join", []) => Ok(Self::Join(String::new())),
            ("join", [Value::String(separator)]) => Ok(Self::Join(separator.clone())),
            ("join", _) => Err("`join` takes a separator: `join(\", \")`".to_owned()),
            ("regex", [Value::String(pattern)]) => Self::regex(pattern, 0),
            ("regex", [Value::String(pattern), Value::Number(group)]) => {
                let group = group.as_u64().and_then(|group| usize::try_from(group).ok());
                Self::regex(pattern, group.ok_or("the group of `regex` is a whole number")?)
            }
            ("regex", _) => {
                Err("`regex` takes a pattern and a group: `regex(\"v(.*)\", 1)`".to_owned())
            }
            ("where" | "where_not", [Value::String(path), value]) => {
                Ok(Self::Where(below(path)?, value.clone(), name == "where"))
            }
            ("where" | "where_not", _) => {
                Err(format!("`{name}` takes a path and a value: `{name}(\"side\", \"response\")`"))
            }
            ("get", [Value::String(path)]) => Ok(Self::Get(below(path)?)),
            _ => Err("`get` takes a path: `get(\"delta.content\")`".to_owned()),
        }
    }

    fn regex(pattern: &str, group: usize) -> Result<Self, String> {
        let regex = Regex::new(pattern).map_err(|error| bad_pattern(&error))?;
        if group >= regex.captures_len() {
            let groups = crate::text::plural(regex.captures_len() - 1, "group");
            return Err(format!("the pattern has {groups}, so there is no group {group}"));
        }
        Ok(Self::Regex(Pattern(regex), group))
    }

    /// Whether it leaves one value where there were many.
    pub(super) const fn makes_one(&self) -> bool {
        matches!(
            self,
            Self::Unique
                | Self::Sort
                | Self::Sum
                | Self::Join(_)
                | Self::Count
                | Self::First
                | Self::Last
        )
    }

    /// Whether it can leave many where there was one.
    pub(super) fn makes_many(&self) -> bool {
        matches!(self, Self::Get(path) if path.iter().any(Segment::is_many))
    }
}

/// The last line of the crate's message says what is wrong; those before it draw a picture.
pub(in crate::assert) fn bad_pattern(error: &regex::Error) -> String {
    let message = error.to_string();
    let last = message.lines().last().unwrap_or_default();
    format!("the pattern is wrong: {}", last.trim_start_matches("error: "))
}

/// A path as it stands below a root: `delta.content`, `[0].id`.
fn below(path: &str) -> Result<Vec<Segment>, String> {
    let dot = if path.starts_with('[') { "" } else { "." };
    let query = Query::parse(&format!("body{dot}{path}"))
        .map_err(|error| format!("the path `{path}` is wrong: {}", error.message))?;
    if query.filters.is_empty() {
        Ok(query.path)
    } else {
        Err(format!("the path `{path}` may hold no filters"))
    }
}
