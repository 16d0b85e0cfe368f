//! How an exchange ended, told by types: what the socket did, what hyper and h2 say it was, and how
//! much had come. Never by the text of a message.

use std::error::Error;
use std::io;

use super::tap::{Close, TapState};
use crate::transcript::{BodyFraming, End, Exchange};

/// Why no head came. `used`: an earlier exchange had used the connection.
pub(super) fn without_head(error: &hyper::Error, tap: &TapState, used: bool, h2: bool) -> End {
    if let Some(end) = ours(error) {
        return end;
    }
    // HTTP/2 has reads of its own before a response; there the goodbye or the close decides.
    let unanswered = tap.reads.is_empty() || (h2 && (tap.closed.is_some() || says_goodbye(error)));
    if used && unanswered {
        return End::ClosedBeforeResponse;
    }
    if let Some(end) = failed_socket(tap) {
        return end;
    }
    if let Some(end) = h2_error(error) {
        return end;
    }
    if error.is_parse() {
        let why =
            if is_tls(&tap.inbound) { "its bytes are TLS's".to_owned() } else { chain(error) };
        return End::NotHttp { why };
    }
    if let Some(fault) = &tap.write_fault {
        return End::Reset { why: fault.why.clone() };
    }
    if tap.closed.is_some() {
        let none = tap.reads.is_empty() || h2;
        let why = if none { "the whole response" } else { "the rest of the head" };
        return End::CutShort { why: why.to_owned() };
    }
    End::Reset { why: chain(error) }
}

/// Why the body did not come to its end. `kept`: bytes of it that came.
pub(super) fn inside_body(
    error: &hyper::Error,
    tap: &TapState,
    exchange: &Exchange,
    kept: usize,
) -> End {
    if let Some(end) = failed_socket(tap).or_else(|| h2_error(error)) {
        return end;
    }
    // A malformed chunk is found by reading, an absent one by the end of the connection.
    let malformed = io_cause(error).is_some_and(|cause| {
        matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
    });
    if malformed || tap.closed.is_none() {
        return End::NotHttp { why: chain(error) };
    }
    let why = match exchange.framing {
        BodyFraming::Length => {
            let whole: usize = exchange
                .header("content-length")
                .and_then(|length| length.trim().parse().ok())
                .unwrap_or(0);
            format!("{} of {whole} bytes", whole.saturating_sub(kept))
        }
        BodyFraming::Chunked => "the terminating chunk".to_owned(),
        BodyFraming::UntilClose if tap.closed == Some(Close::Abrupt) => {
            "TLS's closing message".to_owned()
        }
        BodyFraming::Http2 | BodyFraming::UntilClose | BodyFraming::None => {
            "the end of the stream".to_owned()
        }
    };
    End::CutShort { why }
}

/// What hyper refused to send.
fn ours(error: &hyper::Error) -> Option<End> {
    error.is_user().then(|| End::Unsent { why: chain(error) })
}

/// The socket failed in reading: by TLS, or by a reset and its like.
fn failed_socket(tap: &TapState) -> Option<End> {
    let fault = tap.read_fault.as_ref()?;
    let why = fault.why.clone();
    Some(match fault.tls {
        Some(fault) => End::TlsFailed { why, fault },
        None => End::Reset { why },
    })
}

/// Whether bytes begin with a TLS record (RFC 8446, 5.1): a type from 20 to 23, then version 3.x.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=23, 3, ..])
}

fn says_goodbye(error: &hyper::Error) -> bool {
    cause::<h2::Error>(error).is_some_and(|error| error.is_go_away() && error.is_remote())
}

/// What HTTP/2 says of it: the peer ended the stream, or broke the protocol.
fn h2_error(error: &hyper::Error) -> Option<End> {
    let cause = cause::<h2::Error>(error)?;
    if cause.is_remote() {
        Some(End::Reset { why: chain(error) })
    } else if cause.is_library() {
        Some(End::NotHttp { why: chain(error) })
    } else {
        None
    }
}

/// The first `io::Error` below `error`; h2 keeps its own out of the chain.
fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    cause::<io::Error>(error).or_else(|| cause::<h2::Error>(error)?.get_io())
}

fn cause<T: Error + 'static>(error: &hyper::Error) -> Option<&T> {
    causes(error).find_map(|error| error.downcast_ref())
}

fn causes(error: &hyper::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source())
}

/// An error and what it came from, for people.
fn chain(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    for cause in causes(error) {
        let cause = cause.to_string();
        // Some print their source themselves.
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
