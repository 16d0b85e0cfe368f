//! The connections of one event loop.

use std::io;
use std::ops::Range;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::line::{Line, State};
use super::setup::Setup;
use crate::transcript::End;
use crate::units::Nanos;

/// Connections by token.
#[derive(Debug)]
pub(super) struct Pool {
    registry: Registry,
    lines: Vec<Option<Line>>,
    free: Vec<usize>,
    /// Slots given up in this turn: what was read from them is still to be looked at.
    freed: Vec<usize>,
    idle: Vec<usize>,
    /// Connections opened so far.
    opened: usize,
}

impl Pool {
    pub(super) const fn new(registry: Registry) -> Self {
        Self {
            registry,
            lines: Vec::new(),
            free: Vec::new(),
            freed: Vec::new(),
            idle: Vec::new(),
            opened: 0,
        }
    }

    /// The connection of a token; `None` once it is closed.
    pub(super) fn line(&mut self, token: usize) -> Option<&mut Line> {
        self.lines.get_mut(token)?.as_mut()
    }

    /// Every token that may have a connection.
    pub(super) const fn tokens(&self) -> Range<usize> {
        0..self.lines.len()
    }

    /// Whether a connection is still being opened.
    pub(super) fn is_opening(&self) -> bool {
        self.lines.iter().flatten().any(|line| line.state != State::Open)
    }

    /// A connection that waits for a request; the one used last, whose buffers are warm.
    pub(super) fn take_idle(&mut self) -> Option<usize> {
        self.idle.pop()
    }

    /// Keeps a connection for another request.
    pub(super) fn keep(&mut self, token: usize) {
        self.idle.push(token);
    }

    /// Begins to open a connection.
    pub(super) fn open(&mut self, setup: &Setup, now: Nanos) -> Result<usize, End> {
        let addresses = &setup.addresses;
        let nth = self.opened % addresses.len().max(1);
        self.opened += 1;
        let address =
            *addresses.get(nth).ok_or(End::Unresolved { why: "no address".to_owned() })?;
        let mut socket = TcpStream::connect(address).map_err(no_connection)?;
        let token = self.free.pop().unwrap_or(self.lines.len());
        let interest = Interest::READABLE | Interest::WRITABLE;
        let line = self
            .registry
            .register(&mut socket, Token(token), interest)
            .map_err(no_connection)
            .and_then(|()| Line::new(socket, setup.tls.as_ref(), now));
        let (line, failed) = match line {
            Ok(line) => (Some(line), None),
            Err(end) => (None, Some(end)),
        };
        match self.lines.get_mut(token) {
            Some(slot) => *slot = line,
            None => self.lines.push(line),
        }
        match failed {
            Some(end) => {
                self.freed.push(token);
                Err(end)
            }
            None => Ok(token),
        }
    }

    /// Closes a connection. Its token is free once the turn is over.
    pub(super) fn close(&mut self, token: usize) {
        let Some(mut line) = self.lines.get_mut(token).and_then(Option::take) else { return };
        // A socket that is closed leaves the poll by itself; this is for systems without that.
        let _ = self.registry.deregister(&mut line.socket);
        self.idle.retain(|idle| *idle != token);
        self.freed.push(token);
    }

    /// Nothing of this turn is left to be looked at.
    pub(super) fn end_turn(&mut self) {
        self.free.append(&mut self.freed);
    }
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
