//! The judge is judged: the catalogue, its witnesses, and the fault matrix.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod catalogue;
mod faults;
mod harness;
mod witnesses;
