//! What a run will send, worked out before it sends anything.
//!
//! Every case is walked as the run would walk it: cells, attempts, copies, conditions, and which
//! requests share an answer. What only an answer can tell is taken as it comes on an endpoint
//! that does everything right: no step ends a case early, and a value that is taken from an
//! answer is stood in for by where it comes from, so that requests which differ only in such
//! values count as one exactly when they will be one.

mod tokens;
mod walk;

use std::collections::BTreeSet;

use crate::profile::Profile;
use crate::record::Planned;
use crate::suite::load::Loaded;
use crate::suite::{At, Case};
use crate::transport::target::Target;

use super::capability;
use super::check::Options;
use walk::Ask;

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    /// Where the requests would go.
    pub target: &'a Target,
    /// What is known of it.
    pub profile: &'a Profile,
    /// The suites and, in each, the selected cases.
    pub cases: &'a [(&'a Loaded, Vec<&'a At<Case>>)],
    /// Settings of the run.
    pub options: &'a Options,
}

/// What a run will send to one target.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In suite order.
    pub cases: Vec<CasePlan>,
    share: bool,
}

/// What one case asks.
#[derive(Clone, Debug)]
pub struct CasePlan {
    /// `area.slug`.
    pub id: String,
    /// The suite's id.
    pub suite: String,
    /// Why it will not be asked, if it will not.
    pub left_out: Option<String>,
    asks: Vec<Ask>,
}

impl Plan {
    /// Works out what a run of `outline` would send. Nothing is sent.
    pub fn of(outline: &Outline<'_>) -> Self {
        let has_key = !outline.target.auth.is_none();
        let walk = walk::Walk::new(outline);
        let cases = outline.cases.iter().flat_map(|(loaded, cases)| {
            let suite = loaded.suite.suite.value.clone();
            cases.iter().map(move |case| (suite.clone(), *case))
        });
        let cases = cases.map(|(suite, case)| {
            let left_out = capability::not_offered(outline.profile, has_key, case);
            let asks = if left_out.is_some() { Vec::new() } else { walk.case(case) };
            CasePlan { id: case.id.value.clone(), suite, left_out, asks }
        });
        Self { cases: cases.collect(), share: outline.options.share }
    }

    /// The whole plan in numbers.
    pub fn total(&self) -> Planned {
        self.tally(self.cases.iter(), &mut BTreeSet::new())
    }

    /// Each suite in numbers, in order. A request that several suites share is counted for the first.
    pub fn by_suite(&self) -> Vec<(&str, Planned)> {
        let mut sent = BTreeSet::new();
        let suites = self.cases.chunk_by(|one, next| one.suite == next.suite);
        suites
            .filter_map(|cases| {
                let suite = cases.first()?.suite.as_str();
                Some((suite, self.tally(cases.iter(), &mut sent)))
            })
            .collect()
    }

    /// What a run of only these cases would come to.
    pub fn only(&self, wanted: impl Fn(&CasePlan) -> bool) -> Planned {
        self.tally(self.cases.iter().filter(|case| wanted(case)), &mut BTreeSet::new())
    }

    /// Adds up cases, where `sent` are the requests that others have sent already.
    fn tally<'a>(
        &'a self,
        cases: impl Iterator<Item = &'a CasePlan>,
        sent: &mut BTreeSet<[u8; 32]>,
    ) -> Planned {
        let mut planned = Planned::default();
        for case in cases {
            if case.left_out.is_some() {
                planned.left_out += 1;
                continue;
            }
            planned.cases += 1;
            for ask in &case.asks {
                planned.asked += ask.times;
                if let Some(same) = ask.same
                    && self.share
                    && !sent.insert(same)
                {
                    continue;
                }
                planned.requests += ask.times;
                planned.requests_max += ask.times_max;
                match ask.tokens {
                    tokens::Tokens::AtMost(tokens) => {
                        planned.output_tokens_max = planned
                            .output_tokens_max
                            .saturating_add(tokens.saturating_mul(ask.times_max));
                    }
                    tokens::Tokens::Unlimited => planned.unlimited += ask.times_max,
                }
            }
        }
        planned
    }
}
