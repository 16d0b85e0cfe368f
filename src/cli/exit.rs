//! Exit codes: the only place that knows them.

use std::process::ExitCode;

use serde::Serialize;

use crate::record::{Cause, Run, Trouble};

/// How the process ends. `docs/exit-codes.md` is this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Exit {
    /// Everything required held.
    Held,
    /// A required check failed, or a known deviation expired, or passed under `--strict-known`.
    Broken,
    /// The command line, a suite, a profile or a target file is wrong.
    Usage,
    /// Inconclusive, or the target could not be reached.
    Inconclusive,
    /// The selection matched nothing.
    NothingSelected,
    /// An objective or a regression bound was missed, or the run was client-limited.
    Missed,
    /// A record or report could not be written.
    Unwritten,
}

impl Exit {
    /// The number the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Broken => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::NothingSelected => 4,
            Self::Missed => 5,
            Self::Unwritten => 6,
        }
    }

    /// Every code with its meaning, in the order in which the first that applies wins.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Usage, "the command line, a suite, a profile or a target file is wrong"),
        (
            Self::Broken,
            "a required check failed, or a known deviation has expired, or one passed under \
             `--strict-known`",
        ),
        (
            Self::Missed,
            "an objective or a regression bound was missed, or the client was the limit",
        ),
        (Self::Inconclusive, "inconclusive, interrupted, or the target could not be reached"),
        (Self::Unwritten, "a record or a report could not be written"),
        (Self::NothingSelected, "the selection matched nothing"),
        (Self::Held, "everything required held"),
    ];

    /// The first of the two that wins.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |exit| Self::ALL.iter().position(|(known, _)| *known == exit);
        if rank(other) < rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// The exit code of a record.
pub(super) fn of_run(run: &Run) -> Exit {
    let troubles = run.targets.iter().flat_map(|target| run.troubles(target));
    troubles.fold(Exit::Held, |exit, trouble| {
        exit.and(match trouble {
            Trouble::Broken(_, Cause::Regressed) => Exit::Missed,
            _ if trouble.breaks() => Exit::Broken,
            _ => Exit::Inconclusive,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_applies_wins() {
        assert_eq!(Exit::Inconclusive.and(Exit::Broken), Exit::Broken);
        assert_eq!(Exit::Broken.and(Exit::Unwritten), Exit::Broken);
        assert_eq!(Exit::Held.and(Exit::NothingSelected), Exit::NothingSelected);
        assert_eq!(Exit::Usage.and(Exit::Broken), Exit::Usage);
    }

    #[test]
    fn codes_are_the_documented_ones_and_distinct() {
        let mut codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6]);
    }
}
