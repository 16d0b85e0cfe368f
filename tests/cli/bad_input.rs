//! What goes wrong at 3 a.m.: each with a clear message, a way out and its exit code.

use crate::house::{House, Mock};

#[test]
fn an_unset_variable_is_said() {
    House::new()
        .run(&["check", "--url", "http://127.0.0.1:1/v1", "--model", "m", "--auth-env", "NOT_SET"])
        .exits(2)
        .complains(&["NOT_SET"]);
}

pub(crate) const SUITE: &str = r#"proofhouse: 1
suite: mine
title: Mine
cases:
  - id: mine.one
    title: It answers
    level: must
    source: ["https://example.com/rule"]
    why: Our client needs an answer to go on.
    steps:
      - request: {path: /models, method: GET}
        expect:
          - {that: status, is: 200}
"#;

#[test]
fn a_typo_in_a_suite_has_a_caret_and_a_suggestion() {
    let house = House::new();
    house.write("typo.yaml", &SUITE.replace("expect:", "expct:"));
    house
        .run(&["check", "--url", "http://127.0.0.1:1/v1", "--suite", "typo.yaml"])
        .exits(2)
        .complains(&["typo.yaml:12:9", "expct", "expect", "^"]);
}

#[test]
fn a_typo_in_a_query_points_at_its_assertion() {
    let house = House::new();
    house.write("typo.yaml", &SUITE.replace("that: status", "that: satus"));
    house.run(&["lint", "typo.yaml"]).exits(2).complains(&["typo.yaml:13:", "satus", "status"]);
}

#[test]
fn a_duplicate_id_names_both_lines() {
    let house = House::new();
    let case = SUITE.split_once("cases:\n").unwrap().1;
    house.write("twice.yaml", &format!("{SUITE}{case}"));
    house.run(&["lint", "twice.yaml"]).exits(2).complains(&["mine.one", "5", "14"]);
}

#[test]
fn an_expired_deviation_fails_the_run_and_says_so() {
    let house = House::new();
    house.write(
        "old.yaml",
        "proofhouse_profile: 1\nname: old\nknown:\n  - check: sse.done-sentinel\n    \
         reason: the server forgets it\n    expires: 2020-01-31\n",
    );
    let mock = Mock::start(&["--fault", "sse-no-done"]);
    let outcome = house
        .run(&[
            "check",
            "--url",
            &mock.url,
            "--profile",
            "old.yaml",
            "--no-record",
            "--select",
            "sse.done-sentinel",
        ])
        .exits(1);
    assert!(outcome.stdout.contains("expired"), "{}", outcome.stdout);
}

#[test]
fn a_selection_that_matches_nothing_suggests() {
    House::new()
        .run(&["check", "--url", "http://127.0.0.1:1/v1", "--select", "sse.done-sentinle"])
        .exits(4)
        .complains(&["sse.done-sentinle", "sse.done-sentinel"]);
}

#[test]
fn an_unwritable_report_is_said_before_anything_is_sent() {
    let house = House::new();
    house.write("file", "");
    // Nobody listens at the target: had it been asked, the code would be 3.
    house
        .run(&[
            "check",
            "--url",
            "http://127.0.0.1:1/v1",
            "--model",
            "m",
            "--report",
            "html=file/report.html",
        ])
        .exits(6)
        .complains(&["file/report.html", "could not be written"]);
}

#[test]
fn an_unwritable_record_is_said() {
    let house = House::new();
    house.write("file", "");
    let mock = Mock::start(&[]);
    house
        .run(&["check", "--url", &mock.url, "--record", "file/run", "--select", "sse.content-type"])
        .exits(6)
        .complains(&["file/run"]);
}

#[test]
fn a_model_that_is_not_served_is_said() {
    let mock = Mock::start(&["--model", "right"]);
    House::new()
        .run(&["check", "--url", &mock.url, "--model", "wrong"])
        .exits(3)
        .complains(&["`wrong`", "--model"]);
}

#[test]
fn no_target_at_all_says_how_to_name_one() {
    House::new().run(&["check"]).exits(2).complains(&["--url", "proofhouse init"]);
}

#[test]
fn an_unknown_fault_suggests_a_known_one() {
    House::new()
        .run(&["mock", "--fault", "sse-no-dnoe"])
        .exits(2)
        .complains(&["sse-no-dnoe", "sse-no-done"]);
}

#[test]
fn a_url_with_a_password_is_refused_without_showing_it() {
    let outcome = House::new()
        .run(&["check", "--url", "http://user:hunter22@127.0.0.1:1/v1", "--model", "m"])
        .exits(2)
        .complains(&["--auth-env"]);
    assert!(!outcome.stderr.contains("hunter22"), "{}", outcome.stderr);
}

#[test]
fn a_run_that_is_not_there_is_said() {
    House::new().run(&["report", "nowhere"]).exits(2).complains(&["nowhere"]);
}

#[test]
fn a_header_that_is_none_is_told_how_one_looks() {
    let outcome = House::new()
        .run(&["check", "--url", "http://127.0.0.1:1/v1", "--header", "noval"])
        .exits(2)
        .complains(&["--header `noval`", "name: value", "x-team: search"]);
    assert!(!outcome.stderr.contains("base URL"), "{}", outcome.stderr);
}

#[test]
fn a_report_format_that_is_none_is_answered_with_those_there_are() {
    House::new()
        .run(&["check", "--url", "http://127.0.0.1:1/v1", "--report", "pdf=x"])
        .exits(2)
        .complains(&["no format `pdf`", "console, json, junit, markdown, html"]);
}

#[test]
fn a_selection_far_from_everything_suggests_nothing() {
    let outcome = House::new()
        .run(&["check", "--url", "http://127.0.0.1:1/v1", "--select", "nope.nope"])
        .exits(4)
        .complains(&["no case matches `nope.nope`", "proofhouse list"]);
    assert!(!outcome.stderr.contains("did you mean"), "{}", outcome.stderr);
}

#[test]
fn a_record_that_is_there_is_refused_before_anything_is_sent() {
    let house = House::new();
    let mock = Mock::start(&[]);
    let run = |url: &str| {
        let select = ["--record", "run", "--select", "sse.content-type"];
        house.run(&[&["check", "--url", url, "--model", "m"][..], &select].concat())
    };
    house
        .run(&["check", "--url", &mock.url, "--record", "run", "--select", "sse.content-type"])
        .exits(0);
    // Nobody listens there: had it been asked, the code would be 3.
    run("http://127.0.0.1:1/v1").exits(6).complains(&["run", "--record"]);
}
