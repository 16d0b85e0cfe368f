//! A connection of the load client: a socket, with TLS or without.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::call::Call;
use crate::transcript::{End, Phase, TlsFault};
use crate::transport::target::Deadlines;
use crate::units::Nanos;

/// A connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    pub(super) state: State,
    /// What goes out, and how much of it has. It is kept until the response begins.
    pub(super) out: Vec<u8>,
    pub(super) out_at: usize,
    pub(super) call: Option<Box<Call>>,
    /// A request has gone over it before.
    pub(super) used: bool,
    pub(super) opened: Nanos,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    Securing,
    Open,
}

/// What a read brought.
#[derive(Debug)]
pub(super) enum Got {
    /// So many bytes; whether the socket may have more.
    Bytes { len: usize, more: bool },
    /// Nothing now.
    Nothing,
    /// The peer has closed.
    Closed,
    /// It broke.
    Broken(End),
}

impl Line {
    pub(super) fn new(
        socket: TcpStream,
        tls: Option<&(Arc<ClientConfig>, ServerName<'static>)>,
        opened: Nanos,
    ) -> Result<Self, End> {
        let tls = match tls {
            Some((config, name)) => {
                let session = ClientConnection::new(Arc::clone(config), name.clone())
                    .map_err(|error| crate::transport::tls_end(&error))?;
                Some(Box::new(session))
            }
            None => None,
        };
        Ok(Self {
            socket,
            tls,
            state: State::Connecting,
            out: Vec::new(),
            out_at: 0,
            call: None,
            used: false,
            opened,
        })
    }

    pub(super) fn is_idle(&self) -> bool {
        self.call.is_none() && self.state == State::Open
    }

    /// Whether there is anything to do when the socket can be written. Every event of a connection
    /// says that it can, most of them for nothing.
    pub(super) fn wants_write(&self) -> bool {
        self.state != State::Open
            || self.out_at < self.out.len()
            || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// The socket can be written: moves on as far as it goes. `true` once everything is out.
    pub(super) fn advance(&mut self) -> Result<bool, End> {
        if self.state == State::Connecting {
            match self.socket.take_error() {
                Ok(None) => {}
                Ok(Some(error)) | Err(error) => {
                    return Err(End::Refused { why: error.to_string() });
                }
            }
            match self.socket.peer_addr() {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
                Err(error) => return Err(End::Refused { why: error.to_string() }),
            }
            // A delayed small write would be measured as the server's slowness.
            let _ = self.socket.set_nodelay(true);
            self.state = if self.tls.is_some() { State::Securing } else { State::Open };
        }
        self.write()
    }

    fn write(&mut self) -> Result<bool, End> {
        let Some(tls) = &mut self.tls else {
            while let Some(rest) = self.out.get(self.out_at..).filter(|rest| !rest.is_empty()) {
                match self.socket.write(rest) {
                    Ok(len) => self.out_at += len,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(broken(&error)),
                }
            }
            return Ok(true);
        };
        if !tls.is_handshaking() {
            self.state = State::Open;
            if let Some(rest) = self.out.get(self.out_at..).filter(|rest| !rest.is_empty()) {
                // Its buffer is without limit; what does not fit the socket waits there.
                tls.writer().write_all(rest).map_err(|error| broken(&error))?;
                self.out_at = self.out.len();
            }
        }
        while tls.wants_write() {
            match tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(&error)),
            }
        }
        Ok(self.state == State::Open)
    }

    /// How its request ends if it has waited too long by now.
    pub(super) fn overdue(&self, now: Nanos, deadlines: &Deadlines) -> Option<End> {
        let call = self.call.as_ref()?;
        let (phase, since) = match (self.state, call.sent, call.read) {
            (State::Connecting, ..) => (Phase::Connect, self.opened.max(call.started)),
            (State::Securing, ..) => (Phase::Tls, self.opened.max(call.started)),
            (State::Open, None, _) => (Phase::Total, call.started),
            (State::Open, Some(sent), None) => (Phase::FirstByte, sent),
            (State::Open, Some(_), Some(read)) => (Phase::Gap, read),
        };
        [(Phase::Total, call.started), (phase, since)].into_iter().find_map(|(phase, since)| {
            let after = Nanos::from(deadlines.of(phase));
            (now.since(since) > after).then_some(End::TimedOut { phase, after })
        })
    }

    /// Reads once into `buffer`.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Got {
        let room = buffer.len();
        if self.tls.is_some() {
            return self.read_tls(buffer);
        }
        loop {
            return match self.socket.read(buffer) {
                Ok(0) => Got::Closed,
                // A short read has emptied the socket: the next byte raises a new event.
                Ok(len) => Got::Bytes { len, more: len == room },
                Err(error) if error.kind() == ErrorKind::WouldBlock => Got::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Got::Broken(broken(&error)),
            };
        }
    }

    fn read_tls(&mut self, buffer: &mut [u8]) -> Got {
        let Some(tls) = &mut self.tls else { return Got::Nothing };
        loop {
            // What was deciphered before comes first.
            match tls.reader().read(buffer) {
                Ok(0) => return Got::Closed,
                Ok(len) => return Got::Bytes { len, more: true },
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The peer closed without saying so in TLS; HTTP's framing decides what it means.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Got::Closed,
                Err(error) => return Got::Broken(broken(&error)),
            }
            match tls.read_tls(&mut self.socket) {
                Ok(0) if tls.is_handshaking() => {
                    let why = "the server closed the connection during the handshake".to_owned();
                    let fault = TlsFault::default();
                    return Got::Broken(End::TlsFailed { why, fault });
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Got::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Got::Broken(broken(&error)),
            }
            let securing = tls.is_handshaking();
            if let Err(error) = tls.process_new_packets() {
                // The peer is told why, if it still listens.
                let _ = tls.write_tls(&mut self.socket);
                return Got::Broken(crate::transport::tls_end(&error));
            }
            if securing || tls.wants_write() {
                return match self.write() {
                    Ok(_) => Got::Bytes { len: 0, more: true },
                    Err(end) => Got::Broken(end),
                };
            }
        }
    }
}

fn broken(error: &io::Error) -> End {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            End::Reset { why: error.to_string() }
        }
        _ => End::CutShort { why: error.to_string() },
    }
}
