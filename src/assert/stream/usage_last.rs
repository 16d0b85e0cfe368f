//! `usage_last`: no chunk comes after the last one with `usage`.
//!
//! # Why
//!
//! openai-python's helper and Strands keep the usage of the last chunk only. One chunk after it,
//! and the count is lost.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: usage_last
//! ```

use serde_json::Value;

use super::look::{Look, evidence};
use crate::dialect::openai::Chunk;
use crate::verdict::Judgement;

pub(super) fn judge(look: &Look<'_>, _: &Value) -> Judgement {
    let has_usage = |chunk: &&Chunk| chunk.value.get("usage").is_some_and(|usage| !usage.is_null());
    let Some(last) = look.chunks().rev().find(has_usage) else {
        return Judgement::cannot_tell("no chunk has usage");
    };
    let pieces = look.chunks().filter(|chunk| chunk.event > last.event).map(|chunk| {
        let expected = format!("the usage of event {} in the last chunk", last.event);
        evidence(expected, "a chunk after it", look.place(chunk.event, "", ""))
    });
    Judgement::from_evidence(pieces.collect())
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_chunk_after_the_usage_is_shown() {
        let mut stream = sound();
        stream.swap(3, 4);

        holds("{stream: usage_last}", chunks(&sound()));
        insta::assert_snapshot!(said(&fails("{stream: usage_last}", chunks(&stream))), @r#"
        expected the usage of event 3 in the last chunk
            seen a chunk after it
              at event 4, frame 4, byte 694, +600 ms
               | ion_tokens":2,"total_tokens":5}}⏎⏎data: {"id":"chatcmpl-1","object":"chat.comple
               |                                         ^
        "#);
        cannot_tell("{stream: usage_last}", chunks(&sound()[..4]));
    }
}
