//! The wire log of an exchange: what was sent, what came back, read by read.

use std::fmt::Write as _;

use serde::Serialize;

use super::row::exchange_anchor;
use crate::report::harm;
use crate::report::phrase::is_unseen;
use crate::text::{plural, thousands};
use crate::transcript::{self, BodyFraming, Frame, Header};
use crate::units::Nanos;

/// More of one read than this is counted, not shown.
const FRAME_BYTES_MAX: usize = 8 * 1024;
/// The same, for a request's body.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Of longer exchanges the first and the last reads are shown.
const FRAMES_HEAD_MAX: usize = 160;
/// How many of the last.
const FRAMES_TAIL_MAX: usize = 40;
/// The width of the time line, in its own units.
const LINE_UNITS: u64 = 1000;

#[derive(Serialize)]
pub(super) struct Exchange<'a> {
    anchor: String,
    id: &'a str,
    method: &'a str,
    url: &'a str,
    status: String,
    end: String,
    size: String,
    facts: Vec<(&'static str, String)>,
    request_headers: Vec<&'a Header>,
    request_body: Option<Bytes>,
    request_pretty: bool,
    response_headers: Vec<&'a Header>,
    trailers: Vec<&'a Header>,
    frames: Vec<Read>,
    /// An SVG path with one tick for each read.
    ticks: String,
    masked: Option<String>,
    /// Clients that the exchange hurts, and how.
    hurts: Vec<(&'static str, String)>,
}

/// One read of the body, or a note on those left out.
#[derive(Serialize)]
struct Read {
    /// Absent for a note.
    index: Option<usize>,
    at: String,
    gap: String,
    size: String,
    bytes: Bytes,
}

/// Bytes as they can be shown.
#[derive(Serialize)]
struct Bytes {
    runs: Vec<Run>,
    /// How much was left out.
    note: Option<String>,
}

/// Characters of one kind.
#[derive(Serialize)]
struct Run {
    /// `text`, `field` (the name of an SSE field) or `raw` (a line end or a byte made visible).
    kind: &'static str,
    text: String,
}

impl<'a> Exchange<'a> {
    pub(super) fn of(exchange: &'a transcript::Exchange) -> Self {
        let bytes: usize = exchange.frames.iter().map(|frame| frame.bytes.len()).sum();
        let is_sse = exchange
            .header("content-type")
            .is_some_and(|value| value.to_ascii_lowercase().contains("event-stream"));
        let body = &exchange.request.body;
        let pretty = (!body.is_empty() && body.len() <= BODY_BYTES_MAX)
            .then(|| serde_json::from_slice::<serde_json::Value>(body).ok())
            .flatten()
            .and_then(|value| serde_json::to_string_pretty(&value).ok());
        Self {
            anchor: exchange_anchor(&exchange.id),
            id: &exchange.id,
            method: &exchange.request.method,
            url: &exchange.request.url,
            status: status(exchange),
            end: exchange.end.describe(),
            size: format!(
                "{}, {} bytes, {}",
                plural(exchange.frames.len(), "read"),
                thousands(bytes),
                exchange.timing.done
            ),
            facts: facts(exchange),
            request_headers: exchange.request.headers.iter().collect(),
            request_pretty: pretty.is_some(),
            request_body: match &pretty {
                _ if body.is_empty() => None,
                // The line ends of pretty JSON are ours, so they are not made visible.
                Some(text) => {
                    Some(Bytes { runs: vec![Run { kind: "text", text: text.clone() }], note: None })
                }
                None => Some(Bytes::of(body, BODY_BYTES_MAX, false)),
            },
            response_headers: exchange
                .head
                .as_ref()
                .map(|head| head.headers.iter().collect())
                .unwrap_or_default(),
            trailers: exchange.trailers.iter().collect(),
            frames: reads(&exchange.frames, is_sse),
            ticks: ticks(exchange),
            masked: masked(exchange),
            hurts: harm::of_exchange(exchange)
                .into_iter()
                .map(|harm| (harm.client, harm.said().to_owned()))
                .collect(),
        }
    }
}

fn status(exchange: &transcript::Exchange) -> String {
    exchange.head.as_ref().map_or_else(
        || "no response".to_owned(),
        |head| format!("{} {}", head.status, head.reason).trim_end().to_owned(),
    )
}

fn facts(exchange: &transcript::Exchange) -> Vec<(&'static str, String)> {
    let timing = &exchange.timing;
    let connection = &exchange.connection;
    let mut number = format!("no. {}", connection.number);
    number.push_str(if connection.reused { ", reused" } else { ", new" });
    if let Some(peer) = &connection.peer {
        let _ = write!(number, ", to {peer}");
    }
    let mut facts = vec![("Connection", number)];
    let version = connection.version.as_str();
    let tls = connection.tls.as_ref().map(|tls| format!(" over {tls}")).unwrap_or_default();
    let framing = match exchange.framing {
        BodyFraming::None => "no body",
        BodyFraming::Length => "content-length",
        BodyFraming::Chunked => "chunked",
        BodyFraming::UntilClose => "until close",
        BodyFraming::Http2 => "data frames",
    };
    facts.push(("Protocol", format!("HTTP/{version}{tls}, {framing}")));
    let moments = [
        ("Connected", timing.connected),
        ("TLS agreed", timing.secured),
        ("Request sent", timing.sent),
        ("First byte", timing.first_byte),
        ("Head", timing.head),
        ("End", Some(timing.done)),
    ];
    facts.extend(moments.iter().filter_map(|(name, at)| at.map(|at| (*name, offset(at)))));
    facts
}

fn masked(exchange: &transcript::Exchange) -> Option<String> {
    let mut places: Vec<_> = exchange
        .redactions
        .iter()
        .map(|note| format!("{} ({})", note.place, note.secret))
        .collect();
    places.dedup();
    (!places.is_empty()).then(|| places.join(", "))
}

/// `+812.4`, in milliseconds.
fn offset(at: Nanos) -> String {
    format!("+{:.1} ms", at.as_millis_f64())
}

fn reads(frames: &[Frame], is_sse: bool) -> Vec<Read> {
    let skipped = if frames.len() > FRAMES_HEAD_MAX + FRAMES_TAIL_MAX {
        FRAMES_HEAD_MAX..frames.len() - FRAMES_TAIL_MAX
    } else {
        0..0
    };
    let mut before = None;
    let mut out = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        if index == skipped.start && !skipped.is_empty() {
            out.push(left_out(frames.get(skipped.clone()).unwrap_or_default()));
        }
        if !skipped.contains(&index) {
            let gap = before.map(|before| frame.at.since(before));
            out.push(Read {
                index: Some(index),
                at: format!("+{:.1}", frame.at.as_millis_f64()),
                gap: gap.map(|gap| format!("{:.1}", gap.as_millis_f64())).unwrap_or_default(),
                size: thousands(frame.bytes.len()),
                bytes: Bytes::of(&frame.bytes, FRAME_BYTES_MAX, is_sse),
            });
        }
        before = Some(frame.at);
    }
    out
}

