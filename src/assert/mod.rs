//! Assertions: `that: query | filter | predicate`, and named stream rules.
//!
//! An assertion knows nothing of the suite it was written in. It is read from YAML, checked by
//! [`Assertion::lint`], and judged on a [`Scene`]: the exchanges of one case so far.
//!
//! # When nothing can be told
//!
//! - What a query starts from is not there (no response, no event stream, no JSON): one fault
//!   fails the check that is about it, and not fifty that needed it.
//! - The exchange was cut on our side, by a deadline or an interrupt. What is about the end itself
//!   (`end`, `timing`, `closes_within`, `no_stall`, `error_terminates`) is judged all the same.
//!   When we left on purpose, or stopped at a limit of ours, the head is judged too.
//!
//! A path that is missing below a root that is there is a failure, unless its absence is asked for.

mod assertion;
mod condition;
mod judge;
#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tests build values in place")]
mod kit;
mod lint;
mod operand;
mod place;
mod predicate;
mod query;
mod scene;
mod stream;

pub use assertion::Assertion;
pub use condition::{Condition, Otherwise};
pub use query::{Found, Query, QueryError};
pub use scene::{Scene, Seen, StepSeen};
pub use stream::{RuleDoc, StreamSpec, rules};
