//! One event loop: starts what is due, reads what comes, and does nothing else.
//!
//! Judging, counting and writing are the clerk's, on another thread: whatever this loop does
//! besides would be measured as the server's slowness. When many sockets are ready at once, all are
//! read first, each stamped as its read returns, and only then are the bytes looked at: a few at a
//! time, and before the next few the sockets are asked again.

mod ending;

use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use mio::{Events, Poll, Token};

use super::alarm::Alarm;
use super::call::{Call, Due};
use super::gist::Gist;
use super::harvest::{Harvest, Record, What};
use super::http::Response;
use super::line::State;
use super::machine;
use super::note::{LoopReport, Note, histogram};
use super::pool::Pool;
use super::post::{LETTERS, Letter, Post};
use super::setup::Setup;
use super::source::Source;
use super::stock::Stock;
use crate::record::load::Stage;
use crate::transcript::End;
use crate::units::Nanos;

/// Sockets that are told of in one turn.
const EVENTS: usize = 1_024;
/// How often the loop proves that it still comes round.
const HEARTBEAT: Nanos = Nanos::from_millis(10);
/// How often deadlines are looked at.
const WATCH: Nanos = Nanos::from_millis(50);

const ALARM: Token = Token(usize::MAX - 1);

pub(super) struct Shard<'a> {
    setup: &'a Setup,
    source: Source,
    poll: Poll,
    alarm: Alarm,
    pool: Pool,
    harvest: Harvest,
    in_flight: usize,
    in_flight_max: usize,
    stock: Stock,
    /// The start of the load on the clock.
    origin: Nanos,
    notes: SyncSender<Note>,
    report: LoopReport,
    /// What the clerk says of sessions.
    post: Option<&'a Post>,
}

