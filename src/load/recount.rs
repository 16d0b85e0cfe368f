//! A run counted again from what it left on disk: for a report of one that was killed, and to go on
//! with one that was interrupted.
//!
//! What was measured of a request is in its line, but for the times of each chunk: `icl`, `itl` and
//! `tpot` come from the interval log, and between the first and the last token the timeline spreads
//! events evenly.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Cursor, ErrorKind};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use super::call::{Due, Finished};
use super::fluidity::Flow;
use super::ledger::{Ledger, Terms};
use super::meter::Name;
use super::note::histogram;
use super::ruling::Ruling;
use super::source::Stages;
use super::tokens::Facts;
use crate::plan::{Marks, Stop};
use crate::record::load::{Break, HISTOGRAMS, REQUESTS, RequestLine, START, Stage, Start};
use crate::transcript::{BodyFraming, End};
use crate::units::Nanos;

/// The class of a request that was in flight when its run ended.
pub(super) const UNFINISHED: &str = "unfinished";

/// What a run left.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) start: Start,
    lines: Vec<RequestLine>,
    measured: BTreeMap<String, Histogram<u64>>,
    /// The load's time up to which there is anything.
    pub(super) until: Nanos,
    /// Bytes of the two files up to their last whole line.
    whole: (u64, u64),
}

/// A run as far as it went.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) ledger: Ledger,
    /// Measured requests that were started and did not get lost.
    pub(super) measured: u64,
    /// No request had this number, or a higher one.
    pub(super) next: u64,
    pub(super) in_flight_max: u64,
    /// What was in flight at the end of each part but the last, by the number of the next one.
    pub(super) lost: BTreeMap<usize, u64>,
}

impl Left {
    /// Reads a folder.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let start: Start = serde_json::from_slice(&fs::read(folder.join(START))?)?;
        let text = whole_lines(&folder.join(REQUESTS))?;
        let mut lines = Vec::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let line: RequestLine = serde_json::from_slice(line).map_err(|error| {
                let why = format!("{REQUESTS}, line {}: {error}", index + 1);
                io::Error::new(ErrorKind::InvalidData, why)
            })?;
            lines.push(line);
        }
        let log = whole_lines(&folder.join(HISTOGRAMS))?;
        let measured = histograms(&log)?;
        // The log's own times are when the clerk counted, which is later than what it counted.
        let seen = lines.iter().map(|line| nanos(line.end_ms.max(line.due_ms))).max();
        let until = seen.unwrap_or_default();
        let whole = (text.len() as u64, log.len() as u64);
        Ok(Self { start, lines, measured, until, whole })
    }

    /// How many requests are on record.
    pub(super) fn requests(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Cuts off what a kill left half written, so that the files can be gone on with.
    pub(super) fn mend(&self, folder: &Path) -> io::Result<()> {
        for (name, length) in [(REQUESTS, self.whole.0), (HISTOGRAMS, self.whole.1)] {
            File::options().write(true).open(folder.join(name))?.set_len(length)?;
        }
        Ok(())
    }

    /// Counts it again. `goes_on`: what was in flight at its end is not held against the server, as
    /// what was in flight when an earlier part of it ended never is.
    pub(super) fn count(self, terms: &Terms<'_>, goes_on: bool) -> Past {
        let never = Stop::default();
        let terms = Terms { stop: &never, ..*terms };
        let mut ledger = Ledger::new();
        let mut flight = Vec::new();
        let mut lost = BTreeMap::<usize, u64>::new();
        let (mut measured, mut next) = (0, 0);
        for (index, line) in self.lines.iter().enumerate() {
            next = next.max(line.number + 1);
            let class = line.class.as_deref();
            let part = self.part(index, goes_on);
            if let (Some(part), Some(UNFINISHED)) = (part, class) {
                *lost.entry(part).or_default() += 1;
                continue;
            }
            measured += u64::from(line.stage == Stage::Measured);
            if class == Some("shed") {
                ledger.shed(&due(line));
                continue;
            }
            let finished = finished(line, &terms.stages);
            flight.push((finished.started, finished.ended));
            if let Some(started) = line.started_ms.filter(|_| line.stage == Stage::Measured) {
                ledger.meter.record(Name::StartLag, nanos(started - line.due_ms));
            }
            ledger.count(&terms, &finished, &ruling(line), false);
            if line.status == Some(429) {
                ledger.rate_limited(&finished.due, line.retry_after_s);
            }
            if let Some(missed) = line.deadlines_missed {
                let tokens = line.usage.map_or(line.token_events.into(), |usage| usage.reply);
                let flow = Flow { deadlines: tokens.max(missed), missed };
                ledger.flow(&finished.due, flow);
            }
        }
        self.measured(&mut ledger);
        let in_flight_max = fly(&mut ledger, &flight);
        Past { ledger, measured, next, in_flight_max, lost }
    }

    /// The part after the one in which a line was written, if there is one.
    fn part(&self, index: usize, goes_on: bool) -> Option<usize> {
        let parts = &self.start.parts;
        let next = parts.iter().position(|part| index < usize::try_from(part.lines).unwrap_or(0));
        next.or_else(|| goes_on.then_some(parts.len()))
    }

    /// What only the interval log knows.
    fn measured(&self, ledger: &mut Ledger) {
        for name in [Name::Icl, Name::Itl, Name::Tpot] {
            let logged = self.measured.get(name.as_str()).cloned();
            ledger.meter.replace(name, logged.unwrap_or_else(histogram));
        }
        // It is in the log already.
        for (_, second) in ledger.meter.second() {
            second.reset();
        }
    }
}

