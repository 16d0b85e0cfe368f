//! Problems that only show when suites are used together.

use std::collections::BTreeMap;

use crate::suite::load::Loaded;
use crate::suite::model::Spot;

/// A problem between files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A stable word for the kind of problem.
    pub code: &'static str,
    /// The file in which it shows.
    pub origin: String,
    /// Where.
    pub spot: Spot,
    /// One sentence.
    pub message: String,
}

/// Ids that more than one of `suites` claims.
pub fn across(suites: &[Loaded]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut first_suite: BTreeMap<&str, &Loaded> = BTreeMap::new();
    let mut first_case: BTreeMap<&str, (&Loaded, Spot)> = BTreeMap::new();
    for loaded in suites {
        let id = loaded.suite.suite.as_str();
        if let Some(first) = first_suite.get(id) {
            findings.push(Finding {
                code: "duplicate-suite",
                origin: loaded.origin.clone(),
                spot: loaded.suite.suite.spot,
                message: format!("the suite id `{id}` is also that of {}", first.origin),
            });
        } else {
            first_suite.insert(id, loaded);
        }
        for case in &loaded.suite.cases {
            let spot = case.id.spot;
            match first_case.get(case.id.as_str()) {
                Some((first, at)) => findings.push(Finding {
                    code: "duplicate-case",
                    origin: loaded.origin.clone(),
                    spot,
                    message: format!(
                        "the case id `{}` is also at {}:{}:{}",
                        *case.id, first.origin, at.line, at.column
                    ),
                }),
                None => {
                    first_case.insert(case.id.as_str(), (loaded, spot));
                }
            }
        }
    }
    findings
}