fn left_out(frames: &[Frame]) -> Read {
    let bytes: usize = frames.iter().map(|frame| frame.bytes.len()).sum();
    Read {
        index: None,
        at: String::new(),
        gap: String::new(),
        size: thousands(bytes),
        bytes: Bytes {
            runs: Vec::new(),
            note: Some(format!(
                "{} left out here; the run record has them",
                plural(frames.len(), "read")
            )),
        },
    }
}

impl Bytes {
    fn of(bytes: &[u8], max: usize, is_sse: bool) -> Self {
        let shown = bytes.get(..max).unwrap_or(bytes);
        let left = bytes.len() - shown.len();
        Self {
            runs: runs(shown, is_sse),
            note: (left > 0).then(|| format!("{} more bytes, in the run record", thousands(left))),
        }
    }
}

/// Text as it is; line ends, control characters and invalid bytes made visible. A line end is
/// shown and also ends the line.
fn runs(bytes: &[u8], is_sse: bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut push = |kind: &'static str, text: &str| match runs.last_mut() {
        Some(run) if run.kind == kind => run.text.push_str(text),
        _ => runs.push(Run { kind, text: text.to_owned() }),
    };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (content, end) = match line.strip_suffix(b"\n") {
            Some(content) => match content.strip_suffix(b"\r") {
                Some(content) => (content, "␍⏎\n"),
                None => (content, "⏎\n"),
            },
            None => (line, ""),
        };
        let field = if is_sse { field_len(content) } else { 0 };
        let (name, rest) = content.split_at_checked(field).unwrap_or((&[], content));
        if !name.is_empty() {
            push("field", &String::from_utf8_lossy(name));
        }
        for chunk in rest.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c == '\t' || !is_unseen(c) {
                    push("text", c.encode_utf8(&mut [0; 4]));
                } else {
                    push("raw", &c.escape_default().to_string());
                }
            }
            for byte in chunk.invalid() {
                push("raw", &format!("\\x{byte:02x}"));
            }
        }
        if !end.is_empty() {
            push("raw", end);
        }
    }
    runs
}

/// The length of `data:` and the like at the front of a line.
fn field_len(line: &[u8]) -> usize {
    let names: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
    names.iter().find(|name| line.starts_with(name)).map_or(0, |name| name.len())
}

/// One tick for each read, from the start of the exchange to its end.
fn ticks(exchange: &transcript::Exchange) -> String {
    let done = exchange.timing.done.0.max(1);
    let mut path = String::new();
    let mut before = None;
    for frame in &exchange.frames {
        let x = u128::from(frame.at.0.min(done)) * u128::from(LINE_UNITS) / u128::from(done);
        if before != Some(x) {
            let _ = write!(path, "M{x} 0v12");
            before = Some(x);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> Vec<(&'static str, String)> {
        runs(bytes, true).into_iter().map(|run| (run.kind, run.text)).collect()
    }

    #[test]
    fn line_ends_and_invalid_bytes_are_seen_and_fields_told_apart() {
        assert_eq!(
            shown(b"data: a\xf0\x9f\"\r\n\n: ping"),
            [
                ("field", "data:".to_owned()),
                ("text", " a".to_owned()),
                ("raw", "\\xf0\\x9f".to_owned()),
                ("text", "\"".to_owned()),
                ("raw", "␍⏎\n⏎\n".to_owned()),
                ("field", ":".to_owned()),
                ("text", " ping".to_owned()),
            ]
        );
    }

    #[test]
    fn a_long_read_is_cut_with_a_count_and_a_long_stream_with_a_note() {
        let frame = |len: usize| Frame { at: Nanos(1), bytes: vec![b'x'; len].into() };

        let long = reads(&[frame(FRAME_BYTES_MAX + 1234)], false);
        assert_eq!(long[0].bytes.note.as_deref(), Some("1,234 more bytes, in the run record"));

        let many: Vec<_> = (0..1000).map(|_| frame(10)).collect();
        let many = reads(&many, false);
        assert_eq!(many.len(), FRAMES_HEAD_MAX + 1 + FRAMES_TAIL_MAX);
        assert_eq!(many[FRAMES_HEAD_MAX].size, "8,000");
        assert_eq!(many[FRAMES_HEAD_MAX + 1].index, Some(960));
    }
}
