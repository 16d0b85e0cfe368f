//! The body as it arrived: one frame for each read that brought some of it.

use bytes::{Bytes, BytesMut};

use crate::transcript::{Frame, Limit};
use crate::units::Nanos;

/// Bytes of one body that are kept.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Frames of one body that are kept: at a hundred tokens a second, three quarters of an hour.
pub(super) const FRAMES_MAX: usize = 1 << 18;

/// Joins the pieces that hyper hands over into frames.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    whole: Vec<Frame>,
    /// The frame being joined: which read it came with, when, and its pieces.
    open: Option<(usize, Nanos, Vec<Bytes>)>,
    bytes: usize,
}

impl Joiner {
    /// Takes a piece that read number `read`, returned at `at`, completed. What goes beyond a limit
    /// is dropped.
    pub(super) fn push(&mut self, read: usize, at: Nanos, piece: &Bytes) -> Result<(), Limit> {
        let room = BODY_BYTES_MAX - self.bytes;
        let kept = piece.slice(..piece.len().min(room));
        self.bytes += kept.len();
        match &mut self.open {
            _ if kept.is_empty() => {}
            Some((own, _, pieces)) if *own == read => pieces.push(kept),
            _ => {
                self.close();
                if self.whole.len() == FRAMES_MAX {
                    return Err(Limit::Frames);
                }
                self.open = Some((read, at, vec![kept]));
            }
        }
        if piece.len() > room { Err(Limit::BodyBytes) } else { Ok(()) }
    }

    /// Bytes taken so far.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// The frames.
    pub(super) fn into_frames(mut self) -> Vec<Frame> {
        self.close();
        self.whole
    }

    fn close(&mut self) {
        let Some((_, at, pieces)) = self.open.take() else { return };
        let bytes = match pieces.as_slice() {
            [only] => only.clone(),
            pieces => {
                let mut joined = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
                for piece in pieces {
                    joined.extend_from_slice(piece);
                }
                joined.freeze()
            }
        };
        self.whole.push(Frame { at, bytes: bytes.into() });
    }
}

/// Counts blank lines, whichever line ends are used; each ends an event.
#[derive(Debug, Default)]
pub(super) struct BlankLines {
    pub(super) count: usize,
    line_empty: bool,
    after_cr: bool,
}

impl BlankLines {
    pub(super) fn see(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' | b'\r' => {
                    if self.line_empty {
                        self.count += 1;
                    }
                    self.line_empty = true;
                    self.after_cr = *byte == b'\r';
                }
                _ => {
                    self.line_empty = false;
                    self.after_cr = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_one_read_are_one_frame_even_at_one_moment() {
        let mut joiner = Joiner::default();
        for (read, piece) in [(0, "a"), (0, "b"), (1, "c"), (1, ""), (3, "d")] {
            // A clock turned by hand gives every read one time; the reads stay apart.
            joiner.push(read, Nanos(7), &Bytes::from_static(piece.as_bytes())).unwrap();
        }
        assert_eq!(joiner.len(), 4);
        let frames: Vec<_> = joiner.into_frames().iter().map(|f| f.bytes.to_vec()).collect();
        assert_eq!(frames, [b"ab".to_vec(), b"c".to_vec(), b"d".to_vec()]);
    }

    #[test]
    fn frames_without_end_are_cut() {
        let mut joiner = Joiner::default();
        let piece = Bytes::from_static(b"x");
        let refused = (0..=FRAMES_MAX).find_map(|read| joiner.push(read, Nanos(1), &piece).err());
        assert_eq!(refused, Some(Limit::Frames));
        assert_eq!(joiner.into_frames().len(), FRAMES_MAX);
    }

    #[test]
    fn blank_lines_are_counted_with_any_line_end() {
        for text in
            ["data: a\n\ndata: b\n\n", "data: a\r\n\r\ndata: b\r\n\r\n", "data: a\r\rdata: b\r\r"]
        {
            let mut blank = BlankLines::default();
            for piece in text.as_bytes().chunks(3) {
                blank.see(piece);
            }
            assert_eq!(blank.count, 2, "{text:?}");
        }
    }
}
