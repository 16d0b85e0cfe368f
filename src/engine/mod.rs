//! Running: from a suite and a target to a record.
//!
//! The engine sends, judges and tells a [`Sink`] what came of it. It renders nothing and never
//! ends the process.

mod asking;
mod attempt;
mod capability;
mod case;
mod cells;
mod check;
mod converse;
mod judging;
mod plan;
mod request;
mod sender;
mod sharing;
mod stopper;
mod until;
mod verdicts;

pub use check::{Check, Options, Sink, check};
pub use plan::{CasePlan, Outline, Plan};
pub use sender::{Sending, Sent};
pub use stopper::Stopper;
