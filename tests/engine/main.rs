//! The check loop, on a transport that answers from a script. Nothing listens, nothing sleeps long.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::match_bool,
    reason = "a test may fail loudly"
)]

mod converse;
mod sending;
mod stage;
mod until;
mod verdicts;
