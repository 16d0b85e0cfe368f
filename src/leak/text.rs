//! Text taken out of its surroundings: joined over line ends, escapes undone, base64 decoded; every
//! byte knows where it came from.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// More before or behind an anchor is not looked at. A token with a long session token has about
/// 4 KiB.
pub(super) const LEFT_MAX: usize = 4 << 10;
pub(super) const RIGHT_MAX: usize = 16 << 10;

/// A line end is joined if so many bytes of the same go on behind it.
const JOINED_MIN: usize = 4;

/// Bytes, and where each stood.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    at: Vec<usize>,
}

impl Text {
    fn push(&mut self, byte: u8, at: usize) {
        self.bytes.push(byte);
        self.at.push(at);
    }

    /// Where the byte at `index` stood; the last one's place for what lies behind.
    pub(super) fn place(&self, index: usize) -> usize {
        self.at.get(index).or(self.at.last()).copied().unwrap_or_default()
    }

    pub(super) fn from(&self, index: usize) -> &[u8] {
        self.bytes.get(index..).unwrap_or_default()
    }
}

/// What a token, a URL or an escape of theirs consists of.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=-_%.?&:~#;\\".contains(&byte)
}

/// Standard or URL-safe base64, without padding.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

/// The run around `anchor`, not beginning before `floor`; the place of the anchor is in it.
pub(super) fn around(bytes: &[u8], anchor: usize, floor: usize) -> Text {
    let floor = floor.max(anchor.saturating_sub(LEFT_MAX));
    let wide = forward(bytes, beginning(bytes, anchor, floor), anchor);
    if wide.at.last().is_some_and(|last| *last >= anchor) {
        return wide;
    }
    // Joining backwards took something for a line of the same that forwards is none.
    forward(bytes, run_start(bytes, anchor, floor), anchor)
}

fn run_start(bytes: &[u8], anchor: usize, floor: usize) -> usize {
    let before = bytes.get(floor..anchor).unwrap_or_default();
    anchor - before.iter().rev().take_while(|byte| is_plain(**byte)).count()
}

/// Where the run begins, over line ends.
fn beginning(bytes: &[u8], anchor: usize, floor: usize) -> usize {
    let mut start = run_start(bytes, anchor, floor);
    loop {
        let before = bytes.get(floor..start).unwrap_or_default();
        let skip = |bytes: &[u8], set: &[u8]| {
            bytes.iter().rev().take_while(|byte| set.contains(byte)).count()
        };
        let lead = skip(before, b" \t\"'>|+*");
        let line = before.get(..before.len() - lead).unwrap_or_default();
        let Some(line) = line.strip_suffix(b"\n") else { return start };
        let tail = skip(line, b" \t\"'+,\r");
        let end = floor + line.len() - tail;
        let next = run_start(bytes, end, floor);
        if end - next < JOINED_MIN {
            return start;
        }
        start = next;
    }
}

fn forward(bytes: &[u8], start: usize, anchor: usize) -> Text {
    let mut text = Text::default();
    let (mut at, limit) = (start, anchor + RIGHT_MAX);
    while let Some(byte) = bytes.get(at).filter(|_| at < limit) {
        let rest = bytes.get(at..).unwrap_or_default();
        if *byte == b'\\' && matches!(rest.get(1), Some(b'"' | b'\'')) {
            break;
        }
        if let Some(skip) = joint(rest) {
            at += skip;
        } else if is_plain(*byte) {
            text.push(*byte, at);
            at += 1;
        } else {
            break;
        }
    }
    text
}

