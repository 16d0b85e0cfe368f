//! `comment_after_id`: where events carry `id:`, no comment stands alone before a blank line.
//!
//! # Why
//!
//! openai-python keeps the last `id` and dispatches an event at any blank line after it. A `: ping`
//! with its blank line then becomes an empty event, and a `JSONDecodeError`.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: comment_after_id
//!     level: should
//! ```

use serde_json::Value;

use super::look::{Look, evidence};
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let Some(first) = look.events().iter().find(|event| event.id.is_some()) else {
        return Judgement::Holds;
    };
    let pieces = look
        .stream
        .comments
        .iter()
        .filter(|comment| comment.offset >= first.end && comment.blank_follows)
        .map(|comment| {
            let label = "a blank line follows this comment";
            evidence(
                "comments inside events, since events carry `id`",
                format!("the comment `: {}` and a blank line", comment.text),
                look.seen.at_byte("event stream", comment.offset, label),
            )
        });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_lone_comment_matters_only_after_an_id() {
        let rule = "{stream: comment_after_id}";
        holds(rule, raw_stream(&["data: {}\n\n", ": ping\n\n"]));
        holds(rule, raw_stream(&[": ping\n\n", "id: 1\ndata: {}\n\n"]));
        holds(rule, raw_stream(&["id: 1\ndata: {}\n\n", ": ping\ndata: {}\n\n"]));
        let stream = raw_stream(&["id: 1\ndata: {}\n\n", ": ping\n\n"]);
        insta::assert_snapshot!(said(&fails(rule, stream)), @r#"
        expected comments inside events, since events carry `id`
            seen the comment `: ping` and a blank line
              at event stream, frame 1, byte 16, +300 ms
               | id: 1⏎data: {}⏎⏎: ping⏎⏎
               |                 ^ a blank line follows this comment
        "#);
    }
}
