//! Writing a record, so that whatever happens next, what was written can be read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::{Doing, RecordError, RecordErrorKind};
use super::{EVENTS, EXCHANGES, RUN, RunEvent, RunMeta};
use crate::transcript::Exchange;

/// Writes a record into a directory.
///
/// Every line goes to the system in one write as soon as it is given, so a crash or Ctrl-C leaves
/// a readable prefix. Write an exchange before the case that quotes it.
#[derive(Debug)]
pub struct Writer {
    dir: PathBuf,
    events: Lines,
    exchanges: Lines,
}

impl Writer {
    /// Starts a record in `dir`, which is made if need be and must not hold a record yet.
    pub fn create(dir: impl Into<PathBuf>, meta: &RunMeta) -> Result<Self, RecordError> {
        let dir = dir.into();
        Self::vacant(&dir)?;
        Self::start(dir, meta)
    }

    /// Makes sure that `dir` holds no record yet, before anything is done for one.
    pub fn vacant(dir: &Path) -> Result<(), RecordError> {
        let run = dir.join(RUN);
        if !run.exists() {
            return Ok(());
        }
        let started = fs::read(&run)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<RunMeta>(&bytes).ok())
            .map_or_else(|| "unknown".to_owned(), |meta| meta.started.to_rfc3339());
        Err(error(dir.to_owned(), RecordErrorKind::Exists { started }))
    }

    /// Starts a record in `dir`, in the place of one that may be there.
    pub fn replace(dir: impl Into<PathBuf>, meta: &RunMeta) -> Result<Self, RecordError> {
        let dir = dir.into();
        for name in [RUN, EVENTS, EXCHANGES] {
            let path = dir.join(name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(error(path, source.into()));
                }
                _ => {}
            }
        }
        Self::start(dir, meta)
    }

    fn start(dir: PathBuf, meta: &RunMeta) -> Result<Self, RecordError> {
        fs::create_dir_all(&dir).map_err(|source| error(&dir, source.into()))?;
        let events = Lines::create(dir.join(EVENTS))?;
        let exchanges = Lines::create(dir.join(EXCHANGES))?;
        write_whole(&dir, meta)?;
        Ok(Self { dir, events, exchanges })
    }

    /// The record's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Appends an event.
    pub fn event(&mut self, event: &RunEvent) -> Result<(), RecordError> {
        self.events.append(event)
    }

    /// Appends an exchange. It must have been redacted.
    pub fn exchange(&mut self, exchange: &Exchange) -> Result<(), RecordError> {
        self.exchanges.append(exchange)
    }

    /// Ends the record: `meta` replaces what was written at the start, and says when it ended.
    pub fn finish(self, meta: &RunMeta) -> Result<(), RecordError> {
        self.events.sync()?;
        self.exchanges.sync()?;
        write_whole(&self.dir, meta)
    }
}

/// A file that grows by whole lines.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Lines {
    fn create(path: PathBuf) -> Result<Self, RecordError> {
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => Ok(Self { path, file, len: 0 }),
            Err(source) => Err(error(path, source.into())),
        }
    }

    fn append(&mut self, value: &impl Serialize) -> Result<(), RecordError> {
        let mut line = Vec::new();
        let written = serde_json::to_writer(&mut line, value).map_err(io::Error::from);
        line.push(b'\n');
        match written.and_then(|()| self.file.write_all(&line)) {
            Ok(()) => {
                self.len += line.len() as u64;
                Ok(())
            }
            Err(source) => {
                // Half a line in the middle would make the lines after it unreadable. If the
                // file cannot be cut back either, a half line at its end is still tolerated.
                let _ = self.file.set_len(self.len);
                let _ = io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.len));
                Err(error(&self.path, source.into()))
            }
        }
    }

    fn sync(&self) -> Result<(), RecordError> {
        self.file.sync_data().map_err(|source| error(&self.path, source.into()))
    }
}

/// Writes `run.json` beside its place and renames it, so that it is never half there.
fn write_whole(dir: &Path, meta: &RunMeta) -> Result<(), RecordError> {
    let path = dir.join(RUN);
    let draft = dir.join("run.json.tmp");
    let write = || -> io::Result<()> {
        let mut file = File::create(&draft)?;
        serde_json::to_writer_pretty(&mut file, meta)?;
        file.write_all(b"\n")?;
        file.sync_data()?;
        fs::rename(&draft, &path)
    };
    write().map_err(|source| error(&path, source.into()))
}

fn error(path: impl Into<PathBuf>, kind: RecordErrorKind) -> RecordError {
    RecordError { doing: Doing::Write, path: path.into(), line: None, kind }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::read;
    use crate::record::sample::{case, exchange, meta};
    use crate::verdict::Verdict;

    #[test]
    fn what_was_written_is_read_back_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(dir.path().join("run"), &meta()).unwrap();

        writer.exchange(&exchange("x1")).unwrap();
        writer.event(&RunEvent::Case(Box::new(case("a.b", Verdict::Fail)))).unwrap();
        let run = writer.dir().to_owned();
        writer.finish(&RunMeta { ended: Some(meta().started), ..meta() }).unwrap();

        let run = read(&run).unwrap();
        assert_eq!(run.targets[0].cases, [case("a.b", Verdict::Fail)]);
        assert_eq!(run.exchanges["x1"], exchange("x1"));
        assert!(!run.truncated);
    }

    #[test]
    fn every_line_is_on_disk_before_the_next_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(dir.path(), &meta()).unwrap();

        for count in 1..4 {
            writer
                .event(&RunEvent::Case(Box::new(case(&format!("a.c{count}"), Verdict::Pass))))
                .unwrap();

            let so_far = read(dir.path()).unwrap();
            assert_eq!(so_far.targets[0].cases.len(), count);
            assert!(so_far.truncated, "a run without its end must say so");
        }
    }

    #[test]
    fn a_record_is_never_written_over_unless_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        Writer::create(dir.path(), &meta()).unwrap();

        let refused = Writer::create(dir.path(), &meta()).unwrap_err();
        assert!(matches!(refused.kind, RecordErrorKind::Exists { .. }), "{refused}");

        let mut again = Writer::replace(dir.path(), &meta()).unwrap();
        again.event(&RunEvent::Case(Box::new(case("a.b", Verdict::Pass)))).unwrap();
        assert_eq!(read(dir.path()).unwrap().targets[0].cases.len(), 1);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("taken");
        fs::write(&file, "").unwrap();

        let refused = Writer::create(file.join("run"), &meta()).unwrap_err();
        assert!(refused.to_string().contains("taken"), "{refused}");
    }
}
