//! One event loop: starts what is due, reads what comes, and does nothing else.
//!
//! Judging, counting and writing are the clerk's, on another thread: whatever this loop does
//! besides would be measured as the server's slowness. When many sockets are ready at once, all are
//! read first, each stamped as its read returns, and only then are the bytes looked at.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::alarm::Alarm;
use super::call::{Call, Due, Finished, Prepared};
use super::gist::Gist;
use super::http::Response;
use super::line::{Got, Line, State};
use super::machine;
use super::source::Source;
use crate::clock::Clock;
use crate::record::load::Stage;
use crate::transcript::{End, Limit, Phase};
use crate::transport::target::Deadlines;
use crate::units::Nanos;

/// Sockets that are told of in one turn.
const EVENTS: usize = 1_024;
/// What the reads of one turn may bring before it is looked at.
const ARENA_BYTES: usize = 1 << 20;
/// What one read may bring.
const READ_BYTES: usize = 64 << 10;
/// Reads of one socket in one turn: a flood on one must not starve the others.
const READS_OF_ONE: usize = 16;
/// Requests made ready before they are due.
const PREPARED: usize = 32;
/// So many of them in one turn, and only when nothing is due for a while.
const PREPARED_AT_ONCE: usize = 4;
const AHEAD: Nanos = Nanos(200_000);
/// How often the loop proves that it still comes round.
const HEARTBEAT: Nanos = Nanos::from_millis(10);
/// How often deadlines are looked at.
const WATCH: Nanos = Nanos::from_millis(50);

const ALARM: Token = Token(usize::MAX - 1);

/// What all event loops of a run share.
pub(super) struct Setup {
    pub(super) clock: Clock,
    /// Where to connect; in turn.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) deadlines: Deadlines,
    /// The window, from the start of the load.
    pub(super) window: (Nanos, Nanos),
    /// How long requests may take after the last start.
    pub(super) drain: Nanos,
    /// Measured requests to start at most.
    pub(super) requests: Option<u64>,
    /// Makes a request ready.
    pub(super) prepare: Box<dyn Fn(u64) -> Prepared + Send + Sync>,
    pub(super) gauges: Arc<Gauges>,
}

/// What may be looked at from outside while loops run.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    /// Measured requests started.
    pub(super) measured: AtomicU64,
    pub(super) started: AtomicU64,
    pub(super) in_flight: AtomicU64,
    pub(super) in_flight_max: AtomicU64,
    pub(super) connections: AtomicU64,
    /// Everything is to end at once.
    pub(super) halt: AtomicBool,
    /// Loops that have ended.
    pub(super) ended: AtomicU64,
}

/// What a loop tells the clerk.
#[derive(Debug)]
pub(super) enum Note {
    /// A request is over.
    Over(Box<Finished>),
    /// A request was never sent: too many were in flight.
    Shed(Due),
    /// A loop has ended.
    Ended(Box<LoopReport>),
}

/// What a loop knows of itself.
#[derive(Debug)]
pub(super) struct LoopReport {
    /// From due to taken up, in microseconds; measured requests.
    pub(super) lag_us: Histogram<u64>,
    /// How late each heartbeat was, in microseconds.
    pub(super) stall_us: Histogram<u64>,
    pub(super) cpu: Nanos,
    pub(super) wall: Nanos,
    pub(super) reads: u64,
}

/// A histogram of microseconds up to an hour, three digits.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("the bounds are sound")
}

pub(super) struct Shard<'a> {
    setup: &'a Setup,
    source: Source,
    poll: Poll,
    alarm: Alarm,
    /// Connections by token.
    lines: Vec<Option<Line>>,
    free: Vec<usize>,
    /// Slots given up in this turn: what was read from them is still to be looked at.
    freed: Vec<usize>,
    idle: Vec<usize>,
    in_flight: usize,
    in_flight_max: usize,
    prepared: VecDeque<(u64, Prepared)>,
    /// The start of the load on the clock.
    origin: Nanos,
    arena: Vec<u8>,
    records: Vec<Record>,
    ready: Vec<usize>,
    notes: SyncSender<Note>,
    report: LoopReport,
    addresses_used: usize,
}