/// The interruptions of a run, with what was lost before each part.
pub(super) fn breaks(start: &Start, lost: &BTreeMap<usize, u64>) -> Vec<Break> {
    let parts = start.parts.iter();
    let pairs = parts.clone().zip(parts.skip(1)).enumerate();
    pairs
        .map(|(index, (before, part))| {
            let ran_ms = part.from_ms - before.from_ms;
            let span = (part.started - before.started).to_std().unwrap_or_default();
            Break {
                at_ms: part.from_ms,
                lasted_s: (span.as_secs_f64() - ran_ms / 1e3).max(0.0),
                lost: lost.get(&(index + 1)).copied().unwrap_or(0),
            }
        })
        .collect()
}

/// The file up to its last line end; nothing where there is no file.
fn whole_lines(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    let end = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    bytes.truncate(end);
    Ok(bytes)
}

/// The sum of an interval log by tag.
fn histograms(log: &[u8]) -> io::Result<BTreeMap<String, Histogram<u64>>> {
    let invalid = |what: String| io::Error::new(ErrorKind::InvalidData, what);
    let mut sums = BTreeMap::<String, Histogram<u64>>::new();
    let mut deserializer = Deserializer::new();
    for entry in IntervalLogIterator::new(log) {
        let entry = entry.map_err(|error| invalid(format!("{HISTOGRAMS}: {error:?}")))?;
        let LogEntry::Interval(interval) = entry else { continue };
        let Some(tag) = interval.tag() else { continue };
        let bytes = STANDARD
            .decode(interval.encoded_histogram())
            .map_err(|error| invalid(format!("{HISTOGRAMS}: {error}")))?;
        let read: Histogram<u64> = deserializer
            .deserialize(&mut Cursor::new(bytes))
            .map_err(|error| invalid(format!("{HISTOGRAMS}: {error}")))?;
        let sum = sums.entry(tag.as_str().to_owned()).or_insert_with(histogram);
        sum.add(&read).map_err(|error| invalid(format!("{HISTOGRAMS}: {error}")))?;
    }
    Ok(sums)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a negative or endless time becomes the nearest one there is"
)]
fn nanos(ms: f64) -> Nanos {
    Nanos((ms * 1e3).round() as u64 * 1_000)
}

fn due(line: &RequestLine) -> Due {
    Due {
        number: line.number,
        turn: line.turn.unwrap_or(0),
        user: None,
        stage: line.stage,
        at: nanos(line.due_ms),
        ready: None,
    }
}

fn ruling(line: &RequestLine) -> Ruling {
    Ruling {
        class: line.class.clone(),
        why: line.why.clone(),
        usage: line.usage,
        finish: line.finish.clone(),
        others: line.others,
        reply: None,
        items: None,
    }
}

fn finished(line: &RequestLine, stages: &Stages) -> Finished {
    let ended = nanos(line.end_ms);
    let started = line.started_ms.or(line.sent_ms).map_or(ended, nanos);
    Finished {
        due: due(line),
        workload: line.workload,
        reply_tokens: None,
        marks: Marks::default(),
        started,
        connect: line.connect_ms.map(nanos),
        sent: line.sent_ms.map(nanos),
        headers: line.headers_ms.map(nanos),
        ended,
        end: End::Complete,
        head: None,
        framing: BodyFraming::default(),
        body: Vec::new(),
        facts: facts(line, stages),
        resent: line.resent,
    }
}

/// When its tokens came, as far as the line says.
fn facts(line: &RequestLine, stages: &Stages) -> Facts {
    let mut facts = Facts::new((stages.warm, stages.window));
    facts.first_event = line.first_event_ms.map(nanos);
    facts.first_token = line.first_token_ms.map(nanos);
    facts.first_visible = line.first_visible_ms.map(nanos);
    facts.last_token = line.last_token_ms.map(nanos);
    facts.token_events = line.token_events;
    facts.events = line.token_events;
    facts.coalesced = line.coalesced;
    let (Some(first), Some(last)) = (facts.first_token, facts.last_token) else { return facts };
    let gaps = u64::from(line.token_events.saturating_sub(1));
    let whole_us = last.since(first).0 / 1_000;
    let longest_us = line.gap_max_ms.map_or(0, |ms| nanos(ms).0 / 1_000).min(whole_us);
    let each_us = (whole_us - longest_us).checked_div(gaps.saturating_sub(1)).unwrap_or(0);
    let mut at = first;
    let inside = |at: Nanos| u32::from(stages.warm <= at && at < stages.window);
    facts.token_events_in_window = inside(at);
    for gap in 0..gaps {
        let gap_us = if gap == 0 { longest_us } else { each_us };
        facts.gaps_us.push(u32::try_from(gap_us).unwrap_or(u32::MAX));
        at = at + Nanos(gap_us * 1_000);
        facts.token_events_in_window += inside(at);
    }
    facts
}

/// Fills in how many were in flight in each second. Returns the most there were at once.
fn fly(ledger: &mut Ledger, flight: &[(Nanos, Nanos)]) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let mut turns = Vec::with_capacity(flight.len() * 2);
    for (started, ended) in flight {
        turns.push((*started, 1_i64));
        turns.push((*ended, -1));
    }
    // Who ends as another starts makes room first.
    turns.sort_unstable();
    let (mut now, mut most, mut since) = (0_i64, 0_i64, 0_u64);
    for (Nanos(at), turn) in turns {
        while since < at {
            let end = at.min((since / SECOND + 1) * SECOND);
            #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 are in flight")]
            let share = now as f64 * Nanos(end - since).as_secs_f64();
            if now > 0 {
                ledger.second(Nanos(since)).in_flight += share;
            }
            since = end;
        }
        now += turn;
        most = most.max(now);
    }
    u64::try_from(most).unwrap_or(0)
}
