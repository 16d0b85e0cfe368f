//! How one request is to be carried.

use crate::transcript::{Exchange, WireRequest};
use crate::units::Nanos;

/// Sends requests. Peer behaviour is never an error.
pub trait Transport: Send + Sync {
    /// Sends `request` once, exactly once, and keeps everything that comes back, redacted.
    fn exchange(
        &self,
        request: &WireRequest,
        carry: &Carry,
    ) -> impl Future<Output = Exchange> + Send;
}

/// How one request is to be carried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carry {
    /// The id the exchange will have.
    pub id: String,
    /// Which connection.
    pub connection: ConnectionChoice,
    /// Send the request's bytes in pieces.
    pub pieces: Option<Pieces>,
    /// Read the response slowly.
    pub pace: Option<Pace>,
    /// Leave before the end.
    pub leave: Option<Leave>,
    /// Headers of the target's that this request goes without.
    pub omit_headers: Vec<String>,
    /// Close our sending side once the request is out (HTTP/1.1; on HTTP/2 the end of the stream
    /// says as much, and the connection stays).
    pub half_close: bool,
    /// Send the body chunked.
    pub chunked: bool,
    /// Deadlines; what is absent here is as the target says.
    pub timeouts: Timeouts,
}

/// Which connection to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConnectionChoice {
    /// An idle one, or a new one.
    #[default]
    Any,
    /// A new one.
    New,
    /// The one with this number. If it is gone, the exchange ends as
    /// [`End::ClosedBeforeResponse`](crate::transcript::End::ClosedBeforeResponse).
    Number(u64),
}

/// Request bytes in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// Size of a piece.
    pub bytes: usize,
    /// Pause between two.
    pub gap: Nanos,
}

/// A slow reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes of one read.
    pub bytes: usize,
    /// Pause between two.
    pub every: Nanos,
}

/// When to leave early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// After this many stream events (blank lines) of the body.
    AfterEvents(usize),
    /// This long after the request went out.
    After(Nanos),
}

/// Named deadlines. `None` leaves the target's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Name resolution and TCP connect.
    pub connect: Option<Nanos>,
    /// The TLS handshake.
    pub tls: Option<Nanos>,
    /// From the request's last byte to the response's first.
    pub first_byte: Option<Nanos>,
    /// Between two reads of the response.
    pub gap: Option<Nanos>,
    /// The whole exchange, connecting included.
    pub total: Option<Nanos>,
}
