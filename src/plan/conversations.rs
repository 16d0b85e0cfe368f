//! Data sets of conversations, as `ShareGPT` is written.

use serde::Deserialize;

/// What people asked in each conversation, turn by turn.
pub(super) type Conversations = Vec<Vec<String>>;

#[derive(Deserialize)]
struct Conversation {
    #[serde(default, alias = "messages", alias = "items", alias = "conversation")]
    conversations: Vec<Turn>,
}

#[derive(Deserialize)]
struct Turn {
    #[serde(alias = "role")]
    from: String,
    /// Some rows have a turn without a text.
    #[serde(default, alias = "content")]
    value: Option<String>,
}

/// Reads a data set: a JSON array of conversations, or one conversation a line. An error names the
/// line.
pub(super) fn read(text: &str) -> Result<Conversations, String> {
    let text = text.trim_start_matches('\u{feff}');
    let all: Vec<Conversation> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(nth, line)| {
                serde_json::from_str(line).map_err(|error| format!("line {}: {error}", nth + 1))
            })
            .collect::<Result<_, _>>()?
    };
    let count = all.len();
    let asked = |conversation: Conversation| {
        let turns = conversation.conversations.into_iter();
        let people = turns.filter(|turn| matches!(turn.from.as_str(), "human" | "user"));
        let texts = people.filter_map(|turn| turn.value).filter(|text| !text.trim().is_empty());
        let texts: Vec<String> = texts.collect();
        (!texts.is_empty()).then_some(texts)
    };
    let asked: Conversations = all.into_iter().filter_map(asked).collect();
    match (count, asked.is_empty()) {
        (0, _) => Err("it is empty: there is no conversation in it".to_owned()),
        (_, true) => Err(format!(
            "none of its {count} conversations has a turn `from` a `human` or `user` with a text"
        )),
        (_, false) => Ok(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_and_lines_in_both_spellings_are_read() {
        let array = r#"[{"id": "a", "conversations": [{"from": "human", "value": "one"},
            {"from": "gpt", "value": "x"}, {"from": "human", "value": "two"}]},
            {"id": "b", "conversations": [{"from": "gpt", "value": "y"}]}]"#;
        assert_eq!(read(array).unwrap(), [["one", "two"]]);
        let lines =
            "{\"messages\": [{\"role\": \"user\", \"content\": \"one\"}]}\n\n{\"messages\": []}\n";
        assert_eq!(read(lines).unwrap(), [["one"]]);
    }

    #[test]
    fn what_has_nothing_to_ask_is_refused() {
        assert!(read("[]").unwrap_err().contains("empty"));
        assert!(read("").unwrap_err().contains("empty"));
        assert!(read("[{\"conversations\": []}]").unwrap_err().contains("none of its 1"));
        assert!(read("{}\n{oops\n").unwrap_err().contains("line 2"));
    }
}
