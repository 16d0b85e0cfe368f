//! Sending a request and keeping what comes back.
//!
//! What the peer does is data: a refused connection or a cut stream is an
//! [`End`](crate::transcript::End), never an `Err`.

mod auth;
pub mod aws;
mod carry;
pub mod control;
pub mod http;
pub mod replay;
pub mod target;

pub use auth::{Auth, AuthError, KeyCache, Place};
pub use carry::{Carry, ConnectionChoice, Leave, Pace, Pieces, Timeouts, Transport};

/// The TLS configuration of a target, for a client that drives its own sockets.
pub(crate) fn tls_config(
    target: &target::Target,
) -> Result<rustls::ClientConfig, target::TargetError> {
    http::tls::config(target)
}

/// How a connection ended whose TLS failed.
pub(crate) fn tls_end(error: &rustls::Error) -> crate::transcript::End {
    let (why, fault) = http::tls::failure(&std::io::Error::other(error.clone()));
    crate::transcript::End::TlsFailed { why, fault: fault.unwrap_or_default() }
}
