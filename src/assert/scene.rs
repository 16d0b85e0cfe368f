//! What an assertion is judged on: the exchanges of one case so far.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde_json::Value;

use crate::dialect::openai::Reading;
use crate::transcript::Exchange;

/// An exchange and, from the first question on, its reading.
pub struct Seen {
    /// What happened.
    pub exchange: Exchange,
    reading: OnceLock<Reading>,
    frame_ends: OnceLock<Vec<usize>>,
}

impl Seen {
    /// An exchange that was not read yet.
    pub const fn new(exchange: Exchange) -> Self {
        Self { exchange, reading: OnceLock::new(), frame_ends: OnceLock::new() }
    }

    /// Its reading, made once.
    pub fn reading(&self) -> &Reading {
        self.reading.get_or_init(|| Reading::of(&self.exchange))
    }

    /// Where in the body each frame ends. Every event asks for its frame, so a search through the
    /// frames for each would be quadratic.
    pub(super) fn frame_ends(&self) -> &[usize] {
        self.frame_ends.get_or_init(|| {
            let lengths = self.exchange.frames.iter().map(|frame| frame.bytes.len());
            lengths
                .scan(0, |end, len| {
                    *end += len;
                    Some(*end)
                })
                .collect()
        })
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("exchange", &self.exchange.id).finish_non_exhaustive()
    }
}

/// The exchanges of a case so far, and the values that queries may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The steps in order.
    pub steps: &'a [StepSeen<'a>],
    /// The step that is judged, as an index into `steps`.
    pub current: usize,
    /// Which of its parallel copies a query without `all.` speaks of.
    pub copy: usize,
    /// Captured values, for `var.<name>`.
    pub vars: &'a BTreeMap<String, Value>,
    /// The profile's limits, where a rule has no setting of its own: `max_gap_s`,
    /// `close_after_done_s`.
    pub limits: &'a BTreeMap<String, Value>,
}

/// One step's exchanges.
#[derive(Clone, Debug)]
pub struct StepSeen<'a> {
    /// The step's name.
    pub name: &'a str,
    /// One, or as many as ran in parallel.
    pub copies: Vec<&'a Seen>,
}

impl<'a> Scene<'a> {
    /// The exchange that a stream rule is about.
    pub(super) fn seen(&self) -> Option<&'a Seen> {
        self.steps.get(self.current)?.copies.get(self.copy).copied()
    }

    /// The last step of this name that has run.
    pub(super) fn step(&self, name: &str) -> Option<&'a StepSeen<'a>> {
        self.steps.iter().rev().find(|step| step.name == name)
    }
}
