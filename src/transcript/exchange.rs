//! One request and everything that came back.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Body, End, Headers, Redaction, ResponseHead, WireRequest};
use crate::units::Nanos;

/// One request and everything that came back, as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Unique within a record: `x1`, `x2`, … in order of sending, prefixed by the target's name
    /// where there are several.
    pub id: String,
    /// As it was sent, redacted.
    pub request: WireRequest,
    /// The connection it travelled on.
    pub connection: Connection,
    /// Absent when no complete head arrived.
    pub head: Option<ResponseHead>,
    /// How the body's length was told.
    #[serde(default)]
    pub framing: BodyFraming,
    /// The body after transfer decoding, one frame for each piece a socket read brought. A content
    /// coding that the request asked for is undone.
    pub frames: Vec<Frame>,
    /// The same as it came, where a content coding was undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encoded: Vec<Frame>,
    /// Trailer lines after the body.
    #[serde(default, skip_serializing_if = "no_headers")]
    pub trailers: Headers,
    /// How it ended.
    pub end: End,
    /// When things happened, from the start of the exchange.
    pub timing: Timing,
    /// Every socket read, head and framing bytes included (plain text below TLS).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<SocketRead>,
    /// What was masked, and where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redactions: Vec<Redaction>,
}

fn no_headers(headers: &Headers) -> bool {
    headers.0.is_empty()
}

impl Exchange {
    /// The status code, if a head arrived.
    pub fn status(&self) -> Option<u16> {
        self.head.as_ref().map(|head| head.status)
    }

    /// The first value of a response header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.as_ref().and_then(|head| head.headers.get(name))
    }

    /// The whole body, joined.
    pub fn body(&self) -> Bytes {
        match self.frames.as_slice() {
            [] => Bytes::new(),
            [only] => only.bytes.0.clone(),
            frames => frames
                .iter()
                .flat_map(|frame| frame.bytes.iter().copied())
                .collect::<Vec<u8>>()
                .into(),
        }
    }

    /// The frame that holds the body's byte `offset`: its index, and when it arrived.
    pub fn frame_at(&self, offset: usize) -> Option<(usize, Nanos)> {
        let mut end = 0;
        for (index, frame) in self.frames.iter().enumerate() {
            end += frame.bytes.len();
            if offset < end {
                return Some((index, frame.at));
            }
        }
        None
    }
}

/// A piece of the body. `at` is when the socket read that held its last byte returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// From the start of the exchange.
    pub at: Nanos,
    /// After transfer decoding.
    #[serde(flatten)]
    pub bytes: Body,
}

/// One return of the socket's `read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketRead {
    /// When it returned, from the start of the exchange.
    pub at: Nanos,
    /// How many bytes it brought.
    pub len: u32,
}

/// The connection an exchange travelled on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Unique within a run: two exchanges with one number shared a socket.
    pub number: u64,
    /// Whether an earlier exchange had used it.
    pub reused: bool,
    /// The protocol agreed on.
    pub version: HttpVersion,
    /// The peer's socket address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The TLS version, if any: `TLSv1.3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
}

/// The HTTP version of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum HttpVersion {
    /// HTTP/1.0, as answered by the peer.
    #[serde(rename = "1.0")]
    Http10,
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "1.1")]
    Http11,
    /// HTTP/2.
    #[serde(rename = "2")]
    Http2,
}

impl HttpVersion {
    /// `1.0`, `1.1` or `2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        }
    }
}

/// How the length of a response body was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BodyFraming {
    /// No body, or no head.
    #[default]
    None,
    /// `content-length`.
    Length,
    /// `transfer-encoding: chunked`.
    Chunked,
    /// The body ends where the connection does.
    UntilClose,
    /// HTTP/2 data frames.
    Http2,
}

/// When things happened, each from the start of the exchange; `None` for what did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The start, from the start of the run.
    pub started: Nanos,
    /// Name resolution done (new connections only).
    pub resolved: Option<Nanos>,
    /// TCP connected (new connections only).
    pub connected: Option<Nanos>,
    /// TLS agreed (new TLS connections only).
    pub secured: Option<Nanos>,
    /// The request's last byte was handed to the socket.
    pub sent: Option<Nanos>,
    /// The first socket read of the response returned.
    pub first_byte: Option<Nanos>,
    /// The head was complete.
    pub head: Option<Nanos>,
    /// The end, whatever it was.
    pub done: Nanos,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_from_json_in_both_forms() {
        for bytes in [&b"data: a\n\n"[..], &b"\xe6\x97"[..]] {
            let frame = Frame { at: Nanos(7), bytes: bytes.to_vec().into() };
            let json = serde_json::to_string(&frame).unwrap();
            assert_eq!(serde_json::from_str::<Frame>(&json).unwrap(), frame, "{json}");
        }
    }
}
