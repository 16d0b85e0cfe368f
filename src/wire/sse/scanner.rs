//! The incremental scanner.
//!
//! Every byte is searched for a line end once, copied at most twice (into the line it was split
//! off from, and into its event) and decoded once, however the body was cut: the time is linear in
//! the bytes fed, and the memory is bounded by the longest line allowed.

use std::borrow::Cow;
use std::mem;

use memchr::{memchr, memchr2};

use super::oddity::INCIDENTS_MAX;
use super::{Comment, Event, Oddity, OddityKind, Stream};
use crate::text::ellipsis;

/// The longest line that is read, in bytes. The largest honest line is an image in base64.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// A line buffer larger than this is given back after its line.
const LINE_BUFFER_KEPT: usize = 64 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a body piece by piece; any cut of the same bytes gives the same [`Stream`].
///
/// An event is dispatched by the byte that ends its blank line; a CR does so at once. When the LF
/// of a CR LF arrives later, the end of the event already in `out` is moved behind it, so an event
/// taken out of `out` before that keeps the offset of its CR.
#[derive(Clone, Debug)]
pub struct Scanner {
    /// Body offset of the next byte.
    offset: usize,
    /// Body offset of the current line.
    line_start: usize,
    /// What earlier pieces brought of the current line.
    line: Vec<u8>,
    /// The current line is longer than the limit; its bytes are no longer kept.
    overlong: bool,
    /// Where the CR stands that ended the line before, while the next byte is unknown.
    cr: Option<usize>,
    /// The line before was a comment.
    after_comment: bool,
    /// The fields since the last blank line.
    block: Block,
    /// How often each kind of oddity was noted, and the index of its last note.
    noted: [(usize, usize); OddityKind::COUNT],
    limit: usize,
    #[cfg(test)]
    searched: usize,
}

/// The fields of the event being read.
#[derive(Clone, Debug, Default)]
struct Block {
    /// Body offset of the first field; `None` before one was read.
    start: Option<usize>,
    data: String,
    data_lines: usize,
    name: String,
    id: Option<String>,
    /// A part of it was dropped, so it may not be dispatched.
    broken: bool,
}

