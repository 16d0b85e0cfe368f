//! The environment, read once.

use std::io::IsTerminal as _;

use secrecy::SecretString;

use crate::transport::aws::Surroundings;

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

/// Where nobody says: what every terminal has had.
const WIDTH: usize = 80;
/// Narrower or wider is not believed.
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=400;

/// How wide a page is. Shells set `COLUMNS` and do not export it: who exports it means it.
fn width(columns: Option<&str>, terminal: Option<u16>) -> usize {
    let columns = columns.and_then(|columns| columns.trim().parse().ok());
    let terminal = terminal.map(usize::from);
    let known = columns.or(terminal).filter(|width| *width > 0);
    known.map_or(WIDTH, |width| width.clamp(*WIDTHS.start(), *WIDTHS.end()))
}

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
            width: width(
                variable("COLUMNS").as_deref(),
                terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0),
            ),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one home of the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What the environment says of AWS.
#[expect(clippy::disallowed_methods, reason = "this is the one home of the environment")]
pub(super) fn surroundings() -> Surroundings {
    let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("AWS_"));
    Surroundings::new(variables, home.map(Into::into))
}

/// The secret in the environment variable `name`; `None` when unset or empty.
pub(super) fn secret(name: &str) -> Option<SecretString> {
    variable(name)
        .filter(|value| !value.trim().is_empty())
        .map(|value| value.trim().to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_wide_as_the_terminal_unless_the_environment_says_otherwise() {
        assert_eq!(width(None, None), 80);
        assert_eq!(width(None, Some(132)), 132);
        assert_eq!(width(Some("60"), Some(132)), 60);
        assert_eq!(width(Some("many"), Some(132)), 132);
        assert_eq!(width(Some("7"), None), 40);
        assert_eq!(width(None, Some(0)), 80);
    }
}
