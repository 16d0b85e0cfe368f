//! Plays a script's cues on time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::sync::watch;

use super::house::Running;
use super::line::LineState;
use super::pacer;
use super::script::{Cue, Ending, Script};
use crate::units::Nanos;

/// A wait longer than this also listens for the server's stop.
const PATIENCE: Nanos = Nanos::from_millis(500);

/// The body was ended early, on purpose.
#[derive(Debug, Error)]
#[error("the script ends here")]
pub(crate) struct Cut;

/// The body of a response that follows a script.
pub(crate) struct Player {
    cues: vec::IntoIter<Cue>,
    /// A cue whose time has not come.
    next: Option<Cue>,
    end: Ending,
    sized: Option<u64>,
    /// When the piece before was due.
    due: Nanos,
    wait: Option<Wait>,
    /// Whether the piece before has been given time to reach the socket by itself.
    breathed: bool,
    over: bool,
    line: Arc<LineState>,
    stop: watch::Receiver<bool>,
    running: Running,
}

enum Wait {
    Short(pacer::Sleep),
    Long(Pin<Box<dyn Future<Output = bool> + Send>>),
}

impl Player {
    /// Plays `script` from `start`, the moment its head goes out.
    pub(crate) fn new(
        script: Script,
        start: Nanos,
        line: Arc<LineState>,
        stop: watch::Receiver<bool>,
        running: Running,
    ) -> Self {
        let total: usize = script.cues.iter().map(|cue| cue.bytes.len()).sum();
        let mut player = Self {
            sized: (script.sized && script.end == Ending::Complete).then_some(total as u64),
            cues: script.cues.into_iter(),
            next: None,
            end: script.end,
            due: start,
            wait: None,
            breathed: true,
            over: false,
            line,
            stop,
            running,
        };
        player.next = player.cues.next();
        player.check_whole();
        player
    }

    /// Notes that the response is whole once nothing is left of it. hyper does not ask a body of
    /// known length for its end.
    fn check_whole(&mut self) {
        if self.next.is_none() && self.end == Ending::Complete {
            self.over = true;
            self.running.finished();
        }
    }

    fn wait_until(&mut self, due: Nanos) {
        self.wait = Some(if due.since(pacer::now()) <= PATIENCE {
            Wait::Short(pacer::until(due))
        } else {
            Wait::Long(Box::pin(until_or_stop(due, self.stop.clone())))
        });
    }
}

/// Waits for `due`; `false` if the server stopped first.
pub(crate) async fn until_or_stop(due: Nanos, mut stop: watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = pacer::until(due) => true,
        _ = stop.wait_for(|stopped| *stopped) => false,
    }
}

impl Body for Player {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let me = self.get_mut();
        if me.over {
            return Poll::Ready(None);
        }
        if !me.breathed {
            // hyper writes out what it has before it asks again: each cue is a write of its own.
            me.breathed = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            if let Some(wait) = &mut me.wait {
                let stays = match wait {
                    Wait::Short(sleep) => {
                        ready!(Pin::new(sleep).poll(cx));
                        true
                    }
                    Wait::Long(future) => ready!(future.as_mut().poll(cx)),
                };
                me.wait = None;
                if !stays {
                    me.over = true;
                    return Poll::Ready(Some(Err(Cut)));
                }
            }
            let Some(cue) = &mut me.next else {
                match std::mem::replace(&mut me.end, Ending::Complete) {
                    Ending::Complete => {
                        me.check_whole();
                        return Poll::Ready(None);
                    }
                    Ending::Silence(time) => {
                        me.wait_until(pacer::now() + time);
                        continue;
                    }
                    Ending::Cut => {}
                    Ending::Reset => me.line.reset(),
                    Ending::Raw(bytes) => me.line.say_last(bytes),
                }
                me.over = true;
                return Poll::Ready(Some(Err(Cut)));
            };
            if cue.after > Nanos(0) {
                me.due = me.due + std::mem::take(&mut cue.after);
                let due = me.due;
                me.wait_until(due);
                continue;
            }
            let bytes = std::mem::take(&mut cue.bytes);
            me.next = me.cues.next();
            me.breathed = false;
            me.check_whole();
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }

    fn size_hint(&self) -> SizeHint {
        let left = || {
            let now = self.next.as_ref().map_or(0, |cue| cue.bytes.len());
            now + self.cues.as_slice().iter().map(|cue| cue.bytes.len()).sum::<usize>()
        };
        self.sized.map_or_else(SizeHint::default, |_| SizeHint::with_exact(left() as u64))
    }
}
