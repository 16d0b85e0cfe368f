//! What a suite that can be read may still have wrong.

mod across;
pub(super) mod file;
mod names;

pub use across::{Finding, across};
