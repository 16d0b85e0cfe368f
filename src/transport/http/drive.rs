//! One exchange on one connection: hyper's work and the response, driven by one task that allows
//! one socket read at a time, so that everything that arrives has the time of its own read.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::ending;
use super::frames::{BlankLines, FRAMES_MAX, Joiner};
use super::head;
use super::inflate;
use super::line::{Line, Sender};
use super::request::{self, Outgoing};
use super::tap::Job;
use crate::clock::Clock;
use crate::transcript::{BodyFraming, End, Exchange, HttpVersion, Limit, Phase};
use crate::transport::target::Deadlines;
use crate::transport::{Carry, Leave};
use crate::units::Nanos;

/// Socket reads of one exchange that are kept, a body's and those around it.
const READS_MAX: usize = 2 * FRAMES_MAX;

/// Sends, and fills in `exchange` with what comes. `true` when the connection can be used again.
pub(super) async fn drive(line: &mut Line, out: Outgoing<'_>, exchange: &mut Exchange) -> bool {
    let job = Job {
        pieces: out.carry.pieces,
        pace: out.carry.pace,
        half_close_after: out.carry.half_close.then(|| request::bytes_after_head(&out)),
    };
    line.tap.lock().begin(exchange.timing.started, job);
    exchange.end = match request::build(&out, line.facts.version) {
        Ok(request) => Drive::new(line, &out).run(request, exchange).await,
        Err(why) => End::Unsent { why },
    };
    exchange.timing.done = out.clock.now().since(exchange.timing.started);
    collect(line, exchange);
    let whole = match exchange.end {
        End::Complete => exchange.framing != BodyFraming::UntilClose,
        // Whatever was not sent left the connection as it was.
        End::Unsent { .. } => line.tap.lock().last_write.is_none(),
        _ => false,
    };
    whole && !out.carry.half_close && line.is_alive().await
}

/// What the tap saw, into the exchange.
fn collect(line: &Line, exchange: &mut Exchange) {
    let h2 = line.facts.version == HttpVersion::Http2;
    let mut tap = line.tap.lock();
    exchange.timing.sent = tap.sent();
    exchange.timing.first_byte = if h2 {
        // HTTP/2 has reads of its own (settings, windows) before the response's first.
        exchange.timing.head
    } else {
        tap.reads.first().map(|read| read.at)
    };
    exchange.reads = std::mem::take(&mut tap.reads);
    if let Some(lines) = head::request(&tap.outbound).filter(|_| !h2) {
        exchange.request.headers = lines;
    }
}

struct Drive<'a> {
    line: &'a mut Line,
    carry: &'a Carry,
    deadlines: Deadlines,
    clock: &'a Clock,
    /// When the exchange began; the total counts from here.
    began: Instant,
    /// When this connection was taken up.
    taken: Instant,
    /// Fires at the next deadline or at the time to leave.
    alarm: Pin<Box<Sleep>>,
}

/// What one turn brought.
enum Turn<T> {
    /// What was waited for.
    Got(T),
    /// A socket read, and nothing of what was waited for.
    Read,
    /// The alarm.
    Alarm,
}

impl<'a> Drive<'a> {
    fn new(line: &'a mut Line, out: &Outgoing<'a>) -> Self {
        let taken = Instant::now();
        Self {
            line,
            carry: out.carry,
            deadlines: out.deadlines,
            clock: out.clock,
            began: out.began,
            taken,
            alarm: Box::pin(sleep_until(taken)),
        }
    }

    fn is_h2(&self) -> bool {
        self.line.facts.version == HttpVersion::Http2
    }

    async fn run(
        &mut self,
        request: http::Request<super::line::OutBody>,
        exchange: &mut Exchange,
    ) -> End {
        let response = match self.respond(request, exchange.timing.started).await {
            Ok(response) => response,
            Err(end) => return end,
        };
        let (parts, body) = response.into_parts();
        let raw = {
            let mut tap = self.line.tap.lock();
            exchange.timing.head = tap.last_read();
            let raw = if self.is_h2() { None } else { head::response(&tap.inbound) };
            tap.head_came();
            raw
        };
        match raw {
            Some((head, version)) => {
                exchange.head = Some(head);
                exchange.connection.version = version;
            }
            None => exchange.head = Some(head::from_map(parts.status, &parts.headers)),
        }
        exchange.framing = framing(exchange, self.is_h2());
        let mut joiner = Joiner::default();
        let end = self.body(body, exchange, &mut joiner).await;
        exchange.frames = joiner.into_frames();
        inflate::undo(exchange).map_or(end, |limit| End::LimitReached { limit })
    }

