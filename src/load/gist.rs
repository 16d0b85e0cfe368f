//! The gist of a stream: every byte that the rules could care about, and when tokens came.
//!
//! A load client that keeps whole bodies needs gigabytes, and one that reimplements the rules gets
//! them wrong. This does neither. Ordinary chunks, those that are one already kept but for the
//! text in them, are timed and dropped as they come; everything else is kept byte for byte. What
//! remains, a few kilobytes, is a stream of its own, and the shared reader and rules judge it when
//! the request is over. A property test holds that they judge it as they would the whole.
//!
//! # What is ordinary
//!
//! One `data` line and its blank line, whose JSON has one choice with no finish reason, with texts
//! and no tool call, without an error, and before any finish reason, error or `[DONE]`. It equals a
//! chunk that was kept but for its texts and for what differs from chunk to chunk and is no rule's
//! business here: `created`, `logprobs`, `obfuscation`, `token_ids`, and a running `usage`.

use serde_json::Value;

use super::template::Template;
use super::tokens::{Facts, Tokens};
use crate::dialect::openai::DONE;
use crate::units::Nanos;
use crate::wire::{json, sse};

/// More is not kept of one body.
pub(super) const KEPT_BYTES_MAX: usize = 16 << 20;
/// Nor of the times of more events: a stream without an end must have one here.
const EVENTS_MAX: usize = 4 << 20;
/// One for each choice, and a few for servers that write their chunks in several ways.
const TEMPLATES_MAX: usize = 8;

/// A stream being read.
#[derive(Debug)]
pub(super) struct Gist {
    kept: Vec<u8>,
    /// The last chunk that was dropped with a running usage: if no other comes, it is the usage.
    counted: Vec<u8>,
    /// The start of a block whose end has not come yet.
    tail: Vec<u8>,
    templates: Vec<Template>,
    shapes: Vec<Value>,
    /// The template that matched last.
    latest: usize,
    /// A finish reason, an error or `[DONE]` came: everything is kept from here on.
    closing: bool,
    overfull: bool,
    /// Nothing is ordinary: the reply's text itself is to be judged.
    whole: bool,
    mode: Mode,
    /// When tokens came.
    pub(super) facts: Facts,
}

#[derive(Debug)]
enum Mode {
    /// Blocks that end with a blank line, line ends are LF.
    Blocks,
    /// There was a CR, or a byte-order mark where none may be: the shared scanner finds the events,
    /// and every byte is kept.
    Scanned(Box<(sse::Scanner, sse::Stream)>),
    /// No stream was asked for, or the status says that there is none.
    Plain,
}

impl Gist {
    /// The gist of a stream. Tokens that come in `window` are counted apart.
    pub(super) fn of_stream(window: (Nanos, Nanos)) -> Self {
        Self::new(Mode::Blocks, window)
    }

    /// Of a body that is no stream: all of it.
    pub(super) fn of_plain(window: (Nanos, Nanos)) -> Self {
        Self::new(Mode::Plain, window)
    }

    fn new(mode: Mode, window: (Nanos, Nanos)) -> Self {
        Self {
            kept: Vec::new(),
            counted: Vec::new(),
            tail: Vec::new(),
            templates: Vec::new(),
            shapes: Vec::new(),
            latest: 0,
            closing: false,
            overfull: false,
            whole: false,
            mode,
            facts: Facts::new(window),
        }
    }

    /// Keeps every byte from here on.
    pub(super) fn keep_all(&mut self) {
        self.whole = true;
    }

