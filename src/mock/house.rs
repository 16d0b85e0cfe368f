//! What the requests of one server share.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::OpenOptions;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::act::{Act, Traits};
use super::archive::Archive;
use super::capture::Book;
use super::metrics::Tally;
use super::pacer;
use super::player::until_or_stop;
use super::replay::Shelf;
use super::{Captured, Config};
use crate::units::Nanos;

/// Prompts remembered for `cached_tokens`, and texts remembered for faults that mix requests up.
const MEMORY_MAX: usize = 1024;
/// So many requests at work are a crowd.
const CROWD: usize = 9;
/// How long a fault goes on for a client that has left.
const WORKS_ON: Nanos = Nanos::from_millis(3000);

/// What the requests of one server share.
pub(crate) struct House {
    pub(crate) config: Config,
    /// The persona's deviations, then the faults, in the order in which they are applied.
    pub(crate) acts: Vec<&'static Act>,
    pub(crate) traits: Traits,
    running: AtomicUsize,
    served: AtomicU64,
    book: Mutex<Book>,
    shelf: Option<Mutex<Shelf>>,
    memory: Mutex<Memory>,
    archive: Mutex<Archive>,
    tally: Mutex<Tally>,
    /// A fault has brought the server down.
    down: AtomicBool,
    stop: watch::Sender<bool>,
}

#[derive(Default)]
struct Memory {
    prompts: VecDeque<u64>,
    bodies: BTreeSet<u64>,
    left: BTreeMap<&'static str, Left>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl House {
    pub(crate) fn new(mut config: Config) -> io::Result<Arc<Self>> {
        let acts: Vec<&'static Act> = config
            .persona
            .acts()
            .chain(config.faults.iter().flat_map(|fault| fault.acts.iter()))
            .collect();
        let mut traits = Traits::default();
        for act in &acts {
            if let Act::Traits(change) = act {
                change(&mut traits);
            }
        }
        let file = config
            .capture
            .as_ref()
            .map(|path| OpenOptions::new().create(true).append(true).open(path))
            .transpose()?;
        let shelf = config.replay.take().map(|saved| Mutex::new(Shelf::new(saved)));
        Ok(Arc::new(Self {
            acts,
            traits,
            running: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            book: Mutex::new(Book::new(file)),
            shelf,
            memory: Mutex::default(),
            archive: Mutex::default(),
            tally: Mutex::default(),
            down: AtomicBool::new(false),
            stop: watch::Sender::new(false),
            config,
        }))
    }

    /// The number of the next request, from 1.
    pub(crate) fn next_number(&self) -> u64 {
        self.served.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Requests at work now.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Requests that have come so far.
    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    pub(crate) fn captured(&self) -> Vec<Captured> {
        self.book().all()
    }

    pub(crate) fn shelf(&self) -> Option<MutexGuard<'_, Shelf>> {
        self.shelf.as_ref().map(lock)
    }

    /// What is kept between requests.
    pub(crate) fn archive(&self) -> MutexGuard<'_, Archive> {
        lock(&self.archive)
    }

    /// Answers counted.
    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    pub(crate) fn stop_signal(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether a fault has brought the server down.
    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Ordering::Acquire)
    }

    /// Brings the server down, as a crash would.
    pub(crate) fn go_down(&self) {
        self.down.store(true, Ordering::Release);
    }

    /// Whether a prompt with this hash came before; remembers it.
    pub(crate) fn saw_prompt(&self, hash: u64) -> bool {
        let mut memory = lock(&self.memory);
        if memory.prompts.contains(&hash) {
            return true;
        }
        if memory.prompts.len() == MEMORY_MAX {
            memory.prompts.pop_front();
        }
        memory.prompts.push_back(hash);
        false
    }

    /// Whether a request with this hash came before; remembers it.
    pub(crate) fn saw_request(&self, hash: u64) -> bool {
        let mut memory = lock(&self.memory);
        if memory.bodies.len() == MEMORY_MAX {
            memory.bodies.clear();
        }
        !memory.bodies.insert(hash)
    }

    /// Whether more requests are at work than come one after the other or a few at once: faults
    /// of load show themselves only here.
    pub(crate) fn is_crowded(&self) -> bool {
        self.running() >= CROWD
    }

    /// Leaves something of one request for the next of this kind, and takes what was left before.
    pub(crate) fn swap_left(&self, kind: &'static str, left: Left) -> Option<Left> {
        lock(&self.memory).left.insert(kind, left)
    }

    /// Takes what was left.
    pub(crate) fn take_left(&self, kind: &'static str) -> Option<Left> {
        lock(&self.memory).left.remove(kind)
    }

    /// Takes a place among the requests at work.
    pub(crate) fn enter(self: &Arc<Self>, number: u64) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running { house: Arc::clone(self), number, finished: false, counted: true, works_on: false }
    }
}

/// What a fault that mixes requests up remembers of one for the next.
#[derive(Debug)]
pub(crate) enum Left {
    /// Something happened.
    Mark,
    /// A text, token by token.
    Text(Vec<String>),
    /// A count.
    Count(usize),
}

/// A request at work. Dropping it gives the place back: a client that leaves stops its request.
pub(crate) struct Running {
    house: Arc<House>,
    number: u64,
    finished: bool,
    counted: bool,
    /// A fault keeps the place taken for a while when the client leaves.
    pub(crate) works_on: bool,
}

impl Running {
    /// The request's number.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The response is whole.
    pub(crate) fn finished(&mut self) {
        self.finished = true;
    }

    /// Gives the place back at once: this request needs no engine.
    pub(crate) fn idle(&mut self) {
        if std::mem::take(&mut self.counted) {
            self.house.running.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.house.book().ended(self.number, self.finished);
        self.house.tally().over(self.number, self.finished);
        if !self.counted {
            return;
        }
        let house = Arc::clone(&self.house);
        let leave = move || house.running.fetch_sub(1, Ordering::Relaxed);
        match Handle::try_current() {
            Ok(runtime) if self.works_on && !self.finished => {
                let stop = self.house.stop_signal();
                runtime.spawn(async move {
                    until_or_stop(pacer::now() + WORKS_ON, stop).await;
                    leave();
                });
            }
            _ => {
                leave();
            }
        }
    }
}
