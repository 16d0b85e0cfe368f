//! Whether a plan has room on this machine, before anything is sent.

use super::driver::LoadError;
use super::machine;
use crate::plan::{Arrival, LoadedPlan, Pace};
use crate::units::Nanos;

/// Files that are open besides connections.
const FILES_BESIDE: u64 = 64;

/// How many connections a plan takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connections {
    /// Opened before the start.
    pub(super) before: u32,
    /// Open at once at most.
    pub(super) at_most: u32,
}

pub(super) fn connections(loaded: &LoadedPlan) -> Connections {
    let plan = &loaded.plan;
    match &plan.arrival {
        Arrival::Closed(closed) => {
            let users = closed.users.min(plan.in_flight_max);
            Connections { before: users, at_most: users }
        }
        Arrival::Burst(burst) => {
            let before = burst.size.min(plan.in_flight_max);
            Connections { before, at_most: plan.in_flight_max }
        }
        open => {
            // What arrives in a second, so that the first requests find a connection open; the
            // warm-up opens the rest.
            let pace = Pace::of(open, &loaded.trace, plan.seed);
            let second = Nanos::from_millis(1_000);
            let most = plan.in_flight_max.min(1_000) as usize;
            let arrivals =
                pace.map_or(0, |pace| pace.take(most).take_while(|at| *at < second).count());
            let before = u32::try_from(arrivals).unwrap_or(u32::MAX).max(1);
            Connections { before: before.min(plan.in_flight_max), at_most: plan.in_flight_max }
        }
    }
}

/// Whether the machine gives what the plan takes, before anything is sent.
pub(super) fn machine_allows(
    loaded: &LoadedPlan,
    connections: u32,
    addresses: usize,
) -> Result<Option<u64>, LoadError> {
    let files = machine::file_limit();
    let closed = matches!(loaded.plan.arrival, Arrival::Closed(_) | Arrival::Burst(_));
    let wanted = u64::from(connections) + FILES_BESIDE;
    if closed && let Some(files) = files.filter(|files| *files < wanted) {
        return Err(LoadError::Machine {
            what: format!(
                "{connections} connections need {wanted} open files, and the limit is {files}"
            ),
            fix: format!("`ulimit -n {wanted}` in this shell, or fewer users"),
        });
    }
    let ports = machine::port_range().map(|ports| ports * addresses.max(1) as u64);
    if closed && let Some(ports) = ports.filter(|ports| *ports < u64::from(connections)) {
        return Err(LoadError::Machine {
            what: format!(
                "{connections} connections to one address need as many local ports, and the range has {ports}"
            ),
            fix: "`sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"`, or fewer users"
                .to_owned(),
        });
    }
    Ok(files.filter(|files| *files != u64::MAX))
}
