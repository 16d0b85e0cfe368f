//! What a truth server did, and when.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The times of more streams are not kept.
const STREAMS_MAX: usize = 200_000;
/// Tokens are counted by spans of this, from the first request on.
const SPAN_US: u64 = 10_000;
/// More spans are not told apart: an hour.
const SPANS_MAX: usize = 360_000;

/// One answer that was written whole. Spans are microseconds from when its request was read.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct TrueStream {
    /// Of the request's body.
    pub digest: u64,
    /// When its request was read, on the server's clock.
    pub asked_us: u64,
    /// Head and role written.
    pub opened_us: u64,
    /// First token written.
    pub first_us: u64,
    /// Last token written, and the end with it.
    pub last_us: u64,
    /// The longest gap between two writes of tokens.
    pub gap_max_us: u64,
    /// Tokens written.
    pub tokens: u32,
}

/// What happened since the last question, in microseconds. Pairs are the median and the 99th
/// percentile.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Told {
    /// Answers begun.
    pub asked: u64,
    /// The most that were open at once.
    pub open_max: u64,
    /// Tokens written.
    pub tokens: u64,
    /// From the request read to the first token written.
    pub ttft_us: [u64; 2],
    /// Between two tokens; those of one write are 1 apart.
    pub gap_us: [u64; 2],
    /// How late writes were.
    pub late_us: [u64; 2],
    /// Writes that waited for a reader.
    pub blocked: u64,
    /// When the first request was read, on the server's clock.
    pub first_asked_us: u64,
    /// Tokens written in each hundredth of a second from then on.
    pub tokens_by_10ms: Vec<u32>,
    /// Answers that were written whole, one by one.
    pub streams: Vec<TrueStream>,
}

/// Counts and times.
#[derive(Debug)]
pub(super) struct Books {
    ttft: Histogram<u64>,
    gap: Histogram<u64>,
    late: Histogram<u64>,
    told: Told,
    open: u64,
}

impl Books {
    pub(super) fn new() -> Self {
        let histogram =
            || Histogram::new_with_bounds(1, 600_000_000, 4).expect("the bounds are sound");
        Self {
            ttft: histogram(),
            gap: histogram(),
            late: histogram(),
            told: Told::default(),
            open: 0,
        }
    }

    /// What happened so far, as JSON; the books start anew.
    pub(super) fn told(&mut self) -> String {
        let pair = |h: &Histogram<u64>| [h.value_at_quantile(0.5), h.value_at_quantile(0.99)];
        let told = Told {
            ttft_us: pair(&self.ttft),
            gap_us: pair(&self.gap),
            late_us: pair(&self.late),
            ..std::mem::take(&mut self.told)
        };
        let open = self.open;
        *self = Self { open, ..Self::new() };
        serde_json::to_string(&told).unwrap_or_default() + "\n"
    }

    /// A request was read.
    pub(super) fn asked(&mut self, at_us: u64) {
        if self.told.asked == 0 {
            self.told.first_asked_us = at_us;
        }
        self.told.asked += 1;
        self.open += 1;
        self.told.open_max = self.told.open_max.max(self.open);
    }

    /// A connection is gone; `answering`: its answer was not whole.
    pub(super) fn left(&mut self, answering: bool) {
        self.open -= u64::from(answering);
    }

    pub(super) fn blocked(&mut self) {
        self.told.blocked += 1;
    }

    /// Tokens are written: so many at once, for the first time or so long after the ones before.
    pub(super) fn wrote(
        &mut self,
        at_us: u64,
        count: u32,
        first: Option<u64>,
        gap: Option<u64>,
        late: u64,
    ) {
        self.told.tokens += u64::from(count);
        self.late.saturating_record(late.max(1));
        if let Some(first) = first {
            self.ttft.saturating_record(first.max(1));
        }
        if let Some(gap) = gap {
            self.gap.saturating_record(gap.max(1));
        }
        if count > 1 {
            // Gaps inside one write are nothing; 1 is in the bounds.
            let _ = self.gap.record_n(1, u64::from(count - 1));
        }
        let span = at_us.saturating_sub(self.told.first_asked_us) / SPAN_US;
        let span = usize::try_from(span).unwrap_or(SPANS_MAX).min(SPANS_MAX);
        if self.told.tokens_by_10ms.len() <= span {
            self.told.tokens_by_10ms.resize(span + 1, 0);
        }
        if let Some(tokens) = self.told.tokens_by_10ms.get_mut(span) {
            *tokens += count;
        }
    }

    /// An answer is written whole.
    pub(super) fn ended(&mut self, stream: TrueStream) {
        self.open -= 1;
        if self.told.streams.len() < STREAMS_MAX {
            self.told.streams.push(stream);
        }
    }
}

/// FNV-1a of a request's body: by it a client finds its request among the server's.
pub fn digest(body: &[u8]) -> u64 {
    body.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
