//! What this machine gives a load client: files, ports, processor time, memory.

use crate::units::Nanos;

/// The files this process may have open, raised to what the system allows; `None` if it does not
/// say.
pub(super) fn file_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let limit = getrlimit(Resource::Nofile);
        let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if limit.current != limit.maximum && setrlimit(Resource::Nofile, wanted).is_ok() {
            return limit.maximum.or(Some(u64::MAX));
        }
        limit.current.or(Some(u64::MAX))
    }
    #[cfg(not(unix))]
    None
}

/// How many local ports connections to one address can have; `None` if the system does not say.
pub(super) fn port_range() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = text.split_whitespace().map(str::parse::<u64>);
    let (low, high) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some((high + 1).saturating_sub(low))
}

/// Lets other threads go first where they want the same core.
pub(super) fn step_back() {
    /// A tenth of the weight of an ordinary thread.
    #[cfg(target_os = "linux")]
    const STEPS: i32 = 10;
    // Elsewhere it would be said of the whole process. That it is refused changes nothing.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(STEPS);
}

/// Processor time of this thread.
pub(super) fn thread_cpu() -> Nanos {
    #[cfg(unix)]
    {
        cpu(rustix::time::ClockId::ThreadCPUTime)
    }
    #[cfg(not(unix))]
    Nanos(0)
}

/// Processor time of the process.
pub(super) fn process_cpu() -> Nanos {
    #[cfg(unix)]
    {
        cpu(rustix::time::ClockId::ProcessCPUTime)
    }
    #[cfg(not(unix))]
    Nanos(0)
}

#[cfg(unix)]
fn cpu(clock: rustix::time::ClockId) -> Nanos {
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Nanos(seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// The largest resident memory so far, in MiB; `None` if the system does not say.
pub(super) fn rss_peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}