    /// What was kept, at the end of the body.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let tail = std::mem::take(&mut self.tail);
        self.keep(&tail);
        std::mem::take(&mut self.kept)
    }

    /// Whether more came than is kept of one body.
    pub(super) fn is_overfull(&self) -> bool {
        self.overfull || self.facts.gaps_us.len() >= EVENTS_MAX
    }

    /// Reads the next piece of the body. `at` is when the socket read that brought it returned.
    pub(super) fn feed(&mut self, piece: &[u8], at: Nanos) {
        let mut rest = piece;
        while !rest.is_empty() {
            rest = match &mut self.mode {
                Mode::Plain => {
                    self.keep(rest);
                    &[]
                }
                Mode::Scanned(_) => {
                    self.keep(rest);
                    self.scan(rest, at);
                    &[]
                }
                Mode::Blocks => self.block(rest, at),
            };
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if !self.counted.is_empty() {
            let counted = std::mem::take(&mut self.counted);
            self.keep(&counted);
        }
        if self.kept.len() + bytes.len() > KEPT_BYTES_MAX {
            self.overfull = true;
        } else {
            self.kept.extend_from_slice(bytes);
        }
    }

    /// Reads the block at the front of `rest`, or what there is of it.
    fn block<'a>(&mut self, rest: &'a [u8], at: Nanos) -> &'a [u8] {
        let at_line_start = self.tail.last().is_none_or(|byte| *byte == b'\n');
        match block_end(rest, at_line_start) {
            BlockEnd::At(end) => {
                let (block, after) = rest.split_at(end);
                if self.tail.is_empty() {
                    self.read_block(block, at);
                } else {
                    let mut whole = std::mem::take(&mut self.tail);
                    whole.extend_from_slice(block);
                    self.read_block(&whole, at);
                    whole.clear();
                    if matches!(self.mode, Mode::Blocks) {
                        self.tail = whole;
                    }
                }
                after
            }
            BlockEnd::Open if self.tail.len() + rest.len() > KEPT_BYTES_MAX => {
                self.overfull = true;
                self.tail = Vec::new();
                &[]
            }
            BlockEnd::Open => {
                self.tail.extend_from_slice(rest);
                &[]
            }
            BlockEnd::CarriageReturn => {
                let tail = std::mem::take(&mut self.tail);
                self.keep(&tail);
                self.scan_from_here(&tail, at);
                rest
            }
        }
    }

    /// Goes on with the shared scanner, from the start of a block on.
    fn scan_from_here(&mut self, begun: &[u8], at: Nanos) {
        let mut scanner = sse::Scanner::new();
        let mut stream = sse::Stream::default();
        if !self.kept.is_empty() && self.kept.len() > begun.len() {
            // A blank line before it changes nothing, and takes away the first line's privilege of
            // a byte-order mark.
            scanner.feed(b"\n", &mut stream);
        }
        self.mode = Mode::Scanned(Box::new((scanner, stream)));
        self.scan(begun, at);
    }

    fn scan(&mut self, bytes: &[u8], at: Nanos) {
        let Mode::Scanned(reader) = &mut self.mode else { return };
        let (scanner, stream) = &mut **reader;
        scanner.feed(bytes, stream);
        let events = std::mem::take(&mut stream.events);
        stream.comments.clear();
        for event in events {
            self.count(&event.data, at);
        }
    }

    /// Counts an event that is kept.
    fn count(&mut self, data: &str, at: Nanos) {
        if data == DONE {
            self.closing = true;
            self.facts.other_event(at);
            return;
        }
        match json::parse(data.as_bytes()) {
            Ok(value) => {
                let tokens = Tokens::of(&value);
                self.closing |= tokens.closing;
                self.facts.event(&tokens, at);
            }
            Err(_) => self.facts.other_event(at),
        }
    }

    /// A block whole, its blank line included.
    fn read_block(&mut self, block: &[u8], at: Nanos) {
        let line = block.strip_suffix(b"\n\n");
        let data = line.and_then(|line| line.strip_prefix(b"data: "));
        let Some(data) = data.filter(|data| memchr::memchr(b'\n', data).is_none()) else {
            return self.odd_block(block, at);
        };
        if !self.closing && self.is_known(data, at) {
            return;
        }
        if data == DONE.as_bytes() {
            self.closing = true;
            self.facts.other_event(at);
            return self.keep(block);
        }
        match json::parse(data) {
            Ok(value) => {
                let tokens = Tokens::of(&value);
                let has_usage = value.get("usage").is_some_and(|usage| !usage.is_null());
                self.facts.event(&tokens, at);
                self.closing |= tokens.closing;
                if self.closing || !self.is_like_another(data, value, has_usage) {
                    self.keep(block);
                } else if has_usage {
                    block.clone_into(&mut self.counted);
                }
            }
            // The scanner replaces bytes that are not UTF-8 before anyone parses.
            Err(_) => self.odd_block(block, at),
        }
    }

    /// Whether `data` is a kept chunk with another text; then it is counted.
    fn is_known(&mut self, data: &[u8], at: Nanos) -> bool {
        let count = self.templates.len();
        for step in 0..count {
            let index = (self.latest + step) % count;
            let Some(template) = self.templates.get(index) else { continue };
            if let Some(text) = template.text(data) {
                self.latest = index;
                if text.is_empty() {
                    self.facts.other_event(at);
                } else {
                    self.facts.text_event(template.visible, at);
                }
                return true;
            }
        }
        false
    }

    /// Whether the chunk is ordinary and equal to one that was kept. If it is the first of its kind,
    /// it will be known next time.
    fn is_like_another(&mut self, data: &[u8], value: Value, has_usage: bool) -> bool {
        if self.whole || !is_ordinary(&value) {
            return false;
        }
        // A running usage is read each time: what equals an earlier chunk may be the last word.
        let template = if self.templates.len() < TEMPLATES_MAX && !has_usage {
            Template::of(data, &value)
        } else {
            None
        };
        let shape = shape(value);
        let seen = self.shapes.contains(&shape);
        if !seen {
            if self.shapes.len() >= TEMPLATES_MAX {
                return false;
            }
            self.shapes.push(shape);
            // Of its kind the first only: chunks that differ in more than their text have no use
            // for a template.
            self.templates.extend(template);
        }
        seen
    }

    /// Anything but one line of sound data.
    fn odd_block(&mut self, block: &[u8], at: Nanos) {
        let first = self.kept.is_empty();
        self.keep(block);
        if block.starts_with(b"\xef\xbb\xbf") && !first {
            return self.scan_from_here(block, at);
        }
        let events = sse::read(block).events;
        // What is not understood is not built upon; comments and blank lines are.
        self.closing |= !events.is_empty() || !matches!(block.first(), Some(b':' | b'\n'));
        for event in events {
            self.count(&event.data, at);
        }
    }

    /// Bytes held for this stream, for the proof that they are few.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let templates: usize = self.templates.iter().map(Template::len).sum();
        self.kept.capacity()
            + self.counted.capacity()
            + self.tail.capacity()
            + templates
            + self.facts.held()
    }
}

