//! The check loop, on a transport that answers from a script. Nothing listens, nothing sleeps long.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod sending;
mod stage;
mod verdicts;
