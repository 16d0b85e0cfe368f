//! `no_data_after_done`: nothing comes after `[DONE]`, not even another `[DONE]`.
//!
//! # Why
//!
//! Most clients stop reading at `[DONE]` and lose what follows. The AI SDK reads on and turns a
//! finished reply into an error.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: no_data_after_done
//! ```

use serde_json::Value;

use super::look::{Look, evidence};
use crate::text::ellipsis;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let Some(done) = look.done() else {
        return Judgement::cannot_tell("the stream has no `[DONE]`");
    };
    let pieces = look.events().iter().enumerate().skip(done + 1).map(|(index, event)| {
        evidence(
            format!("nothing after the `[DONE]` of event {done}"),
            format!("the event `{}`", ellipsis(&event.data, 60)),
            look.place(index, "", "after [DONE]"),
        )
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_later_event_and_a_second_done_are_shown() {
        holds("{stream: no_data_after_done}", chunks(&sound()));
        let stream = events(&["{}", "[DONE]", "{\"usage\":1}", "[DONE]"]);
        insta::assert_snapshot!(said(&fails("{stream: no_data_after_done}", stream)), @r#"
        expected nothing after the `[DONE]` of event 1
            seen the event `{"usage":1}`
              at event 2, frame 2, byte 30, +400 ms
               | data: {}⏎⏎data: [DONE]⏎⏎data: {"usage":1}⏎⏎data: [DONE]⏎⏎
               |                               ^ after [DONE]
        expected nothing after the `[DONE]` of event 1
            seen the event `[DONE]`
              at event 3, frame 3, byte 49, +500 ms
               | ⏎data: [DONE]⏎⏎data: {"usage":1}⏎⏎data: [DONE]⏎⏎
               |                                         ^ after [DONE]
        "#);
        cannot_tell("{stream: no_data_after_done}", events(&["{}"]));
    }
}
