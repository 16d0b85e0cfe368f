//! What goes out, followed to know when a request's last byte did.

/// HTTP/2's connection preface (RFC 9113, 3.4).
const PREFACE_BYTES: usize = 24;
/// Length, type, flags and stream.
const FRAME_HEAD_BYTES: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;

/// Follows our own HTTP/2 frames. Acknowledgements and window updates are writes too, so the last
/// write is not the request's.
#[derive(Debug)]
pub(super) struct OurFrames {
    /// Bytes of the present payload that are still to come.
    payload: usize,
    /// The present payload is the last of its stream.
    last: bool,
    head: Vec<u8>,
}

impl OurFrames {
    /// At the start of a connection.
    pub(super) fn new() -> Self {
        Self { payload: PREFACE_BYTES, last: false, head: Vec::with_capacity(FRAME_HEAD_BYTES) }
    }

    /// Takes what was written; whether a request's last byte was among it.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> bool {
        let mut ended = false;
        loop {
            let step = self.payload.min(bytes.len());
            self.payload -= step;
            bytes = bytes.get(step..).unwrap_or_default();
            if self.payload == 0 {
                ended |= std::mem::take(&mut self.last);
            }
            let Some((byte, rest)) = bytes.split_first() else { return ended };
            self.head.push(*byte);
            bytes = rest;
            if let [a, b, c, kind, flags, _, _, _, _] = *self.head.as_slice() {
                self.payload = u32::from_be_bytes([0, a, b, c]) as usize;
                self.last = matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0;
                self.head.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let len = u8::try_from(payload.len()).unwrap();
        [&[0, 0, len, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn the_last_byte_is_found_however_the_bytes_are_cut() {
        let start = [
            vec![b'P'; PREFACE_BYTES],
            frame(4, 0, &[]),
            // An acknowledgement has flag 1 as well, and ends nothing.
            frame(4, END_STREAM, &[]),
            frame(HEADERS, 4, b"head"),
        ]
        .concat();
        let whole = [start, frame(DATA, END_STREAM, b"body")].concat();
        for size in 1..=whole.len() {
            let mut frames = OurFrames::new();
            let ends: Vec<_> = whole.chunks(size).map(|piece| frames.follow(piece)).collect();
            let (last, before) = ends.split_last().unwrap();
            assert!(*last && !before.contains(&true), "pieces of {size}: {ends:?}");
        }
    }

    #[test]
    fn an_empty_last_frame_ends_a_request() {
        let mut frames = OurFrames::new();
        assert!(!frames.follow(&[b'P'; PREFACE_BYTES]));
        assert!(frames.follow(&frame(DATA, END_STREAM, &[])));
        assert!(!frames.follow(&frame(8, 0, &[0, 0, 1, 0])));
        assert!(frames.follow(&frame(HEADERS, END_STREAM | 4, b"next")));
    }
}
