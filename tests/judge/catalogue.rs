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

/// Rules that are several in one need not be used: the catalogue has a case for each part.
#[test]
fn every_stream_rule_is_used_by_a_case_or_is_several_in_one() {
    let used: BTreeSet<String> = builtin::all()
        .unwrap()
        .iter()
        .flat_map(|loaded| &loaded.suite.cases)
        .flat_map(|case| &case.steps)
        .flat_map(|step| &step.expect)
        .flat_map(|expect| {
            let conditions = expect.condition().map(assert::Condition::assertions);
            let conditions = conditions.unwrap_or_default().into_iter();
            conditions.chain([&expect.value]).map(assert::Assertion::describe).collect::<Vec<_>>()
        })
        .collect();
    for rule in assert::rules() {
        let is_used = used.iter().any(|text| names(text, rule.name));
        let several = rule.docs.contains(" in one, ") || rule.docs.contains(" in one.");
        assert!(is_used || several, "no case uses the stream rule `{}`", rule.name);
    }
}

/// Whether `stream: rule` or `stream: {rule: setting}` is what is asked.
fn names(described: &str, rule: &str) -> bool {
    described == format!("stream: {rule}") || described.starts_with(&format!("stream: {{{rule}:"))
}
