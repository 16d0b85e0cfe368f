//! A load run from start to report.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;

use super::clerk::{self, Desk, Glance};
use super::fluidity::Deadlines;
use super::folder::{Out, keep};
use super::ledger::{Ledger, Terms};
use super::note::{Gauges, Note};
use super::post::Post;
use super::resume::{Begun, breaks, continued};
use super::ruling::Rulebook;
use super::scrape::Scraper;
use super::setup::{Setup, prepare};
use super::shard::Shard;
use super::source::{Source, Stages};
use super::summary::{self, Facts};
use super::{machine, peer, room};
use crate::clock::Clock;
use crate::plan::{Arrival, Asks, LoadedPlan, Pace};
use crate::record::load::LoadReport;
use crate::transcript::Redactor;
use crate::transport::target::{BaseUrl, Target, TargetError};
use crate::units::Nanos;

/// Finished requests that wait for the clerk. At some 2 KiB each this is 8 MiB; when it is full the
/// loop waits, and the wait shows as a stall.
const NOTES: usize = 4_096;
/// Connections that are opened before the start have so long.
pub(super) const WARM: Nanos = Nanos::from_millis(5_000);
/// From everybody ready to the first request.
const GET_SET: Nanos = Nanos::from_millis(20);

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
    /// The record is there, and is gone on with.
    pub resume: bool,
    /// Where the server's metrics are read.
    pub scrape: Vec<BaseUrl>,
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
    /// A record could not be read.
    #[error("the record in `{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A run cannot be gone on with.
    #[error("`{}` cannot be continued: {why}", path.display())]
    Resume {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The server's metrics cannot be read.
    #[error("{url}: {why}")]
    Scrape {
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// The event loop failed: the system, not the endpoint.
    #[error("the event loop failed: {0}")]
    Loop(io::Error),
}

/// Runs a load to its end and reports on it.
pub fn run(job: Job, watcher: &mut dyn Watcher) -> Result<LoadReport, LoadError> {
    let Job { plan, target, auth, threads, record, resume, scrape, argv, clock, stop } = job;
    peer::check_target(&target)?;
    let stages = stages(&plan);
    let begun = match (&record, resume) {
        (Some(folder), true) => Begun::again(folder, &plan, &target, stages)?,
        _ => Begun::default(),
    };
    let clock = clock.ahead(begun.from);
    let addresses = peer::resolve(&target)?;
    let connections = room::connections(&plan);
    let file_limit = room::machine_allows(&plan, connections.at_most, addresses.len())?;
    let mut scraper = Scraper::meet(&scrape, &target, auth.as_ref(), begun.from)?;
    let threads = threads.max(1);
    let gauges = Arc::new(Gauges::default());
    gauges.measured.store(begun.measured, Ordering::Relaxed);
    gauges.in_flight_max.store(begun.in_flight_max, Ordering::Relaxed);
    let asks = Arc::new(Asks::new(plan, &target.model));
    let mut redactor = Redactor::default();
    if let Some((_, _, key)) = &auth {
        redactor.add("key", key);
    }
    let setup = Setup {
        clock: clock.clone(),
        addresses,
        tls: if target.base_url.is_tls() { Some(peer::tls(&target)?) } else { None },
        deadlines: target.timeouts,
        window: (stages.warm, stages.window),
        drain: asks.plan().plan.drain.0,
        requests: asks.plan().plan.requests,
        prepare: prepare(&asks, &target, auth.as_ref()),
        gauges: Arc::clone(&gauges),
        posts: posts(&asks, threads),
    };
    let (started, cpu) = (clock.wall(), machine::process_cpu());
    let start = begun.start(&argv, asks.plan(), &target, threads, started);
    let mut out = match &record {
        Some(folder) if resume => Out::again(folder, &start, begun.from)
            .map_err(|source| LoadError::Record { path: folder.clone(), source })?,
        Some(folder) => Out::file(folder, &start)?,
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
        from: begun.from,
        next: begun.next,
        stop: &stop,
    };
    let failed = |source| LoadError::Record {
        path: record.clone().unwrap_or_else(|| PathBuf::from("-")),
        source,
    };
    let (worked, origin) = course.run(begun.ledger, &mut out, &mut scraper, watcher)?;
    let ledger = worked.map_err(failed)?;
    let elapsed = clock.now().since(origin);
    let mut report = summary::report(
        ledger,
        Facts {
            loaded: asks.plan(),
            target: &target,
            argv,
            started: start.parts.first().map_or(started, |part| part.started),
            ended: clock.wall(),
            stages,
            elapsed,
            interrupted: stop.load(Ordering::Relaxed),
            process_cpu: machine::process_cpu().since(cpu),
            threads,
            file_limit,
            gauges: &gauges,
            breaks: breaks(&start, &begun.lost),
            servers: scraper.end(),
        },
    );
    if resume {
        report.warnings.push(continued(&report));
    }
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
    /// The load's time at the start: zero but for a run that goes on with another.
    from: Nanos,
    /// The first number that is free.
    next: u64,
    stop: &'a AtomicBool,
}

impl Course<'_> {
    /// What the clerk counted, or why it could not write it down, and when the load started.
    fn run(
        &self,
        ledger: Ledger,
        out: &mut Out,
        scraper: &mut Scraper,
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
            let origin = (self.setup.clock.now() + GET_SET).since(self.from);
            let _ = start.set(origin);
            barrier.wait();
            let watch = scope.spawn(|| self.watch());
            let (clock, count) = (&self.setup.clock, self.threads);
            let scrape = scope.spawn(move || scraper.run(clock, origin, gauges, count));
            let desk = self.desk(origin);
            let Out { requests, log } = out;
            // Where it shares a core with a loop, the loop goes first: what the clerk does can wait,
            // and what the loop does is measured.
            let clerk = scope.spawn(move || {
                machine::step_back();
                let glance = |glance: &Glance| watcher.glance(glance);
                let worked = clerk::work(&desk, ledger, &notes, &mut **requests, log, glance);
                (worked, notes)
            });
            let (worked, notes) = match clerk.join() {
                Ok(done) => done,
                Err(panicked) => std::panic::resume_unwind(panicked),
            };
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
            let _ = scrape.join();
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
        let mut source = source(plan, shard, self.threads, self.stages);
        if self.from > Nanos(0) {
            source.go_on(self.from, self.next);
        }
        let most = share(plan.plan.in_flight_max, shard, self.threads);
        let post = self.setup.posts.get(shard as usize);
        let made = Shard::new(self.setup, source, most, sender, post).and_then(|mut made| {
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
            terms: terms(loaded, self.stages),
            books: self.books,
            url: self.url,
            redactor: self.redactor,
            gauges: &self.setup.gauges,
            until: (self.stages.load != FOREVER).then_some(self.stages.load),
            asks: self.asks,
            prepare: &self.setup.prepare,
            posts: &self.setup.posts,
            requests: loaded.plan.requests,
        }
    }
}

/// What is counted where, by a plan.
pub(super) fn terms(loaded: &LoadedPlan, stages: Stages) -> Terms<'_> {
    let plan = &loaded.plan;
    Terms {
        stages,
        objectives: &loaded.objectives,
        stop: &plan.stop,
        deadlines: plan
            .deadlines
            .map(|deadlines| Deadlines { ttft: deadlines.ttft.0, itl: deadlines.itl.0 }),
        slow: plan.slow,
    }
}

/// Further than any run.
const FOREVER: Nanos = Nanos(u64::MAX);

pub(super) fn stages(loaded: &LoadedPlan) -> Stages {
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

/// One for each event loop, where there are sessions.
fn posts(asks: &Asks, threads: u32) -> Vec<Post> {
    let sessions = asks.plan().plan.workload.iter().any(|workload| workload.session.is_some());
    (0..threads).filter(|_| sessions).map(|_| Post::default()).collect()
}

fn books(asks: &Asks) -> Vec<Rulebook> {
    let plan = asks.plan();
    let workloads = plan.plan.workload.iter().enumerate();
    workloads
        .map(|(index, workload)| {
            let sample = asks.sample(index);
            Rulebook::new(workload.kind, sample.stream, sample.usage_asked, sample.schema.as_ref())
                .with_done(plan.manners.done)
                .of_workload(workload)
        })
        .collect()
}
