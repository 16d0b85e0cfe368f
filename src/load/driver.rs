//! A load run from start to report.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use super::call::Prepared;
use super::clerk::{self, Desk, Glance, Ledger};
use super::intervals::Intervals;
use super::machine;
use super::ruling::Rulebook;
use super::shard::{Gauges, Note, Setup, Shard};
use super::source::{Source, Stages};
use super::summary::{self, Facts};
use crate::clock::Clock;
use crate::plan::{Arrival, Asks, LoadedPlan, Pace};
use crate::record::load::{HISTOGRAMS, LoadReport, REPORT, REQUESTS};
use crate::transcript::Redactor;
use crate::transport::target::{HttpChoice, Target, TargetError};
use crate::units::Nanos;

/// Finished requests that wait for the clerk. At some 2 KiB each this is 8 MiB; when it is full the
/// loop waits, and the wait shows as a stall.
const NOTES: usize = 4_096;
/// Connections that are opened before the start have so long.
const WARM: Nanos = Nanos::from_millis(5_000);
/// From everybody ready to the first request.
const GET_SET: Nanos = Nanos::from_millis(20);
/// Files that are open besides connections.
const FILES_BESIDE: u64 = 64;

/// What is to be run.
#[derive(Debug)]
pub struct Job {
    /// The plan.
    pub plan: LoadedPlan,
    /// Where to; its model is named.
    pub target: Target,
    /// The header line with the key and the key itself, if there is one.
    pub auth: Option<(String, SecretString, SecretString)>,
    /// Event loops.
    pub threads: u32,
    /// Where the record goes; it must not exist.
    pub record: Option<PathBuf>,
    /// The command line, for the record.
    pub argv: Vec<String>,
    /// The clock.
    pub clock: Clock,
    /// Becomes true when the run is to end at once.
    pub stop: Arc<AtomicBool>,
}

/// Sees a run's progress, once a second.
pub trait Watcher: Send {
    /// How it stands.
    fn glance(&mut self, glance: &Glance);
}

/// Why a load could not be run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The target asks for something that the load path does not do.
    #[error("{0}")]
    Unsupported(String),
    /// The target cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The host has no address.
    #[error("the host `{host}` has no address: {why}")]
    Unresolved {
        /// The host.
        host: String,
        /// The resolver's words.
        why: String,
    },
    /// This machine does not give enough.
    #[error("{what}\n(hint: {fix})")]
    Machine {
        /// What is too little.
        what: String,
        /// What to do.
        fix: String,
    },
    /// The record could not be written.
    #[error("the record could not be written to `{}`: {source}", path.display())]
    Record {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The event loop failed: the system, not the endpoint.
    #[error("the event loop failed: {0}")]
    Loop(io::Error),
}

