//! `response_event_names`: the `event:` line of each event of a Responses stream says its `type`.
//!
//! # Why
//!
//! Some clients tell events apart by their name and never look into the data; to them an event
//! without a name is a plain `message`, which they drop.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: response_event_names
//!     level: should
//! ```

use serde_json::Value;

use super::NO_RESPONSE;
use super::look::{Look, evidence};
use super::typed::typed;
use crate::verdict::Judgement;

/// Pieces of evidence shown; the rest of a nameless stream says the same.
const SHOWN_MAX: usize = 3;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let events = typed(look);
    if events.is_empty() {
        return Judgement::cannot_tell(NO_RESPONSE);
    }
    let wrong = events.iter().filter_map(|typed| {
        let event = look.events().get(typed.event)?;
        if event.named && event.name == typed.kind {
            return None;
        }
        let seen =
            if event.named { format!("`event: {}`", event.name) } else { "no name".to_owned() };
        let place = typed.place(look, "/type", "");
        Some(evidence(format!("`event: {}`", typed.kind), seen, place))
    });
    Judgement::from_evidence(wrong.take(SHOWN_MAX).collect())
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_missing_and_another_name_are_shown() {
        const RULE: &str = "{stream: response_event_names}";
        holds(RULE, typed(&typed_stream()));
        let data: Vec<String> = typed_stream().iter().map(ToString::to_string).collect();
        let bare = fails(RULE, events(&data.iter().map(String::as_str).collect::<Vec<_>>()));
        assert_eq!((bare.len(), bare[0].seen.as_str()), (3, "no name"));
        let other = raw_stream(&["event: ping\ndata: {\"type\":\"response.created\"}\n\n"]);
        assert_eq!(fails(RULE, other)[0].seen, "`event: ping`");
    }
}
