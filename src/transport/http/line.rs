//! One connection, and hyper's two halves of it: the sender, and the future that does the work.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};

use super::connect::{Connected, Socket};
use super::tap::{Tap, TapHandle};
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::transcript::{Connection, End, HttpVersion};

/// What an idle peer may have said (settings, pings, a goodbye) is read in so many reads at most.
const CATCH_UP_READS: usize = 16;

/// A request body.
pub(super) type OutBody = BoxBody<Bytes, Infallible>;

type Io = TokioIo<Tap<Socket>>;

/// A connection.
pub(super) struct Line {
    pub(super) number: u64,
    /// Asked for by number: not handed to others.
    pub(super) reserved: bool,
    /// An exchange has used it.
    pub(super) used: bool,
    pub(super) facts: Connection,
    pub(super) tap: TapHandle,
    pub(super) sender: Sender,
    pub(super) work: Work,
}

/// Hands requests to hyper.
pub(super) enum Sender {
    H1(http1::SendRequest<OutBody>),
    H2(http2::SendRequest<OutBody>),
}

/// hyper's connection future, and with HTTP/2 its helpers. Nobody else polls them.
pub(super) enum Work {
    H1(Pin<Box<http1::Connection<Io, OutBody>>>),
    /// hyper's own half may end (on a goodbye) while the socket's task still has a stream to finish.
    H2(Option<Pin<Box<http2::Connection<Io, OutBody, Tasks>>>>, Tasks),
    Done,
}

impl Line {
    /// Shakes hands on a connected socket.
    pub(super) async fn open(
        connected: Connected,
        h2: bool,
        number: u64,
        reserved: bool,
        clock: Clock,
    ) -> Result<Self, End> {
        let facts = Connection {
            number,
            reused: false,
            version: if h2 { HttpVersion::Http2 } else { HttpVersion::Http11 },
            peer: connected.peer.map(|peer| peer.to_string()),
            tls: connected.tls,
        };
        let (tap, handle) = Tap::new(connected.socket, clock, h2);
        let failed = |error: hyper::Error| End::NotHttp { why: error.to_string() };
        let (sender, work) = if h2 {
            let tasks = Tasks::default();
            let (sender, work) = http2::Builder::new(tasks.clone())
                .timer(TokioTimer::new())
                .handshake(TokioIo::new(tap))
                .await
                .map_err(failed)?;
            (Sender::H2(sender), Work::H2(Some(Box::pin(work)), tasks))
        } else {
            let (sender, work) = http1::Builder::new()
                .max_headers(super::head::LINES_MAX)
                .handshake(TokioIo::new(tap))
                .await
                .map_err(failed)?;
            (Sender::H1(sender), Work::H1(Box::pin(work)))
        };
        Ok(Self { number, reserved, used: false, facts, tap: handle, sender, work })
    }

    /// Lets hyper notice what happened since the last exchange, and says whether the connection
    /// could take another request.
    pub(super) async fn is_alive(&mut self) -> bool {
        poll_fn(|cx| {
            for _ in 0..CATCH_UP_READS {
                self.tap.lock().allow_read();
                let over = self.work.poll(cx).is_ready();
                if over || !self.tap.lock().forbid_read() {
                    break;
                }
            }
            Poll::Ready(())
        })
        .await;
        let broken = {
            let tap = self.tap.lock();
            tap.closed.is_some() || tap.read_fault.is_some() || tap.write_fault.is_some()
        };
        !broken
            && !matches!(self.work, Work::Done)
            && match &self.sender {
                Sender::H1(sender) => sender.is_ready(),
                Sender::H2(sender) => sender.is_ready(),
            }
    }
}

impl Work {
    /// Moves the connection on. `Ready` when it is over; errors are seen in the response.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let over = match self {
            Self::H1(work) => work.as_mut().poll(cx).is_ready(),
            Self::H2(work, tasks) => {
                if work.as_mut().is_some_and(|work| work.as_mut().poll(cx).is_ready()) {
                    *work = None;
                }
                tasks.poll(cx) && work.is_none()
            }
            Self::Done => true,
        };
        if over {
            *self = Self::Done;
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
