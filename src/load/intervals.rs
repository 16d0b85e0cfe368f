//! The interval log: what each second measured, in the standard format of `HdrHistogram`.
//!
//! Other tools read it (`HistogramLogAnalyzer`, `hdr-plot`), and a run that is killed has lost its last
//! second at most. Values are microseconds from the actual send; the tag is the metric's name.

use std::io::{self, Write};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::units::Nanos;

/// An interval log being written.
pub(super) struct Intervals {
    out: Box<dyn Write + Send>,
    serializer: V2DeflateSerializer,
    /// The start of the interval.
    since: Nanos,
}

impl Intervals {
    /// A log whose times count from `started`.
    pub(super) fn begin(
        mut out: Box<dyn Write + Send>,
        started: DateTime<Utc>,
    ) -> io::Result<Self> {
        let mut serializer = V2DeflateSerializer::new();
        let started = SystemTime::from(started);
        IntervalLogWriterBuilder::new()
            .add_comment("proofhouse load; microseconds; the tag is the metric")
            .with_start_time(started)
            .with_base_time(started)
            .begin_log_with(&mut out, &mut serializer)?;
        Ok(Self { out, serializer, since: Nanos(0) })
    }

    /// A log that was begun before, to go on with at `since`.
    pub(super) fn resume(out: Box<dyn Write + Send>, since: Nanos) -> Self {
        Self { out, serializer: V2DeflateSerializer::new(), since }
    }

    /// Writes what was measured up to `until`, and empties it.
    pub(super) fn write<'h>(
        &mut self,
        until: Nanos,
        measured: impl Iterator<Item = (&'static str, &'h mut Histogram<u64>)>,
    ) -> io::Result<()> {
        let (since, span) = (self.since, until.since(self.since));
        // Without headers a writer begins nothing: it goes on where the last one stopped.
        let mut log =
            IntervalLogWriterBuilder::new().begin_log_with(&mut self.out, &mut self.serializer)?;
        for (name, histogram) in measured.filter(|(_, histogram)| !histogram.is_empty()) {
            log.write_histogram(histogram, since.into(), span.into(), Tag::new(name))
                .map_err(|error| io::Error::other(error.to_string()))?;
            histogram.reset();
        }
        self.since = until;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_second_is_an_interval_that_other_tools_read() {
        let kept = Kept::default();
        let started = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let mut log = Intervals::begin(Box::new(kept.clone()), started).unwrap();
        let mut ttft = Histogram::new_with_bounds(1, 1_000_000, 3).unwrap();
        let mut icl = ttft.clone();
        for second in 1..=2 {
            ttft.record(50_000).unwrap();
            let all = [("ttft", &mut ttft), ("icl", &mut icl)];
            log.write(Nanos::from_millis(1_000 * second), all.into_iter()).unwrap();
        }

        let bytes = kept.0.lock().unwrap().clone();
        let entries: Vec<_> = IntervalLogIterator::new(&bytes).map(Result::unwrap).collect();
        let intervals: Vec<_> = entries
            .iter()
            .filter_map(|entry| match entry {
                LogEntry::Interval(one) => {
                    Some((one.tag().unwrap().as_str(), one.start_timestamp().as_secs()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(intervals, [("ttft", 0), ("ttft", 1)]);
    }
}
