//! What each predicate expects, in words.

use super::{Order, Predicate, Wanted};
use crate::assert::operand::{join_words, show, show_any};

impl Wanted {
    fn say(&self) -> String {
        match self {
            Self::Value(value) => show(value),
            Self::Found { value, query, .. } => format!("{}, as at `{query}`", show(value)),
            Self::Query(query) => format!("what `{query}` finds"),
        }
    }

    fn say_any(&self) -> String {
        match self {
            Self::Value(_) => show_any(self.items()),
            Self::Found { query, .. } => format!("{}, as at `{query}`", show_any(self.items())),
            Self::Query(query) => format!("what `{query}` finds"),
        }
    }
}

impl Predicate {
    /// What it expects: a noun phrase.
    pub(in crate::assert) fn expected(&self) -> String {
        match self {
            Self::Is(value) => show(value),
            Self::Not(value) => format!("anything but {}", show(value)),
            Self::In(wanted) => wanted.say_any(),
            Self::NotIn(wanted) => format!("anything but {}", wanted.say_any()),
            Self::Type(types) => {
                let phrases: Vec<String> = types.iter().map(|name| with_article(name)).collect();
                join_words(&phrases, "or")
            }
            Self::Null(true) => "null or no value".to_owned(),
            Self::Null(false) => "a value other than null".to_owned(),
            Self::Exists(true) => "a value".to_owned(),
            Self::Exists(false) => "no value".to_owned(),
            Self::Empty(true) => "an empty value".to_owned(),
            Self::Empty(false) => "a value with something in it".to_owned(),
            Self::Compare(order, wanted) => format!("a number {} {}", order.word(), wanted.say()),
            Self::Between(wanted) => match wanted.items() {
                [low, high] => format!("a number from {} to {}", show(low), show(high)),
                _ => format!("a number within {}", wanted.say()),
            },
            Self::Approx { value, within } => format!("{} ± {within}", value.say()),
            Self::Matches(regex) => format!("a text matching `{regex}`"),
            Self::NotMatches(regex) => format!("a text without a match of `{regex}`"),
            Self::Contains(wanted) => match wanted {
                Wanted::Value(serde_json::Value::Array(items)) => {
                    let shown: Vec<String> = items.iter().map(show).collect();
                    format!("a value containing {}", join_words(&shown, "and"))
                }
                wanted => format!("a value containing {}", wanted.say()),
            },
            Self::NotContains(wanted) => match wanted {
                Wanted::Value(serde_json::Value::Array(items)) => {
                    format!("a value without {}", show_any(items))
                }
                wanted => format!("a value without {}", wanted.say()),
            },
            Self::StartsWith(texts) => format!("a text starting with {}", quoted(texts)),
            Self::EndsWith(texts) => format!("a text ending with {}", quoted(texts)),
            Self::Schema(_) => "a value that fits the schema".to_owned(),
            Self::SubsetOf(wanted) => format!("nothing but {}", wanted.say_any()),
            Self::SameAs(wanted) => wanted.say(),
            Self::AllSame(true) => "one value throughout".to_owned(),
            Self::AllSame(false) => "more than one value".to_owned(),
            Self::Distinct(true) => "no value twice".to_owned(),
            Self::Distinct(false) => "some value twice".to_owned(),
            Self::Increasing(true) => "each value greater than the one before".to_owned(),
            Self::Increasing(false) => "some value not greater than the one before".to_owned(),
            Self::MediaType(types) => format!("the media type {}", quoted(types)),
            Self::HttpDateOrInt(true) => "an HTTP date or a whole number of seconds".to_owned(),
            Self::HttpDateOrInt(false) => "neither an HTTP date nor a whole number".to_owned(),
            Self::OneOf(lists) => show_any(lists),
        }
    }
}

impl Order {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Greater => "greater than",
            Self::GreaterOrEqual => "of at least",
            Self::Less => "less than",
            Self::LessOrEqual => "of at most",
        }
    }
}

fn with_article(name: &str) -> String {
    match name {
        "null" => "null".to_owned(),
        "integer" | "array" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

fn quoted(texts: &[String]) -> String {
    let shown: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    join_words(&shown, "or")
}
