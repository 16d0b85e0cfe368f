//! A response of HTTP/1.1, read as its bytes come (RFC 9112).
//!
//! It knows nothing of sockets: bytes go in, and the pieces of the body come out where they lie.
//! That keeps the hot path without a copy and lets every cut of the bytes be tested.

use crate::transcript::{BodyFraming, Headers, ResponseHead};

/// A head may have so many lines.
const LINES_MAX: usize = 256;
/// And so many bytes.
const HEAD_BYTES_MAX: usize = 256 << 10;
/// A chunk's size line, and a trailer, may have so many bytes.
const LINE_BYTES_MAX: usize = 16 << 10;

/// A response as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Response {
    /// The head, once it is complete.
    pub(super) head: Option<ResponseHead>,
    /// How the body's length is told.
    pub(super) framing: BodyFraming,
    /// Whether the connection may be used again.
    pub(super) keep_alive: bool,
    /// The start of a head that came in several reads.
    begun: Vec<u8>,
    part: Part,
}

/// What the next byte belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Part {
    #[default]
    Head,
    /// So many bytes of the body.
    Length(u64),
    UntilClose,
    /// A chunk's size line: the value so far, whether it had a digit, whether the digits are over,
    /// and its length.
    Size {
        value: u64,
        any: bool,
        over: bool,
        len: usize,
    },
    Chunk(u64),
    /// The line end after a chunk's data.
    ChunkEnd,
    /// Trailers, up to an empty line; the length of the line so far.
    Trailer(usize),
    Done,
}

/// Why bytes are not HTTP.
pub(super) type NotHttp = String;

impl Response {
    /// Whether it arrived whole, by its own framing.
    pub(super) fn is_done(&self) -> bool {
        self.part == Part::Done
    }

    /// What the end of the connection means now: `None` when the response is whole, else what is
    /// missing.
    pub(super) fn missing(&self) -> Option<String> {
        match self.part {
            Part::Done | Part::UntilClose => None,
            Part::Head => Some("the head".to_owned()),
            Part::Length(left) => Some(format!("{left} bytes of the body")),
            Part::Size { .. } | Part::Chunk(_) | Part::ChunkEnd | Part::Trailer(_) => {
                Some("the terminating chunk".to_owned())
            }
        }
    }

