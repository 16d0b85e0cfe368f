//! `check` from beginning to end.

use crate::house::{House, Mock, text};

#[test]
fn a_clean_mock_is_clean_with_no_file_to_write_first() {
    let house = House::new();
    let mock = Mock::start(&[]);

    let outcome = house.run(&["check", "--url", &mock.url]).exits(0);

    assert!(outcome.stderr.contains("record: reports/check-"), "{}", outcome.stderr);
    assert!(!outcome.stdout.contains("FAIL"), "{}", outcome.stdout);
}

#[test]
fn a_failure_says_what_where_who_and_what_next() {
    let house = House::new();
    let mock = Mock::start(&["--fault", "sse-no-done"]);

    let outcome = house
        .run(&["check", "--url", &mock.url, "--no-record", "--select", "sse.done-sentinel"])
        .exits(1);

    for words in [
        "FAIL",
        "sse.done-sentinel",
        "must",
        "expected",
        "seen",
        "suites/streaming.yaml:",
        "why",
        "next",
        "proofhouse explain sse.done-sentinel",
        "curl",
    ] {
        assert!(outcome.stdout.contains(words), "no `{words}` in:\n{}", outcome.stdout);
    }
}

#[test]
fn junit_tells_failures_from_errors_and_skips() {
    let house = House::new();
    let mock = Mock::start(&["--fault", "sse-no-done"]);
    house
        .run(&[
            "check",
            "--url",
            &mock.url,
            "--no-record",
            "--report",
            "junit=out.xml",
            "--select",
            "sse.*",
        ])
        .exits(1);
    let xml = text(&house.path("out.xml"));
    assert!(xml.contains("<failure") && xml.contains("sse.done-sentinel"), "{xml}");
    assert!(!xml.contains("<error"), "{xml}");
}

#[test]
fn an_endpoint_that_dies_half_way_is_an_error_and_no_verdict() {
    let house = House::new();
    let mock = Mock::start(&["--ttft", "100ms", "--itl", "20ms"]);
    let url = mock.url.clone();
    let child = house
        .command(&["check", "--url", &url, "--record", "run", "--concurrency", "1"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let events = house.path("run/events.jsonl");
    for _ in 0..3_000 {
        if events.exists() && text(&events).lines().count() >= 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(mock);

    let outcome = crate::house::outcome(child.wait_with_output().unwrap());

    assert!(matches!(outcome.code, 1 | 3), "{}", outcome.code);
    let report = house.run(&["report", "run", "--format", "json"]).exits(0).json();
    assert!(report["targets"][0]["summary"]["error"].as_u64().unwrap() > 0);
}
