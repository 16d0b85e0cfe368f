//! A stream read once, in pieces, with as much memory for a gigabyte as for a line.

use std::io::{self, ErrorKind, Read};

use chrono::{DateTime, Utc};
use memchr::{memchr_iter, memmem};

use super::anchor::{ANCHORS, Form, Name};
use super::judge::{Found, judge};
use super::text::{LEFT_MAX, RIGHT_MAX, around};
use super::{Finding, Kind, named};

/// Bytes read at once.
const PIECE: usize = 1 << 20;

/// What became of a stream.
#[derive(Debug)]
pub struct Scanned {
    /// Bytes that were searched, after decompression.
    pub bytes: u64,
    /// Why it was not read to its end; what was read before that was searched.
    pub broken: Option<io::Error>,
}

/// Searches `stream`, and gives what it finds to `out` in its order. `now` tells what has expired.
pub fn scan(stream: &mut dyn Read, now: DateTime<Utc>, out: &mut dyn FnMut(Finding)) -> Scanned {
    let mut window = Window::default();
    let mut scanned = Scanned { bytes: 0, broken: None };
    loop {
        let read = match window.fill(stream) {
            Ok(read) => read,
            Err(error) => {
                scanned.broken = Some(error);
                0
            }
        };
        scanned.bytes += read as u64;
        let is_last = read == 0;
        window.search(is_last, &mut |found, line| {
            out(Finding {
                line,
                kind: found.kind,
                state: found.says.state(now),
                expires: found.says.expires,
                key: found.says.key,
                fingerprint: found.fingerprint,
            });
        });
        if is_last {
            return scanned;
        }
        window.forget();
    }
}

#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    /// Anchors that begin before this were looked at.
    done: usize,
    /// Nothing that is found may begin before this: it was told already.
    floor: usize,
    /// Blobs that begin before this hold nothing.
    dead: usize,
    /// Line ends before the window.
    lines: u64,
}

impl Window {
    /// Reads a piece; 0 at the end.
    fn fill(&mut self, stream: &mut dyn Read) -> io::Result<usize> {
        let old = self.bytes.len();
        self.bytes.resize(old + PIECE, 0);
        let mut new = 0;
        let result = loop {
            let Some(space) = self.bytes.get_mut(old + new..).filter(|space| !space.is_empty())
            else {
                break Ok(());
            };
            match stream.read(space) {
                Ok(0) => break Ok(()),
                Ok(read) => new += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.bytes.truncate(old + new);
        match result {
            // What came before the error is searched first; the error comes again.
            Err(error) if new == 0 => Err(error),
            _ => Ok(new),
        }
    }

    /// Looks at every anchor whose surroundings are here.
    fn search(&mut self, is_last: bool, out: &mut dyn FnMut(Found, u64)) {
        let limit =
            if is_last { self.bytes.len() } else { self.bytes.len().saturating_sub(RIGHT_MAX) };
        let mut keys = Keys::default();
        let (mut line, mut counted) = (self.lines, 0);
        let mut next = None;
        let mut at = self.done;
        loop {
            if next.is_none() {
                next = ANCHORS.seeker.find(&self.bytes, at);
            }
            let key = keys.from(&self.bytes, at);
            let anchor = next.filter(|(start, _)| *start < limit);
            let key = key.filter(|start| *start < limit);
            let (start, found) = match (anchor, key) {
                (None, None) => break,
                (Some((start, number)), key) if key.is_none_or(|key| start <= key) => {
                    next = None;
                    (start, self.look(start, number))
                }
                (_, key) => {
                    let start = key.unwrap_or(limit);
                    (start, named::long_term(&self.bytes, start))
                }
            };
            at = start + 1;
            if let Some(found) = found {
                let before = self.bytes.get(counted..found.start).unwrap_or_default();
                line += memchr_iter(b'\n', before).count() as u64;
                counted = counted.max(found.start);
                at = at.max(found.end);
                self.floor = at;
                next = next.filter(|(start, _)| *start >= at);
                out(found, line + 1);
            }
        }
        self.done = at.max(limit);
    }

    fn look(&mut self, start: usize, number: usize) -> Option<Found> {
        let form = ANCHORS.forms.get(number).copied()?;
        let blob = (start >= self.dead).then(|| {
            let text = around(&self.bytes, start, self.floor);
            let found = judge(&text);
            if found.is_none() {
                // Another anchor in the same run would come to the same, unless the run was cut.
                self.dead = text.place(text.bytes.len()).min(start + RIGHT_MAX / 2);
            }
            found
        });
        if let Some(found) = blob.flatten() {
            return Some(found);
        }
        let behind = |from: usize, is: fn(&u8) -> bool| {
            let rest = self.bytes.get(from..).unwrap_or_default();
            from + rest.iter().take_while(|byte| is(byte)).count()
        };
        let end = behind(start, |byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
        match form {
            Form::Blob => None,
            Form::Named(name) => named::value(&self.bytes, start, end, name)
                .filter(|found| found.kind != Kind::Signature || name == Name::Signature),
            Form::Algorithm => named::header(&self.bytes, start),
        }
    }

    /// Drops what is no longer needed.
    fn forget(&mut self) {
        let drop = self.done.min(self.bytes.len()).saturating_sub(LEFT_MAX);
        let gone = self.bytes.get(..drop).unwrap_or_default();
        self.lines += memchr_iter(b'\n', gone).count() as u64;
        self.bytes.drain(..drop);
        self.done -= drop;
        self.floor = self.floor.saturating_sub(drop);
        self.dead = self.dead.saturating_sub(drop);
    }
}

/// `ABSK`, which is too short for the table.
#[derive(Default)]
struct Keys {
    next: Option<usize>,
    /// There are no more.
    is_over: bool,
}

impl Keys {
    fn from(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        if self.is_over || self.next.is_some_and(|next| next >= at) {
            return self.next;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        self.next = memmem::find(rest, b"ABSK").map(|found| at + found);
        self.is_over = self.next.is_none();
        self.next
    }
}
