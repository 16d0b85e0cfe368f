//! Ctrl-C in the middle: what was judged is kept and can be read.
#![cfg(unix)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::house::{House, Mock, outcome, text};

#[test]
fn ctrl_c_leaves_a_record_that_can_be_read() {
    let house = House::new();
    // Slow enough that the run is under way for long, whatever the machine.
    let mock = Mock::start(&["--ttft", "200ms", "--itl", "50ms"]);
    let child = house
        .command(&["check", "--url", &mock.url, "--record", "run", "--concurrency", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let events = house.path("run/events.jsonl");
    wait_for(|| events.exists() && text(&events).lines().count() >= 2);

    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let stopped = outcome(child.wait_with_output().unwrap());

    assert!(matches!(stopped.code, 1 | 3), "{}: {}", stopped.code, stopped.stderr);
    assert!(stopped.stderr.contains("interrupted"), "{}", stopped.stderr);
    let again = house.run(&["report", "run", "--format", "json"]).exits(0).json();
    let judged = again["targets"][0]["cases"].as_array().unwrap().len();
    assert!(judged >= 2, "{judged}");
    assert_eq!(again["interrupted"], true);
}

#[expect(clippy::disallowed_methods, reason = "a bound on waiting, not a measurement")]
fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "nothing happened for a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}
