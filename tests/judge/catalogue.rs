//! Invariants over the whole catalogue.

use std::collections::BTreeSet;

use proofhouse::assert;
use proofhouse::suite::builtin;
use proofhouse::suite::lint;

#[test]
fn the_built_in_suites_have_no_problem() {
    let suites = builtin::all().unwrap();
    let problems = lint::across(&suites);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn ids_are_unique_and_start_with_their_area() {
    let mut seen = BTreeSet::new();
    for loaded in builtin::all().unwrap() {
        for case in &loaded.suite.cases {
            assert!(seen.insert(case.id.value.clone()), "{} twice", case.id.value);
            assert!(case.id.value.contains('.'), "{} names no area", case.id.value);
        }
    }
    assert!(seen.len() >= 90, "only {} checks", seen.len());
}

#[test]
fn every_case_says_where_its_rule_is_written_and_who_is_hurt() {
    for loaded in builtin::all().unwrap() {
        for case in &loaded.suite.cases {
            assert!(!case.source.is_empty(), "{} cites nothing", case.id.value);
            assert!(case.why.trim().len() >= 20, "{} does not say why", case.id.value);
            assert!(!case.title.ends_with('.'), "{}: a title is no sentence", case.id.value);
        }
    }
}

#[test]
fn every_stream_rule_is_used_by_a_case() {
    let used: BTreeSet<String> = builtin::all()
        .unwrap()
        .iter()
        .flat_map(|loaded| &loaded.suite.cases)
        .flat_map(|case| &case.steps)
        .flat_map(|step| &step.expect)
        .flat_map(|expect| {
            let condition = match expect.condition() {
                Some(assert::Condition::Assertion(condition)) => Some(condition.describe()),
                Some(assert::Condition::Template(_)) | None => None,
            };
            [Some(expect.describe()), condition].into_iter().flatten()
        })
        .collect();
    for rule in assert::rules() {
        assert!(
            used.iter().any(|text| text.contains(rule.name)),
            "no case uses the stream rule `{}`",
            rule.name
        );
    }
}
