//! What bodies mean: dialects read from, and written to, the wire.
//!
//! Dialects never import each other.

pub mod openai;
