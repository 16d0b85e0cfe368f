//! What a run comes to: the one place that says what breaks it and what leaves it undecided. The
//! exit code, the last lines of a report and JUnit all follow it, so they cannot contradict each
//! other.

use super::{CaseRecord, Run, RunMeta, TargetRun};
use crate::verdict::Verdict;

/// Why a case breaks the run, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A required check failed.
    Required,
    /// A recommended check failed, and the run is strict.
    Recommended,
    /// The deviation was known, and its time is over.
    Expired,
    /// A known deviation no longer deviates, and the run is strict about that.
    Outdated,
    /// It held in the earlier run that this one is held to, and is broken now.
    Regressed,
}

/// Why a run did not simply hold on a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble<'a> {
    /// This case breaks the run.
    Broken(&'a CaseRecord, Cause),
    /// This case could not be run.
    Unrun(&'a CaseRecord),
    /// The run was interrupted.
    Interrupted {
        /// Cases that were not asked; 0 if unknown.
        unasked: usize,
    },
    /// The record ends without its end.
    CutShort,
    /// Fewer of the applicable cases were decided than the run asks for, or none at all.
    LittleDecided {
        /// Cases that were decided.
        decided: usize,
        /// Cases that apply, those that were not asked included.
        applicable: usize,
        /// The share of them that had to be decided.
        min: f64,
    },
}

impl Trouble<'_> {
    /// Whether it breaks the run; otherwise it leaves it undecided.
    pub const fn breaks(&self) -> bool {
        matches!(self, Self::Broken(..))
    }
}

impl RunMeta {
    /// Why `case` breaks the run, if it does.
    pub fn breaks(&self, case: &CaseRecord) -> Option<Cause> {
        let expired = case.known.as_ref().is_some_and(|known| known.expired);
        let regressed = self.baseline.as_ref().is_some_and(|before| before.is_regression(case));
        match case.verdict {
            _ if case.provisional => None,
            Verdict::Fail => Some(Cause::Required),
            Verdict::Warn if self.strict => Some(Cause::Recommended),
            _ if expired => Some(Cause::Expired),
            Verdict::XPass if self.strict_known => Some(Cause::Outdated),
            _ if regressed => Some(Cause::Regressed),
            _ => None,
        }
    }
}

impl TargetRun {
    /// Decided cases, and applicable ones. A case that was not asked is not decided.
    pub fn coverage(&self) -> (usize, usize) {
        let (decided, applicable) = self.tally().coverage();
        (decided, applicable + self.unasked)
    }
}

impl Run {
    /// Everything that keeps the run from simply holding on `target`, one of its targets.
    pub fn troubles<'a>(&'a self, target: &'a TargetRun) -> Vec<Trouble<'a>> {
        let mut troubles = Vec::new();
        for case in &target.cases {
            if let Some(cause) = self.meta.breaks(case) {
                troubles.push(Trouble::Broken(case, cause));
            } else if case.verdict == Verdict::Error && !case.provisional {
                troubles.push(Trouble::Unrun(case));
            }
        }
        // A target that was whole before the interruption is judged like any other.
        let somewhere = self.targets.iter().any(|target| target.unasked > 0);
        if self.meta.interrupted && (target.unasked > 0 || !somewhere) {
            troubles.push(Trouble::Interrupted { unasked: target.unasked });
        } else if self.truncated && !self.meta.interrupted {
            troubles.push(Trouble::CutShort);
        }
        let (decided, applicable) = target.coverage();
        let min = self.meta.min_coverage;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred cases")]
        let too_few = (decided as f64) < min * applicable as f64;
        if too_few || (decided == 0 && applicable > 0) {
            troubles.push(Trouble::LittleDecided { decided, applicable, min });
        }
        troubles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::KnownNote;
    use crate::record::sample::{case, meta};

    fn run(cases: Vec<CaseRecord>) -> Run {
        let meta = RunMeta { ended: Some(meta().started), ..meta() };
        let targets = vec![TargetRun { meta: meta.targets[0].clone(), cases, unasked: 0 }];
        let exchanges = std::collections::BTreeMap::new();
        Run { meta, targets, warnings: Vec::new(), exchanges, truncated: false }
    }

    fn known(verdict: Verdict, expired: bool) -> CaseRecord {
        let note = KnownNote { reason: "later".into(), link: None, expires: None, expired };
        CaseRecord { known: Some(note), ..case("a.known", verdict) }
    }

    #[test]
    fn strictness_decides_which_verdicts_break_a_run() {
        let mut meta = meta();
        let cause = |meta: &RunMeta, case: CaseRecord| meta.breaks(&case);
        assert_eq!(cause(&meta, case("a.b", Verdict::Fail)), Some(Cause::Required));
        assert_eq!(cause(&meta, case("a.b", Verdict::Warn)), None);
        assert_eq!(cause(&meta, known(Verdict::Warn, true)), Some(Cause::Expired));
        assert_eq!(cause(&meta, known(Verdict::XPass, true)), Some(Cause::Expired));
        assert_eq!(cause(&meta, known(Verdict::XPass, false)), None);
        (meta.strict, meta.strict_known) = (true, true);
        assert_eq!(cause(&meta, case("a.b", Verdict::Warn)), Some(Cause::Recommended));
        assert_eq!(cause(&meta, known(Verdict::XPass, false)), Some(Cause::Outdated));
        let provisional = CaseRecord { provisional: true, ..known(Verdict::Fail, true) };
        assert_eq!(cause(&meta, provisional), None);
    }

    #[test]
    fn what_was_not_asked_is_not_decided() {
        let mut run = run(vec![case("a.b", Verdict::Pass), case("a.c", Verdict::Pass)]);
        run.meta.min_coverage = 0.5;
        assert_eq!(run.troubles(&run.targets[0]), []);

        run.meta.interrupted = true;
        run.targets[0].unasked = 362;
        assert_eq!(run.targets[0].coverage(), (2, 364));
        assert_eq!(
            run.troubles(&run.targets[0]),
            [
                Trouble::Interrupted { unasked: 362 },
                Trouble::LittleDecided { decided: 2, applicable: 364, min: 0.5 }
            ]
        );
    }

    #[test]
    fn a_run_that_decided_nothing_does_not_hold_whatever_it_asks_for() {
        let run_of = |verdict| run(vec![case("a.b", verdict)]);
        let undecided = run_of(Verdict::Inconclusive);
        assert_eq!(undecided.troubles(&undecided.targets[0]).len(), 1);
        let not_applicable = run_of(Verdict::Skipped);
        assert_eq!(not_applicable.troubles(&not_applicable.targets[0]), []);
    }
}
