//! `utf8`: the body is UTF-8 as a whole, wherever the network cut it.
//!
//! # Why
//!
//! Servers that decode each token on its own, or drop bytes from a full buffer, send broken
//! characters. Strict clients stop with a decoding error; lenient ones show U+FFFD for ever.
//!
//! # Example
//!
//! ```yaml
//! expect:
//!   - stream: utf8
//! ```

use serde_json::Value;

use super::look::evidence;
use crate::assert::scene::Seen;
use crate::verdict::Judgement;

pub(super) fn judge(seen: &Seen, _: &Value) -> Judgement {
    let mut offset = 0;
    let mut pieces = Vec::new();
    for chunk in seen.reading().body.utf8_chunks() {
        offset += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            let bytes = crate::text::printable(chunk.invalid());
            let place = seen.at_byte("body", offset, "not UTF-8 from here");
            pieces.push(evidence("UTF-8", format!("the bytes `{bytes}`"), place));
        }
        offset += chunk.invalid().len();
    }
    Judgement::from_evidence(pieces)
}

#[cfg(test)]
mod tests {
    use crate::assert::kit::*;

    #[test]
    fn a_character_split_over_two_reads_is_whole_and_one_cut_in_the_data_is_not() {
        let split: [&[u8]; 2] = [b"data: \xe6\x97", b"\xa5\n\n"];
        holds("{stream: utf8}", answer(200, "text/event-stream", &split));
        let broken: [&[u8]; 2] = [b"data: \xe6\x97\n\n", b"data: \xff\n\n"];
        insta::assert_snapshot!(said(&fails("{stream: utf8}", answer(200, "text/event-stream", &broken))), @r#"
        expected UTF-8
            seen the bytes `\xe6\x97`
              at body, frame 0, byte 6, +200 ms
               | data: \xe6\x97⏎⏎data: \xff⏎⏎
               |       ^ not UTF-8 from here
        expected UTF-8
            seen the bytes `\xff`
              at body, frame 1, byte 16, +300 ms
               | data: \xe6\x97⏎⏎data: \xff⏎⏎
               |                       ^ not UTF-8 from here
        "#);
    }
}
