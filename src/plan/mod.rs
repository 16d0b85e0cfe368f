//! Load plans: what is to be sent, when, for how long, and what is to hold of it.
//!
//! A plan is YAML beside the suites, read by the same reader with the same quality of message.
//! Nothing here sends anything or reads a clock: arrival processes are iterators of due times and
//! requests are functions of their number, both pure functions of plan and seed.

pub mod arrival;
pub mod builtin;
mod conversations;
mod length;
mod lint;
pub mod load;
mod manners;
mod model;
mod objective;
mod pause;
mod picture;
mod prompt;
mod random;
mod span;
mod tokenizer;
mod trace;
mod vocabulary;

pub use arrival::Pace;
pub use length::Lengths;
pub use load::{ExactKey, LoadedPlan, Manners, PlanError};
pub use model::{
    Arrival, Burst, Closed, Gamma, Images, Kind, LoadPlan, Prefix, Prompt, Ramp, Rate, Session,
    Slow, Spacing, StepRate, Steps, Stop, TokenDeadlines, Tokenizer, Trace, TraceFormat, Workload,
};
pub use objective::{Comparison, Objective};
pub use pause::{Pause, PauseDistribution};
pub use prompt::{Ask, Asks, Marks, Shared};
pub use span::Span;
pub use trace::TraceRow;
pub use vocabulary::Vocabulary;

/// The JSON Schema of plan files, for editors.
pub fn schema() -> serde_json::Value {
    crate::suite::schema::titled(
        crate::document::shape::schema_of::<LoadPlan>(),
        "A proofhouse load plan",
    )
}
