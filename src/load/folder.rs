//! The folder of a run's record.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use serde::Serialize;

use super::driver::LoadError;
use super::intervals::Intervals;
use crate::record::load::{HISTOGRAMS, LoadReport, REPORT, REQUESTS, START, Start};
use crate::units::Nanos;

/// Where requests are written to.
pub(super) struct Out {
    pub(super) requests: Box<dyn io::Write + Send>,
    pub(super) log: Option<Intervals>,
}

impl Out {
    /// A folder of its own for a new run.
    pub(super) fn file(folder: &Path, start: &Start) -> Result<Self, LoadError> {
        let failed = |source| LoadError::Record { path: folder.to_owned(), source };
        if [REPORT, REQUESTS, START].iter().any(|name| folder.join(name).exists()) {
            return Err(failed(io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        fs::create_dir_all(folder).map_err(failed)?;
        write_whole(folder, START, start).map_err(failed)?;
        let create = |name: &str| File::create_new(folder.join(name)).map_err(failed);
        let requests = BufWriter::with_capacity(1 << 16, create(REQUESTS)?);
        let log = BufWriter::new(create(HISTOGRAMS)?);
        let started = start.parts.first().map(|part| part.started).unwrap_or_default();
        let log = Intervals::begin(Box::new(log), started).map_err(failed)?;
        Ok(Self { requests: Box::new(requests), log: Some(log) })
    }

    /// The folder of an earlier run, to go on with at `from`.
    pub(super) fn again(folder: &Path, start: &Start, from: Nanos) -> io::Result<Self> {
        // From here on the old report says less than the folder holds.
        match fs::remove_file(folder.join(REPORT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => write_whole(folder, START, start)?,
        }
        let open = |name: &str| File::options().append(true).create(true).open(folder.join(name));
        let requests = BufWriter::with_capacity(1 << 16, open(REQUESTS)?);
        let log = Intervals::resume(Box::new(BufWriter::new(open(HISTOGRAMS)?)), from);
        Ok(Self { requests: Box::new(requests), log: Some(log) })
    }
}

/// Writes the report.
pub(super) fn keep(folder: &Path, report: &LoadReport) -> io::Result<()> {
    write_whole(folder, REPORT, report)
}

/// Writes a file whole or not at all.
fn write_whole(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    let part = folder.join(format!("{name}.part"));
    let mut text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    text.push('\n');
    fs::write(&part, text)?;
    fs::rename(&part, folder.join(name))
}
