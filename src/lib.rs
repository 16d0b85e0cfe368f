//! proofhouse: conformance and load testing for OpenAI-compatible LLM endpoints.
//!
//! The modules stand on floors; a module may use those of lower floors and, within a floor, none
//! of its neighbours unless `ARCHITECTURE.md` says so. `tests/floors.rs` holds that.

// Floor 0: words.
pub mod clock;
pub mod text;
pub mod units;
// Floor 1: what happened, and what we think of it.
pub mod transcript;
pub mod verdict;
// Floor 2: reading bytes, and reading files that people write; AWS's arithmetic.
pub mod aws;
pub mod document;
pub mod stats;
pub mod wire;
// Floor 3: meaning, and what must not be seen.
pub mod dialect;
pub mod leak;
// Floor 4: judging, and what clients would make of it.
pub mod assert;
pub mod lens;
// Floor 5: plans.
pub mod plan;
pub mod profile;
pub mod project;
pub mod suite;
// Floor 6: the record.
pub mod record;
// Floor 7: the outside.
pub mod mock;
pub mod transport;
// Floor 8: running, and apart from it rendering.
pub mod engine;
pub mod load;
pub mod report;
// Floor 9: the shell.
pub mod cli;