/// Whether a line is read for good, or only to say what a cut-off event would have been.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Whole,
    CutOff,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// A scanner at the start of a body.
    pub fn new() -> Self {
        Self::with_limit(LINE_BYTES_MAX)
    }

    /// A scanner that drops lines, and events, of more than `limit` bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            offset: 0,
            line_start: 0,
            line: Vec::new(),
            overlong: false,
            cr: None,
            after_comment: false,
            block: Block::default(),
            noted: [(0, 0); OddityKind::COUNT],
            limit,
            #[cfg(test)]
            searched: 0,
        }
    }

    /// Reads the next piece of the body.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Stream) {
        let mut rest = bytes;
        loop {
            rest = self.settle_cr(rest, out);
            let found = memchr2(b'\n', b'\r', rest);
            let searched = found.map_or(rest.len(), |at| at + 1);
            #[cfg(test)]
            {
                self.searched += searched;
            }
            let (line, after) = rest.split_at(searched);
            self.offset += searched;
            let Some((end, line)) = line.split_last().filter(|_| found.is_some()) else {
                self.keep(rest);
                return;
            };
            self.end_line(line, out);
            self.cr = (*end == b'\r').then(|| self.offset - 1);
            self.line_start = self.offset;
            rest = after;
        }
    }

    /// Says that the body has ended. The scanner is then at the start of a new body.
    pub fn finish(&mut self, out: &mut Stream) {
        if let Some(at) = self.cr.take() {
            self.note(out, OddityKind::CrLineEnd, at);
        }
        let line = mem::take(&mut self.line);
        if self.overlong {
            self.drop_line(out);
        } else {
            let (line, start) = self.without_mark(&line, out);
            if !line.is_empty() {
                let text = self.decode(line, start, out);
                let oddity = OddityKind::UnterminatedLine { text: text.clone().into_owned() };
                self.note(out, oddity, start);
                if let Some((name, value)) = text.split_once(':') {
                    self.field(name, value, start, Line::CutOff, out);
                }
            }
        }
        let block = mem::take(&mut self.block);
        if let Some(start) = block.start {
            self.note(out, OddityKind::UnterminatedEvent { data: block.data }, start);
        }
        *self = Self::with_limit(self.limit);
    }

    /// Bytes searched for a line end, for the proof that the work is linear.
    #[cfg(test)]
    pub(super) fn searched(&self) -> usize {
        self.searched
    }

    /// Bytes held between two feeds, for the proof that they are bounded.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.line.len() + self.block.data.len() + self.block.name.len()
    }

    /// Passes over the LF of a CR LF, and says which line end it was.
    fn settle_cr<'a>(&mut self, rest: &'a [u8], out: &mut Stream) -> &'a [u8] {
        let (Some(at), Some((next, after))) = (self.cr, rest.split_first()) else { return rest };
        self.cr = None;
        if *next != b'\n' {
            self.note(out, OddityKind::CrLineEnd, at);
            return rest;
        }
        self.note(out, OddityKind::CrLfLineEnd, at);
        if let Some(event) = out.events.last_mut().filter(|event| event.end == self.offset) {
            event.end += 1;
        }
        self.offset += 1;
        self.line_start = self.offset;
        after
    }

    /// Keeps the start of a line whose end has not come yet.
    fn keep(&mut self, part: &[u8]) {
        if self.overlong || self.line.len() + part.len() > self.limit {
            self.overlong = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(part);
        }
    }

    fn end_line(&mut self, last_part: &[u8], out: &mut Stream) {
        if self.line.is_empty() && !self.overlong && last_part.len() <= self.limit {
            // The usual case: the line lies whole in one piece and is read where it lies.
            return self.read_line(last_part, out);
        }
        self.keep(last_part);
        if mem::take(&mut self.overlong) {
            return self.drop_line(out);
        }
        let mut line = mem::take(&mut self.line);
        self.read_line(&line, out);
        if line.capacity() <= LINE_BUFFER_KEPT {
            line.clear();
            self.line = line;
        }
    }

    fn drop_line(&mut self, out: &mut Stream) {
        self.note(out, OddityKind::LineTooLong, self.line_start);
        self.block.start.get_or_insert(self.line_start);
        self.block.broken = true;
        self.after_comment = false;
    }

    fn read_line(&mut self, line: &[u8], out: &mut Stream) {
        let (line, start) = self.without_mark(line, out);
        let after_comment = mem::take(&mut self.after_comment);
        if line.is_empty() {
            if let Some(comment) = out.comments.last_mut().filter(|_| after_comment) {
                comment.blank_follows = true;
            }
            return self.dispatch(out);
        }
        if let Some(at) = memchr(0, line) {
            self.note(out, OddityKind::Nul, start + at);
        }
        let text = self.decode(line, start, out);
        match text.split_once(':') {
            Some(("", comment)) => {
                self.note(out, OddityKind::Comment, start);
                let text = comment.strip_prefix(' ').unwrap_or(comment).to_owned();
                out.comments.push(Comment { text, offset: start, blank_follows: false });
                self.after_comment = true;
            }
            Some((name, value)) => self.field(name, value, start, Line::Whole, out),
            None => self.field(&text, "", start, Line::Whole, out),
        }
    }

    /// The line without a byte-order mark, which only the very first line may have.
    fn without_mark<'a>(&mut self, line: &'a [u8], out: &mut Stream) -> (&'a [u8], usize) {
        match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if self.line_start == 0 => {
                self.note(out, OddityKind::ByteOrderMark, 0);
                (rest, BYTE_ORDER_MARK.len())
            }
            _ => (line, self.line_start),
        }
    }

    /// Lines can be decoded one by one: no byte of a longer character is a CR or an LF.
    fn decode<'a>(&mut self, line: &'a [u8], start: usize, out: &mut Stream) -> Cow<'a, str> {
        if let Ok(text) = std::str::from_utf8(line) {
            return text.into();
        }
        let mut at = start;
        for chunk in line.utf8_chunks() {
            at += chunk.valid().len();
            if !chunk.invalid().is_empty() {
                self.note(out, OddityKind::InvalidUtf8, at);
                at += chunk.invalid().len();
            }
        }
        String::from_utf8_lossy(line)
    }

    fn field(&mut self, name: &str, raw: &str, start: usize, line: Line, out: &mut Stream) {
        let whole = line == Line::Whole;
        let value = raw.strip_prefix(' ').unwrap_or(raw);
        match name {
            "data" => {
                out.data_lines += 1;
                self.data(value, start, out);
            }
            "event" => value.clone_into(&mut self.block.name),
            "id" => {
                if !value.contains('\0') {
                    self.block.id = Some(value.to_owned());
                }
                if whole {
                    self.note(out, OddityKind::IdField, start);
                }
            }
            "retry" if whole => {
                let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let kind = if digits { OddityKind::RetryField } else { OddityKind::BadRetry };
                self.note(out, kind, start);
            }
            _ if whole => {
                let oddity = OddityKind::UnknownField { name: ellipsis(name, 40) };
                self.note(out, oddity, start);
                return;
            }
            _ => return,
        }
        self.block.start.get_or_insert(start);
        if whole && !raw.is_empty() && raw.len() == value.len() {
            self.note(out, OddityKind::NoSpaceAfterColon, start);
        }
    }

    fn data(&mut self, value: &str, start: usize, out: &mut Stream) {
        self.block.data_lines += 1;
        if self.block.data_lines == 1 {
            value.clone_into(&mut self.block.data);
        } else if self.block.broken {
            // Already reported; nothing of it is kept.
        } else if self.block.data.len() + value.len() >= self.limit {
            self.note(out, OddityKind::EventTooLong, self.block.start.unwrap_or(start));
            self.block.broken = true;
            self.block.data = String::new();
        } else {
            self.block.data.push('\n');
            self.block.data.push_str(value);
        }
    }

    fn dispatch(&mut self, out: &mut Stream) {
        let block = mem::take(&mut self.block);
        let Some(start) = block.start.filter(|_| !block.broken) else { return };
        if block.data_lines == 0 {
            return self.note(out, OddityKind::NoData, start);
        }
        if block.data.is_empty() {
            self.note(out, OddityKind::EmptyData, start);
        }
        let named = !block.name.is_empty();
        out.events.push(Event {
            name: if named { block.name } else { "message".to_owned() },
            named,
            data: block.data,
            id: block.id,
            start,
            end: self.offset,
            data_lines: block.data_lines,
        });
    }

    /// Notes an oddity, or counts it where enough of its kind stand in `out` already.
    fn note(&mut self, out: &mut Stream, kind: OddityKind, offset: usize) {
        let kept = if kind.is_habit() { 1 } else { INCIDENTS_MAX };
        let Some((count, last)) = self.noted.get_mut(kind.rank()) else { return };
        if *count >= kept
            && let Some(before) = out.oddities.get_mut(*last)
            && before.kind.rank() == kind.rank()
        {
            before.times += 1;
            return;
        }
        *count += 1;
        *last = out.oddities.len();
        out.oddities.push(Oddity { kind, offset, times: 1 });
    }
}
