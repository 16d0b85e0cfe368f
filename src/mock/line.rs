//! The socket of one connection, with what no HTTP library will do: reset it, write past the
//! framing, send single bytes.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What is to happen to a connection; shared by its socket and its responses.
#[derive(Debug, Default)]
pub(crate) struct LineState {
    /// Counts the connections of a server from 1.
    pub(crate) number: u64,
    /// Requests that have come on it.
    pub(crate) requests: AtomicU64,
    /// Close by a reset.
    reset: AtomicBool,
    /// A request's head came in more than one read.
    pieces: AtomicBool,
    /// Last bytes past all framing.
    raw: Mutex<Option<Bytes>>,
}

impl LineState {
    pub(crate) fn new(number: u64) -> Arc<Self> {
        Arc::new(Self { number, ..Self::default() })
    }

    /// The connection will be closed by a reset.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }

    /// Whether the head of the request that came last took more than one read; asked once.
    pub(crate) fn took_head_in_pieces(&self) -> bool {
        self.pieces.swap(false, Ordering::AcqRel)
    }

    /// These bytes will be the connection's last.
    pub(crate) fn say_last(&self, bytes: Bytes) {
        *self.raw.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }
}

/// A socket that obeys its [`LineState`].
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    state: Arc<LineState>,
    /// Bytes of one write; `usize::MAX` unless a fault says otherwise.
    write_max: usize,
    /// The head that is being read, as far as it has come.
    head: Option<Vec<u8>>,
}

impl Line {
    pub(crate) fn new(stream: TcpStream, state: Arc<LineState>, write_max: usize) -> Self {
        Self { stream, state, write_max, head: None }
    }

    /// Follows heads through `new` bytes, which left `room` in the reader's buffer.
    fn follow(&mut self, new: &[u8], room: usize) {
        // Bodies are JSON and do not begin like this.
        if [b"POST ".as_slice(), b"GET "].iter().any(|method| new.starts_with(method)) {
            self.head = Some(Vec::new());
        }
        let Some(head) = &mut self.head else { return };
        head.extend_from_slice(new);
        if head.windows(4).any(|four| four == b"\r\n\r\n") {
            self.head = None;
        } else if room > 0 {
            // Nothing more was there to be read. A reader that looks for HTTP/2's preface asks
            // for its 24 bytes alone, and that is no piece.
            self.state.pieces.store(true, Ordering::Release);
            self.head = None;
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = buf.filled().get(before..).unwrap_or_default();
        if !new.is_empty() {
            self.follow(new, buf.remaining());
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let some = buf.get(..self.write_max).unwrap_or(buf);
        Pin::new(&mut self.stream).poll_write(cx, some)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state.reset.load(Ordering::Acquire) {
            // An orderly end first would turn the reset into a FIN.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.write_max == usize::MAX {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
        self.poll_write(cx, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.write_max == usize::MAX && self.stream.is_write_vectored()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let raw = self.state.raw.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(bytes) = raw {
            // The peer may be gone, and its window is empty at this point of a small response.
            self.stream.try_write(&bytes).ok();
        }
        if self.state.reset.load(Ordering::Acquire) {
            // A linger of zero makes the kernel send RST instead of FIN.
            SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).ok();
        }
    }
}
