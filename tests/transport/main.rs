//! The measured HTTP path, against raw sockets that do what no framework would.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod honest;
mod http1;
mod http2;
mod peer;
mod secure;