    /// Reads on. `body` gets the pieces of the body. Returns how many bytes belonged to this
    /// response: fewer than were given once it is done.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        mut body: impl FnMut(&[u8]),
    ) -> Result<usize, NotHttp> {
        let mut rest = bytes;
        while !rest.is_empty() && self.part != Part::Done {
            rest = self.step(rest, &mut body)?;
        }
        Ok(bytes.len() - rest.len())
    }

    fn step<'a>(
        &mut self,
        rest: &'a [u8],
        body: &mut impl FnMut(&[u8]),
    ) -> Result<&'a [u8], NotHttp> {
        match self.part {
            Part::Head => self.read_head(rest),
            Part::Done => Ok(rest),
            Part::UntilClose => {
                body(rest);
                Ok(&[])
            }
            Part::Length(left) | Part::Chunk(left) => {
                let take = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                let (piece, rest) = rest.split_at(take);
                body(piece);
                let left = left - take as u64;
                self.part = match (self.part, left) {
                    (Part::Chunk(_), 0) => Part::ChunkEnd,
                    (Part::Chunk(_), left) => Part::Chunk(left),
                    (_, 0) => Part::Done,
                    (_, left) => Part::Length(left),
                };
                Ok(rest)
            }
            Part::ChunkEnd => match rest {
                // A lone CR waits for its LF; anything else is no chunk end.
                [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => {
                    self.part = SIZE;
                    Ok(rest)
                }
                [b'\r'] => Ok(&[]),
                _ => Err("a chunk is longer than its size".to_owned()),
            },
            Part::Size { value, any, over, len } => self.size(rest, value, any, over, len),
            Part::Trailer(len) => match memchr::memchr(b'\n', rest) {
                Some(at) => {
                    let (line, after) = rest.split_at(at + 1);
                    let empty =
                        len == 0 && matches!(line, b"\n" | b"\r\n") || len == 1 && line == b"\n";
                    self.part = if empty { Part::Done } else { Part::Trailer(0) };
                    Ok(after)
                }
                None if len + rest.len() > LINE_BYTES_MAX => Err("an endless trailer".to_owned()),
                // One byte may be the CR of the last line; more is a trailer.
                None => {
                    let more = if rest == b"\r" && len == 0 { 1 } else { len + rest.len() + 1 };
                    self.part = Part::Trailer(more);
                    Ok(&[])
                }
            },
        }
    }

    fn size<'a>(
        &mut self,
        rest: &'a [u8],
        mut value: u64,
        mut any: bool,
        mut over: bool,
        mut len: usize,
    ) -> Result<&'a [u8], NotHttp> {
        for (at, byte) in rest.iter().enumerate() {
            len += 1;
            match byte {
                b'\n' if any => {
                    self.part = if value == 0 { Part::Trailer(0) } else { Part::Chunk(value) };
                    return Ok(rest.get(at + 1..).unwrap_or_default());
                }
                b'\n' => return Err("a chunk without a size".to_owned()),
                b'\r' | b';' | b' ' | b'\t' if any => over = true,
                _ if over && len <= LINE_BYTES_MAX => {}
                _ => {
                    let digit =
                        char::from(*byte).to_digit(16).filter(|_| !over && value >> 56 == 0);
                    let Some(digit) = digit else {
                        return Err("a chunk's size is no number".to_owned());
                    };
                    value = value << 4 | u64::from(digit);
                    any = true;
                }
            }
        }
        self.part = Part::Size { value, any, over, len };
        Ok(&[])
    }

    fn read_head<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], NotHttp> {
        if self.begun.is_empty() {
            let Some((head, len)) = parse(rest)? else {
                self.begun.extend_from_slice(rest);
                return Ok(&[]);
            };
            self.begin(head)?;
            return Ok(rest.get(len..).unwrap_or_default());
        }
        let before = self.begun.len();
        self.begun.extend_from_slice(rest);
        match parse(&self.begun)? {
            Some((head, len)) => {
                self.begun = Vec::new();
                self.begin(head)?;
                Ok(rest.get(len.saturating_sub(before)..).unwrap_or_default())
            }
            None if self.begun.len() > HEAD_BYTES_MAX => Err("an endless head".to_owned()),
            None => Ok(&[]),
        }
    }

    fn begin(&mut self, (version, head): (u8, ResponseHead)) -> Result<(), NotHttp> {
        if (100..200).contains(&head.status) && head.status != 101 {
            return Ok(()); // An interim answer; the next head is the answer.
        }
        let connection = tokens(&head.headers, "connection");
        let says = |word: &str| connection.iter().any(|token| token == word);
        self.keep_alive = if version == 1 { !says("close") } else { says("keep-alive") };
        let chunked =
            tokens(&head.headers, "transfer-encoding").last().is_some_and(|t| t == "chunked");
        let length = match head.headers.get("content-length") {
            Some(text) => {
                Some(text.trim().parse().map_err(|_| format!("content-length `{}`", text.trim()))?)
            }
            None => None,
        };
        (self.part, self.framing) = match (head.status, chunked, length) {
            (204 | 304, _, _) => (Part::Done, BodyFraming::None),
            (_, true, _) => (SIZE, BodyFraming::Chunked),
            (_, false, Some(0)) => (Part::Done, BodyFraming::Length),
            (_, false, Some(length)) => (Part::Length(length), BodyFraming::Length),
            (_, false, None) => {
                self.keep_alive = false;
                (Part::UntilClose, BodyFraming::UntilClose)
            }
        };
        self.head = Some(head);
        Ok(())
    }
}

