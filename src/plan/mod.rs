//! Load plans: what is to be sent, when, for how long, and what is to hold of it.
//!
//! A plan is YAML beside the suites, read by the same reader with the same quality of message.
//! Nothing here sends anything or reads a clock: arrival processes are iterators of due times and
//! requests are functions of their number, both pure functions of plan and seed.

pub mod arrival;
mod length;
pub mod load;
mod model;
mod objective;
mod prompt;
mod random;
mod span;
mod trace;

pub use arrival::Pace;
pub use length::Lengths;
pub use load::{LoadedPlan, PlanError};
pub use model::{
    Arrival, Burst, Closed, Gamma, Kind, LoadPlan, Prompt, Ramp, Rate, Slow, Spacing, StepRate,
    Steps, Stop, TokenDeadlines, Trace, TraceFormat, Workload,
};
pub use objective::{Comparison, Objective};
pub use prompt::{Ask, Asks};
pub use span::Span;
pub use trace::TraceRow;

/// The JSON Schema of plan files, for editors.
pub fn schema() -> serde_json::Value {
    crate::suite::schema::titled(
        crate::document::shape::schema_of::<LoadPlan>(),
        "A proofhouse load plan",
    )
}
