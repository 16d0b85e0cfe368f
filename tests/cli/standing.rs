//! The exit code, the last line and JUnit say the same of a run.

use crate::house::{House, Mock, text};

const SUITE: &str = r#"proofhouse: 1
suite: mine
title: Mine
cases:
  - id: mine.holds
    title: It answers
    level: must
    source: ["https://example.com/rule"]
    why: Our client needs an answer to go on.
    steps: [{request: {path: /models, method: GET}, expect: [{that: status, is: 200}]}]
  - id: mine.warns
    title: It is a teapot
    level: should
    source: ["https://example.com/rule"]
    why: Our client would like a teapot.
    steps: [{request: {path: /models, method: GET}, expect: [{that: status, is: 418}]}]
  - id: mine.open
    title: A teapot says so
    level: must
    source: ["https://example.com/rule"]
    why: Our client reads what a teapot says.
    steps:
      - request: {path: /models, method: GET}
        expect: [{that: body.teapot, is: true, if: {that: status, is: 418}}]
"#;

const KNOWN: &str = "proofhouse_profile: 1\nname: old\nknown:\n  - check: mine.holds\n    \
                     reason: it did not answer\n    expires: DAY\n";

/// Runs some of the cases; the last line, and JUnit.
#[track_caller]
fn run(cases: &str, expires: Option<&str>, more: &[&str], code: i32) -> (String, String) {
    let house = House::new();
    let mock = Mock::start(&[]);
    house.write("mine.yaml", SUITE);
    let mut arguments = vec!["check", "--url", &mock.url, "--suite", "mine.yaml", "--no-record"];
    arguments.extend(["--select", cases, "--report", "junit=r.xml"]);
    if let Some(day) = expires {
        house.write("known.yaml", &KNOWN.replace("DAY", day));
        arguments.extend(["--profile", "known.yaml"]);
    }
    arguments.extend(more);
    // Wide enough that what is said of a target stands on one line.
    let outcome = house.run_with(&arguments, &[("COLUMNS", "200")]).exits(code);
    (outcome.stdout.trim_end().lines().last().unwrap().to_owned(), text(&house.path("r.xml")))
}

#[track_caller]
fn says(said: &(String, String), line: &str, junit: &[&str]) {
    assert!(said.0.contains(line), "no `{line}` in {}", said.0);
    for word in junit {
        assert!(said.1.contains(word), "no `{word}` in {}", said.1);
    }
}

const GREEN: [&str; 2] = [r#"failures="0""#, r#"errors="0""#];

#[test]
fn a_warning_breaks_a_strict_run_and_no_other() {
    says(&run("mine.holds,mine.warns", None, &[], 0), " conforms: ", &GREEN);
    let strict = run("mine.holds,mine.warns", None, &["--strict"], 1);
    says(
        &strict,
        "does not pass: 1 recommended check failed (--strict)",
        &[r#"failures="1""#, r#"type="should.warn""#],
    );
}

#[test]
fn a_known_deviation_that_is_gone_breaks_a_run_that_is_strict_about_it_and_no_other() {
    let lenient = run("mine.holds", Some("2999-01-31"), &[], 0);
    says(&lenient, " conforms", &GREEN);
    let strict = run("mine.holds", Some("2999-01-31"), &["--strict-known"], 1);
    says(
        &strict,
        "does not pass: 1 known deviation is gone (--strict-known)",
        &[r#"failures="1""#, "no longer deviates"],
    );
}

#[test]
fn a_known_deviation_that_has_expired_breaks_a_run_even_if_it_is_gone() {
    let expired = run("mine.holds", Some("2020-01-31"), &[], 1);
    says(
        &expired,
        "does not pass: 1 known deviation has expired",
        &[r#"failures="1""#, "a known deviation has expired 2020-01-31"],
    );
}

#[test]
fn a_run_that_decided_too_little_is_undecided_everywhere() {
    says(&run("mine.holds,mine.open", None, &[], 0), " conforms: ", &GREEN);
    let wanted = run("mine.holds,mine.open", None, &["--min-coverage", "0.9"], 3);
    says(
        &wanted,
        "undecided: only 1 of 2 (50 %) decided, 90 % are wanted",
        &[r#"errors="1""#, "coverage below what is wanted"],
    );
    let nothing = run("mine.open", None, &["--min-coverage", "0"], 3);
    says(&nothing, "undecided: no check was decided", &[r#"errors="1""#]);
}

/// Keeps a record of a mock with a fault, held to an earlier record of a clean one.
fn against(house: &House, fault: &str, code: i32) -> (String, String) {
    let broken = Mock::start(&["--fault", fault]);
    let mut arguments = vec!["check", "--url", &broken.url, "--no-record", "--baseline", "before"];
    arguments.extend(["--select", "headers.request-id,chat.object", "--report", "junit=r.xml"]);
    let outcome = house.run_with(&arguments, &[("COLUMNS", "200")]).exits(code);
    (outcome.stdout.trim_end().lines().last().unwrap().to_owned(), text(&house.path("r.xml")))
}

#[test]
fn what_held_in_an_earlier_record_may_not_break() {
    let house = House::new();
    let clean = Mock::start(&[]);
    let mut before = vec!["check", "--url", clean.url.as_str(), "--record", "before"];
    before.extend(["--select", "headers.request-id,chat.object"]);
    house.run(&before).exits(0);

    says(&against(&house, "sse-no-done", 0), " conforms: ", &GREEN);
    says(
        &against(&house, "no-request-id", 5),
        "does not pass: 1 other check held before and broke (--baseline)",
        &[r#"failures="1""#, "held in before and broke"],
    );
    house
        .run(&["check", "--url", &clean.url, "--no-record", "--baseline", "nowhere"])
        .exits(2)
        .complains(&["nowhere", "--baseline"]);
}

#[test]
fn what_a_run_held_its_cases_against_is_in_the_record() {
    let house = House::new();
    let mock = Mock::start(&[]);
    house.write("mine.yaml", SUITE);
    let mut arguments = vec!["check", "--url", &mock.url, "--suite", "mine.yaml", "--strict"];
    arguments.extend(["--min-coverage", "0.25", "--record", "run"]);
    house.run(&arguments).exits(1);

    let meta: serde_json::Value = serde_json::from_str(&text(&house.path("run/run.json"))).unwrap();
    assert_eq!((&meta["strict"], &meta["min_coverage"]), (&true.into(), &0.25.into()));
    assert_eq!(meta["targets"][0]["planned"]["cases"], 3);
    assert_eq!(meta["argv"][0], "check", "the program's own name says nothing");
    let again = house.run(&["report", "run"]).exits(0);
    assert!(again.stdout.contains("does not pass: 1 recommended"), "{}", again.stdout);
}
