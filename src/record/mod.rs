//! The run record: what was judged, how, and on which bytes.
//!
//! The engine writes one, every report reads one, and neither knows the other. A record is a
//! directory: `run.json` (written whole, then renamed), `events.jsonl` (append-only, so that a
//! crash leaves a readable prefix) and `exchanges.jsonl`.

mod model;

pub use model::{
    Attempts, CaseRecord, Finding, FormatVersion, HostFacts, KnownNote, Run, RunEvent, RunMeta,
    SuiteRef, TargetMeta, TargetRun, Warning,
};
