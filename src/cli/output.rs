//! Writing to stdout and to files, with nothing lost and nothing half written.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use chrono::DateTime;
use secrecy::{ExposeSecret as _, SecretString};

use super::exit::Exit;
use super::failure::Failure;
use crate::leak::{self, Finding, Kind};

/// Writes to stdout. A closed pipe (`… | head`) is the reader's choice, and no failure.
pub(super) fn stdout(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Unwritten, format!("stdout could not be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a secret to stdout, alone on its line: what was asked for, and nothing else does.
pub(super) fn secret(secret: &SecretString) -> Result<(), Failure> {
    stdout(&format!("{}\n", secret.expose_secret()))
}

/// Writes a note to stderr.
pub(super) fn note(text: &str) {
    // A note that cannot be shown is not worth failing for.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes a whole file. A regular file is written beside its place and renamed there, so that no
/// reader ever sees half; a link is followed to the file it means; a pipe or a device is written to.
/// What would hold a bearer token is not written: masks are made from known secrets, and an endpoint
/// may answer with somebody else's.
pub(super) fn file(path: &Path, contents: &str) -> Result<(), Failure> {
    if let Some(leak) = token_in(contents) {
        return Err(Failure::new(
            Exit::Unwritten,
            format!(
                "`{}` was not written: its line {} would hold {}",
                path.display(),
                leak.line,
                leak.kind.title()
            ),
        )
        .hint("an answer of the endpoint holds it, and it is not a key of this run's"));
    }
    let written = Way::to(path).and_then(|way| match way {
        Way::Beside(beside) => beside.write(contents),
        Way::Straight { path, .. } => append(&path)?.write_all(contents.as_bytes()),
    });
    written.map_err(|error| {
        unwritten(path, &error)
            .hint("name a file in a folder that exists and that you may write to")
    })
}

/// The first bearer token in a text.
fn token_in(text: &str) -> Option<Finding> {
    let mut first = None;
    // Whether it has expired does not matter here.
    leak::scan(&mut text.as_bytes(), DateTime::UNIX_EPOCH, &mut |finding| {
        let is_token =
            matches!(finding.kind, Kind::SagemakerToken | Kind::BedrockToken | Kind::PresignedUrl);
        if is_token && first.is_none() {
            first = Some(finding);
        }
    });
    first
}

/// Fails early if `path` could not be written later: before traffic is spent on a report that
/// cannot be kept. It goes the way that [`file`] will go, and leaves nothing behind but folders.
pub(super) fn probe(path: &Path) -> Result<(), Failure> {
    let tried = Way::to(path).and_then(|way| match way {
        Way::Beside(beside) => beside.probe(),
        // Opening a pipe would wait for its reader, and closing it would tell the reader the end.
        Way::Straight { is_pipe: true, .. } => Ok(()),
        Way::Straight { path, .. } => append(&path).map(drop),
    });
    tried.map_err(|error| {
        unwritten(path, &error)
            .hint("name a file in a folder that you may write to; nothing was sent")
    })
}

/// What is written when something is written to `path`: two paths with the same answer are one file.
pub(super) fn identity(path: &Path) -> PathBuf {
    let real = match Way::to(path) {
        Ok(Way::Beside(beside)) => beside.real,
        Ok(Way::Straight { path, .. }) => path,
        Err(_) => path.to_owned(),
    };
    let real = std::path::absolute(&real).unwrap_or(real);
    let folder = real.parent().and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, real.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => real,
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Unwritten, format!("`{}` could not be written: {error}", path.display()))
}

/// How a path is written.
enum Way {
    /// A regular file, or nothing yet.
    Beside(Beside),
    /// A pipe, a device, or something that the process already has open: it is there to be written
    /// to, and a file renamed over it would destroy it.
    Straight { path: PathBuf, is_pipe: bool },
}

/// More links than a system follows.
const LINKS_MAX: usize = 40;

impl Way {
    fn to(path: &Path) -> io::Result<Self> {
        let mut real = path.to_owned();
        for _ in 0..LINKS_MAX {
            // The system's own links, such as `/dev/stdout`, mean what a process has open, and that
            // may be a regular file.
            let systems = real.starts_with("/dev") || real.starts_with("/proc");
            match fs::symlink_metadata(&real) {
                Ok(found) if systems && (found.is_symlink() || real.starts_with("/dev/fd")) => {
                    return Ok(Self::straight(path));
                }
                Ok(found) if found.is_symlink() => {
                    let next = fs::read_link(&real)?;
                    real = real.parent().unwrap_or(Path::new("")).join(next);
                }
                Ok(found) if found.is_dir() => {
                    return Err(io::Error::new(
                        ErrorKind::IsADirectory,
                        "it is a folder, and a report is a file",
                    ));
                }
                Ok(found) if found.is_file() => {
                    return Ok(Self::Beside(Beside { real, before: Some(found) }));
                }
                Ok(_) => return Ok(Self::straight(path)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Ok(Self::Beside(Beside { real, before: None }));
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("too many links"))
    }

    fn straight(path: &Path) -> Self {
        let is_pipe = fs::metadata(path).is_ok_and(|found| is_pipe(&found));
        Self::Straight { path: path.to_owned(), is_pipe }
    }
}

#[cfg(unix)]
fn is_pipe(found: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&found.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}

/// Opens what is there. What stands in it already, such as what the shell wrote before, stays.
fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).open(path)
}

/// A regular file that takes the place of the one that is there.
struct Beside {
    real: PathBuf,
    /// The file that is there.
    before: Option<Metadata>,
}

impl Beside {
    /// Makes the file beside, under a name that nobody has.
    fn part(&self) -> io::Result<(PathBuf, File)> {
        let folder = self.real.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder)?;
        }
        for number in 0.. {
            let mut name = self.real.file_name().unwrap_or_default().to_os_string();
            name.push(format!(".{}-{number}.part", std::process::id()));
            let part = self.real.with_file_name(name);
            match OpenOptions::new().write(true).create_new(true).open(&part) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 100 => {}
                opened => return opened.map(|file| (part, file)),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    fn probe(&self) -> io::Result<()> {
        if self.before.is_some() {
            // Whoever may not write it may not replace it either, even if the folder is theirs.
            append(&self.real)?;
        }
        let (part, file) = self.part()?;
        drop(file);
        fs::remove_file(part)
    }

    fn write(&self, contents: &str) -> io::Result<()> {
        let (part, mut file) = self.part()?;
        let written = file.write_all(contents.as_bytes()).and_then(|()| {
            if let Some(before) = &self.before {
                file.set_permissions(before.permissions())?;
            }
            drop(file);
            match fs::rename(&part, &self.real) {
                // A file that is mounted by itself can be written, and not replaced.
                Err(_) if self.before.is_some() => {
                    fs::write(&self.real, contents)?;
                    fs::remove_file(&part)
                }
                renamed => renamed,
            }
        });
        if written.is_err() {
            // The error is what matters; a leftover part harms nobody.
            let _ = fs::remove_file(&part);
        }
        written
    }
}
