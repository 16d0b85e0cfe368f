//! Counts of verdicts, and the coverage they amount to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Verdict;

/// How many cases came to each verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally(BTreeMap<Verdict, usize>);

impl Tally {
    /// Counts one case.
    pub fn add(&mut self, verdict: Verdict) {
        *self.0.entry(verdict).or_default() += 1;
    }

    /// How many cases came to `verdict`.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.0.get(&verdict).copied().unwrap_or(0)
    }

    /// How many cases there are.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Decided cases over applicable ones. A run with few decided cases has shown little, however
    /// green it is.
    pub fn coverage(&self) -> (usize, usize) {
        let count = |test: fn(Verdict) -> bool| {
            self.0.iter().filter(|(verdict, _)| test(**verdict)).map(|(_, n)| n).sum()
        };
        (count(Verdict::is_decided), count(Verdict::is_applicable))
    }
}

impl FromIterator<Verdict> for Tally {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            tally.add(verdict);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_leaves_out_what_does_not_apply() {
        let tally: Tally = [
            Verdict::Pass,
            Verdict::Fail,
            Verdict::Inconclusive,
            Verdict::Error,
            Verdict::Skipped,
            Verdict::Unsupported,
        ]
        .into_iter()
        .collect();

        assert_eq!(tally.coverage(), (2, 4));
    }
}
