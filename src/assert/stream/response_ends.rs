//! `response_ends`: a Responses stream ends once, and nothing of the response comes after.
//!
//! The end is `response.completed`, `response.incomplete`, `response.failed` or `error`; `[DONE]`
//! may follow, and need not.
//!
//! # Why
//!
//! Clients stop reading at the end of the response, and raise an error where the stream closes
//! without one. What comes after it is lost.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: response_ends
//! ```

use serde_json::Value;

use super::NO_RESPONSE;
use super::look::Look;
use super::typed::{ENDS, typed};
use crate::text::plural;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let events = typed(look);
    let Some(last) = events.last() else { return Judgement::cannot_tell(NO_RESPONSE) };
    let end = events.iter().position(|event| ENDS.contains(&event.kind));
    let Some(end) = end else {
        if last.kind == "error" {
            return Judgement::Holds;
        }
        return Judgement::fail(
            "`response.completed`, `.incomplete` or `.failed` at the end",
            format!("{}, the last `{}`", plural(events.len(), "event"), last.kind),
            last.place(look, "/type", "the last event"),
        );
    };
    match (events.get(end), events.get(end + 1)) {
        (Some(over), Some(next)) => Judgement::fail(
            format!("`{}` as the last event of the response", over.kind),
            format!("`{}` after it", next.kind),
            next.place(look, "/type", ""),
        ),
        _ => Judgement::Holds,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::kit::*;

    #[test]
    fn no_end_and_a_second_end_are_shown_and_an_error_is_an_end() {
        const RULE: &str = "{stream: response_ends}";
        holds(RULE, typed(&typed_stream()));
        let cut = without("response.completed");
        assert!(fails(RULE, typed(&cut))[0].seen.ends_with("the last `response.output_item.done`"));
        let mut twice = typed_stream();
        twice.extend(typed_stream().pop());
        assert_eq!(fails(RULE, typed(&twice))[0].seen, "`response.completed` after it");
        let mut failed = cut;
        failed.push(json!({"type": "error", "message": "no"}));
        holds(RULE, typed(&failed));
    }
}
