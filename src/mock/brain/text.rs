//! Answers in words.

use std::sync::LazyLock;

use fastrand::Rng;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::story;
use crate::mock::ask::{Ask, Message, Role};

/// Words of a story for which nothing else is said.
const STORY_WORDS: usize = 300;
const LONG_STORY_WORDS: usize = 2_000;
/// Numbers counted at most; the context is shorter.
const COUNT_MAX: usize = 100_000;

/// A pattern of this file.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a literal")
}

static REPEAT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?is)\b(?:repeat\b|(?:reply|answer|respond|say|echo)\b[^:\n]{0,60}\b(?:exactly|verbatim))[^:\n]{0,60}:\s*(.*)$",
    )
});
static REPEAT_PLAIN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?is)^\s*(?:please\s+)?repeat\s+(?:exactly\s+)?(.+?)\s*$"));
static COUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bcount\b(?:\s+\w+)??\s*(?:from\s+)?(\d+)\s*(?:to|through|until|up to|\.\.\.?|-|–)\s*(\d+)",
    )
});
static COUNT_TO: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bcount\s+(?:up\s+)?to\s+(\d+)"));
static ONLY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:answer|reply|respond)\b(?: always)?(?: only| exclusively)? with(?: only| just| exactly)?(?: the)?(?: single)?(?: word| text| phrase)?:?\s+["'“`]?([^"'”`.\n]+)"#,
    )
});
static LENGTH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(\d[\d,]*)[\s-]*(?:or more\s+)?(words?|characters?|chars?|sentences?|lines?|paragraphs?)\b",
    )
});
static FENCE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)```[\w-]*\n(.*?)```"));
static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"["“`]([^"”`\n]+)["”`]"#));

/// How long a text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Words(usize),
    Chars(usize),
    /// As long as there is room.
    Endless,
}

/// The length that a prompt asks for, if it asks for prose at all.
pub(super) fn length(prompt: &str) -> Option<Length> {
    let lower = prompt.to_lowercase();
    if let Some(found) = LENGTH.captures(prompt) {
        let number = found.get(1).map_or("", |number| number.as_str()).replace(',', "");
        let number: usize = number.parse().unwrap_or(STORY_WORDS);
        let unit = found.get(2).map_or("", |unit| unit.as_str()).to_lowercase();
        return Some(match unit.get(..4).unwrap_or_default() {
            "char" => Length::Chars(number),
            "sent" | "line" => Length::Words(number.saturating_mul(12)),
            "para" => Length::Words(number.saturating_mul(60)),
            _ => Length::Words(number),
        });
    }
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["very long", "endless", "as long as", "never stop", "keep going"]) {
        Some(Length::Endless)
    } else if has(&["long "])
        && has(&["story", "essay", "text", "poem", "answer", "tale", "letter"])
    {
        Some(Length::Words(LONG_STORY_WORDS))
    } else if has(&["story", "essay", "tale", "novel"]) {
        Some(Length::Words(STORY_WORDS))
    } else {
        None
    }
}

/// Prose of a length.
pub(super) fn prose(length: Length, budget: usize, rng: &mut Rng) -> String {
    match length {
        // A word and its mark are at least one token, so nothing beyond the budget is ever heard.
        Length::Words(words) => story::words(words.min(budget + 1), rng),
        Length::Chars(chars) => story::chars(chars.min(budget.saturating_mul(9)), rng),
        Length::Endless => story::words(budget + 1, rng),
    }
}

/// One more piece of prose, where an answer may not end.
pub(crate) fn more(rng: &mut Rng) -> String {
    format!(" {}", story::sentence(rng))
}

/// The answer of a legacy completion.
pub(crate) fn continuation(prompt: &str, budget: usize, rng: &mut Rng) -> String {
    plain_order(prompt).unwrap_or_else(|| {
        let length = length(prompt).unwrap_or(Length::Words(40));
        format!(" {}", prose(length, budget, rng))
    })
}

