//! What every format says of a run, counted in one place.

use crate::record::{CaseRecord, Cause, Run, TargetRun, Trouble};
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

/// Decided cases among applicable ones, those that were not asked included.
pub(super) fn coverage(target: &TargetRun) -> Share {
    let (part, whole) = target.coverage();
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
    /// `does not conform`, `does not pass` (only the run's own rules are broken), `undecided`,
    /// `nothing to judge`, `conforms but for known deviations`, or `conforms`.
    pub(super) word: &'static str,
    /// Why: `2 required checks failed`.
    pub(super) why: String,
}

/// What the run says of `target`; [`Run::troubles`] in words.
pub(super) fn standing(run: &Run, target: &TargetRun) -> Standing {
    let troubles = run.troubles(target);
    if troubles.iter().any(Trouble::breaks) {
        return broken(&troubles, target);
    }
    let share = coverage(target);
    if !troubles.is_empty() {
        let unrun = troubles.iter().any(|trouble| matches!(trouble, Trouble::Unrun(_)));
        let verdict = if unrun { Verdict::Error } else { Verdict::Inconclusive };
        return Standing { verdict, word: "undecided", why: undecided(&troubles, share) };
    }
    if share.whole == 0 {
        let why = "no check applies to it".to_owned();
        return Standing { verdict: Verdict::Skipped, word: "nothing to judge", why };
    }
    let warned = target.tally().count(Verdict::Warn);
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

/// Cases break the run.
fn broken(troubles: &[Trouble<'_>], target: &TargetRun) -> Standing {
    let count = |cause: Cause| {
        let is = |trouble: &&Trouble<'_>| matches!(trouble, Trouble::Broken(_, c) if *c == cause);
        troubles.iter().filter(is).count()
    };
    let mut parts = Vec::new();
    for cause in
        [Cause::Required, Cause::Recommended, Cause::Expired, Cause::Outdated, Cause::Regressed]
    {
        let count = count(cause);
        if count == 0 {
            continue;
        }
        parts.push(match cause {
            Cause::Required => format!("{} failed", plural(count, "required check")),
            Cause::Recommended => {
                format!("{} failed (--strict)", plural(count, "recommended check"))
            }
            Cause::Expired if count == 1 => "1 known deviation has expired".to_owned(),
            Cause::Expired => format!("{count} known deviations have expired"),
            Cause::Outdated if count == 1 => {
                "1 known deviation is gone (--strict-known)".to_owned()
            }
            Cause::Outdated => format!("{count} known deviations are gone (--strict-known)"),
            Cause::Regressed => {
                format!("{} held before and broke (--baseline)", plural(count, "other check"))
            }
        });
    }
    if troubles.iter().any(|t| matches!(t, Trouble::Interrupted { .. } | Trouble::CutShort)) {
        parts.push(format!("and the run is not whole, {} decided", coverage(target)));
    }
    let word = if count(Cause::Required) > 0 { "does not conform" } else { "does not pass" };
    Standing { verdict: Verdict::Fail, word, why: parts.join(", ") }
}

/// Nothing breaks the run, and it proves too little.
fn undecided(troubles: &[Trouble<'_>], share: Share) -> String {
    let unrun = troubles.iter().filter(|t| matches!(t, Trouble::Unrun(_))).count();
    let mut parts = Vec::new();
    if unrun > 0 {
        parts.push(format!("{} could not be run", plural(unrun, "check")));
    }
    let mut counted = false;
    for trouble in troubles {
        match trouble {
            Trouble::Interrupted { .. } | Trouble::CutShort => {
                parts.push(run_trouble(trouble));
                parts.push(format!("{share} decided"));
                counted = true;
            }
            Trouble::LittleDecided { decided: 0, .. } if !counted => {
                parts.push("no check was decided".to_owned());
            }
            Trouble::LittleDecided { .. } if !counted => parts.push(run_trouble(trouble)),
            Trouble::LittleDecided { .. } | Trouble::Broken(..) | Trouble::Unrun(_) => {}
        }
    }
    parts.join(", ")
}

/// A trouble of the run as a whole, in one clause.
pub(super) fn run_trouble(trouble: &Trouble<'_>) -> String {
    match trouble {
        Trouble::Interrupted { unasked: 0 } => "the run was interrupted".to_owned(),
        Trouble::Interrupted { unasked: 1 } => {
            "the run was interrupted, 1 check was not asked".to_owned()
        }
        Trouble::Interrupted { unasked } => {
            format!("the run was interrupted, {unasked} checks were not asked")
        }
        Trouble::CutShort => "the record ends without its end".to_owned(),
        Trouble::LittleDecided { decided, applicable, min } => {
            let share = Share { part: *decided, whole: *applicable };
            format!("only {share} decided, {:.0} % are wanted (--min-coverage)", min * 100.0)
        }
        Trouble::Broken(case, _) | Trouble::Unrun(case) => case.id.clone(),
    }
}

/// Cases with a known deviation that applied, expired ones included.
pub(super) fn known(target: &TargetRun) -> impl Iterator<Item = &CaseRecord> {
    target.cases.iter().filter(|case| case.known.is_some())
}