impl<'a> Shard<'a> {
    pub(super) fn new(
        setup: &'a Setup,
        source: Source,
        in_flight_max: usize,
        notes: SyncSender<Note>,
        post: Option<&'a Post>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        if let Some(post) = post {
            post.open(poll.registry())?;
        }
        let alarm = Alarm::new(&poll, ALARM)?;
        let report = LoopReport {
            lag_us: histogram(),
            stall_us: histogram(),
            cpu: Nanos(0),
            wall: Nanos(0),
            reads: 0,
        };
        Ok(Self {
            setup,
            source,
            pool: Pool::new(poll.registry().try_clone()?),
            poll,
            alarm,
            harvest: Harvest::new(),
            in_flight: 0,
            in_flight_max,
            stock: Stock::default(),
            origin: Nanos(0),
            notes,
            report,
            post,
        })
    }

    /// Time from the start of the load.
    fn now(&self) -> Nanos {
        self.setup.clock.now().since(self.origin)
    }

    /// Opens connections before the load starts, and gives up waiting for them at `until`.
    pub(super) fn warm(&mut self, count: usize, until: Nanos) -> io::Result<()> {
        for _ in 0..count {
            if let Err(end) = self.open(self.now()) {
                // The requests will say so, each for itself.
                drop(end);
                break;
            }
        }
        let mut events = Events::with_capacity(EVENTS);
        while self.pool.is_opening() {
            let now = self.now();
            if now >= until || self.halted() {
                break;
            }
            self.turn(&mut events, until)?;
        }
        for token in self.pool.tokens() {
            match self.pool.line(token) {
                Some(line) if line.is_idle() => {
                    // It has idled: if it turns out closed, that is no answer of the server's.
                    line.used = true;
                    self.pool.keep(token);
                }
                Some(_) => self.pool.close(token),
                None => {}
            }
        }
        self.pool.end_turn();
        Ok(())
    }

    /// Runs to the end. Time counts from `origin` on the clock.
    pub(super) fn run(mut self, origin: Nanos) -> io::Result<()> {
        self.origin = origin;
        let cpu = machine::thread_cpu();
        let started = self.setup.clock.now();
        let ended = self.drive();
        self.report.reads = self.harvest.reads;
        self.report.cpu = machine::thread_cpu().since(cpu);
        self.report.wall = self.setup.clock.now().since(started);
        self.setup.gauges.ended.fetch_add(1, Ordering::Relaxed);
        // The clerk outlives the loops.
        let _ = self.notes.send(Note::Ended(Box::new(self.report)));
        ended
    }

    fn drive(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        while self.setup.clock.now() < self.origin && !self.halted() {
            self.stock.fill(&self.source, &self.setup.prepare, self.now());
            let timeout = self.alarm.set(self.origin, self.setup.clock.now())?;
            self.wait(&mut events, timeout)?;
        }
        let mut beat = self.now() + HEARTBEAT;
        let mut watch = self.now() + WATCH;
        let mut over: Option<Nanos> = None;
        loop {
            let now = self.now();
            if self.halted() {
                self.end_all(&End::Interrupted, now);
                return Ok(());
            }
            self.letters();
            self.start_due();
            if self.has_asked_enough() {
                self.source.stop();
            }
            if self.source.is_over(now) {
                let over = *over.get_or_insert(now);
                if self.in_flight == 0 {
                    return Ok(());
                }
                if now.since(over) > self.setup.drain {
                    self.end_all(&End::Interrupted, now);
                    return Ok(());
                }
            }
            if now >= watch {
                self.watch(now);
                watch = now + WATCH;
            }
            let next = self.source.next_at().unwrap_or(beat).min(beat);
            self.turn(&mut events, next)?;
            let now = self.now();
            if now >= beat {
                let late_us = now.since(beat).0 / 1_000;
                self.report.stall_us.saturating_record(late_us.max(1));
                beat = now + HEARTBEAT;
            }
            if !self.harvest.is_waiting() {
                self.stock.fill(&self.source, &self.setup.prepare, now);
            }
        }
    }

    /// Whether as many requests were started as the plan measures: the next one may be due in an hour.
    fn has_asked_enough(&self) -> bool {
        let measured = self.setup.gauges.measured.load(Ordering::Relaxed);
        self.setup.requests.is_some_and(|most| measured >= most)
    }

    fn halted(&self) -> bool {
        self.setup.gauges.halt.load(Ordering::Relaxed)
    }

    fn wait(&mut self, events: &mut Events, timeout: Duration) -> io::Result<()> {
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits for sockets, until `next` at most, and handles them.
    fn turn(&mut self, events: &mut Events, next: Nanos) -> io::Result<()> {
        let timeout = if self.harvest.is_waiting() {
            Duration::ZERO
        } else {
            self.alarm.set(self.origin + next, self.setup.clock.now())?
        };
        self.wait(events, timeout)?;
        for event in events.iter() {
            let Token(token) = event.token();
            if event.token() == ALARM || event.token() == LETTERS {
                continue;
            }
            if event.is_writable() && self.pool.line(token).is_some_and(|line| line.wants_write()) {
                self.writable(token);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.harvest.ready(token, event.is_read_closed());
            }
        }
        self.harvest.begin();
        self.read_ready();
        if self.harvest.is_empty() {
            self.pool.end_turn();
        }
        Ok(())
    }

    /// Reads what the clerk says of sessions.
    fn letters(&mut self) {
        for letter in self.post.map(Post::take).unwrap_or_default() {
            match letter {
                Letter::Next(due) => self.source.follow(due),
                Letter::Over { user, at, refused } => self.source.session_over(user, at, refused),
            }
        }
    }

    fn start_due(&mut self) {
        loop {
            let now = self.now();
            let Some(due) = self.source.take(now) else { return };
            if due.stage == Stage::Measured {
                let nth = self.setup.gauges.measured.fetch_add(1, Ordering::Relaxed);
                if self.setup.requests.is_some_and(|most| nth >= most) {
                    self.source.stop();
                    return;
                }
                self.report.lag_us.saturating_record((now.since(due.at).0 / 1_000).max(1));
            }
            if self.in_flight >= self.in_flight_max {
                if due.turn > 0 {
                    self.source.session_over(due.user, now, false);
                }
                let _ = self.notes.send(Note::Shed(due));
                continue;
            }
            self.start(due, now);
        }
    }

    fn start(&mut self, mut due: Due, now: Nanos) {
        let prepared = match due.ready.take() {
            Some(ready) => *ready,
            None => self.stock.take(due.number, &self.setup.prepare),
        };
        if prepared.marks.turns > 0 && due.turn == 0 {
            self.source.session_began();
        }
        let window = self.setup.window;
        let mut gist =
            if prepared.stream { Gist::of_stream(window) } else { Gist::of_plain(window) };
        if prepared.whole {
            gist.keep_all();
        }
        let call = Call {
            due,
            workload: prepared.workload,
            reply_tokens: prepared.reply_tokens,
            marks: prepared.marks,
            started: now,
            connect: None,
            sent: None,
            headers: None,
            read: None,
            response: Response::default(),
            gist,
            resent: false,
        };
        self.in_flight += 1;
        let gauges = &self.setup.gauges;
        gauges.started.fetch_add(1, Ordering::Relaxed);
        let in_flight = gauges.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        gauges.in_flight_max.fetch_max(in_flight, Ordering::Relaxed);
        self.send(Box::new(call), prepared.bytes, now);
    }

    /// Sends over an idle connection, or a new one.
    fn send(&mut self, call: Box<Call>, bytes: Vec<u8>, now: Nanos) {
        let idle = if call.resent { None } else { self.pool.take_idle() };
        let token = match idle {
            Some(token) => token,
            None => match self.open(now) {
                Ok(token) => token,
                Err(end) => return self.over(*call, end, now),
            },
        };
        let Some(line) = self.pool.line(token) else {
            let why = "a connection that is gone was taken for idle".to_owned();
            return self.over(*call, End::Unsent { why }, now);
        };
        line.out = bytes;
        line.out_at = 0;
        line.call = Some(call);
        if line.state == State::Open {
            self.writable(token);
        }
    }

    fn open(&mut self, now: Nanos) -> Result<usize, End> {
        let token = self.pool.open(self.setup, now)?;
        self.setup.gauges.connections.fetch_add(1, Ordering::Relaxed);
        Ok(token)
    }

    /// The socket takes bytes, or is connected.
    fn writable(&mut self, token: usize) {
        let Some(line) = self.pool.line(token) else { return };
        match line.advance() {
            Ok(_) => self.stamp_sent(token),
            Err(end) => {
                let now = self.now();
                self.lost(token, end, now);
            }
        }
    }

    /// Notes when the last byte of a request went out.
    fn stamp_sent(&mut self, token: usize) {
        let now = self.now();
        let Some(line) = self.pool.line(token) else { return };
        if line.state != State::Open || line.out_at < line.out.len() {
            return;
        }
        let (opened, used) = (line.opened, line.used);
        if let Some(call) = &mut line.call
            && call.sent.is_none()
        {
            call.sent = Some(now);
            if !used {
                call.connect = Some(now.since(opened));
            }
        }
    }

    /// Reads what is ready, all of it before anything is looked at.
    fn read_ready(&mut self) {
        loop {
            let (setup, origin) = (self.setup, self.origin);
            let now = || setup.clock.now().since(origin);
            let done = self.harvest.gather(&mut self.pool, now);
            self.look();
            if done {
                return;
            }
        }
    }

    /// Looks at what was read, as much as one turn may.
    fn look(&mut self) {
        while let Some(Record { token, at, what }) = self.harvest.next() {
            match what {
                What::Bytes(range) => self.bytes(token, range, at),
                What::Progress => self.stamp_sent(token),
                What::Closed => self.closed(token, at),
                What::Broken(end) => self.lost(token, end, at),
            }
        }
    }
}
