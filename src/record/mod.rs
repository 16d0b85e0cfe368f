//! The run record: what was judged, how, and on which bytes.
//!
//! The engine writes one, every report reads one, and neither knows the other. A record is a
//! directory: `run.json` (written whole, then renamed), `events.jsonl` (append-only, so that a
//! crash leaves a readable prefix) and `exchanges.jsonl`. `docs/run-record.md` is its reference.

mod baseline;
mod curl;
mod error;
pub mod load;
mod model;
mod outcome;
mod reader;
#[cfg(test)]
mod sample;
mod writer;

pub use baseline::Baseline;
pub use curl::{Key, curl};
pub use error::{Doing, RecordError, RecordErrorKind};
pub use model::{
    Attempts, CaseRecord, Finding, FormatVersion, HostFacts, KnownNote, Planned, Run, RunEvent,
    RunMeta, SuiteRef, TargetMeta, TargetRun, Warning,
};
pub use outcome::{Cause, Trouble};
pub use reader::read;
pub use writer::Writer;

/// What the run is; its presence makes a directory a record.
const RUN: &str = "run.json";
/// What happened, one [`RunEvent`] a line.
const EVENTS: &str = "events.jsonl";
/// What travelled, one [`Exchange`](crate::transcript::Exchange) a line.
const EXCHANGES: &str = "exchanges.jsonl";
