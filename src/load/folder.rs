//! The folder of a run's record.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use chrono::{DateTime, Utc};

use super::driver::LoadError;
use super::intervals::Intervals;
use crate::record::load::{HISTOGRAMS, LoadReport, REPORT, REQUESTS};

/// Where requests are written to.
pub(super) struct Out {
    pub(super) requests: Box<dyn io::Write + Send>,
    pub(super) log: Option<Intervals>,
}

impl Out {
    pub(super) fn file(folder: &Path, started: DateTime<Utc>) -> Result<Self, LoadError> {
        let failed = |source| LoadError::Record { path: folder.to_owned(), source };
        if folder.join(REPORT).exists() || folder.join(REQUESTS).exists() {
            return Err(failed(io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        fs::create_dir_all(folder).map_err(failed)?;
        let create = |name: &str| File::create_new(folder.join(name)).map_err(failed);
        let requests = BufWriter::with_capacity(1 << 16, create(REQUESTS)?);
        let log = BufWriter::new(create(HISTOGRAMS)?);
        let log = Intervals::begin(Box::new(log), started).map_err(failed)?;
        Ok(Self { requests: Box::new(requests), log: Some(log) })
    }
}

/// Writes the report, whole or not at all.
pub(super) fn keep(folder: &Path, report: &LoadReport) -> io::Result<()> {
    let part = folder.join(format!("{REPORT}.part"));
    let mut text = serde_json::to_string_pretty(report).map_err(io::Error::other)?;
    text.push('\n');
    fs::write(&part, text)?;
    fs::rename(&part, folder.join(REPORT))?;
    Ok(())
}
