//! What happened on the wire, kept as it came.
//!
//! A transcript is the only currency of proofhouse: the transport writes one, the mock plays one,
//! a suite judges one, a report quotes one. It knows bytes, times and how an exchange ended; it
//! knows nothing of events, JSON or chat completions. Those are readings, made later and as often
//! as anyone likes.

mod body;
mod end;
mod exchange;
mod jsonl;
mod message;
mod redact;

pub use body::Body;
pub use end::{End, Limit, Phase, TlsFault};
pub use exchange::{BodyFraming, Connection, Exchange, Frame, HttpVersion, SocketRead, Timing};
pub use jsonl::{JsonlError, read_jsonl, write_jsonl};
pub use message::{Header, Headers, ResponseHead, WireRequest};
pub use redact::{Redaction, Redactor, SECRET_BYTES_MIN, Side, is_secret_header};