/// Files and local ports are ours to give: that there are no more is not the server's fault.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn no_connection(error: io::Error) -> End {
    /// `EMFILE` and `ENFILE`, which have no kind of their own.
    const NO_FILES: [i32; 2] = [24, 23];
    let no_files = error.raw_os_error().is_some_and(|code| NO_FILES.contains(&code));
    if no_files || error.kind() == io::ErrorKind::AddrNotAvailable {
        let why = format!("this machine has no more open files or local ports for it: {error}");
        return End::Unsent { why };
    }
    End::Refused { why: error.to_string() }
}

struct Record {
    token: usize,
    at: Nanos,
    what: What,
}

enum What {
    Bytes(Range<usize>),
    Closed,
    Broken(End),
}

impl<'a> Shard<'a> {
    pub(super) fn new(
        setup: &'a Setup,
        source: Source,
        in_flight_max: usize,
        notes: SyncSender<Note>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
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
            poll,
            alarm,
            lines: Vec::new(),
            free: Vec::new(),
            freed: Vec::new(),
            idle: Vec::new(),
            in_flight: 0,
            in_flight_max,
            prepared: VecDeque::new(),
            origin: Nanos(0),
            arena: vec![0; ARENA_BYTES],
            records: Vec::new(),
            ready: Vec::new(),
            notes,
            report,
            addresses_used: 0,
        })
    }

    /// Time from the start of the load.
    fn now(&self) -> Nanos {
        self.setup.clock.now().since(self.origin)
    }

    /// Opens connections before the load starts, and gives up waiting for them at `until`.
    pub(super) fn warm(&mut self, count: usize, until: Nanos) -> io::Result<()> {
        for _ in 0..count {
            if let Err(end) = self.open() {
                // The requests will say so, each for itself.
                drop(end);
                break;
            }
        }
        let mut events = Events::with_capacity(EVENTS);
        while self.lines.iter().flatten().any(|line| line.state != State::Open) {
            let now = self.now();
            if now >= until || self.halted() {
                break;
            }
            self.turn(&mut events, until)?;
        }
        for token in 0..self.lines.len() {
            match self.line(token) {
                Some(line) if line.is_idle() => {
                    // It has idled: if it turns out closed, that is no answer of the server's.
                    line.used = true;
                    self.idle.push(token);
                }
                Some(_) => self.close(token),
                None => {}
            }
        }
        self.free.append(&mut self.freed);
        Ok(())
    }

    /// Runs to the end. Time counts from `origin` on the clock.
    pub(super) fn run(mut self, origin: Nanos) -> io::Result<()> {
        self.origin = origin;
        let cpu = machine::thread_cpu();
        let started = self.setup.clock.now();
        let ended = self.drive();
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
            self.prepare_ahead();
            let left = self.origin.since(self.setup.clock.now());
            let timeout = self.alarm.set(left)?;
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
            self.start_due();
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
            self.prepare_ahead();
        }
    }

    fn halted(&self) -> bool {
        self.setup.gauges.halt.load(Ordering::Relaxed)
    }

    fn wait(&mut self, events: &mut Events, timeout: std::time::Duration) -> io::Result<()> {
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits for sockets, until `next` at most, and handles them.
    fn turn(&mut self, events: &mut Events, next: Nanos) -> io::Result<()> {
        let left = next.since(self.now());
        let timeout =
            if self.ready.is_empty() { self.alarm.set(left)? } else { std::time::Duration::ZERO };
        self.wait(events, timeout)?;
        for event in events.iter() {
            let Token(token) = event.token();
            if event.token() == ALARM {
                continue;
            }
            if event.is_writable() {
                self.writable(token);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.ready.push(token);
            }
        }
        self.read_ready();
        self.look();
        self.free.append(&mut self.freed);
        Ok(())
    }

    fn line(&mut self, token: usize) -> Option<&mut Line> {
        self.lines.get_mut(token)?.as_mut()
    }

    /// Makes the next requests ready while nothing is due.
    fn prepare_ahead(&mut self) {
        let now = self.now();
        for _ in 0..PREPARED_AT_ONCE {
            let wanted = self.prepared.len() < PREPARED
                && self.source.next_at().is_none_or(|next| next > now + AHEAD);
            if !wanted {
                return;
            }
            let next = match self.prepared.back() {
                Some((number, _)) => number + self.source.step(),
                None => match self.source.next_number() {
                    Some(number) => number,
                    None => return,
                },
            };
            self.prepared.push_back((next, (self.setup.prepare)(next)));
        }
    }

    fn prepared(&mut self, number: u64) -> Prepared {
        while let Some((ready, _)) = self.prepared.front() {
            if *ready > number {
                break;
            }
            if let Some((ready, prepared)) = self.prepared.pop_front()
                && ready == number
            {
                return prepared;
            }
        }
        (self.setup.prepare)(number)
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
                let _ = self.notes.send(Note::Shed(due));
                continue;
            }
            self.start(due, now);
        }
    }

    fn start(&mut self, due: Due, now: Nanos) {
        let prepared = self.prepared(due.number);
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
        let idle = if call.resent { None } else { self.idle.pop() };
        let token = match idle {
            Some(token) => token,
            None => match self.open() {
                Ok(token) => token,
                Err(end) => return self.over(*call, end, now),
            },
        };
        let Some(line) = self.line(token) else {
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

    fn open(&mut self) -> Result<usize, End> {
        let addresses = &self.setup.addresses;
        let nth = self.addresses_used % addresses.len().max(1);
        self.addresses_used += 1;
        let address =
            *addresses.get(nth).ok_or(End::Unresolved { why: "no address".to_owned() })?;
        let mut socket = TcpStream::connect(address).map_err(no_connection)?;
        let token = self.free.pop().unwrap_or(self.lines.len());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut socket, Token(token), interest)
            .map_err(no_connection)?;
        let opened = self.now();
        let line = Line::new(socket, self.setup.tls.as_ref(), opened)?;
        match self.lines.get_mut(token) {
            Some(slot) => *slot = Some(line),
            None => self.lines.push(Some(line)),
        }
        self.setup.gauges.connections.fetch_add(1, Ordering::Relaxed);
        Ok(token)
    }

    /// The socket takes bytes, or is connected.
    fn writable(&mut self, token: usize) {
        let Some(line) = self.line(token) else { return };
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
        let Some(line) = self.line(token) else { return };
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

    /// Reads what is ready, and looks at nothing.
    fn read_ready(&mut self) {
        let mut ready = std::mem::take(&mut self.ready);
        let mut used = 0;
        for token in ready.drain(..) {
            for nth in 0.. {
                if nth == READS_OF_ONE {
                    self.ready.push(token);
                    break;
                }
                if ARENA_BYTES - used < READ_BYTES {
                    self.look();
                    used = 0;
                }
                let range = used..used + READ_BYTES;
                let Some(line) = self.lines.get_mut(token).and_then(Option::as_mut) else { break };
                let Some(room) = self.arena.get_mut(range) else { break };
                let got = line.read(room);
                let at = self.setup.clock.now().since(self.origin);
                let (what, more) = match got {
                    Got::Nothing => break,
                    Got::Bytes { len: 0, more } => {
                        self.stamp_sent(token);
                        if more {
                            continue;
                        }
                        break;
                    }
                    Got::Bytes { len, more } => {
                        self.report.reads += 1;
                        used += len;
                        (What::Bytes(used - len..used), more)
                    }
                    Got::Closed => (What::Closed, false),
                    Got::Broken(end) => (What::Broken(end), false),
                };
                self.records.push(Record { token, at, what });
                if !more {
                    break;
                }
            }
        }
        if self.ready.is_empty() {
            self.ready = ready;
        }
    }

    /// Looks at what was read.
    fn look(&mut self) {
        let mut records = std::mem::take(&mut self.records);
        for Record { token, at, what } in records.drain(..) {
            match what {
                What::Bytes(range) => self.bytes(token, range, at),
                What::Closed => self.closed(token, at),
                What::Broken(end) => self.lost(token, end, at),
            }
        }
        self.records = records;
    }

    fn bytes(&mut self, token: usize, range: Range<usize>, at: Nanos) {
        let Some(line) = self.lines.get_mut(token).and_then(Option::as_mut) else { return };
        let Some(bytes) = self.arena.get(range) else { return };
        let Some(call) = &mut line.call else {
            // Nobody asked: a server that speaks out of turn is not asked again.
            return self.close(token);
        };
        line.out = Vec::new();
        line.out_at = 0;
        let over = match call.feed(bytes, at) {
            Err(why) => Some((End::NotHttp { why }, false)),
            Ok(used) if call.response.is_done() => {
                Some((End::Complete, call.response.keep_alive && used == bytes.len()))
            }
            Ok(_) if call.gist.is_overfull() => {
                Some((End::LimitReached { limit: Limit::BodyBytes }, false))
            }
            Ok(_) => None,
        };
        if let Some((end, keep)) = over {
            self.end(token, end, at, keep);
        }
    }

    /// The peer closed the connection.
    fn closed(&mut self, token: usize, at: Nanos) {
        let Some(line) = self.line(token) else { return };
        let Some(call) = &line.call else { return self.close(token) };
        let end = match call.response.missing() {
            None => End::Complete,
            Some(_) if call.read.is_none() && line.used => End::ClosedBeforeResponse,
            Some(why) => End::CutShort { why },
        };
        self.lost(token, end, at);
    }

    /// The connection is gone, and its request with it; unless it was an open connection that
    /// nothing came over: then the request goes out once more, and that is told.
    fn lost(&mut self, token: usize, end: End, at: Nanos) {
        let Some(line) = self.line(token) else { return };
        let stale = line.used
            && matches!(end, End::ClosedBeforeResponse | End::Reset { .. })
            && line.call.as_ref().is_some_and(|call| call.read.is_none() && !call.resent);
        if !stale {
            return self.end(token, end, at, false);
        }
        let (call, bytes) = (line.call.take(), std::mem::take(&mut line.out));
        self.close(token);
        if let Some(mut call) = call {
            call.resent = true;
            call.sent = None;
            self.send(call, bytes, at);
        }
    }

    /// A request is over; its connection may be kept.
    fn end(&mut self, token: usize, end: End, at: Nanos, keep: bool) {
        let Some(line) = self.line(token) else { return };
        let call = line.call.take();
        line.used = true;
        if keep {
            self.idle.push(token);
        } else {
            self.close(token);
        }
        if let Some(call) = call {
            self.over(*call, end, at);
        }
    }

    fn over(&mut self, call: Call, end: End, at: Nanos) {
        self.in_flight -= 1;
        self.setup.gauges.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.source.answered(&call.due, at, end.is_unreachable());
        let _ = self.notes.send(Note::Over(Box::new(call.finish(end, at))));
    }

    fn close(&mut self, token: usize) {
        let Some(slot) = self.lines.get_mut(token) else { return };
        if let Some(mut line) = slot.take() {
            // A socket that is closed leaves the poll by itself; this is for systems without that.
            let _ = self.poll.registry().deregister(&mut line.socket);
            self.idle.retain(|idle| *idle != token);
            self.freed.push(token);
        }
    }

    /// Ends what has waited too long.
    fn watch(&mut self, now: Nanos) {
        for token in 0..self.lines.len() {
            let Some(line) = self.line(token) else { continue };
            let Some(call) = &line.call else { continue };
            let (phase, since) = match (line.state, call.sent, call.read) {
                (State::Connecting, ..) => (Phase::Connect, line.opened.max(call.started)),
                (State::Securing, ..) => (Phase::Tls, line.opened.max(call.started)),
                (State::Open, None, _) => (Phase::Total, call.started),
                (State::Open, Some(sent), None) => (Phase::FirstByte, sent),
                (State::Open, Some(_), Some(read)) => (Phase::Gap, read),
            };
            let started = call.started;
            let deadlines = &self.setup.deadlines;
            let late =
                [(Phase::Total, started), (phase, since)].into_iter().find_map(|(phase, since)| {
                    let after = Nanos::from(deadlines.of(phase));
                    (now.since(since) > after).then_some(End::TimedOut { phase, after })
                });
            if let Some(end) = late {
                self.end(token, end, now, false);
            }
        }
    }

    fn end_all(&mut self, end: &End, now: Nanos) {
        self.source.stop();
        for token in 0..self.lines.len() {
            if self.line(token).is_some_and(|line| line.call.is_some()) {
                self.end(token, end.clone(), now, false);
            }
        }
    }
}
