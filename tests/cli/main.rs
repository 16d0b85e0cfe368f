//! The real binary: what a user types, sees and gets as exit code.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod bad_input;
mod check;
mod cloud;
mod commands;
mod contract;
mod files;
mod house;
mod hygiene;
mod interrupt;
mod lens;
mod load;
mod peer;
mod plan;
mod preflight;
mod profile;
mod reproducer;
mod secrets;
mod standing;
