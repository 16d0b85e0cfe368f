//! Suites: what to ask and what to expect, declared in YAML.
//!
//! One fixed vocabulary and no scripting. A suite is data: it can be listed, linted, selected from
//! and reviewed without running anything.

pub mod builtin;
pub mod capability;
mod duration;
pub mod lint;
pub mod load;
mod model;
pub mod schema;
pub mod select;
pub mod set;
pub mod template;

pub use capability::{CAPABILITIES, CapabilityWord};
pub use duration::duration;
pub use load::{Loaded, SuiteError};
pub use set::Set;

pub use model::{
    At, Case, Converse, Decide, Disconnect, HeaderMap, Hurt, Matrix, Reading, Repeat, RequestSpec,
    Split, Spot, Step, StepConnection, Suite, TransportSpec, Until,
};
