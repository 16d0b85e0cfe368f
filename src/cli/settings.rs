//! The environment, read once.

use std::io::IsTerminal as _;

use secrecy::SecretString;

/// What the surroundings say: terminal or not, colour or not, how wide.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Colour on stdout.
    pub(super) colour: bool,
    /// Colour on stderr.
    pub(super) colour_stderr: bool,
    /// Whether a progress line may be drawn.
    pub(super) progress: bool,
    /// Columns of the terminal; 80 when unknown.
    pub(super) width: usize,
}

const WIDTH: usize = 100;

impl Settings {
    /// Reads `NO_COLOR`, `CLICOLOR_FORCE`, `TERM`, `CI` and `COLUMNS`.
    pub(super) fn from_environment() -> Self {
        let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let forced =
            variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
        let dumb = variable("TERM").is_some_and(|value| value == "dumb");
        let colour = |terminal: bool| !no_color && (forced || (terminal && !dumb));
        Self {
            colour: colour(std::io::stdout().is_terminal()),
            colour_stderr: colour(std::io::stderr().is_terminal()),
            progress: std::io::stderr().is_terminal() && !dumb && variable("CI").is_none(),
            width: variable("COLUMNS")
                .and_then(|columns| columns.parse().ok())
                .filter(|columns| (40..=400).contains(columns))
                .unwrap_or(WIDTH),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one home of the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The secret in the environment variable `name`; `None` when unset or empty.
pub(super) fn secret(name: &str) -> Option<SecretString> {
    variable(name)
        .filter(|value| !value.trim().is_empty())
        .map(|value| value.trim().to_owned().into())
}
