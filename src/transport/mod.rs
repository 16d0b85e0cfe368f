//! Sending a request and keeping what comes back.
//!
//! What the peer does is data: a refused connection or a cut stream is an [`End`], never an `Err`.

mod carry;

pub use carry::{Carry, ConnectionChoice, Leave, Pace, Pieces, Timeouts, Transport};

#[expect(unused_imports, reason = "for the link above")]
use crate::transcript::End;
