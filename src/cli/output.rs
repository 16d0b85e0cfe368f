//! Writing to stdout and to files, with nothing lost and nothing half written.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::exit::Exit;
use super::failure::Failure;

/// Writes to stdout. A closed pipe (`… | head`) is the reader's choice, and no failure.
pub(super) fn stdout(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Unwritten, format!("stdout could not be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a note to stderr.
pub(super) fn note(text: &str) {
    // A note that cannot be shown is not worth failing for.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes a whole file beside its place and renames it there, so that no reader ever sees half.
pub(super) fn file(path: &Path, contents: &str) -> Result<(), Failure> {
    let fail = |error: std::io::Error| {
        Failure::new(Exit::Unwritten, format!("`{}` could not be written: {error}", path.display()))
            .hint("name a file in a folder that exists and that you may write to")
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, contents).map_err(fail)?;
    fs::rename(&part, path).map_err(fail)
}

/// Fails early if `path` could not be written later: before traffic is spent on a report that
/// cannot be kept.
pub(super) fn probe(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::new(
            Exit::Unwritten,
            format!("`{}` is a folder, and a report is a file", path.display()),
        ));
    }
    let existed = path.exists();
    let fail = |error: std::io::Error| {
        Failure::new(Exit::Unwritten, format!("`{}` could not be written: {error}", path.display()))
            .hint("name a file in a folder that you may write to; nothing was sent")
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    fs::OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
    if !existed {
        fs::remove_file(path).map_err(fail)?;
    }
    Ok(())
}
