//! Reading bytes: server-sent events, JSON and Prometheus metrics, to the letter of their standards.
//!
//! Nothing here decides whether what it finds is right or wrong; that is a suite's business.

pub mod json;
pub mod prometheus;
pub mod second_reader;
pub mod sse;
