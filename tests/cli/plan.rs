//! What is said before a run, and what keeps it from beginning.

use crate::house::{House, Mock};

/// Nobody listens there: a run that sent anything would say so.
const NOWHERE: &str = "http://127.0.0.1:9/v1";

#[test]
fn a_dry_run_prints_a_table_by_suite_and_sends_nothing() {
    let house = House::new();

    let out = house.run(&["check", "--url", NOWHERE, "--dry-run", "--suite", "core"]).exits(0);

    for words in ["nothing was sent", "streaming", "output tokens at most", "without limit"] {
        assert!(out.stdout.contains(words), "no `{words}` in:\n{}", out.stdout);
    }
    assert!(!house.path("reports").exists());
}

#[test]
fn a_dry_run_in_json_adds_up() {
    let house = House::new();

    let dry = house
        .run(&["check", "--url", NOWHERE, "--plan", "--format", "json", "--suite", "core"])
        .exits(0)
        .json();

    let target = &dry["targets"][0];
    let planned = |of: &serde_json::Value, key: &str| of["planned"][key].as_u64().unwrap();
    let suites = target["suites"].as_array().unwrap();
    let sum: u64 = suites.iter().map(|suite| planned(suite, "requests")).sum();
    assert_eq!(sum, planned(target, "requests"));
    assert!(sum < 60, "{sum} requests");
    assert!(planned(target, "output_tokens_max") < 5_000);
}

#[test]
fn a_run_over_its_budget_does_not_begin() {
    let house = House::new();

    house.run(&["check", "--url", NOWHERE, "--budget-tokens", "100"]).exits(2).complains(&[
        "output tokens, and the budget is 100",
        "--suite core",
        "--level must",
    ]);
    house.run(&["check", "--url", NOWHERE, "--dry-run", "--budget-tokens", "100"]).exits(2);
}

#[test]
fn what_is_planned_is_said_before_the_run_and_kept() {
    let house = House::new();
    let mock = Mock::start(&[]);
    let run = ["check", "--url", &mock.url, "--select", "sse.done-sentinel"];

    let out =
        house.run(&[&run[..], &["--record", "run", "--budget-tokens", "64"]].concat()).exits(0);

    assert!(out.stderr.contains(": 1 request, at most "), "{}", out.stderr);
    let report = house.run(&["report", "run", "--format", "json"]).exits(0).json();
    let planned = &report["targets"][0]["planned"];
    assert_eq!((&planned["cases"], &planned["requests"]), (&1.into(), &1.into()));
    let json = house.run(&[&run[..], &["--no-record", "--format", "json"]].concat()).exits(0);
    assert!(!json.stderr.contains("planned"), "{}", json.stderr);
}

#[test]
fn core_leaves_a_clean_endpoint_clean() {
    let house = House::new();
    let mock = Mock::start(&[]);

    let out = house
        .run(&["check", "--url", &mock.url, "--no-record", "--suite", "core", "--format", "json"])
        .exits(0)
        .json();

    let summary = &out["targets"][0]["summary"];
    assert_eq!(summary["fail"], 0, "{summary}");
    assert!(summary["pass"].as_u64().unwrap() > 100, "{summary}");
}

#[test]
fn sets_are_listed_and_may_be_narrowed_and_joined() {
    let house = House::new();
    let count = |more: &[&str]| {
        let list = [&["list", "--format", "json"], more].concat();
        house.run(&list).exits(0).json().as_array().unwrap().len()
    };

    let suites = house.run(&["list", "suites", "--format", "json"]).exits(0).json();
    let of = |id: &str| suites.as_array().unwrap().iter().find(|row| row["suite"] == id).cloned();
    let checks = |id: &str| usize::try_from(of(id).unwrap()["checks"].as_u64().unwrap()).unwrap();
    assert_eq!(of("core").unwrap()["kind"], "set");
    assert_eq!(of("agent").unwrap()["kind"], "suite");
    assert_eq!(count(&["--suite", "core"]), checks("core"));
    assert_eq!(count(&["--suite", "full"]), count(&[]));
    let narrowed = count(&["--suite", "core", "--select", "sse"]);
    assert!(narrowed > 0 && narrowed < checks("core"), "{narrowed}");
    // What two names share is there once.
    assert_eq!(count(&["--suite", "core", "--suite", "full"]), count(&[]));
    house.run(&["list", "--suite", "coer"]).exits(2).complains(&["did you mean `core`?"]);
}

#[test]
fn a_set_of_ones_own_is_a_file() {
    let house = House::new();
    house.write(
        "mine.yaml",
        "proofhouse_set: 1\nset: mine\ntitle: Ours\nselect: [sse.*]\nlevels: [must]\n",
    );
    house.run(&["lint", "mine.yaml"]).exits(0);
    let list = house.run(&["list", "--suite", "./mine.yaml", "--format", "json"]).exits(0).json();
    assert!(list.as_array().unwrap().iter().all(|row| row["level"] == "must"), "{list}");

    house.write("wrong.yaml", "proofhouse_set: 1\nset: w\ntitle: t\nselect: [sse.dome]\n");
    house.run(&["lint", "wrong.yaml"]).exits(2).complains(&["no case matches `sse.dome`"]);
}

#[test]
fn naming_soak_agrees_to_the_load() {
    let house = House::new();
    let planned = |suite: &str| {
        let args = ["check", "--url", NOWHERE, "--dry-run", "--format", "json", "--suite", suite];
        let dry = house.run(&args).exits(0).json();
        dry["targets"][0]["planned"]["left_out"].as_u64().unwrap()
    };
    // What needs more than consent is left out still: a second model.
    assert!(planned("soak") <= 1, "{}", planned("soak"));
    assert!(planned("concurrency") > 5, "{}", planned("concurrency"));
}