/// Runs a load to its end and reports on it.
pub fn run(job: Job, watcher: &mut dyn Watcher) -> Result<LoadReport, LoadError> {
    let Job { plan, target, auth, threads, record, argv, clock, stop } = job;
    check_target(&target)?;
    let addresses = resolve(&target)?;
    let connections = connections(&plan);
    let file_limit = machine_allows(&plan, connections.at_most, addresses.len())?;
    let threads = threads.max(1);
    let stages = stages(&plan);
    let gauges = Arc::new(Gauges::default());
    let asks = Arc::new(Asks::new(plan, &target.model));
    let mut redactor = Redactor::default();
    if let Some((_, _, key)) = &auth {
        redactor.add("key", key);
    }
    let setup = Setup {
        clock: clock.clone(),
        addresses,
        tls: if target.base_url.is_tls() { Some(tls(&target)?) } else { None },
        deadlines: target.timeouts,
        window: (stages.warm, stages.window),
        drain: asks.plan().plan.drain.0,
        requests: asks.plan().plan.requests,
        prepare: prepare(&asks, &target, auth),
        gauges: Arc::clone(&gauges),
    };
    let (started, cpu) = (clock.wall(), machine::process_cpu());
    let mut out = match &record {
        Some(folder) => Out::file(folder, started)?,
        None => Out { requests: Box::new(io::sink()), log: None },
    };
    let course = Course {
        setup: &setup,
        asks: &asks,
        books: &books(&asks),
        redactor: &redactor,
        url: &target.url("", &[]),
        stages,
        threads,
        before: connections.before,
        stop: &stop,
    };
    let failed = |source| LoadError::Record {
        path: record.clone().unwrap_or_else(|| PathBuf::from("-")),
        source,
    };
    let (worked, origin) = course.run(&mut out, watcher)?;
    let ledger = worked.map_err(failed)?;
    let report = summary::report(
        ledger,
        Facts {
            loaded: asks.plan(),
            target: &target,
            argv,
            started,
            ended: clock.wall(),
            stages,
            elapsed: clock.now().since(origin),
            interrupted: stop.load(Ordering::Relaxed),
            process_cpu: machine::process_cpu().since(cpu),
            threads,
            file_limit,
            gauges: &gauges,
        },
    );
    if let Some(folder) = &record {
        keep(folder, &report).map_err(failed)?;
    }
    Ok(report)
}

/// A run from everybody ready to the last request.
struct Course<'a> {
    setup: &'a Setup,
    asks: &'a Asks,
    books: &'a [Rulebook],
    redactor: &'a Redactor,
    url: &'a str,
    stages: Stages,
    threads: u32,
    /// Connections to open before the start.
    before: u32,
    stop: &'a AtomicBool,
}

