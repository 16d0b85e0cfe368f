//! `proofhouse scan`: leaked tokens in logs, told without showing them.

mod sarif;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;

use super::list::pretty;
use crate::cli::args::{ScanArgs, ScanFormat};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::clock::Clock;
use crate::leak::{self, Finding, State};
use crate::text;

/// A finding and the file it is in.
#[derive(Debug, Serialize)]
struct Located {
    file: String,
    #[serde(flatten)]
    finding: Finding,
}

/// A file that was not searched, or not to its end.
#[derive(Debug, Serialize)]
struct Unread {
    file: String,
    why: String,
}

#[derive(Debug, Default)]
struct Searched {
    findings: Vec<Located>,
    unread: Vec<Unread>,
    files: usize,
    bytes: u64,
}

pub(super) fn run(args: &ScanArgs) -> Result<Exit, Failure> {
    let clock = args.frozen_clock.map_or_else(Clock::system, Clock::by_hand);
    let mut searched = Searched::default();
    for path in &args.paths {
        if path.as_os_str() == "-" {
            searched.stream("-", io::stdin().lock(), clock.wall());
            continue;
        }
        if !path.exists() {
            return Err(Failure::usage(format!("`{}` does not exist", path.display())));
        }
        let mut files = Vec::new();
        searched.walk(path, &mut files);
        files.sort();
        for file in files {
            let name = file.display().to_string();
            match File::open(&file) {
                Ok(opened) => searched.stream(&name, opened, clock.wall()),
                Err(error) => searched.unread(name, &error),
            }
        }
    }
    let text = match args.format {
        ScanFormat::Text => page(&searched),
        ScanFormat::Json => pretty(&json!({
            "findings": searched.findings,
            "unread": searched.unread,
            "files": searched.files,
            "bytes": searched.bytes,
        }))?,
        ScanFormat::Sarif => pretty(&sarif::report(&searched))?,
    };
    output::stdout(&text)?;
    Ok(match (searched.findings.is_empty(), searched.unread.is_empty()) {
        (false, _) => Exit::Broken,
        (true, false) => Exit::Inconclusive,
        (true, true) => Exit::Held,
    })
}

impl Searched {
    /// The files at and below `path`. Links below it are not followed: they may lead in circles.
    fn walk(&mut self, path: &Path, files: &mut Vec<PathBuf>) {
        if !path.is_dir() {
            files.push(path.to_owned());
            return;
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.unread(path.display().to_string(), &error),
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
                Ok((below, kind)) if kind.is_dir() => self.walk(&below, files),
                Ok((below, kind)) if kind.is_file() => files.push(below),
                Ok(_) => {}
                Err(error) => self.unread(path.display().to_string(), &error),
            }
        }
    }

    fn unread(&mut self, file: String, why: &dyn std::fmt::Display) {
        self.unread.push(Unread { file, why: why.to_string() });
    }

    fn stream(&mut self, name: &str, stream: impl Read, now: DateTime<Utc>) {
        self.files += 1;
        let mut stream = match leak::unpack(BufReader::with_capacity(1 << 18, stream)) {
            Ok(stream) => stream,
            Err(error) => return self.unread(name.to_owned(), &error),
        };
        let findings = &mut self.findings;
        let scanned = leak::scan(&mut *stream, now, &mut |finding| {
            findings.push(Located { file: name.to_owned(), finding });
        });
        self.bytes += scanned.bytes;
        if let Some(error) = scanned.broken {
            self.unread(name.to_owned(), &error);
        }
    }
}

/// `valid until 2026-11-20T10:00:00Z`.
fn state(finding: &Finding) -> String {
    let time = finding.expires.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
    match (finding.state, time) {
        (State::Valid, Some(time)) => format!("VALID until {time}"),
        (State::Expired, Some(time)) => format!("expired at {time}"),
        _ => "does not say whether it has expired".to_owned(),
    }
}

fn key(finding: &Finding) -> String {
    finding.key.as_ref().map_or(String::new(), |key| format!(", signed by the key …{key}"))
}

fn page(searched: &Searched) -> String {
    let mut lines = Vec::new();
    for Located { file, finding } in &searched.findings {
        let (title, state, key) = (finding.kind.title(), state(finding), key(finding));
        lines.push(format!(
            "{file}:{}: {title}, {state}{key} [{}]",
            finding.line, finding.fingerprint
        ));
    }
    for Unread { file, why } in &searched.unread {
        lines.push(format!("{file}: not read to its end: {why}"));
    }
    lines.push(format!(
        "{} in {}, {:.1} MB",
        text::plural(searched.findings.len(), "finding"),
        text::plural(searched.files, "file"),
        megabytes(searched.bytes),
    ));
    if searched.findings.iter().any(|located| located.finding.state == State::Valid) {
        lines.push(
            "A bearer token cannot be revoked alone: deny CallWithBearerToken, or sessions that began before (aws:TokenIssueTime), or deactivate the key."
                .to_owned(),
        );
    }
    lines.join("\n") + "\n"
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
