//! What we think of what happened: levels, judgements, evidence, verdicts, and their tally.

mod evidence;
mod level;
mod tally;

pub use evidence::{Evidence, Excerpt, Judgement, Place};
pub use level::{Level, Verdict};
pub use tally::Tally;
