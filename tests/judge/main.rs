//! The judge is judged: the catalogue, its witnesses, and the fault matrix.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and is steered by FAULT and BLESS"
)]

mod catalogue;
mod faults;
mod harness;
mod personas;
mod plan;
mod witnesses;
