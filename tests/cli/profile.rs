//! What a profile says, and what its silence means.

use serde_json::Value;

use crate::house::{House, Mock};

/// The verdict and the reason of each case of a check.
fn cases(house: &House, arguments: &[&str]) -> Vec<(String, String, String)> {
    let check = ["check", "--no-record", "--format", "json"];
    let report = house.run(&[&check[..], arguments].concat()).exits(0).json();
    let text = |case: &Value, key: &str| {
        case.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let cases = report.pointer("/targets/0/cases").and_then(Value::as_array).unwrap();
    cases
        .iter()
        .map(|case| (text(case, "id"), text(case, "verdict"), text(case, "reason")))
        .collect()
}

#[test]
fn what_costs_or_takes_long_runs_only_where_the_profile_opts_in() {
    let house = House::new();
    let mock = Mock::start(&[]);
    // The README's own example.
    house.write(
        "ours.yaml",
        "proofhouse_profile: 1\nname: our-vllm\ncapabilities: {embeddings: no}\n",
    );
    house.write("in.yaml", "proofhouse_profile: 1\nname: in\ncapabilities: {batches: probe}\n");
    let costly = "needs:batches,needs:load,needs:slow";
    for profile in ["ours.yaml", "sglang", "generic"] {
        let arguments = ["--url", &mock.url, "--profile", profile, "--select", costly];
        let cases = cases(&house, &arguments);
        assert!(cases.iter().any(|(id, ..)| id.starts_with("batches.")), "{cases:?}");
        for (id, verdict, reason) in &cases {
            assert_eq!(verdict, "skipped", "{profile}: {id}");
            assert!(reason.contains("opted in") || reason.contains(": no"), "{id}: {reason}");
        }
    }
    let arguments = ["--url", &mock.url, "--profile", "in.yaml", "--select", "files.upload"];
    assert_eq!(cases(&house, &arguments)[0].1, "pass");
}

#[test]
fn a_known_check_that_does_not_exist_is_refused_with_the_one_meant() {
    let house = House::new();
    let known = |check: &str| {
        format!(
            "proofhouse_profile: 1\nname: p\nknown:\n  - check: {check}\n    reason: r\n    \
             expires: 2099-01-01\n"
        )
    };
    house.write("typo.yaml", &known("sse.done-sentinal"));
    let check = ["check", "--url", "http://127.0.0.1:9/v1", "--model", "m", "--profile"];
    house.run(&[&check[..], &["typo.yaml"]].concat()).exits(2).complains(&[
        "typo.yaml:4:12",
        "no case is called `sse.done-sentinal`",
        "did you mean `sse.done-sentinel`?",
        "^",
    ]);

    // A case of a suite that this run loads may be known as well.
    house.write("mine.yaml", crate::bad_input::SUITE);
    house.write("mine-known.yaml", &known("mine.one"));
    let own = [&check[..], &["mine-known.yaml"]].concat();
    house.run(&own).exits(2).complains(&["mine.one"]);
    house.run(&[&own[..], &["--suite", "mine.yaml"]].concat()).exits(3);
}
