//! A saved exchange, played again with its own timing.

use super::script::{Cue, Ending, HANG, Head, Script};
use crate::transcript::{BodyFraming, End, Exchange};

/// Headers that belong to a connection or to the framing, which the player makes anew.
const FRAMING_HEADERS: [&str; 4] =
    ["content-length", "transfer-encoding", "connection", "keep-alive"];

impl Script {
    /// The script that repeats what `exchange` saw; `None` when no head ever arrived.
    ///
    /// Times count from the moment the request was out. An exchange that we cut ourselves is
    /// played as far as it was read.
    pub fn of(exchange: &Exchange) -> Option<Self> {
        let head = exchange.head.as_ref()?;
        let sent = exchange.timing.sent.unwrap_or_default();
        let head_at = exchange.timing.head.or(exchange.timing.first_byte).unwrap_or(sent);
        let mut headers = head.headers.clone();
        for name in FRAMING_HEADERS {
            headers.remove(name);
        }
        let mut before = head_at;
        // What was undone in reading is played as it came.
        let frames = if exchange.encoded.is_empty() { &exchange.frames } else { &exchange.encoded };
        let cues = frames.iter().map(|frame| {
            let after = frame.at.since(before);
            before = before.max(frame.at);
            Cue { after, bytes: frame.bytes.0.clone() }
        });
        Some(Self {
            cues: cues.collect(),
            head: Head { after: head_at.since(sent), status: head.status, headers },
            end: match &exchange.end {
                End::Complete | End::Left | End::LimitReached { .. } | End::Interrupted => {
                    Ending::Complete
                }
                End::Reset { .. } => Ending::Reset,
                End::TimedOut { .. } => Ending::Silence(HANG),
                End::CutShort { .. }
                | End::Refused { .. }
                | End::Unresolved { .. }
                | End::TlsFailed { .. }
                | End::NotHttp { .. }
                | End::Unsent { .. }
                | End::ClosedBeforeResponse => Ending::Cut,
            },
            sized: exchange.framing == BodyFraming::Length && exchange.end == End::Complete,
        })
    }
}

/// The saved exchanges of a server, and which have been played.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    exchanges: Vec<(Exchange, bool)>,
}

impl Shelf {
    pub(crate) fn new(exchanges: Vec<Exchange>) -> Self {
        Self { exchanges: exchanges.into_iter().map(|exchange| (exchange, false)).collect() }
    }

    /// The script for a request: of the exchanges with its method and path, one with the same
    /// body before another, one not yet played before one that was.
    pub(crate) fn take(&mut self, method: &str, path: &str, body: &[u8]) -> Option<Script> {
        let rank = |(exchange, played): &(Exchange, bool)| {
            let request = &exchange.request;
            let same = request.method == method && path_of(&request.url) == path;
            same.then(|| (&*request.body != body, *played))
        };
        let best = self
            .exchanges
            .iter_mut()
            .filter_map(|entry| rank(entry).map(|rank| (rank, entry)))
            .min_by_key(|(rank, _)| *rank)?
            .1;
        best.1 = true;
        Script::of(&best.0)
    }
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    path.split_once('?').map_or(path, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{Connection, Frame, Headers, ResponseHead, Timing, WireRequest};
    use crate::units::Nanos;

    fn saved(body: &'static str, at: u64, end: End) -> Exchange {
        Exchange {
            id: "x1".into(),
            request: WireRequest {
                method: "POST".into(),
                url: "http://h:1/v1/chat/completions?a=b".into(),
                headers: Headers::default(),
                body: body.into(),
            },
            connection: Connection::default(),
            head: Some(ResponseHead {
                status: 200,
                reason: "OK".into(),
                headers: [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]
                    .into_iter()
                    .collect(),
            }),
            framing: BodyFraming::Chunked,
            frames: vec![
                Frame { at: Nanos(at + 5), bytes: "data: 1\n\n".into() },
                Frame { at: Nanos(at + 25), bytes: "data: 2\n\n".into() },
            ],
            encoded: Vec::new(),
            trailers: Headers::default(),
            end,
            timing: Timing {
                sent: Some(Nanos(at)),
                head: Some(Nanos(at + 3)),
                ..Timing::default()
            },
            reads: Vec::new(),
            redactions: Vec::new(),
        }
    }

    #[test]
    fn a_replay_keeps_the_gaps_and_the_end() {
        let script = Script::of(&saved("{}", 100, End::Reset { why: "rst".into() })).unwrap();

        let gaps: Vec<_> = script.cues.iter().map(|cue| cue.after.0).collect();
        assert_eq!((script.head.after, gaps), (Nanos(3), vec![2, 20]));
        let span = script.cues.iter().fold(script.head.after, |sum, cue| sum + cue.after);
        assert_eq!(span, Nanos(25));
        assert_eq!(script.end, Ending::Reset);
        assert_eq!(script.head.headers.get("transfer-encoding"), None);
    }

    #[test]
    fn the_shelf_prefers_the_same_body_and_then_what_was_not_played() {
        let shelf = || Shelf::new(vec![saved("a", 0, End::Complete), saved("b", 9, End::Complete)]);
        let path = "/v1/chat/completions";

        let mut same = shelf();
        assert_eq!(same.take("POST", path, b"b"), Script::of(&saved("b", 9, End::Complete)));
        let mut fresh = shelf();
        fresh.take("POST", path, b"a");
        assert_eq!(fresh.take("POST", path, b"?"), Script::of(&saved("b", 9, End::Complete)));
        assert_eq!(shelf().take("GET", path, b"a"), None);
    }
}
