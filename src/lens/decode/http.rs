//! What every HTTP library agrees on.

use crate::transcript::{End, Exchange};

/// How the body ended, as an HTTP library tells it to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lens) enum BodyEnd {
    /// By its own framing.
    Whole,
    /// The connection broke first.
    Broken,
    /// Nothing more came until the client's timeout.
    Silent,
}

impl BodyEnd {
    /// The end of an exchange's body.
    ///
    /// Where we left ourselves (a step's early disconnect, a limit, an interruption) a client would
    /// have read on: what came is taken for the whole.
    pub(in crate::lens) const fn of(exchange: &Exchange) -> Self {
        match exchange.end {
            End::Complete | End::Left | End::LimitReached { .. } | End::Interrupted => Self::Whole,
            End::TimedOut { .. } => Self::Silent,
            _ => Self::Broken,
        }
    }
}
