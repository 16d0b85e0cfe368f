//! Suites: what to ask and what to expect, declared in YAML.
//!
//! One fixed vocabulary and no scripting. A suite is data: it can be listed, linted, selected from
//! and reviewed without running anything.

mod model;

pub use model::{
    At, Case, Decide, Disconnect, HeaderMap, Hurt, Matrix, Reading, Repeat, RequestSpec, Split,
    Spot, Step, StepConnection, Suite, TransportSpec,
};
