//! The tap: between hyper and the socket (above TLS), it sees every read and every write.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::clock::Clock;
use crate::transcript::SocketRead;
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
    /// The peer closed its side.
    pub(super) eof: bool,
    /// The socket failed.
    pub(super) error: Option<(io::ErrorKind, String)>,
    /// When the exchange started, on the run's clock.
    started: Nanos,
    pieces: Option<Pieces>,
    pace: Option<Pace>,
    /// Close our side once this many body bytes are out.
    half_close_after: Option<usize>,
    written: usize,
}

impl TapState {
    /// Forgets the last exchange and gets ready for the next.
    pub(super) fn begin(
        &mut self,
        started: Nanos,
        pieces: Option<Pieces>,
        pace: Option<Pace>,
        half_close_after: Option<usize>,
    ) {
        *self = Self { started, pieces, pace, half_close_after, eof: self.eof, ..Self::default() };
    }

    /// When the last read returned, from the start of the exchange.
    pub(super) fn last_read(&self) -> Nanos {
        self.reads.last().map_or(Nanos(0), |read| read.at)
    }

    fn head_end(&self) -> Option<usize> {
        memmem::find(&self.outbound, b"\r\n\r\n").map(|at| at + 4)
    }

    /// Whether the whole request is out, so that our side may be closed.
    fn may_half_close(&self) -> bool {
        let Some(body) = self.half_close_after else { return false };
        self.head_end().is_some_and(|head| self.written >= head + body)
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
    pub(super) fn new(stream: S, clock: Clock) -> (Self, TapHandle) {
        let state = TapHandle::default();
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
        ready!(rest(&mut this.read_pause, cx));
        let pace = this.state.lock().pace;
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
        let brought = buf.filled().get(before..).unwrap_or_default();
        let mut state = this.state.lock();
        match &result {
            Ok(()) if brought.is_empty() => state.eof = true,
            Ok(()) => {
                let at = this.clock.now().since(state.started);
                let len = u32::try_from(brought.len()).unwrap_or(u32::MAX);
                state.reads.push(SocketRead { at, len });
                let room = HEAD_BYTES_MAX.saturating_sub(state.inbound.len());
                state.inbound.extend(brought.iter().take(room));
                this.read_pause = pace.and_then(|pace| pause(pace.every));
            }
            Err(error) => state.error = Some((error.kind(), error.to_string())),
        }
        drop(state);
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(rest(&mut this.write_pause, cx));
        let pieces = this.state.lock().pieces;
        let limit = pieces.map_or(bytes.len(), |pieces| pieces.bytes.max(1).min(bytes.len()));
        let part = bytes.get(..limit).unwrap_or(bytes);
        let result = ready!(Pin::new(&mut this.stream).poll_write(cx, part));
        let mut state = this.state.lock();
        match &result {
            Ok(len) => {
                state.last_write = Some(this.clock.now().since(state.started));
                state.written += len;
                let room = HEAD_BYTES_MAX.saturating_sub(state.outbound.len());
                state.outbound.extend(part.iter().take((*len).min(room)));
                this.write_pause = pieces.and_then(|pieces| pause(pieces.gap));
            }
            Err(error) => state.error = Some((error.kind(), error.to_string())),
        }
        Poll::Ready(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        let close = {
            let mut state = self.state.lock();
            let close = state.may_half_close();
            if close {
                state.half_close_after = None;
            }
            close
        };
        if close {
            return Pin::new(&mut self.stream).poll_shutdown(cx);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
