//! Reading bytes: server-sent events and JSON, to the letter of their standards.
//!
//! Nothing here decides whether what it finds is right or wrong; that is a suite's business.

pub mod json;
pub mod second_reader;
pub mod sse;
