//! The tap: between hyper and the socket (above TLS), it sees every read and every write.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::outbound::OurFrames;
use super::tls;
use crate::clock::Clock;
use crate::transcript::{SocketRead, TlsFault};
use crate::transport::{Pace, Pieces};
use crate::units::Nanos;

/// Heads longer than this are not kept raw; hyper refuses them anyway.
const HEAD_BYTES_MAX: usize = 128 * 1024;

/// What the tap saw during one exchange, and what it is to do with the bytes.
#[derive(Debug, Default)]
pub(super) struct TapState {
    /// Each return of `read`, from the start of the exchange.
    pub(super) reads: Vec<SocketRead>,
    /// Inbound bytes as far as they may belong to the head.
    pub(super) inbound: Vec<u8>,
    /// Outbound bytes as far as they may belong to the head.
    pub(super) outbound: Vec<u8>,
    /// When the last write returned.
    pub(super) last_write: Option<Nanos>,
    /// When the write of the request's last byte returned (HTTP/2).
    pub(super) ended: Option<Nanos>,
    /// The peer closed its side.
    pub(super) closed: Option<Close>,
    /// Reading failed.
    pub(super) read_fault: Option<Fault>,
    /// Writing failed.
    pub(super) write_fault: Option<Fault>,
    /// One more read may happen. Whoever drives the connection takes up what a read brought before
    /// it allows the next, so that nothing is stamped with the time of a later one.
    may_read: bool,
    /// The head has come: what comes now is not kept here.
    head_came: bool,
    /// When the exchange started, on the run's clock.
    started: Nanos,
    job: Job,
    written: usize,
    /// Present on HTTP/2 connections.
    our_frames: Option<OurFrames>,
}

/// What one exchange wants of the tap.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Job {
    pub(super) pieces: Option<Pieces>,
    pub(super) pace: Option<Pace>,
    /// Close our side once this many bytes are out after the head.
    pub(super) half_close_after: Option<usize>,
}

/// How a peer closed its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// In good order.
    Orderly,
    /// Without TLS's closing message.
    Abrupt,
}

/// A socket's failure.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// In words.
    pub(super) why: String,
    /// What TLS failed on, if it was TLS.
    pub(super) tls: Option<TlsFault>,
}

impl Fault {
    fn of(error: &io::Error) -> Self {
        let (why, tls) = tls::failure(error);
        Self { why, tls }
    }
}

impl TapState {
    /// Forgets the last exchange and gets ready for the next.
    pub(super) fn begin(&mut self, started: Nanos, job: Job) {
        *self = Self {
            started,
            job,
            closed: self.closed,
            read_fault: self.read_fault.take(),
            write_fault: self.write_fault.take(),
            our_frames: self.our_frames.take(),
            ..Self::default()
        };
    }

    /// Allows one read.
    pub(super) fn allow_read(&mut self) {
        self.may_read = true;
    }

    /// Allows none, and says whether the one that was allowed has happened.
    pub(super) fn forbid_read(&mut self) -> bool {
        !std::mem::replace(&mut self.may_read, false)
    }

    /// The head has been taken from `inbound`.
    pub(super) fn head_came(&mut self) {
        self.head_came = true;
        self.inbound = Vec::new();
    }

    /// When the last read returned, from the start of the exchange.
    pub(super) fn last_read(&self) -> Option<Nanos> {
        self.reads.last().map(|read| read.at)
    }

    /// When the request's last byte was out.
    pub(super) fn sent(&self) -> Option<Nanos> {
        if self.write_fault.is_some() {
            return None;
        }
        if self.our_frames.is_some() { self.ended } else { self.last_write }
    }

    /// Whether the whole request is out, so that our side may be closed.
    fn may_half_close(&self) -> bool {
        let Some(after) = self.job.half_close_after else { return false };
        let head = || memmem::find(&self.outbound, b"\r\n\r\n").map(|at| at + 4);
        head().is_some_and(|head| self.written >= head + after)
    }

    fn saw_read(&mut self, now: Nanos, brought: &[u8]) {
        if brought.is_empty() {
            self.closed = Some(Close::Orderly);
            return;
        }
        self.may_read = false;
        let len = u32::try_from(brought.len()).unwrap_or(u32::MAX);
        self.reads.push(SocketRead { at: now.since(self.started), len });
        if !self.head_came {
            let room = HEAD_BYTES_MAX.saturating_sub(self.inbound.len());
            self.inbound.extend(brought.iter().take(room));
        }
    }

