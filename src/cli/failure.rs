//! Errors of the program, turned into text and an exit code. A verdict is not an error.

use std::fmt;
use std::io::Write as _;

use super::exit::Exit;
use super::settings::Settings;

/// Why a command could not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    /// A sentence fragment that fits after `error: `, or a rendered diagnostic.
    message: String,
    /// Whether `message` already starts with `error`.
    rendered: bool,
    /// What to do next.
    hints: Vec<String>,
}

impl Failure {
    /// A failure with this exit code.
    pub(super) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), rendered: false, hints: Vec::new() }
    }

    /// The command line or a file of the user's is wrong.
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A diagnostic that was rendered with its place in a file.
    pub(super) fn rendered(exit: Exit, message: String) -> Self {
        Self { exit, message, rendered: true, hints: Vec::new() }
    }

    /// An error with its causes, on one line.
    pub(super) fn from_error(exit: Exit, error: &dyn std::error::Error) -> Self {
        Self::new(exit, chain(error))
    }

    /// Adds a line on what to do next.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Writes it to stderr.
    pub(super) fn report(&self, settings: &Settings) -> Exit {
        let mut err = std::io::stderr().lock();
        // Nothing is left to tell it to when stderr is closed.
        let _ = if self.rendered {
            writeln!(err, "{}", self.message.trim_end())
        } else {
            let (red, plain) =
                if settings.colour_stderr { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
            writeln!(err, "{red}error:{plain} {}", self.message)
        };
        for hint in &self.hints {
            let _ = writeln!(err, "  = help: {hint}");
        }
        self.exit
    }
}

/// `error: cause: cause`, leaving out a cause that its parent already says.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}