/// The answer to a conversation.
pub(super) fn answer(ask: &Ask, budget: usize, rng: &mut Rng) -> String {
    if let Some(results) = tool_results(&ask.messages) {
        return results;
    }
    if let Some(only) = ordered_word(&ask.messages) {
        return only;
    }
    let prompt = ask.last_user_text();
    if let Some(text) = plain_order(prompt) {
        return text;
    }
    if let Some(length) = length(prompt) {
        return prose(length, budget, rng);
    }
    let lower = prompt.to_lowercase();
    if lower.contains("json") {
        return object(ask, rng).to_string();
    }
    if lower.contains("haiku") {
        return "Salt wind on the pier\nA lantern counts the grey waves\nMorning finds the sail"
            .to_owned();
    }
    let greets = ["hi", "hello", "hey", "hallo", "привет"];
    let says_hi = lower.split(|c: char| !c.is_alphanumeric()).any(|word| greets.contains(&word));
    let openings = if says_hi {
        [
            "Hello! How can I help you today?",
            "Hi there! What can I do for you?",
            "Hi! How may I help?",
        ]
    } else {
        ["Certainly.", "Here is what I know.", "Let me answer that."]
    };
    let opening = rng.choice(openings).unwrap_or_default();
    if says_hi { opening.to_owned() } else { format!("{opening} {}", story::sentence(rng)) }
}

/// Orders that leave nothing to choose: repeat, count, the alphabet.
fn plain_order(prompt: &str) -> Option<String> {
    let exact = REPEAT.captures(prompt).or_else(|| REPEAT_PLAIN.captures(prompt));
    if let Some(text) = exact.and_then(|found| found.get(1)) {
        return Some(text.as_str().trim_end().to_owned());
    }
    count(prompt).or_else(|| alphabet(prompt))
}

fn count(prompt: &str) -> Option<String> {
    let number = |found: &regex::Captures<'_>, at: usize| {
        found.get(at).and_then(|number| number.as_str().parse::<u64>().ok())
    };
    let (from, to) = match COUNT.captures(prompt) {
        Some(found) => (number(&found, 1)?, number(&found, 2)?),
        None => (1, number(&COUNT_TO.captures(prompt)?, 1)?),
    };
    let lower = prompt.to_lowercase();
    let between = if lower.contains("line") {
        "\n"
    } else if lower.contains("comma") {
        ", "
    } else {
        " "
    };
    let numbers: Vec<String> = if from <= to {
        (from..=to).take(COUNT_MAX).map(|number| number.to_string()).collect()
    } else {
        (to..=from).rev().take(COUNT_MAX).map(|number| number.to_string()).collect()
    };
    Some(numbers.join(between))
}

fn alphabet(prompt: &str) -> Option<String> {
    if !prompt.to_lowercase().contains("alphabet") {
        return None;
    }
    let between = if prompt.contains("ABC") || prompt.to_lowercase().contains("without spaces") {
        ""
    } else if prompt.contains("A, B") || prompt.contains("comma") {
        ", "
    } else {
        " "
    };
    let letters: Vec<String> = ('A'..='Z').map(String::from).collect();
    Some(letters.join(between))
}

/// The one thing that the latest order of this kind allows to say, whatever comes.
fn ordered_word(messages: &[Message]) -> Option<String> {
    let orders =
        |message: &&Message| matches!(message.role, Role::System | Role::Developer | Role::User);
    let order = messages.iter().filter(orders).rev().find_map(|message| {
        ONLY.captures(&message.text).and_then(|found| found.get(1)).map(|m| m.as_str())
    })?;
    Some(order.trim().to_owned())
}

