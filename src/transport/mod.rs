//! Sending a request and keeping what comes back.
//!
//! What the peer does is data: a refused connection or a cut stream is an
//! [`End`](crate::transcript::End), never an `Err`.

mod auth;
mod carry;
pub mod control;
pub mod http;
pub mod replay;
pub mod target;

pub use auth::{Auth, AuthError, KeyCache, Place};
pub use carry::{Carry, ConnectionChoice, Leave, Pace, Pieces, Timeouts, Transport};
