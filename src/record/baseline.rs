//! What held in an earlier run: nothing of it may break in this one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{CaseRecord, Run};
use crate::verdict::Verdict;

/// Cases that held in an earlier run, as this run is held to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// The earlier record, as it was named.
    pub run: String,
    /// For each target of this run, the ids of the cases that held.
    pub held: BTreeMap<String, BTreeSet<String>>,
}

impl Baseline {
    /// What held in `earlier`, for the targets of this run: those of the same name, or where both
    /// runs have a single target that one, since an endpoint's address may change overnight.
    ///
    /// # Errors
    ///
    /// The name of a target that `earlier` does not have.
    pub fn of(run: String, earlier: &Run, targets: &[&str]) -> Result<Self, String> {
        let mut held = BTreeMap::new();
        for name in targets {
            let same = earlier.targets.iter().find(|target| target.meta.name == **name);
            let ((Some(before), ..) | (None, [before], [_])) =
                (same, earlier.targets.as_slice(), targets)
            else {
                return Err((*name).to_owned());
            };
            let ids = before
                .cases
                .iter()
                .filter(|case| matches!(case.verdict, Verdict::Pass | Verdict::XPass));
            held.insert((*name).to_owned(), ids.map(|case| case.id.clone()).collect());
        }
        Ok(Self { run, held })
    }

    /// Whether `case` held then and does not now. What is not decided now is no regression: it is
    /// not known. A capability that is refused now is one; a deviation that a profile knows is not.
    pub fn is_regression(&self, case: &CaseRecord) -> bool {
        let broken = matches!(
            case.verdict,
            Verdict::Fail | Verdict::Warn | Verdict::Info | Verdict::Unsupported
        );
        broken && self.held.get(&case.target).is_some_and(|held| held.contains(&case.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{case, meta};
    use crate::record::{RunMeta, TargetRun};

    fn run(names: &[&str], cases: &[CaseRecord]) -> Run {
        let target = |name: &&str| {
            let mut meta = meta().targets.remove(0);
            (*name).clone_into(&mut meta.name);
            TargetRun { meta, cases: cases.to_vec(), unasked: 0 }
        };
        Run {
            meta: RunMeta { ended: None, ..meta() },
            targets: names.iter().map(target).collect(),
            warnings: Vec::new(),
            exchanges: BTreeMap::new(),
            truncated: false,
        }
    }

    #[test]
    fn only_what_held_and_is_seen_broken_is_a_regression() {
        let before = [case("a.held", Verdict::Pass), case("a.warned", Verdict::Warn)];
        let now = |id, verdict| CaseRecord { target: "local".into(), ..case(id, verdict) };
        let baseline =
            Baseline::of("last.run".into(), &run(&["local"], &before), &["local"]).unwrap();
        for verdict in [Verdict::Fail, Verdict::Warn, Verdict::Info, Verdict::Unsupported] {
            assert!(baseline.is_regression(&now("a.held", verdict)), "{verdict:?}");
            assert!(!baseline.is_regression(&now("a.warned", verdict)), "{verdict:?}");
            assert!(!baseline.is_regression(&now("a.new", verdict)), "{verdict:?}");
        }
        for verdict in [Verdict::Pass, Verdict::XFail, Verdict::Inconclusive, Verdict::Error] {
            assert!(!baseline.is_regression(&now("a.held", verdict)), "{verdict:?}");
        }
    }

    #[test]
    fn targets_go_by_their_names_and_a_single_one_by_being_single() {
        let before = [case("a.held", Verdict::Pass)];
        let of = |earlier: &[&str], now: &[&str]| {
            Baseline::of("last.run".into(), &run(earlier, &before), now)
        };
        assert!(of(&["old"], &["new"]).unwrap().held.contains_key("new"));
        assert!(of(&["a", "b"], &["b"]).unwrap().held.contains_key("b"));
        assert_eq!(of(&["a", "b"], &["new"]), Err("new".to_owned()));
        assert_eq!(of(&["old"], &["a", "b"]), Err("a".to_owned()));
    }
}
