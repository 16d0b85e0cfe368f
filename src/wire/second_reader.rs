//! A second opinion on server-sent events: what a common client library reads.
//!
//! The crate `eventsource-stream` (0.2.3, the last since 2022) stands under many Rust clients. It
//! is asked only where it is safe: it panics on a byte-order mark, falls silent on a byte that is
//! not UTF-8, and never dispatches a last event whose blank line ends with CR. Where it is not
//! asked, the reason is said. It reads its buffer again from the start of the line with every piece
//! (its issue 11) and copies the rest of it for every line, so it is handed one line at a time, and
//! its time stays linear.

use std::convert::Infallible;

use eventsource_stream::Eventsource as _;
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;

/// Why the second reader was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAsked {
    /// A clause for people: `it panics on a byte-order mark`.
    pub why: String,
}

/// The data of every event that the second reader dispatches, in order.
pub fn read(body: &[u8]) -> Result<Vec<String>, NotAsked> {
    if let Some(why) = danger(body) {
        return Err(NotAsked { why: why.to_owned() });
    }
    // A stream over a slice is always ready, so one poll drives it to its end.
    let events = futures_util::stream::iter(Lines(body).map(Ok::<_, Infallible>))
        .eventsource()
        .map(|event| event.map(|event| event.data))
        .collect::<Vec<_>>()
        .now_or_never();
    let Some(events) = events else {
        return Err(NotAsked { why: "it waited for more than the whole body".to_owned() });
    };
    events
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| NotAsked { why: format!("it gave up ({error})") })
}

/// What about `body` the second reader cannot bear.
fn danger(body: &[u8]) -> Option<&'static str> {
    if body.starts_with(b"\xef\xbb\xbf") {
        Some("it panics on a byte-order mark")
    } else if std::str::from_utf8(body).is_err() {
        Some("it falls silent on bytes that are not UTF-8")
    } else if body.ends_with(b"\r") {
        Some("it holds back the last line of a body that ends with CR")
    } else {
        None
    }
}

/// The lines of a body with their line ends, which may be LF, CR LF or CR.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = match memchr::memchr2(b'\n', b'\r', self.0) {
            Some(at) if self.0.get(at..at + 2) == Some(b"\r\n") => at + 2,
            Some(at) => at + 1,
            None => self.0.len(),
        };
        let (line, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::sse;

    #[test]
    fn it_reads_what_a_client_would_read() {
        let body = b": ping\n\ndata: a\r\n\r\nevent: x\ndata: b\ndata: c\n\ndata: lost\n";

        assert_eq!(read(body).unwrap(), ["a", "b\nc"]);
    }

    #[test]
    fn it_is_not_asked_where_it_would_panic_hang_or_hold_back() {
        for (body, why) in [
            (&b"\xef\xbb\xbfdata: a\n\n"[..], "byte-order mark"),
            (b"data: \xff\n\n", "not UTF-8"),
            (b"data: a\r\r", "ends with CR"),
        ] {
            let refusal = read(body).unwrap_err();

            assert!(refusal.why.contains(why), "{refusal:?}");
        }
    }

    #[test]
    fn a_long_line_is_handed_over_whole() {
        let mut body = b"data: ".to_vec();
        body.resize(1 << 20, b'x');
        body.extend_from_slice(b"\n\n");

        assert_eq!(Lines(&body).count(), 2);
        assert_eq!(read(&body).unwrap()[0].len(), (1 << 20) - 6);
    }

    proptest! {
        /// Two readers written by different people agree wherever both may be asked.
        #[test]
        fn it_agrees_with_our_scanner(body in sse::tests::body_like()) {
            let ours: Vec<_> = sse::read(&body).events.into_iter().map(|event| event.data).collect();

            if let Ok(theirs) = read(&body) {
                prop_assert_eq!(theirs, ours);
            }
        }
    }
}