    fn saw_write(&mut self, now: Nanos, written: &[u8]) {
        let at = now.since(self.started);
        self.last_write = Some(at);
        self.written += written.len();
        if let Some(frames) = &mut self.our_frames {
            if frames.follow(written) {
                self.ended = Some(at);
            }
        } else {
            let room = HEAD_BYTES_MAX.saturating_sub(self.outbound.len());
            self.outbound.extend(written.iter().take(room));
        }
    }
}

/// A view of the tap that outlives hyper's hold on it.
#[derive(Clone, Debug, Default)]
pub(super) struct TapHandle(Arc<Mutex<TapState>>);

impl TapHandle {
    /// The state. Never held across a poll.
    pub(super) fn lock(&self) -> MutexGuard<'_, TapState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream with a tap on it.
pub(super) struct Tap<S> {
    stream: S,
    state: TapHandle,
    clock: Clock,
    /// A pause that a slow writer or reader is in.
    write_pause: Option<Pin<Box<Sleep>>>,
    read_pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Tap<S> {
    /// `h2`: HTTP/2 will be spoken.
    pub(super) fn new(stream: S, clock: Clock, h2: bool) -> (Self, TapHandle) {
        let state = TapHandle::default();
        {
            let mut state = state.lock();
            state.our_frames = h2.then(OurFrames::new);
            state.may_read = true;
        }
        let tap = Self { stream, state: state.clone(), clock, write_pause: None, read_pause: None };
        (tap, state)
    }
}

fn rest(pause: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> Poll<()> {
    if let Some(sleep) = pause {
        ready!(sleep.as_mut().poll(cx));
        *pause = None;
    }
    Poll::Ready(())
}

fn pause(span: Nanos) -> Option<Pin<Box<Sleep>>> {
    (span.0 > 0).then(|| Box::pin(tokio::time::sleep(Duration::from(span))))
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let pace = {
            let state = this.state.lock();
            if !state.may_read {
                // No waker is kept: who forbade reading polls again after allowing it.
                return Poll::Pending;
            }
            state.job.pace
        };
        ready!(rest(&mut this.read_pause, cx));
        let before = buf.filled().len();
        let stream = Pin::new(&mut this.stream);
        let result = match pace {
            None => ready!(stream.poll_read(cx, buf)),
            Some(pace) => {
                let room = buf.remaining().min(pace.bytes.max(1));
                let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
                let result = ready!(stream.poll_read(cx, &mut part));
                let len = part.filled().len();
                buf.advance(len);
                result
            }
        };
        let now = this.clock.now();
        let brought = buf.filled().get(before..).unwrap_or_default();
        let mut state = this.state.lock();
        match &result {
            Ok(()) => {
                state.saw_read(now, brought);
                this.read_pause =
                    pace.filter(|_| !brought.is_empty()).and_then(|pace| pause(pace.every));
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                state.closed = Some(Close::Abrupt);
            }
            Err(error) => state.read_fault = Some(Fault::of(error)),
        }
        drop(state);
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> Tap<S> {
    /// A peer may answer, and close, before it has heard the whole request; its answer counts. So a
    /// failed write is noted and the rest goes nowhere, while reading finds what the peer had to
    /// say. Without an answer the note decides how the exchange ended.
    fn unheard(&self, error: &io::Error) {
        self.state.lock().write_fault.get_or_insert_with(|| Fault::of(error));
    }

    fn is_unheard(&self) -> bool {
        self.state.lock().write_fault.is_some()
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.is_unheard() {
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(rest(&mut this.write_pause, cx));
        let pieces = this.state.lock().job.pieces;
        let limit = pieces.map_or(bytes.len(), |pieces| pieces.bytes.max(1).min(bytes.len()));
        let part = bytes.get(..limit).unwrap_or(bytes);
        match ready!(Pin::new(&mut this.stream).poll_write(cx, part)) {
            Ok(len) => {
                let now = this.clock.now();
                this.state.lock().saw_write(now, part.get(..len).unwrap_or(part));
                this.write_pause = pieces.and_then(|pieces| pause(pieces.gap));
                Poll::Ready(Ok(len))
            }
            Err(error) => {
                this.unheard(&error);
                Poll::Ready(Ok(bytes.len()))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.is_unheard() {
            return Poll::Ready(Ok(()));
        }
        let mut result = ready!(Pin::new(&mut this.stream).poll_flush(cx));
        if result.is_ok() && this.state.lock().may_half_close() {
            result = ready!(Pin::new(&mut this.stream).poll_shutdown(cx));
            this.state.lock().job.half_close_after = None;
        }
        if let Err(error) = result {
            this.unheard(&error);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_unheard() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
