//! What every format says of a run, counted in one place.

use crate::record::{CaseRecord, Run, TargetRun};
use crate::suite::Spot;
use crate::text::plural;
use crate::verdict::{Level, Verdict};

/// One case on every target.
pub(super) struct Row<'a> {
    pub(super) suite: &'a str,
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) level: Level,
    /// In the order of the targets; absent where the case did not run.
    pub(super) cells: Vec<Option<&'a CaseRecord>>,
}

impl Row<'_> {
    /// Whether the targets came to different verdicts.
    pub(super) fn differs(&self) -> bool {
        let mut verdicts = self.cells.iter().map(|cell| cell.map(|case| case.verdict));
        let first = verdicts.next();
        verdicts.any(|verdict| Some(verdict) != first)
    }

    /// The gravest verdict of the row.
    pub(super) fn gravest(&self) -> Verdict {
        self.cells.iter().flatten().map(|case| case.verdict).min().unwrap_or(Verdict::Skipped)
    }
}

/// Every case that ran on any target, in suite order.
pub(super) fn rows(run: &Run) -> Vec<Row<'_>> {
    let mut rows: Vec<(Spot, Row<'_>)> = Vec::new();
    let width = run.targets.len();
    let mut places = std::collections::BTreeMap::new();
    for (column, target) in run.targets.iter().enumerate() {
        for case in &target.cases {
            let place = *places.entry((&case.suite, &case.id)).or_insert_with(|| {
                rows.push((
                    case.spot,
                    Row {
                        suite: &case.suite,
                        id: &case.id,
                        title: &case.title,
                        level: case.level,
                        cells: vec![None; width],
                    },
                ));
                rows.len() - 1
            });
            if let Some(cell) = rows.get_mut(place).and_then(|(_, row)| row.cells.get_mut(column)) {
                *cell = Some(case);
            }
        }
    }
    rows.sort_by_key(|(spot, row)| {
        let suite = run.meta.suites.iter().position(|suite| suite.id == row.suite);
        (suite.unwrap_or(usize::MAX), spot.line, spot.column)
    });
    rows.into_iter().map(|(_, row)| row).collect()
}

/// A part of a whole, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) part: usize,
    pub(super) whole: usize,
}

impl Share {
    /// Whole percent, rounded down, so that 100 means all of them.
    pub(super) fn percent(self) -> Option<usize> {
        (self.part * 100).checked_div(self.whole)
    }
}

impl std::fmt::Display for Share {
    /// `11 of 13 (84 %)`; `none` when there is nothing to count.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.percent() {
            Some(percent) => write!(f, "{} of {} ({percent} %)", self.part, self.whole),
            None => f.write_str("none"),
        }
    }
}

/// Decided cases among applicable ones.
pub(super) fn coverage(target: &TargetRun) -> Share {
    let (part, whole) = target.tally().coverage();
    Share { part, whole }
}

/// The score: `must` cases that held, among those that were decided. A known deviation is still a
/// deviation, so it does not count as held.
pub(super) fn must(target: &TargetRun) -> Share {
    let decided = target
        .cases
        .iter()
        .filter(|case| !case.provisional && case.level == Level::Must && case.verdict.is_decided());
    let held = |case: &&CaseRecord| !matches!(case.verdict, Verdict::Fail | Verdict::XFail);
    Share { part: decided.clone().filter(held).count(), whole: decided.count() }
}

/// What a run says of a target, in one word and one clause.
pub(super) struct Standing {
    /// The verdict whose colour it has.
    pub(super) verdict: Verdict,
    /// `does not conform`, `conforms but for known deviations`, `conforms` or `undecided`.
    pub(super) word: &'static str,
    /// Why: `2 required checks failed`.
    pub(super) why: String,
}

/// What the run says of `target`.
pub(super) fn standing(target: &TargetRun) -> Standing {
    let tally = target.tally();
    let failed = tally.count(Verdict::Fail);
    let errors = tally.count(Verdict::Error);
    let warned = tally.count(Verdict::Warn);
    let share = coverage(target);
    if failed > 0 {
        let why = format!("{} failed", plural(failed, "required check"));
        return Standing { verdict: Verdict::Fail, word: "does not conform", why };
    }
    if errors > 0 {
        let why = format!("{} could not be run", plural(errors, "check"));
        return Standing { verdict: Verdict::Error, word: "undecided", why };
    }
    if share.part == 0 {
        let why = "no check was decided".to_owned();
        return Standing { verdict: Verdict::Inconclusive, word: "undecided", why };
    }
    let must = must(target);
    let known = must.whole.saturating_sub(must.part);
    let (word, held) = if known > 0 {
        let but = plural(known, "required check");
        ("conforms but for known deviations", format!("{but} failed as known, every other held"))
    } else {
        ("conforms", "every required check that was decided held".to_owned())
    };
    let mut why = format!("{held}, {share} decided");
    if warned > 0 {
        why = format!("{why}, {}", plural(warned, "warning"));
    }
    let verdict = match (known, warned) {
        (1.., _) => Verdict::XFail,
        (0, 1..) => Verdict::Warn,
        (0, 0) => Verdict::Pass,
    };
    Standing { verdict, word, why }
}

/// Cases with a known deviation that applied, expired ones included.
pub(super) fn known(target: &TargetRun) -> impl Iterator<Item = &CaseRecord> {
    target.cases.iter().filter(|case| case.known.is_some())
}

/// Whether the case makes the run fail.
pub(super) fn breaks(run: &Run, case: &CaseRecord) -> bool {
    !case.provisional
        && match case.verdict {
            Verdict::Fail => true,
            Verdict::XPass => run.meta.strict_known,
            Verdict::Error
            | Verdict::Warn
            | Verdict::Inconclusive
            | Verdict::XFail
            | Verdict::Info
            | Verdict::Unsupported
            | Verdict::Skipped
            | Verdict::Pass => false,
        }
}
