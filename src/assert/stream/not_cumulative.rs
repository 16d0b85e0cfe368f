//! `not_cumulative`: each delta holds only what is new, never the text so far.
//!
//! # Why
//!
//! Clients append. A server that sends the text so far in each chunk, or the whole text once more
//! at the end, doubles what the user reads and what goes into the history.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: not_cumulative
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

use super::look::{Choice, Look, evidence};
use crate::text::ellipsis;
use crate::verdict::{Evidence, Judgement};

/// A shorter text may come again by chance.
const CHARS_MIN: usize = 12;
/// With fewer deltas growth is no pattern.
const DELTAS_MIN: usize = 3;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let mut texts: BTreeMap<u64, Vec<(Choice<'_>, &str)>> = BTreeMap::new();
    for choice in look.choices() {
        let content = choice.delta().and_then(|delta| delta.get("content")?.as_str());
        if let Some(content) = content.filter(|content| !content.is_empty()) {
            texts.entry(choice.index()).or_default().push((choice, content));
        }
    }
    let pieces = texts
        .values()
        .filter_map(|deltas| whole_text_again(look, deltas).or_else(|| growing(look, deltas)));
    Judgement::from_evidence(pieces.collect())
}

/// A delta that holds everything before it.
fn whole_text_again(look: &Look<'_>, deltas: &[(Choice<'_>, &str)]) -> Option<Evidence> {
    let mut so_far = String::new();
    for (count, (choice, delta)) in deltas.iter().enumerate() {
        let long = so_far.chars().count() >= CHARS_MIN;
        if count + 1 >= DELTAS_MIN && long && delta.contains(&so_far) {
            let seen = format!("the whole text so far again: `{}`", ellipsis(delta, 60));
            return Some(repeated(look, choice, seen));
        }
        so_far += delta;
    }
    None
}

/// Deltas of which each begins with the one before it.
fn growing(look: &Look<'_>, deltas: &[(Choice<'_>, &str)]) -> Option<Evidence> {
    let grows = deltas.windows(2).all(|pair| match pair {
        [(_, before), (_, after)] => after.len() > before.len() && after.starts_with(before),
        _ => false,
    });
    let (choice, last) = deltas.last()?;
    let long = last.chars().count() >= CHARS_MIN;
    (deltas.len() >= DELTAS_MIN && grows && long).then(|| {
        let seen = format!("deltas that each hold the one before: `{}`", ellipsis(last, 60));
        repeated(look, choice, seen)
    })
}

fn repeated(look: &Look<'_>, choice: &Choice<'_>, seen: String) -> Evidence {
    let place = look.place(choice.event, &choice.pointer("/delta/content"), "");
    evidence("only new text in each delta", seen, place)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    fn stream(texts: &[&str]) -> crate::transcript::Exchange {
        let deltas: Vec<_> = texts.iter().map(|text| delta(json!({"content": text}))).collect();
        chunks(&deltas)
    }

    #[test]
    fn the_whole_text_again_and_growing_deltas_are_shown() {
        holds("{stream: not_cumulative}", chunks(&sound()));
        let again = stream(&["One, ", "two, ", "three.", "One, two, three."]);
        insta::assert_snapshot!(said(&fails("{stream: not_cumulative}", again)), @r#"
        expected only new text in each delta
            seen the whole text so far again: `One, two, three.`
              at event 3, /choices/0/delta/content, frame 3, byte 631, +500 ms
               | choices":[{"index":0,"delta":{"content":"One, two, three."},"finish_reason":null
               |                                         ^
        "#);
        // Behind a last piece of its own.
        fails(
            "{stream: not_cumulative}",
            stream(&["One, ", "two, ", "three", ".One, two, three."]),
        );
        let growing = stream(&["One", "One, two", "One, two, three"]);
        insta::assert_snapshot!(said(&fails("{stream: not_cumulative}", growing)), @r#"
        expected only new text in each delta
            seen deltas that each hold the one before: `One, two, three`
              at event 2, /choices/0/delta/content, frame 2, byte 465, +400 ms
               | choices":[{"index":0,"delta":{"content":"One, two, three"},"finish_reason":null}
               |                                         ^
        "#);
    }

    #[test]
    fn a_text_that_repeats_itself_is_no_fault() {
        for texts in [
            &["ha", "ha", "ha", "ha"][..],
            &["a", "aa", "aaa"],
            &["1, ", "2, ", "1, ", "2, "],
            &["Hello, world! ", "Hello, world! "],
            &["the quick brown ", "fox. ", "the quick brown ", "dog."],
        ] {
            holds("{stream: not_cumulative}", stream(texts));
        }
    }
}