const SIZE: Part = Part::Size { value: 0, any: false, over: false, len: 0 };

type Head = (u8, ResponseHead);

/// The head at the front of `bytes`, and its length; `None` while it is not complete.
fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, NotHttp> {
    let mut lines = [httparse::EMPTY_HEADER; 32];
    match read(bytes, &mut lines) {
        Err(httparse::Error::TooManyHeaders) => {
            let mut lines = vec![httparse::EMPTY_HEADER; LINES_MAX];
            read(bytes, &mut lines).map_err(|error| error.to_string())
        }
        other => other.map_err(|error| error.to_string()),
    }
}

fn read<'b>(
    bytes: &'b [u8],
    lines: &mut [httparse::Header<'b>],
) -> Result<Option<(Head, usize)>, httparse::Error> {
    let mut response = httparse::Response::new(lines);
    let httparse::Status::Complete(len) = response.parse(bytes)? else { return Ok(None) };
    let headers: Headers = response
        .headers
        .iter()
        .map(|line| (line.name, String::from_utf8_lossy(line.value).into_owned()))
        .collect();
    let head = ResponseHead {
        status: response.code.unwrap_or_default(),
        reason: response.reason.unwrap_or_default().to_owned(),
        headers,
    };
    Ok(Some(((response.version.unwrap_or(1), head), len)))
}

fn tokens(headers: &Headers, name: &str) -> Vec<String> {
    let all = headers.all(name).flat_map(|value| value.split(','));
    all.map(|token| token.trim().to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_in(bytes: &[u8], cuts: &[usize]) -> Result<(Response, Vec<u8>, usize), NotHttp> {
        let mut response = Response::default();
        let mut body = Vec::new();
        let mut used = 0;
        let mut start = 0;
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        for end in ends {
            used += response.feed(&bytes[start..end], |piece| body.extend_from_slice(piece))?;
            start = end;
        }
        Ok((response, body, used))
    }

    const CHUNKED: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
        b\r\ndata: {\"a\":\r\n5;x=y\r\n1}\n\nd\r\n0\r\nx-t: 1\r\n\r\nNEXT";

    proptest! {
        #[test]
        fn any_cut_of_a_chunked_response_gives_the_same_body(cuts in prop::collection::vec(any::<usize>(), 0..9)) {
            let (response, body, used) = read_in(CHUNKED, &cuts).unwrap();
            prop_assert_eq!(body, b"data: {\"a\":1}\n\nd");
            prop_assert!(response.is_done() && response.keep_alive);
            prop_assert_eq!(used, CHUNKED.len() - 4);
            prop_assert_eq!(response.head.unwrap().status, 200);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in prop::collection::vec(any::<usize>(), 0..5)) {
            let _ = read_in(&bytes, &cuts);
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = read_in(&[head, bytes.as_slice()].concat(), &cuts);
        }
    }

    #[test]
    fn lengths_and_closes_frame_a_body_too() {
        let (response, body, _) =
            read_in(b"HTTP/1.1 429 Slow\r\ncontent-length: 2\r\nconnection: Close\r\n\r\nno", &[])
                .unwrap();
        assert!(response.is_done() && !response.keep_alive && body == b"no");
        let (response, body, _) = read_in(b"HTTP/1.0 200 OK\r\n\r\nall of it", &[20]).unwrap();
        assert!(!response.is_done() && response.missing().is_none() && body == b"all of it");
        let (response, ..) =
            read_in(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", &[]).unwrap();
        assert_eq!(response.missing().unwrap(), "7 bytes of the body");
    }

    #[test]
    fn what_is_no_http_is_said() {
        for (bytes, said) in [
            (&b"SSH-2.0-OpenSSH\r\n\r\n"[..], ""),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", "no number"),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n", "longer than"),
            (b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", "content-length"),
        ] {
            let error = read_in(bytes, &[]).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
