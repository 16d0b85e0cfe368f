//! `keepalive_comment`: keep-alives are comments (`: ping`), never data (`data: : ping`).
//!
//! # Why
//!
//! Gateways that wrap an upstream's comment lines into `data:` lines hand the client a text that is
//! not JSON. The client raises, and a reply that was only slow is lost.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: keepalive_comment
//! ```

use serde_json::Value;

use super::look::{Look, evidence};
use crate::text::ellipsis;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    // Each line of the data: a JSON document does not begin a line with a colon.
    let wrapped = |data: &str| data.lines().any(|line| line.trim_start().starts_with(':'));
    let odd = look.events().iter().enumerate().filter(|(_, event)| wrapped(&event.data));
    let pieces = odd.map(|(index, event)| {
        let place = look.place(index, "", "a comment line wrapped as data");
        let seen = format!("the data `{}`", ellipsis(&event.data, 60));
        evidence("keep-alives as comments", seen, place)
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_comment_wrapped_as_data_is_shown() {
        holds(
            "{stream: keepalive_comment}",
            raw_stream(&[": ping\n\n", "data: {\"a\": \":\"}\n\n"]),
        );
        let stream = raw_stream(&["data: {}\n\n", "data: : keepalive\n\n"]);
        insta::assert_snapshot!(said(&fails("{stream: keepalive_comment}", stream)), @r#"
        expected keep-alives as comments
            seen the data `: keepalive`
              at event 1, frame 1, byte 16, +300 ms
               | data: {}⏎⏎data: : keepalive⏎⏎
               |                 ^ a comment line wrapped as data
        "#);
        fails("{stream: keepalive_comment}", raw_stream(&["data::ping\n\n"]));
    }
}
