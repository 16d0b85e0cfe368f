//! What reached the mock.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::transcript::{
    BodyFraming, Connection, End, Exchange, Headers, Redactor, Timing, WireRequest,
};
use crate::units::Nanos;

/// Requests kept in memory; the oldest go first.
const CAPTURED_MAX: usize = 20_000;

/// A request that reached the mock, and how far its response got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// Counts the requests of one server from 1.
    pub number: u64,
    /// The connection it came on: number, version, whether an earlier request had used it.
    pub connection: Connection,
    /// When its last byte was here, on the pacer's clock.
    pub at: Nanos,
    /// Head and body as they came. In memory with its secrets; in a file they are masked.
    pub request: WireRequest,
    /// The status of the response; `None` before there is one.
    pub status: Option<u16>,
    /// Whether the response was sent whole. A client that left early, a fault that cut it and a
    /// response still under way all leave `false`.
    pub finished: bool,
}

impl Captured {
    /// The same with every secret header masked.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let mut exchange = Exchange {
            id: String::new(),
            request: self.request.clone(),
            connection: Connection::default(),
            head: None,
            framing: BodyFraming::None,
            frames: Vec::new(),
            encoded: Vec::new(),
            trailers: Headers::default(),
            end: End::Complete,
            timing: Timing::default(),
            reads: Vec::new(),
            redactions: Vec::new(),
        };
        Redactor::default().exchange(&mut exchange);
        Self { request: exchange.request, ..self.clone() }
    }
}

/// The requests of a server, newest last.
#[derive(Debug, Default)]
pub(crate) struct Book {
    kept: VecDeque<Captured>,
    file: Option<File>,
}

impl Book {
    pub(crate) fn new(file: Option<File>) -> Self {
        Self { kept: VecDeque::new(), file }
    }

    pub(crate) fn enter(&mut self, captured: Captured) {
        if self.kept.len() == CAPTURED_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(captured);
    }

    fn entry(&mut self, number: u64) -> Option<&mut Captured> {
        // Requests are entered nearly in order of their numbers, so the search is short.
        self.kept.iter_mut().rev().find(|captured| captured.number == number)
    }

    pub(crate) fn answered(&mut self, number: u64, status: u16) {
        if let Some(captured) = self.entry(number) {
            captured.status = Some(status);
        }
    }

    /// The response is over, sent whole or not; this is when it goes to the file.
    pub(crate) fn ended(&mut self, number: u64, finished: bool) {
        let Some(captured) = self.entry(number) else { return };
        captured.finished = finished;
        let line = serde_json::to_vec(&captured.redacted());
        if let (Some(file), Ok(mut line)) = (&mut self.file, line) {
            line.push(b'\n');
            // A full disk must not take the endpoint down; the file then ends early.
            if file.write_all(&line).is_err() {
                self.file = None;
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<Captured> {
        let mut all: Vec<_> = self.kept.iter().cloned().collect();
        all.sort_by_key(|captured| captured.number);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_in_a_file_holds_no_key() {
        let captured = Captured {
            number: 1,
            connection: Connection::default(),
            at: Nanos(0),
            request: WireRequest {
                method: "GET".into(),
                url: "http://h/v1/models".into(),
                headers: [("authorization", "Bearer sk-canary")].into_iter().collect(),
                body: "".into(),
            },
            status: None,
            finished: false,
        };

        let masked = captured.redacted();

        assert_eq!(masked.request.headers.get("authorization"), Some("Bearer *********"));
        assert_eq!(captured.request.headers.get("authorization"), Some("Bearer sk-canary"));
    }
}
