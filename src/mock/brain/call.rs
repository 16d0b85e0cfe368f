//! Which tools are called, and with what.

use fastrand::Rng;
use serde_json::{Map, Value};

use super::instance::{Hints, write};
use super::place::places;
use super::word::is_place;
use crate::mock::ask::{Ask, Message, Role, Tool, ToolChoice};

/// Words in a tool's name that ask for nothing.
const IDLE_WORDS: [&str; 16] = [
    "get", "set", "list", "find", "read", "write", "make", "with", "from", "that", "this", "have",
    "call", "tool", "lookup", "search",
];

/// The calls that `ask` gets; none if it gets a text.
pub(crate) fn calls(ask: &Ask, rng: &mut Rng) -> Vec<(String, Value)> {
    let prompt = ask.last_user_text();
    let tool = match &ask.choice {
        ToolChoice::None => None,
        ToolChoice::Auto => wanted(ask, prompt),
        ToolChoice::Required => wanted(ask, prompt).or_else(|| ask.tools.first()),
        ToolChoice::Named(name) => ask.tools.iter().find(|tool| tool.name == *name),
    };
    let Some(tool) = tool else { return Vec::new() };
    let mut hints = Hints::of(prompt);
    hints.known = known(&ask.messages);
    let places = if takes_place(tool) { places(prompt) } else { Vec::new() };
    let several = ask.parallel && places.len() > 1;
    let about: Vec<Option<String>> =
        if several { places.into_iter().map(Some).collect() } else { vec![hints.place.clone()] };
    about
        .into_iter()
        .map(|place| {
            let hints = Hints { place, ..hints.clone() };
            (tool.name.clone(), write(&tool.parameters, &hints, rng))
        })
        .collect()
}

/// Whether the user wants to be told before a tool is called.
pub(super) fn announced(ask: &Ask) -> bool {
    let prompt = ask.last_user_text().to_lowercase();
    ["first say", "first tell", "first explain"].iter().any(|order| prompt.contains(order))
}

/// The tool that the last message of the user plainly asks for and that has not answered yet.
fn wanted<'a>(ask: &'a Ask, prompt: &str) -> Option<&'a Tool> {
    let since = ask.messages.iter().rposition(|message| message.role == Role::User)?;
    let called: Vec<&str> = ask
        .messages
        .iter()
        .skip(since)
        .flat_map(|message| &message.calls)
        .map(|call| call.name.as_str())
        .collect();
    let lower = prompt.to_lowercase();
    let mut named: Vec<(usize, &Tool)> = ask
        .tools
        .iter()
        .filter_map(|tool| position(&lower, &tool.name.to_lowercase()).map(|at| (at, tool)))
        .collect();
    named.sort_by_key(|(at, _)| *at);
    if let Some((_, next)) = named.iter().find(|(_, tool)| !called.contains(&tool.name.as_str())) {
        return Some(next);
    }
    if !named.is_empty() || !called.is_empty() {
        return None;
    }
    if ["use the tool", "use a tool", "call the tool"].iter().any(|order| lower.contains(order)) {
        return ask.tools.first();
    }
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    ask.tools.iter().find(|tool| {
        tool.name
            .to_lowercase()
            .split(['_', '-'])
            .any(|part| part.len() >= 4 && !IDLE_WORDS.contains(&part) && words.contains(&part))
    })
}

/// Where `name` stands as a whole word.
fn position(text: &str, name: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).is_none_or(|before| !before.ends_with(part));
        let after = text.get(at + name.len()..).is_none_or(|after| !after.starts_with(part));
        before && after
    })
}

fn takes_place(tool: &Tool) -> bool {
    let properties = tool.parameters.get("properties").and_then(Value::as_object);
    properties.into_iter().flat_map(Map::iter).any(|(name, schema)| {
        let free = schema.get("enum").is_none() && schema.get("const").is_none();
        let text = schema.get("type").is_none_or(|kind| kind == "string");
        is_place(name) && free && text
    })
}

/// What earlier tools have found, by name.
fn known(messages: &[Message]) -> Map<String, Value> {
    let mut known = Map::new();
    for message in messages.iter().filter(|message| message.role == Role::Tool) {
        if let Ok(Value::Object(map)) = serde_json::from_str(&message.text) {
            known.extend(map);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_named_only_by_its_whole_name() {
        assert_eq!(position("use get_time now", "get_time"), Some(4));
        assert_eq!(position("use get_time_zone now", "get_time"), None);
    }
}