/// How many bytes at the front of `rest` only interrupt a run: a colour of a terminal, or a line
/// end with what people and tools put around it.
fn joint(rest: &[u8]) -> Option<usize> {
    if let Some(behind) = rest.strip_prefix(b"\x1b[") {
        let parameters = behind.iter().take_while(|b| matches!(b, 0x20..=0x3f)).count();
        return Some(2 + parameters + 1);
    }
    let count = |at: usize, set: &[u8]| {
        rest.get(at..).unwrap_or_default().iter().take_while(|byte| set.contains(byte)).count()
    };
    // `…" +`, `…",`, `… \`, `…=` of quoted-printable.
    let closed = count(0, b"\"' \t+,\\=\r");
    let ends = count(closed, b"\n");
    if ends == 0 {
        return None;
    }
    let next = closed + ends;
    let opened = next + count(next, b" \t\"'>|+*");
    let more = rest.get(opened..).unwrap_or_default();
    let goes_on = more.iter().take(JOINED_MIN).filter(|byte| is_plain(**byte)).count();
    (goes_on == JOINED_MIN).then_some(opened)
}

/// The text with one layer of escapes undone: percent, JSON, HTML. `None` if there is none.
pub(super) fn unescaped(text: &Text) -> Option<Text> {
    let mut out = Text::default();
    let mut index = 0;
    let mut changed = false;
    while let Some(byte) = text.bytes.get(index) {
        let rest = text.from(index);
        if let Some((meant, len)) = escape(rest) {
            if let Some(meant) = meant {
                out.push(meant, text.place(index));
            }
            changed = true;
            index += len;
        } else {
            out.push(*byte, text.place(index));
            index += 1;
        }
    }
    changed.then_some(out)
}

/// What the escape at the front of `rest` means, and its length; a line end means nothing.
fn escape(rest: &[u8]) -> Option<(Option<u8>, usize)> {
    let hex = |from: usize, len: usize| {
        let digits = std::str::from_utf8(rest.get(from..from + len)?).ok()?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u8::from_str_radix(digits, 16).ok().filter(|byte| is_hex && byte.is_ascii_graphic())
    };
    match rest {
        [b'%', ..] => Some((Some(hex(1, 2)?), 3)),
        [b'\\', b'u', b'0', b'0', ..] => Some((Some(hex(4, 2)?), 6)),
        [b'\\', b'x', ..] => Some((Some(hex(2, 2)?), 4)),
        [b'\\', b'n' | b'r' | b't', ..] => Some((None, 2)),
        [b'\\', meant @ (b'/' | b'\\' | b'"'), ..] => Some((Some(*meant), 2)),
        [b'&', ..] => {
            const NAMED: [(&[u8], u8); 6] = [
                (b"&amp;", b'&'),
                (b"&equals;", b'='),
                (b"&plus;", b'+'),
                (b"&sol;", b'/'),
                (b"&quest;", b'?'),
                (b"&percnt;", b'%'),
            ];
            if let Some((name, meant)) = NAMED.iter().find(|(name, _)| rest.starts_with(name)) {
                return Some((Some(*meant), name.len()));
            }
            let digits = rest.strip_prefix(b"&#")?;
            let end = digits.iter().take(6).position(|byte| *byte == b';')?;
            let digits = std::str::from_utf8(digits.get(..end)?).ok()?;
            let meant: u8 = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u8::from_str_radix(digits, 16).ok()?,
                None => digits.parse().ok()?,
            };
            Some((Some(meant).filter(u8::is_ascii_graphic), end + 3))
        }
        _ => None,
    }
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// `len` bytes of base64 in `text` from `start`, decoded.
pub(super) fn decoded(text: &Text, start: usize, len: usize) -> Option<Text> {
    // One character alone holds no byte.
    let len = if len % 4 == 1 { len - 1 } else { len };
    let run = text.bytes.get(start..start + len)?;
    let standard: Vec<u8> = run
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    let bytes = LENIENT.decode(standard).ok()?;
    let at = (0..bytes.len()).map(|index| text.place(start + index * 4 / 3)).collect();
    Some(Text { bytes, at })
}

/// Runs of base64 of at least `min` bytes: where, and how long.
pub(super) fn runs(text: &Text, min: usize) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut start = 0;
    for piece in text.bytes.split(|byte| !is_base64(*byte)) {
        if piece.len() >= min {
            runs.push((start, piece.len()));
        }
        start += piece.len() + 1;
    }
    runs
}
