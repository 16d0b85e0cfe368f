//! What will be sent, and when: a head, bytes with their times, and an end.

use bytes::Bytes;

use crate::transcript::Headers;
use crate::units::Nanos;

/// Longest silence of a fault that hangs. The player still ends it when the client leaves or the
/// server stops.
pub(crate) const HANG: Nanos = Nanos::from_millis(60_000);

/// A response as it will be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Status and headers.
    pub head: Head,
    /// The body's pieces. Each is written by itself.
    pub cues: Vec<Cue>,
    /// How the response ends.
    pub end: Ending,
    /// Whether the length is told in front (`content-length`); a stream's is not.
    pub sized: bool,
}

/// Status and headers of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How long after the request's last byte the head is sent.
    pub after: Nanos,
    /// The status code.
    pub status: u16,
    /// Header lines; those that frame the body are left to the player.
    pub headers: Headers,
}

/// A piece of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// How long after the piece before it (the first: after the head).
    pub after: Nanos,
    /// The bytes.
    pub bytes: Bytes,
}

/// How a script ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By its own framing.
    Complete,
    /// The connection closes in an orderly way, before the body is whole.
    Cut,
    /// The connection is reset (TCP RST; on HTTP/2 the stream).
    Reset,
    /// Silence for this long, then as [`Ending::Complete`].
    Silence(Nanos),
    /// These bytes go to the socket past all framing, then it closes.
    Raw(Bytes),
}

impl Script {
    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        self.cues.iter().flat_map(|cue| cue.bytes.iter().copied()).collect()
    }

    /// Puts one body, sent at once, in the place of the cues.
    pub(crate) fn set_body(&mut self, bytes: impl Into<Bytes>) {
        let after = self.cues.first().map_or(Nanos(0), |cue| cue.after);
        self.cues = vec![Cue { after, bytes: bytes.into() }];
    }

    /// Changes each cue's text. A cue that is not UTF-8 stays.
    pub(crate) fn map_text(&mut self, change: impl Fn(&str) -> String) {
        for cue in &mut self.cues {
            if let Ok(text) = std::str::from_utf8(&cue.bytes) {
                cue.bytes = change(text).into();
            }
        }
    }

    /// Whether the head says that the body is a stream of events.
    pub(crate) fn is_stream(&self) -> bool {
        self.head.headers.get("content-type").is_some_and(|t| t.starts_with("text/event-stream"))
    }

    /// Whether the head says that the body is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.head.headers.get("content-type").is_some_and(|t| t.starts_with("application/json"))
    }
}
