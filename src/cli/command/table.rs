//! What `list` and its like print: rows under a head, for people or for scripts.

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr as _;

use super::list::pretty;
use crate::cli::args::ListFormat;
use crate::cli::failure::Failure;
use crate::text::wrap;

/// Between two columns.
const GAP: usize = 2;
/// A last column that would be narrower goes below its row.
const LAST_MIN: usize = 24;
/// How far it is set in there.
const INDENT: usize = 4;

/// Rows under a head; the last column is wrapped.
pub(super) struct Table {
    /// For each column, its key in JSON and its title.
    pub(super) head: &'static [(&'static str, &'static str)],
    pub(super) rows: Vec<Vec<Value>>,
}

impl Table {
    /// The table as text of at most `width` columns, or as JSON: objects with the head's keys.
    pub(super) fn print(self, format: ListFormat, width: usize) -> Result<String, Failure> {
        match format {
            ListFormat::Text => Ok(self.text(width)),
            ListFormat::Json => {
                let keys = || self.head.iter().map(|(key, _)| (*key).to_owned());
                let objects: Vec<Map<String, Value>> =
                    self.rows.into_iter().map(|row| keys().zip(row).collect()).collect();
                pretty(&objects)
            }
        }
    }

    fn text(&self, width: usize) -> String {
        let head: Vec<String> = self.head.iter().map(|(_, title)| (*title).to_owned()).collect();
        let body = self.rows.iter().map(|row| row.iter().map(shown).collect());
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
        let front = self.head.len().saturating_sub(1);
        let widths: Vec<usize> = (0..front)
            .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max())
            .map(Option::unwrap_or_default)
            .collect();
        let used: usize = widths.iter().map(|width| width + GAP).sum();
        let room = width.saturating_sub(used);
        let mut out = String::new();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line += cell;
                line += &" ".repeat(width + GAP - cell.width());
            }
            let last = row.get(front).map_or("", String::as_str);
            let (indent, mut pieces) = if room >= LAST_MIN || front == 0 {
                (used, wrap(last, room.max(LAST_MIN)))
            } else {
                (INDENT, wrap(last, width.saturating_sub(INDENT).max(LAST_MIN)))
            };
            if indent == used && !pieces.is_empty() {
                line += &pieces.remove(0);
            }
            out += line.trim_end();
            out.push('\n');
            for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                out += &" ".repeat(indent);
                out += piece;
                out.push('\n');
            }
        }
        out
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> Table {
        Table {
            head: &[("name", "name"), ("checks", "checks"), ("holds", "what it holds")],
            rows: vec![
                vec![json!("a"), json!(3), json!("one two three four five six seven eight")],
                vec![json!("long-name"), json!(12), json!("")],
            ],
        }
    }

    #[test]
    fn the_last_column_is_wrapped_and_no_line_ends_in_blanks() {
        assert_eq!(
            table().text(45),
            "name       checks  what it holds\n\
             a          3       one two three four five\n                   six seven eight\n\
             long-name  12\n"
        );
    }

    #[test]
    fn where_there_is_no_room_the_last_column_goes_below() {
        let text = table().text(40);
        assert!(text.contains("\n    one two three four five six seven\n    eight\n"), "{text}");
        assert!(text.lines().all(|line| line.width() <= 40 && !line.ends_with(' ')), "{text}");
    }

    #[test]
    fn in_json_a_number_is_a_number() {
        let text = table().print(ListFormat::Json, 80).unwrap();
        let rows: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(rows[0]["checks"], 3);
        assert!(rows[0].get("holds").is_some());
    }
}
