//! One request under way, and what is told of it when it is over.

use super::gist::Gist;
use super::http::Response;
use super::tokens::Facts;
use crate::plan::Marks;
use crate::record::load::Stage;
use crate::transcript::{BodyFraming, End, ResponseHead};
use crate::units::Nanos;

/// A request that is due.
#[derive(Debug)]
pub(super) struct Due {
    /// Its number in the plan; that of its session, if it is a turn of one.
    pub(super) number: u64,
    /// Its turn in its session, from 0.
    pub(super) turn: u32,
    /// Who asks, in a closed loop.
    pub(super) user: Option<u32>,
    pub(super) stage: Stage,
    /// When it is to start.
    pub(super) at: Nanos,
    /// The request itself, where it depends on answers and so was made ready apart.
    pub(super) ready: Option<Box<Prepared>>,
}

/// A request with its bytes.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Head and body as they go out.
    pub(super) bytes: Vec<u8>,
    pub(super) workload: usize,
    pub(super) stream: bool,
    /// Its body must be kept whole.
    pub(super) whole: bool,
    pub(super) reply_tokens: Option<u32>,
    pub(super) marks: Marks,
}

/// A request under way. Times are on the run's clock, from the start of the load.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) due: Due,
    pub(super) workload: usize,
    pub(super) reply_tokens: Option<u32>,
    pub(super) marks: Marks,
    /// When it was taken up.
    pub(super) started: Nanos,
    /// How long its connection took.
    pub(super) connect: Option<Nanos>,
    /// When its last byte was handed to the socket.
    pub(super) sent: Option<Nanos>,
    /// When the head was complete.
    pub(super) headers: Option<Nanos>,
    /// The last socket read.
    pub(super) read: Option<Nanos>,
    pub(super) response: Response,
    pub(super) gist: Gist,
    /// Sent again on a new connection.
    pub(super) resent: bool,
}

/// A request that is over.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) due: Due,
    pub(super) workload: usize,
    pub(super) reply_tokens: Option<u32>,
    pub(super) marks: Marks,
    pub(super) started: Nanos,
    pub(super) connect: Option<Nanos>,
    pub(super) sent: Option<Nanos>,
    pub(super) headers: Option<Nanos>,
    pub(super) ended: Nanos,
    pub(super) end: End,
    pub(super) head: Option<ResponseHead>,
    pub(super) framing: BodyFraming,
    /// The body's gist.
    pub(super) body: Vec<u8>,
    pub(super) facts: Facts,
    pub(super) resent: bool,
}

impl Call {
    /// Takes a piece of the response.
    pub(super) fn feed(&mut self, bytes: &[u8], at: Nanos) -> Result<usize, String> {
        self.read = Some(at);
        let had_head = self.response.head.is_some();
        let gist = &mut self.gist;
        let used = self.response.feed(bytes, |piece| gist.feed(piece, at))?;
        if !had_head && self.response.head.is_some() {
            self.headers = Some(at);
        }
        Ok(used)
    }

    /// What is to be told of it.
    pub(super) fn finish(mut self, end: End, ended: Nanos) -> Finished {
        let body = self.gist.finish();
        Finished {
            due: self.due,
            workload: self.workload,
            reply_tokens: self.reply_tokens,
            marks: self.marks,
            started: self.started,
            connect: self.connect,
            sent: self.sent,
            headers: self.headers,
            ended,
            end,
            head: self.response.head,
            framing: self.response.framing,
            body,
            facts: self.gist.facts,
            resent: self.resent,
        }
    }
}
