//! Ctrl-C in the middle: what was judged is kept and can be read.
#![cfg(unix)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::house::{House, Mock, outcome, text};

/// A run that is under way for long, whatever the machine, ended by `signal` after two cases.
fn stopped_by(house: &House, signal: &str, more: &[&str]) -> Child {
    let mock = Mock::start(&["--ttft", "200ms", "--itl", "50ms"]);
    let mut arguments = vec!["check", "--url", &mock.url, "--record", "run", "--concurrency", "1"];
    arguments.extend(more);
    let child =
        house.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let events = house.path("run/events.jsonl");
    wait_for(|| events.exists() && text(&events).lines().count() >= 2);
    send(&child, signal);
    // The mock outlives what is asked of it: the run ends by the signal alone.
    wait_for(|| text(&house.path("run/run.json")).contains("\"interrupted\": true"));
    child
}

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn ctrl_c_and_sigterm_leave_a_record_and_reports_that_say_so() {
    for signal in ["-INT", "-TERM"] {
        let house = House::new();
        let child = stopped_by(&house, signal, &["--report", "junit=r.xml"]);
        let stopped = outcome(child.wait_with_output().unwrap());

        assert!(matches!(stopped.code, 1 | 3), "{}: {}", stopped.code, stopped.stderr);
        assert!(stopped.stderr.contains("interrupted"), "{}", stopped.stderr);
        assert!(!stopped.stdout.contains(" conforms"), "{}", stopped.stdout);
        assert!(text(&house.path("r.xml")).contains("run interrupted"));
        let again = house.run(&["report", "run", "--format", "json"]).exits(0).json();
        let target = &again["targets"][0];
        let judged = target["cases"].as_array().unwrap().len();
        assert!(judged >= 2, "{judged}");
        assert_eq!(again["interrupted"], true);
        let number = |key: &str| target["coverage"][key].as_u64().unwrap();
        assert!(number("not_asked") > 100, "what was not asked is counted");
        assert!(number("applicable") > number("decided") + 100, "and is not decided");
    }
}

#[test]
fn a_second_ctrl_c_ends_the_process_at_once() {
    let house = House::new();
    let pipe = house.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Nobody reads the pipe, so the report waits for as long as it may.
    let child = stopped_by(&house, "-INT", &["--report", "json=pipe"]);
    send(&child, "-INT");
    let ended = outcome(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}", ended.stderr);
}

#[expect(clippy::disallowed_methods, reason = "a bound on waiting, not a measurement")]
fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "nothing happened for a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}