enum BlockEnd {
    /// After the blank line.
    At(usize),
    /// Not in these bytes.
    Open,
    /// A CR comes before it.
    CarriageReturn,
}

/// Where the blank line ends that ends the block.
fn block_end(bytes: &[u8], mut at_line_start: bool) -> BlockEnd {
    let mut from = 0;
    while let Some(rest) = bytes.get(from..) {
        let Some(at) = memchr::memchr2(b'\n', b'\r', rest) else { break };
        if rest.get(at) == Some(&b'\r') {
            return BlockEnd::CarriageReturn;
        }
        if at == 0 && at_line_start {
            return BlockEnd::At(from + 1);
        }
        from += at + 1;
        at_line_start = true;
    }
    BlockEnd::Open
}

/// See the module's docs.
fn is_ordinary(value: &Value) -> bool {
    let set = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    let Some([choice]) = value.get("choices").and_then(Value::as_array).map(Vec::as_slice) else {
        return false;
    };
    let delta = choice.get("delta");
    let text = |value: &Value, key: &str| {
        value.get(key).is_none_or(|value| value.is_null() || value.is_string())
    };
    let sound = match delta {
        Some(delta) => {
            delta.is_object()
                && !set(delta.get("tool_calls"))
                && !set(delta.get("function_call"))
                && TEXTS.iter().all(|key| text(delta, key))
        }
        None => choice.get("text").is_some_and(Value::is_string),
    };
    sound
        && !set(value.get("error"))
        && !set(choice.get("finish_reason"))
        && choice.get("index").is_some_and(Value::is_u64)
}

const TEXTS: [&str; 4] = ["content", "refusal", "reasoning", "reasoning_content"];

/// The chunk without what may differ between ordinary chunks.
fn shape(mut value: Value) -> Value {
    let blank = |value: Option<&mut Value>| {
        if let Some(value) = value {
            *value = Value::Null;
        }
    };
    for key in ["created", "obfuscation", "usage"] {
        blank(value.get_mut(key));
    }
    if let Some(choice) = value.pointer_mut("/choices/0") {
        for key in ["logprobs", "token_ids"] {
            blank(choice.get_mut(key));
        }
        let empty = |value: Option<&mut Value>| {
            if let Some(Value::String(text)) = value {
                text.clear();
            }
        };
        empty(choice.get_mut("text"));
        if let Some(delta) = choice.get_mut("delta") {
            for key in TEXTS {
                empty(delta.get_mut(key));
            }
        }
    }
    value
}