    /// One turn: what is ready, or else at most one socket read and what it brings.
    async fn turn<T>(&mut self, mut ready: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Turn<T> {
        let (line, alarm) = (&mut *self.line, &mut self.alarm);
        poll_fn(|cx| {
            if let Poll::Ready(got) = ready(cx) {
                return Poll::Ready(Turn::Got(got));
            }
            // What the last read brought may still be on its way through hyper's tasks.
            let _ = line.work.poll(cx);
            if let Poll::Ready(got) = ready(cx) {
                return Poll::Ready(Turn::Got(got));
            }
            line.tap.lock().allow_read();
            let _ = line.work.poll(cx);
            let has_read = line.tap.lock().forbid_read();
            if let Poll::Ready(got) = ready(cx) {
                return Poll::Ready(Turn::Got(got));
            }
            if has_read {
                return Poll::Ready(Turn::Read);
            }
            alarm.as_mut().poll(cx).map(|()| Turn::Alarm)
        })
        .await
    }

    /// Waits for the head.
    async fn respond(
        &mut self,
        request: http::Request<super::line::OutBody>,
        started: Nanos,
    ) -> Result<http::Response<Incoming>, End> {
        let mut response: Pin<Box<dyn Future<Output = _> + Send>> = match &mut self.line.sender {
            Sender::H1(sender) => Box::pin(sender.send_request(request)),
            Sender::H2(sender) => Box::pin(sender.send_request(request)),
        };
        loop {
            self.set_alarm(started, true);
            match self.turn(|cx| response.as_mut().poll(cx)).await {
                Turn::Got(Ok(response)) => return Ok(response),
                Turn::Got(Err(error)) => {
                    let (used, h2) = (self.line.used, self.is_h2());
                    return Err(ending::without_head(&error, &self.line.tap.lock(), used, h2));
                }
                Turn::Read => self.overrun(started).map_or(Ok(()), Err)?,
                Turn::Alarm => self.overdue(started, true).map_or(Ok(()), Err)?,
            }
        }
    }

    async fn body(
        &mut self,
        mut body: Incoming,
        exchange: &mut Exchange,
        joiner: &mut Joiner,
    ) -> End {
        let started = exchange.timing.started;
        let mut blank = BlankLines::default();
        loop {
            self.set_alarm(started, false);
            let end = match self.turn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                Turn::Got(None) => return End::Complete,
                Turn::Got(Some(Err(error))) => {
                    let tap = self.line.tap.lock();
                    return ending::inside_body(&error, &tap, exchange, joiner.len());
                }
                Turn::Got(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => self.keep(&bytes, joiner, &mut blank),
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            exchange.trailers = head::lines(&trailers);
                        }
                        None
                    }
                }
                .or_else(|| self.overrun(started)),
                Turn::Read => self.overrun(started),
                Turn::Alarm => self.overdue(started, false),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn keep(&self, bytes: &Bytes, joiner: &mut Joiner, blank: &mut BlankLines) -> Option<End> {
        let (read, at) = {
            let tap = self.line.tap.lock();
            (tap.reads.len(), tap.last_read().unwrap_or_default())
        };
        if let Err(limit) = joiner.push(read, at, bytes) {
            return Some(End::LimitReached { limit });
        }
        blank.see(bytes);
        match self.carry.leave {
            Some(Leave::AfterEvents(events)) if blank.count >= events => Some(End::Left),
            _ => None,
        }
    }

    /// Sets the alarm to whatever comes next.
    fn set_alarm(&mut self, started: Nanos, headless: bool) {
        let total = self.began + self.deadlines.total;
        let silence = self.silence_ends(started, headless).0;
        // What has not gone out yet goes out in the turn that waits for this alarm.
        let leave = self.leave_at(started).or_else(|| match self.carry.leave {
            Some(Leave::After(span)) => Some(Instant::now() + span.into()),
            _ => None,
        });
        let next = leave.into_iter().fold(total.min(silence), Instant::min);
        self.alarm.as_mut().reset(next);
    }

    /// The moment that lies `at` after the exchange's start.
    fn moment(&self, started: Nanos, at: Nanos) -> Instant {
        let ago = Duration::from(self.clock.now().since(started).since(at));
        let now = Instant::now();
        now.checked_sub(ago).unwrap_or(now)
    }

    fn leave_at(&self, started: Nanos) -> Option<Instant> {
        let Some(Leave::After(span)) = self.carry.leave else { return None };
        let sent = self.line.tap.lock().sent()?;
        Some(self.moment(started, sent) + span.into())
    }

    /// When the present silence has lasted too long, and what it is called.
    fn silence_ends(&self, started: Nanos, headless: bool) -> (Instant, Phase) {
        let (read, write) = {
            let tap = self.line.tap.lock();
            (tap.last_read(), tap.last_write)
        };
        // Before an HTTP/2 response, reads are the connection's own.
        if let Some(read) = read.filter(|_| !(headless && self.is_h2())) {
            // A pause that we make ourselves is no silence of the peer's.
            let pause = self.carry.pace.map_or(Duration::ZERO, |pace| pace.every.into());
            return (self.moment(started, read) + pause + self.deadlines.gap, Phase::Gap);
        }
        let from = write.map_or(self.taken, |write| self.moment(started, write));
        (from + self.deadlines.first_byte, Phase::FirstByte)
    }

    /// What must not wait for a pause of the peer: the total, the time to leave, our limits.
    fn overrun(&self, started: Nanos) -> Option<End> {
        let now = Instant::now();
        if self.leave_at(started).is_some_and(|leave| now >= leave) {
            return Some(End::Left);
        }
        if now >= self.began + self.deadlines.total {
            return Some(self.timed_out(Phase::Total));
        }
        let full = self.line.tap.lock().reads.len() >= READS_MAX;
        full.then_some(End::LimitReached { limit: Limit::Frames })
    }

    /// What the alarm rang for, if it still holds: a read may have come meanwhile.
    fn overdue(&self, started: Nanos, headless: bool) -> Option<End> {
        self.overrun(started).or_else(|| {
            let (ends, phase) = self.silence_ends(started, headless);
            (Instant::now() >= ends).then(|| self.timed_out(phase))
        })
    }

    fn timed_out(&self, phase: Phase) -> End {
        End::TimedOut { phase, after: self.deadlines.of(phase).into() }
    }
}

fn framing(exchange: &Exchange, h2: bool) -> BodyFraming {
    let status = exchange.status().unwrap_or(0);
    let bodiless = exchange.request.method == "HEAD" || matches!(status, 204 | 304);
    match exchange.header("transfer-encoding") {
        _ if bodiless => BodyFraming::None,
        _ if h2 => BodyFraming::Http2,
        Some(coding) if coding.to_ascii_lowercase().contains("chunked") => BodyFraming::Chunked,
        _ if exchange.header("content-length").is_some() => BodyFraming::Length,
        _ => BodyFraming::UntilClose,
    }
}