/// What the tools answered, in a sentence each; `None` unless the conversation ends with them.
fn tool_results(messages: &[Message]) -> Option<String> {
    let start = messages.iter().rposition(|message| message.role != Role::Tool)? + 1;
    let results = messages.get(start..).filter(|results| !results.is_empty())?;
    let since = messages.iter().rposition(|message| message.role == Role::User).unwrap_or(0);
    // All the rounds since the user spoke: an earlier result may be part of the answer.
    let rounds = messages.get(since..).unwrap_or(results);
    let sentences: Vec<String> = rounds
        .iter()
        .filter(|message| message.role == Role::Tool)
        .map(|result| {
            let call = rounds
                .iter()
                .flat_map(|message| &message.calls)
                .find(|call| Some(&call.id) == result.answers.as_ref());
            let about = call.map_or_else(
                || "the tool".to_owned(),
                |call| {
                    let arguments: Value =
                        serde_json::from_str(&call.arguments).unwrap_or_default();
                    let values = leaves(&arguments).join(", ");
                    if values.is_empty() {
                        call.name.clone()
                    } else {
                        format!("{} for {values}", call.name)
                    }
                },
            );
            format!("According to {about}: {}.", spoken(&result.text))
        })
        .collect();
    Some(sentences.join(" "))
}

/// A result in words: the pairs of an object, or the text as it is.
fn spoken(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(map)) if !map.is_empty() => map
            .iter()
            .map(|(key, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                format!("{key} is {value}")
            })
            .collect::<Vec<_>>()
            .join(", "),
        _ => text.trim().trim_end_matches('.').to_owned(),
    }
}

/// The plain values in a JSON value.
fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(map) => map.values().flat_map(leaves).collect(),
        other => vec![other.to_string()],
    }
}

/// The object for a request of JSON without a schema.
pub(super) fn object(ask: &Ask, rng: &mut Rng) -> Value {
    let prompt = ask.last_user_text();
    let lower = prompt.to_lowercase();
    let keys: Vec<String> = quoted(prompt).filter(|key| key.len() < 40).collect();
    if lower.contains("person") && keys.is_empty() {
        return json!({"name": "Ada", "age": 36});
    }
    if (lower.contains("array") || lower.contains("list")) && keys.is_empty() {
        return json!({"items": ["one", "two", "three"]});
    }
    let mut map = Map::new();
    for key in keys {
        map.insert(key, Value::String("yes".to_owned()));
    }
    if map.is_empty() {
        map.insert("answer".to_owned(), Value::String(story::sentence(rng)));
    }
    Value::Object(map)
}

/// Texts in quotation marks.
pub(super) fn quoted(prompt: &str) -> impl Iterator<Item = String> {
    QUOTED
        .captures_iter(prompt)
        .filter_map(|found| found.get(1))
        .map(|text| text.as_str().to_owned())
}

/// The first block of code, if any.
pub(super) fn fenced(prompt: &str) -> Option<String> {
    FENCE.captures(prompt).and_then(|found| found.get(1)).map(|code| code.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_orders_are_obeyed_to_the_letter() {
        let cases = [
            ("Repeat exactly: 日本語 🌍🫠 Привет", "日本語 🌍🫠 Привет"),
            ("Repeat: naïve 日本 🫠", "naïve 日本 🫠"),
            ("Repeat this word exactly: a: b", "a: b"),
            ("Please repeat nonce-12", "nonce-12"),
            ("Count from 1 to 5, separated by spaces.", "1 2 3 4 5"),
            ("Count 1..4 one per line", "1\n2\n3\n4"),
            ("Count from 3 to 1", "3 2 1"),
            ("Count to 3, separated by commas", "1, 2, 3"),
            ("Continue the alphabet: ABC", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ];
        for (prompt, wanted) in cases {
            assert_eq!(plain_order(prompt).as_deref(), Some(wanted), "{prompt}");
        }
        assert_eq!(plain_order("Hello, how are you?"), None);
    }

    #[test]
    fn a_prompt_says_how_long_its_prose_is_to_be() {
        let cases = [
            ("Write a long story", Some(Length::Words(LONG_STORY_WORDS))),
            ("Write a very long story.", Some(Length::Endless)),
            ("a note with the first 100 words of a sea story", Some(Length::Words(100))),
            ("at least 1,200 characters", Some(Length::Chars(1_200))),
            ("Say hi", None),
        ];
        for (prompt, wanted) in cases {
            assert_eq!(length(prompt), wanted, "{prompt}");
        }
    }
}
