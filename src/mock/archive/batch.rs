//! A batch: lines that are worked off one after the other, in their own time.

use serde_json::{Value, json};

use super::File;
use crate::mock::render::{EPOCH, unique};
use crate::units::Nanos;

/// What looking through the input takes, and what writing the results does.
const CHECKING: Nanos = Nanos::from_millis(4);
const FILING: Nanos = Nanos::from_millis(4);
/// From the order to stop until nothing runs any more.
const STOPPING: Nanos = Nanos::from_millis(20);
/// `24h`, in seconds.
const WINDOW_SECONDS: u64 = 86_400;

/// A batch and how far it has come.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) id: String,
    /// The request that made it.
    pub(crate) number: u64,
    pub(crate) seed: u64,
    pub(crate) input: String,
    pub(crate) endpoint: String,
    pub(crate) window: String,
    pub(crate) metadata: Value,
    /// When it was made, on the pacer's clock.
    pub(crate) start: Nanos,
    pub(crate) lines: Vec<Line>,
    /// What is wrong with its input; such a batch fails as a whole.
    pub(crate) errors: Vec<Value>,
    pub(crate) stopped: Option<Nanos>,
    pub(crate) filed: bool,
}

/// The result of one line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// How long it takes.
    pub(crate) takes: Nanos,
    pub(crate) ok: bool,
    pub(crate) result: Value,
}

impl Batch {
    /// Lines that are done by then.
    fn done(&self, now: Nanos) -> &[Line] {
        let until = self.stopped.map_or(now, |stopped| now.min(stopped));
        let mut due = self.start + CHECKING;
        let count = self
            .lines
            .iter()
            .take_while(|line| {
                due = due + line.takes;
                due <= until
            })
            .count();
        self.lines.get(..count).unwrap_or_default()
    }

    fn worked_off(&self) -> Nanos {
        self.lines.iter().fold(self.start + CHECKING, |sum, line| sum + line.takes)
    }

    /// Its status at a time.
    pub(crate) fn status(&self, now: Nanos) -> &'static str {
        let checked = self.start + CHECKING;
        if now < checked && self.stopped.is_none() {
            "validating"
        } else if !self.errors.is_empty() {
            "failed"
        } else if let Some(stopped) = self.stopped {
            if now < stopped + STOPPING { "cancelling" } else { "cancelled" }
        } else if now < self.worked_off() {
            "in_progress"
        } else if now < self.worked_off() + FILING {
            "finalizing"
        } else {
            "completed"
        }
    }

    /// Stops it; `false` if it is over.
    pub(crate) fn stop(&mut self, now: Nanos) -> bool {
        let runs = matches!(self.status(now), "validating" | "in_progress" | "finalizing");
        if runs {
            self.stopped = Some(now);
        }
        runs || self.status(now) == "cancelling"
    }

    fn file_id(&self, kind: &str) -> String {
        format!("file-{}{kind}", unique(self.seed, self.number, 21))
    }

    fn lines(&self, now: Nanos, ok: bool) -> String {
        let lines = self.done(now).iter().filter(|line| line.ok == ok);
        lines.fold(String::new(), |text, line| text + &line.result.to_string() + "\n")
    }

    /// The files it leaves, once.
    pub(super) fn results(&mut self, now: Nanos) -> Vec<File> {
        if self.filed || !matches!(self.status(now), "completed" | "cancelled") {
            return Vec::new();
        }
        self.filed = true;
        [("out", true), ("err", false)]
            .into_iter()
            .filter_map(|(kind, ok)| {
                let text = self.lines(now, ok);
                (!text.is_empty()).then(|| File {
                    id: self.file_id(kind),
                    number: self.number,
                    name: format!("{}_{}.jsonl", self.id, if ok { "output" } else { "error" }),
                    purpose: "batch_output".to_owned(),
                    bytes: text.into(),
                })
            })
            .collect()
    }

    /// As the API shows it at a time.
    pub(crate) fn object(&self, now: Nanos) -> Value {
        let status = self.status(now);
        let created = EPOCH + self.number;
        let at = |time: Nanos| created + time.0.saturating_sub(self.start.0) / 1_000_000_000;
        let over = matches!(status, "completed" | "cancelled");
        let file = |kind, ok| (over && !self.lines(now, ok).is_empty()).then(|| self.file_id(kind));
        let worked_off = self.worked_off();
        let errors = (status == "failed").then(|| json!({"object": "list", "data": self.errors}));
        let (done, started) = (self.done(now), status != "validating" && status != "failed");
        let completed = done.iter().filter(|line| line.ok).count();
        json!({
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": errors,
            "input_file_id": self.input,
            "completion_window": self.window,
            "status": status,
            "output_file_id": file("out", true),
            "error_file_id": file("err", false),
            "created_at": created,
            "in_progress_at": started.then(|| at(self.start + CHECKING)),
            "expires_at": created + WINDOW_SECONDS,
            "finalizing_at": matches!(status, "finalizing" | "completed").then(|| at(worked_off)),
            "completed_at": (status == "completed").then(|| at(worked_off + FILING)),
            "failed_at": (status == "failed").then(|| at(self.start + CHECKING)),
            "expired_at": null,
            "cancelling_at": self.stopped.map(at),
            "cancelled_at": (status == "cancelled").then(|| self.stopped.map(|stopped| at(stopped + STOPPING))),
            "request_counts": {
                "total": if status == "validating" || status == "failed" { 0 } else { self.lines.len() },
                "completed": completed,
                "failed": done.len() - completed,
            },
            "metadata": self.metadata,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        let line = |ok| Line { takes: Nanos::from_millis(10), ok, result: json!({"ok": ok}) };
        Batch {
            id: "batch_1".to_owned(),
            number: 1,
            seed: 0,
            input: "file-1".to_owned(),
            endpoint: "/v1/chat/completions".to_owned(),
            window: "24h".to_owned(),
            metadata: Value::Null,
            start: Nanos::from_millis(100),
            lines: vec![line(true), line(false), line(true)],
            errors: Vec::new(),
            stopped: None,
            filed: false,
        }
    }

    #[test]
    fn a_batch_goes_its_way_line_by_line() {
        let batch = batch();
        let seen = |ms| {
            let body = batch.object(Nanos::from_millis(ms));
            (batch.status(Nanos::from_millis(ms)), body["request_counts"].clone())
        };
        assert_eq!(seen(100).0, "validating");
        assert_eq!(seen(125), ("in_progress", json!({"total": 3, "completed": 1, "failed": 1})));
        assert_eq!(seen(135).0, "finalizing");
        assert_eq!(seen(140), ("completed", json!({"total": 3, "completed": 2, "failed": 1})));
    }

    #[test]
    fn a_stopped_batch_keeps_what_was_done_and_can_be_stopped_only_once_over() {
        let mut batch = batch();

        assert!(batch.stop(Nanos::from_millis(115)));

        assert_eq!(batch.status(Nanos::from_millis(120)), "cancelling");
        let files = batch.results(Nanos::from_millis(200));
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].bytes, "{\"ok\":true}\n");
        assert!(!batch.stop(Nanos::from_millis(200)));
    }
}
