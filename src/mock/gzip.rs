//! Streams in gzip, for clients that ask for gzip and nothing else.
//!
//! Client libraries offer a list of codings with every request; they get plain streams, as from
//! every inference server.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::script::{Cue, Ending, Script};
use crate::units::Nanos;

/// Whether a client wants its stream in gzip.
pub(crate) fn is_wanted(accept_encoding: Option<&str>) -> bool {
    accept_encoding.is_some_and(|wanted| wanted.trim().eq_ignore_ascii_case("gzip"))
}

/// Packs a stream. Each piece is flushed, unless a fault `holds` everything back that the packer
/// has not handed out by itself.
pub(crate) fn pack(script: &mut Script, holds: bool) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut waited = Nanos(0);
    let mut cues = Vec::new();
    for cue in &script.cues {
        waited = waited + cue.after;
        let packed = encoder.write_all(&cue.bytes);
        let packed = if holds { packed } else { packed.and_then(|()| encoder.flush()) };
        packed.expect("a vector takes what it is given");
        let bytes = std::mem::take(encoder.get_mut());
        if !bytes.is_empty() {
            cues.push(Cue { after: std::mem::take(&mut waited), bytes: bytes.into() });
        }
    }
    if matches!(script.end, Ending::Complete | Ending::Silence(_)) {
        let rest = Bytes::from(encoder.finish().expect("a vector takes what it is given"));
        cues.push(Cue { after: waited, bytes: rest });
    }
    script.cues = cues;
    script.head.headers.push("content-encoding", "gzip");
    script.head.headers.push("vary", "accept-encoding");
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;
    use crate::mock::script::Head;
    use crate::transcript::Headers;

    fn script() -> Script {
        let cue = |n: u64| Cue {
            after: Nanos(n),
            bytes: format!("data: {{\"number\": {n}}}\n\n").into(),
        };
        Script {
            head: Head { after: Nanos(0), status: 200, headers: Headers::default() },
            cues: (1..=20).map(cue).collect(),
            end: Ending::Complete,
            sized: false,
        }
    }

    fn unpacked(script: &Script) -> String {
        let mut text = String::new();
        GzDecoder::new(script.body().as_slice()).read_to_string(&mut text).unwrap();
        text
    }

    fn lasts(script: &Script) -> u64 {
        script.cues.iter().map(|cue| cue.after.0).sum()
    }

    #[test]
    fn a_packed_stream_keeps_its_text_and_its_times() {
        let (plain, mut packed, mut held) = (script(), script(), script());

        pack(&mut packed, false);
        pack(&mut held, true);

        let text = String::from_utf8(plain.body()).unwrap();
        assert_eq!([unpacked(&packed), unpacked(&held)], [text.clone(), text]);
        assert_eq!([lasts(&packed), lasts(&held)], [lasts(&plain); 2]);
        assert_eq!(packed.cues.len(), plain.cues.len() + 1);
        assert!(held.cues.len() < 4, "{}", held.cues.len());
    }

    #[test]
    fn only_who_asks_for_gzip_alone_gets_it() {
        assert!(is_wanted(Some("gzip")) && is_wanted(Some(" GZIP ")));
        assert!(!is_wanted(Some("gzip, deflate, br")) && !is_wanted(None));
    }
}