impl Course<'_> {
    /// What the clerk counted, or why it could not write it down, and when the load started.
    fn run(
        &self,
        out: &mut Out,
        watcher: &mut dyn Watcher,
    ) -> Result<(io::Result<Ledger>, Nanos), LoadError> {
        let (sender, notes) = sync_channel(NOTES);
        let barrier = Barrier::new(self.threads as usize + 1);
        let start = OnceLock::new();
        let gauges = &self.setup.gauges;
        thread::scope(|scope| {
            let loops: Vec<_> = (0..self.threads)
                .map(|shard| {
                    let (sender, barrier, start) = (sender.clone(), &barrier, &start);
                    scope.spawn(move || self.shard(shard, sender, barrier, start))
                })
                .collect();
            drop(sender);
            barrier.wait();
            let origin = self.setup.clock.now() + GET_SET;
            let _ = start.set(origin);
            barrier.wait();
            let watch = scope.spawn(|| self.watch());
            let worked = clerk::work(
                &self.desk(origin),
                &notes,
                &mut *out.requests,
                &mut out.log,
                |glance| watcher.glance(glance),
            );
            if worked.is_err() {
                gauges.halt.store(true, Ordering::Relaxed);
                // The loops must not wait for a clerk that has left.
                while notes.recv().is_ok() {}
            }
            let mut trouble = None;
            for one in loops {
                if let Ok(Err(error)) = one.join() {
                    trouble = Some(error);
                    gauges.ended.fetch_add(1, Ordering::Relaxed);
                }
            }
            let _ = watch.join();
            trouble.map_or(Ok((worked, origin)), |error| Err(LoadError::Loop(error)))
        })
    }

    /// One event loop, on a thread of its own.
    fn shard(
        &self,
        shard: u32,
        sender: SyncSender<Note>,
        barrier: &Barrier,
        start: &OnceLock<Nanos>,
    ) -> io::Result<()> {
        let plan = self.asks.plan();
        let source = source(plan, shard, self.threads, self.stages);
        let most = share(plan.plan.in_flight_max, shard, self.threads);
        let made = Shard::new(self.setup, source, most, sender).and_then(|mut made| {
            let before = share(self.before, shard, self.threads);
            made.warm(before, self.setup.clock.now() + WARM)?;
            Ok(made)
        });
        // The others wait here, whatever became of this one.
        barrier.wait();
        barrier.wait();
        made?.run(start.get().copied().unwrap_or_default())
    }

    /// Passes on that the run is to end.
    fn watch(&self) {
        let gauges = &self.setup.gauges;
        while gauges.ended.load(Ordering::Relaxed) < u64::from(self.threads) {
            if self.stop.load(Ordering::Relaxed) {
                gauges.halt.store(true, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn desk(&self, origin: Nanos) -> Desk<'_> {
        let loaded = self.asks.plan();
        Desk {
            clock: &self.setup.clock,
            origin,
            stages: self.stages,
            books: self.books,
            objectives: &loaded.objectives,
            stop: &loaded.plan.stop,
            url: self.url,
            redactor: self.redactor,
            gauges: &self.setup.gauges,
            until: (self.stages.load != FOREVER).then_some(self.stages.load),
        }
    }
}

/// Where requests are written to.
struct Out {
    requests: Box<dyn io::Write>,
    log: Option<Intervals>,
}

impl Out {
    fn file(folder: &Path, started: DateTime<Utc>) -> Result<Self, LoadError> {
        let failed = |source| LoadError::Record { path: folder.to_owned(), source };
        if folder.join(REPORT).exists() || folder.join(REQUESTS).exists() {
            return Err(failed(io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        fs::create_dir_all(folder).map_err(failed)?;
        let create = |name: &str| File::create_new(folder.join(name)).map_err(failed);
        let requests = BufWriter::with_capacity(1 << 16, create(REQUESTS)?);
        let log = BufWriter::new(create(HISTOGRAMS)?);
        let log = Intervals::begin(Box::new(log), started).map_err(failed)?;
        Ok(Self { requests: Box::new(requests), log: Some(log) })
    }
}

fn keep(folder: &Path, report: &LoadReport) -> io::Result<()> {
    let part = folder.join(format!("{REPORT}.part"));
    let mut text = serde_json::to_string_pretty(report).map_err(io::Error::other)?;
    text.push('\n');
    fs::write(&part, text)?;
    fs::rename(&part, folder.join(REPORT))?;
    Ok(())
}

/// Further than any run.
const FOREVER: Nanos = Nanos(u64::MAX);

fn stages(loaded: &LoadedPlan) -> Stages {
    let plan = &loaded.plan;
    let warm = plan.warm_up.0;
    let window = plan.duration.map_or(FOREVER, |duration| warm + duration.0);
    let load = if window == FOREVER { FOREVER } else { window + plan.cool_down.0 };
    Stages { warm, window, load }
}

fn source(loaded: &LoadedPlan, shard: u32, shards: u32, stages: Stages) -> Source {
    let (shard, shards) = (u64::from(shard), u64::from(shards));
    let plan = &loaded.plan;
    match &plan.arrival {
        Arrival::Closed(closed) => Source::closed(closed, shard, shards, stages),
        open => {
            let pace = Pace::of(open, &loaded.trace, plan.seed)
                .expect("every arrival but the closed loop has a pace");
            Source::open(pace, shard, shards, stages)
        }
    }
}

/// One of so many equal parts, the first ones a little larger.
fn share(whole: u32, shard: u32, shards: u32) -> usize {
    (whole / shards + u32::from(shard < whole % shards)) as usize
}

/// How many connections a plan takes.
#[derive(Clone, Copy)]
struct Connections {
    /// Opened before the start.
    before: u32,
    /// Open at once at most.
    at_most: u32,
}

fn connections(loaded: &LoadedPlan) -> Connections {
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
fn machine_allows(
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

fn check_target(target: &Target) -> Result<(), LoadError> {
    if target.proxy.is_some() {
        let why = "load does not go through a proxy: it would be measured with the endpoint";
        return Err(LoadError::Unsupported(why.to_owned()));
    }
    if target.http == HttpChoice::Http2 {
        let why = "load speaks HTTP/1.1: on one HTTP/2 connection streams wait for each other";
        return Err(LoadError::Unsupported(why.to_owned()));
    }
    Ok(())
}

fn resolve(target: &Target) -> Result<Vec<SocketAddr>, LoadError> {
    let host = bare(target.base_url.host());
    let unresolved = |why: String| LoadError::Unresolved { host: host.to_owned(), why };
    let found = (host, target.base_url.port()).to_socket_addrs();
    let mut addresses: Vec<_> = found.map_err(|error| unresolved(error.to_string()))?.collect();
    // `localhost` is two addresses, and servers tend to listen on one: take those that answer.
    if addresses.len() > 1 {
        let timeout = target.timeouts.connect;
        let answers = |address: &SocketAddr| {
            std::net::TcpStream::connect_timeout(address, timeout.min(WARM.into())).is_ok()
        };
        let first = addresses.iter().copied().find(answers);
        if let Some(first) = first {
            addresses.retain(|address| address.is_ipv4() == first.is_ipv4());
        }
    }
    if addresses.is_empty() { Err(unresolved("no address".to_owned())) } else { Ok(addresses) }
}

/// IPv6 addresses stand in brackets in URLs and nowhere else.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

type TlsSetup = (Arc<rustls::ClientConfig>, ServerName<'static>);

fn tls(target: &Target) -> Result<TlsSetup, LoadError> {
    let mut target = target.clone();
    target.http = HttpChoice::Http1;
    let config = crate::transport::tls_config(&target)?;
    let host = bare(target.base_url.host()).to_owned();
    let name = ServerName::try_from(host.clone())
        .map_err(|_| LoadError::Unsupported(format!("`{host}` is no host name")))?;
    Ok((Arc::new(config), name))
}

fn books(asks: &Asks) -> Vec<Rulebook> {
    let plan = asks.plan();
    let workloads = plan.plan.workload.iter().enumerate();
    workloads
        .map(|(index, workload)| {
            let sample = asks.sample(index);
            Rulebook::new(workload.kind, sample.stream, sample.usage_asked, sample.schema.as_ref())
        })
        .collect()
}

type Prepare = Box<dyn Fn(u64) -> Prepared + Send + Sync>;

/// Heads are the same but for path and length.
fn prepare(
    asks: &Arc<Asks>,
    target: &Target,
    auth: Option<(String, SecretString, SecretString)>,
) -> Prepare {
    let url = &target.base_url;
    let origin = url.origin();
    let base = url.to_string();
    let base = base.strip_prefix(&origin).unwrap_or_default().to_owned();
    let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned();
    let mut lines = format!("host: {host}\r\n");
    let mut own = target.headers.clone();
    if let Some((name, value, _)) = &auth {
        own.remove(name);
        own.push(name.clone(), value.expose_secret());
    }
    for (name, value) in [
        ("content-type", "application/json"),
        ("accept", "text/event-stream, application/json"),
        ("user-agent", concat!("proofhouse/", env!("CARGO_PKG_VERSION"))),
    ] {
        if own.get(name).is_none() {
            own.push(name, value);
        }
    }
    for line in &own {
        // A line end in a value would be a line of its own.
        let clean = |text: &str| text.replace(['\r', '\n'], " ");
        lines.push_str(&clean(&line.name));
        lines.push_str(": ");
        lines.push_str(&clean(&line.value));
        lines.push_str("\r\n");
    }
    let asks = Arc::clone(asks);
    Box::new(move |number| {
        let ask = asks.ask(number);
        let head = format!(
            "POST {base}{} HTTP/1.1\r\n{lines}content-length: {}\r\n\r\n",
            ask.path,
            ask.body.len()
        );
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&ask.body);
        Prepared {
            bytes,
            workload: ask.workload,
            stream: ask.stream,
            whole: ask.schema.is_some(),
            reply_tokens: ask.reply_tokens,
        }
    })
}
