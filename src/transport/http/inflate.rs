//! Undoing gzip, read by read, so that what a read brought has the time of that read.
//!
//! Only where the request asked for it: a body that is compressed unasked stays as it came, and is
//! judged as what it is.

use std::io::Write as _;

use flate2::write::GzDecoder;

use crate::transcript::{Exchange, Frame, Limit};

/// Bytes of one body that are kept, undone.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Compressed bytes that are undone at once. Deflate makes at most about a thousand of one, so the
/// limit is passed by four megabytes at most.
const STEP_BYTES: usize = 4 * 1024;

/// Undoes the coding of a body in gzip that was asked for. What came stays in `encoded`.
///
/// What cannot be undone is left out, and the body ends there: it looks cut short, which to a
/// client it is.
pub(super) fn undo(exchange: &mut Exchange) -> Option<Limit> {
    if !is_asked_for(exchange) {
        return None;
    }
    let coded = std::mem::take(&mut exchange.frames);
    let mut decoder = GzDecoder::new(Vec::new());
    let mut bytes = 0;
    for frame in &coded {
        let mut whole = Vec::new();
        let mut sound = true;
        for step in frame.bytes.chunks(STEP_BYTES) {
            // Flushing hands out all that can be known from what has come so far.
            sound = decoder.write_all(step).and_then(|()| decoder.flush()).is_ok();
            whole.append(decoder.get_mut());
            if !sound || bytes + whole.len() > BODY_BYTES_MAX {
                break;
            }
        }
        bytes += whole.len();
        if !whole.is_empty() {
            exchange.frames.push(Frame { at: frame.at, bytes: whole.into() });
        }
        if bytes > BODY_BYTES_MAX {
            return Some(Limit::BodyBytes);
        }
        if !sound {
            // In what was not undone nobody can look for a secret, so it is not kept.
            return None;
        }
    }
    exchange.encoded = coded;
    None
}

fn is_asked_for(exchange: &Exchange) -> bool {
    let is_gzip = |coding: &str| coding.trim().eq_ignore_ascii_case("gzip");
    let asked = exchange.request.headers.get("accept-encoding").is_some_and(|accepted| {
        accepted.split(',').any(|coding| coding.split(';').next().is_some_and(is_gzip))
    });
    asked && exchange.header("content-encoding").is_some_and(is_gzip)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::transcript::{
        BodyFraming, Connection, End, Headers, ResponseHead, Timing, WireRequest,
    };
    use crate::units::Nanos;

    fn exchange(asks: &str, frames: Vec<Vec<u8>>) -> Exchange {
        let frames = frames.into_iter().enumerate();
        Exchange {
            id: "x".into(),
            request: WireRequest {
                method: "POST".into(),
                url: "http://h/v1/chat/completions".into(),
                headers: [("accept-encoding", asks)].into_iter().collect(),
                body: "".into(),
            },
            connection: Connection::default(),
            head: Some(ResponseHead {
                status: 200,
                reason: "OK".into(),
                headers: [("content-encoding", "gzip")].into_iter().collect(),
            }),
            framing: BodyFraming::Chunked,
            frames: frames.map(|(at, b)| Frame { at: Nanos(at as u64), bytes: b.into() }).collect(),
            encoded: Vec::new(),
            trailers: Headers::default(),
            end: End::Complete,
            timing: Timing::default(),
            reads: Vec::new(),
            redactions: Vec::new(),
        }
    }

    /// Each text flushed by itself.
    fn coded(texts: &[&str]) -> Vec<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let mut frames = Vec::new();
        for text in texts {
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.flush().unwrap();
            frames.push(std::mem::take(encoder.get_mut()));
        }
        frames.push(encoder.finish().unwrap());
        frames
    }

    fn texts(exchange: &Exchange) -> Vec<(u64, String)> {
        let text = |frame: &Frame| String::from_utf8(frame.bytes.to_vec()).unwrap();
        exchange.frames.iter().map(|frame| (frame.at.0, text(frame))).collect()
    }

    #[test]
    fn what_a_read_brought_keeps_its_time() {
        let mut exchange = exchange("gzip, deflate", coded(&["data: 1\n\n", "data: 2\n\n"]));

        assert_eq!(undo(&mut exchange), None);

        assert_eq!(texts(&exchange), [(0, "data: 1\n\n".into()), (1, "data: 2\n\n".into())]);
        assert_eq!(exchange.encoded.len(), 3, "what came is kept");
    }

    #[test]
    fn what_was_not_asked_for_stays_as_it_came() {
        let mut exchange = exchange("identity", coded(&["data: 1\n\n"]));
        let before = exchange.frames.clone();

        undo(&mut exchange);

        assert_eq!((&exchange.frames, exchange.encoded.len()), (&before, 0));
    }

    #[test]
    fn a_broken_coding_ends_the_body_and_is_not_kept() {
        let mut frames = coded(&["data: 1\n\n"]);
        frames.insert(1, vec![0xff; 64]);
        let mut exchange = exchange("gzip", frames);

        undo(&mut exchange);

        assert_eq!(texts(&exchange), [(0, "data: 1\n\n".into())]);
        assert!(exchange.encoded.is_empty());
    }

    #[test]
    fn a_body_that_swells_without_end_is_cut() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b'a'; BODY_BYTES_MAX + (8 << 20)]).unwrap();
        let mut exchange = exchange("gzip", vec![encoder.finish().unwrap()]);

        assert_eq!(undo(&mut exchange), Some(Limit::BodyBytes));
    }
}
