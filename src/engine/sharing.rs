//! Which requests may be answered by an identical one that was sent before.
//!
//! The run and its plan ask here, so that they cannot disagree.

use crate::suite::{Case, Step, StepConnection};
use crate::transport::{Carry, ConnectionChoice};

/// Whether the answer to an identical request will do, for a step that is carried like this.
pub(super) fn is_shared(case: &Case, step: &Step, copies: usize, carry: &Carry) -> bool {
    !step.fresh
        && copies == 1
        && case.repeat.is_none()
        && carry.connection == ConnectionChoice::Any
        && carry.leave.is_none()
}

/// The connection that a step gets which reuses no other's. One whose connection a later step
/// wants to reuse gets a new one, which no other case is given meanwhile.
pub(super) fn connection(case: &Case, step: &Step) -> ConnectionChoice {
    let wanted_later = case.steps.iter().any(|later| {
        matches!(&later.transport.connection, StepConnection::Reuse(name) if *name == step.name.value)
    });
    match &step.transport.connection {
        StepConnection::Any if !wanted_later => ConnectionChoice::Any,
        StepConnection::Any | StepConnection::New | StepConnection::Reuse(_) => {
            ConnectionChoice::New
        }
    }
}
