//! How requests end on an event loop: with an answer, without one, or by our own watch.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::Shard;
use crate::load::call::Call;
use crate::load::note::Note;
use crate::transcript::{End, Limit};
use crate::units::Nanos;

impl Shard<'_> {
    /// Bytes came.
    pub(super) fn bytes(&mut self, token: usize, range: Range<usize>, at: Nanos) {
        let Some(line) = self.pool.line(token) else { return };
        let bytes = self.harvest.bytes(range);
        let Some(call) = &mut line.call else {
            // Nobody asked: a server that speaks out of turn is not asked again.
            return self.pool.close(token);
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
    pub(super) fn closed(&mut self, token: usize, at: Nanos) {
        let Some(line) = self.pool.line(token) else { return };
        let Some(call) = &line.call else { return self.pool.close(token) };
        let end = match call.response.missing() {
            None => End::Complete,
            Some(_) if call.read.is_none() && line.used => End::ClosedBeforeResponse,
            Some(why) => End::CutShort { why },
        };
        self.lost(token, end, at);
    }

    /// The connection is gone, and its request with it; unless it was an open connection that
    /// nothing came over: then the request goes out once more, and that is told.
    pub(super) fn lost(&mut self, token: usize, end: End, at: Nanos) {
        let Some(line) = self.pool.line(token) else { return };
        let stale = line.used
            && matches!(end, End::ClosedBeforeResponse | End::Reset { .. })
            && line.call.as_ref().is_some_and(|call| call.read.is_none() && !call.resent);
        if !stale {
            return self.end(token, end, at, false);
        }
        let (call, bytes) = (line.call.take(), std::mem::take(&mut line.out));
        self.pool.close(token);
        if let Some(mut call) = call {
            call.resent = true;
            call.sent = None;
            self.send(call, bytes, at);
        }
    }

    /// A request is over; its connection may be kept.
    fn end(&mut self, token: usize, end: End, at: Nanos, keep: bool) {
        let Some(line) = self.pool.line(token) else { return };
        let call = line.call.take();
        line.used = true;
        if keep {
            self.pool.keep(token);
        } else {
            self.pool.close(token);
        }
        if let Some(call) = call {
            self.over(*call, end, at);
        }
    }

    /// A request is over, and its connection no longer its own.
    pub(super) fn over(&mut self, call: Call, end: End, at: Nanos) {
        self.in_flight -= 1;
        self.setup.gauges.in_flight.fetch_sub(1, Ordering::Relaxed);
        let (user, refused) = (call.due.user, end.is_unreachable());
        match call.marks.turns {
            0 => self.source.answered(user, at, refused),
            // The clerk has the reply, and says what comes next.
            _ if call.marks.goes_on() => {}
            _ => self.source.session_over(user, at, refused),
        }
        let _ = self.notes.send(Note::Over(Box::new(call.finish(end, at))));
    }

    /// Ends what has waited too long.
    pub(super) fn watch(&mut self, now: Nanos) {
        for token in self.pool.tokens() {
            let Some(line) = self.pool.line(token) else { continue };
            let late = line.overdue(now, &self.setup.deadlines);
            if let Some(end) = late {
                self.end(token, end, now, false);
            }
        }
    }

    /// Ends every request in flight.
    pub(super) fn end_all(&mut self, end: &End, now: Nanos) {
        self.source.stop();
        for token in self.pool.tokens() {
            if self.pool.line(token).is_some_and(|line| line.call.is_some()) {
                self.end(token, end.clone(), now, false);
            }
        }
    }
}
