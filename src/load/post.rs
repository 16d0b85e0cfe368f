//! Letters from the clerk to an event loop: what comes next in a session.
//!
//! The clerk has the reply's text, and time: it makes the next turn ready, and the loop only sends
//! it when it is due.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use mio::{Registry, Token, Waker};

use super::call::Due;
use crate::units::Nanos;

/// The token of letters on a loop's poll.
pub(super) const LETTERS: Token = Token(usize::MAX - 2);

/// What the clerk tells a loop.
#[derive(Debug)]
pub(super) enum Letter {
    /// The next turn, ready to be sent.
    Next(Due),
    /// There is none: the session is over.
    Over {
        /// Whose it was, in a closed loop.
        user: Option<u32>,
        /// When its last turn ended.
        at: Nanos,
        /// That turn reached nobody.
        refused: bool,
    },
}

/// The letters of one loop.
#[derive(Debug, Default)]
pub(super) struct Post {
    letters: Mutex<Vec<Letter>>,
    waker: OnceLock<Waker>,
}

impl Post {
    /// Has the loop woken by letters.
    pub(super) fn open(&self, registry: &Registry) -> io::Result<()> {
        let _ = self.waker.set(Waker::new(registry, LETTERS)?);
        Ok(())
    }

    pub(super) fn send(&self, letter: Letter) {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
        if let Some(waker) = self.waker.get() {
            // A loop that is not woken looks at its next heartbeat.
            let _ = waker.wake();
        }
    }

    pub(super) fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.letters.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
