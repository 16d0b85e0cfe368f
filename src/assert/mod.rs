//! Assertions: `that: query | filter | predicate`, and named stream rules.
//!
//! An assertion knows nothing of the suite it was written in. It is read from YAML, checked by
//! [`Assertion::lint`], and judged on a [`Scene`]: the exchanges of one case so far.

mod assertion;
mod condition;
mod lint;
mod operand;
mod predicate;
mod query;
mod stream;

pub use assertion::Assertion;
pub use condition::{Condition, Otherwise};
pub use query::{Query, QueryError};
pub use stream::StreamSpec;
