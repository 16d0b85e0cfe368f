//! `load`: its contract for scripts, its exit codes, its complaints.
//!
//! On a busy machine the client may well be the bottleneck; that is accepted here, as what is tested
//! is not a measurement.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::house::{House, Mock, outcome, text};

#[test]
fn the_json_has_what_scripts_rely_on() {
    let house = House::new();
    let mock = Mock::start(&[]);
    let json = house
        .run(&[
            "load",
            "--accept-limited",
            "--url",
            &mock.url,
            "--users",
            "2",
            "--requests",
            "12",
            "--format",
            "json",
            "--record",
            "run",
        ])
        .exits(0)
        .json();

    for count in ["requests", "good", "failed", "shed"] {
        assert!(json["summary"][count].is_u64(), "{count}");
    }
    assert_eq!(json["summary"]["good"], 12);
    for metric in ["ttft", "tpot", "itl", "icl", "e2e"] {
        let metric = &json["metrics"][metric];
        assert!(
            metric["p50"].is_f64() && metric["mean"].is_f64() && metric["n"].is_u64(),
            "{metric}"
        );
        assert!(metric.get("p90").is_some() && metric.get("p99").is_some());
        assert_eq!(metric["unit"], "ms");
        assert!(metric["definition"].as_str().unwrap().len() > 20);
    }
    assert!(json["throughput"]["requests_per_s"].is_f64());
    assert!(json["throughput"]["output_tokens_per_s"].is_f64());
    assert!(json["goodput"]["rate"].is_f64() && json["goodput"]["fraction"].is_f64());
    assert!(json["client"]["start_lag_ms_p99"].is_f64() && json["client"]["limited"].is_boolean());
    assert!(json["errors"].is_object());
    assert_eq!(text(&house.path("run/requests.jsonl")).lines().count(), 12);
}

#[test]
fn a_missed_objective_exits_5_and_a_load_without_a_good_answer_1() {
    let house = House::new();
    let mock = Mock::start(&["--ttft", "20ms"]);
    let arguments = [
        "load",
        "--accept-limited",
        "--url",
        &mock.url,
        "--users",
        "2",
        "--requests",
        "12",
        "--no-record",
    ];
    let missed = house.run(&[&arguments[..], &["--objective", "ttft.p50 < 1ms"]].concat()).exits(5);
    assert!(missed.stdout.contains("objective ttft.p50 < 1ms: missed"), "{}", missed.stdout);
    let broken = Mock::start(&["--fault", "sse-no-done"]);
    let outcome = house
        .run(&[
            "load",
            "--accept-limited",
            "--url",
            &broken.url,
            "--users",
            "2",
            "--requests",
            "4",
            "--no-record",
        ])
        .exits(1);
    assert!(
        outcome.stdout.contains("no-done") && outcome.stdout.contains("vllm bench 4"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn what_cannot_be_run_is_said_before_anything_is_sent() {
    let house = House::new();
    house.run(&["load", "--url", "http://127.0.0.1:9/v1"]).exits(2).complains(&[
        "when requests start",
        "--users",
        "--rate",
    ]);
    house
        .run(&["load", "--url", "http://127.0.0.1:9/v1", "--model", "m", "--users", "1"])
        .exits(3)
        .complains(&["nobody listens"]);
    house
        .run(&["load", "--url", "http://127.0.0.1:9/v1", "--rate", "-1"])
        .exits(2)
        .complains(&["a number from 0.001"]);
    house
        .run(&[
            "load",
            "--url",
            "http://127.0.0.1:9/v1",
            "--users",
            "1",
            "--proxy",
            "http://127.0.0.1:9",
        ])
        .exits(2)
        .complains(&["does not go through a proxy"]);
    house.run(&["load", "--url", "http://127.0.0.1:9/v1", "--users", "0"]).exits(2);
    house
        .run(&[
            "load",
            "--accept-limited",
            "--url",
            "http://127.0.0.1:9/v1",
            "--users",
            "1",
            "--objective",
            "tftt.p99 < 1s",
        ])
        .exits(2)
        .complains(&["did you mean `ttft`?"]);
    let plan =
        house.write("p.yaml", "proofhouse_plan: 1\narival: {constant: {rate: 1}}\nworkload: []\n");
    house
        .run(&["load", "--url", "http://127.0.0.1:9/v1", "--plan", plan.to_str().unwrap()])
        .exits(2)
        .complains(&["p.yaml:2:1", "arrival"]);
}

#[test]
fn other_formats_are_made_of_the_same_numbers() {
    let house = House::new();
    let mock = Mock::start(&[]);
    house
        .run(&[
            "load",
            "--accept-limited",
            "--url",
            &mock.url,
            "--users",
            "2",
            "--requests",
            "8",
            "--no-record",
            "--report",
            "vllm-json=v.json",
            "--report",
            "csv=m.csv",
            "--report",
            "markdown=m.md",
            "--report",
            "json=l.json",
            "--report",
            "junit=j.xml",
            "--objective",
            "ttft.p50 < 1m",
        ])
        .exits(0);
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_str(&text(&house.path(name))).unwrap()
    };
    let (vllm, own) = (json("v.json"), json("l.json"));
    assert_eq!(vllm["completed"], 8);
    assert_eq!(vllm["median_ttft_ms"], own["metrics"]["ttft"]["p50"]);
    assert_eq!(vllm["mean_itl_ms"], own["metrics"]["icl"]["mean"]);
    let junit = text(&house.path("j.xml"));
    assert!(junit.contains("tests=\"3\"") && junit.contains("ttft.p50 &lt; 1m"), "{junit}");
    assert!(text(&house.path("m.csv")).contains("\nttft,actual,ms,8,"));
    assert!(text(&house.path("m.md")).contains("| TTFT |"));
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_a_load_with_a_report() {
    a_signal_ends_a_load_with_a_report("-INT");
}

#[test]
#[cfg(unix)]
fn sigterm_ends_a_load_with_a_report() {
    a_signal_ends_a_load_with_a_report("-TERM");
}

#[cfg(unix)]
fn a_signal_ends_a_load_with_a_report(signal: &str) {
    let house = House::new();
    let mock = Mock::start(&["--ttft", "50ms"]);
    let child = house
        .command(&[
            "load",
            "--accept-limited",
            "--url",
            &mock.url,
            "--users",
            "2",
            "--duration",
            "5m",
            "--record",
            "run",
            "--format",
            "json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let requests = house.path("run/requests.jsonl");
    wait_for(|| requests.exists() && text(&requests).lines().count() >= 3);
    let killed =
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    let stopped = outcome(child.wait_with_output().unwrap());

    assert!(matches!(stopped.code, 3 | 5), "{}: {}", stopped.code, stopped.stderr);
    assert!(stopped.stderr.contains("interrupted"), "{}", stopped.stderr);
    let json = stopped.json();
    let at = |pointer: &str| json.pointer(pointer).unwrap();
    assert_eq!(at("/cut"), "interrupted");
    assert!(at("/summary/good").as_u64().unwrap() >= 3);
}

#[test]
fn a_key_is_sent_and_never_shown() {
    let house = House::new();
    let key = "sk-load-secret-1234";
    let mock = Mock::start_with(&["--auth-env", "K"], &[("K", key)]);
    let arguments = [
        "load",
        "--accept-limited",
        "--url",
        &mock.url,
        "--users",
        "1",
        "--requests",
        "3",
        "--record",
        "run",
        "--format",
        "json",
        "--auth-env",
        "K",
    ];
    let good = house.run_with(&arguments, &[("K", key)]).exits(0);
    assert_eq!(good.json()["summary"]["good"], 3);
    for file in ["run/requests.jsonl", "run/load.json"] {
        assert!(!text(&house.path(file)).contains(key));
    }
    assert!(!good.stdout.contains(key) && !good.stderr.contains(key));
}

#[expect(clippy::disallowed_methods, reason = "a bound on waiting, not a measurement")]
fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "nothing happened for a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn calibrate_gives_the_error_of_every_metric() {
    let house = House::new();
    let arguments =
        ["calibrate", "--users", "3", "--duration", "1s", "--ttft", "20ms", "--itl", "2ms"];
    let all = [&arguments[..], &["--tokens", "10", "--format", "json"]].concat();
    let done = house.run(&all);

    assert!(matches!(done.code, 0 | 5), "{}: {}", done.code, done.stderr);
    let json = done.json();
    let good = json["summary"]["good"].as_u64().unwrap();
    assert!(good > 3, "{json}");
    assert_eq!(json["matched"], good);
    for name in
        ["headers", "tt_first_event", "ttft", "ttfv", "tpot", "gap_max", "e2e", "stream_end"]
    {
        let metric = &json["metrics"][name];
        assert_eq!((&metric["by"], &metric["n"]), (&"request".into(), &good.into()), "{name}");
        let (truth, error) = (metric["truth"].as_f64(), metric["error_p50"].as_f64());
        assert!(truth.is_some() && error.is_some(), "{name}: {metric}");
    }
    // The server never writes early, so what was true is known from below.
    assert!(json["metrics"]["ttft"]["truth"].as_f64().unwrap() >= 20.0);
    for name in ["icl", "itl"] {
        assert_eq!(json["metrics"][name]["n"], good * 9, "{name}");
        assert!(json["metrics"][name]["error_p50"].is_f64());
    }
    for (name, said) in [
        ("throughput.requests_per_s", None),
        ("throughput.output_tokens_per_s", None),
        ("goodput.rate", None),
        ("goodput.fraction", Some(1.0)),
    ] {
        let metric = &json["metrics"][name];
        assert!(metric["error_p50"].is_f64(), "{name}: {metric}");
        assert!(said.is_none_or(|said| metric["truth"].as_f64() == Some(said)), "{name}: {metric}");
    }
    let shown = house.run(&arguments);
    assert!(shown.stdout.contains("error p50") && shown.stdout.contains("goodput.fraction"));
}

/// What SIGKILL leaves is a run that can be reported in every format, and continued.
#[test]
fn a_killed_load_is_reported_and_continued() {
    let house = House::new();
    let mock = Mock::start(&["--ttft", "10ms", "--itl", "2ms"]);
    let load = |more: &[&str]| {
        let arguments = [
            "load",
            "--accept-limited",
            "--url",
            &mock.url,
            "--users",
            "3",
            "--requests",
            "120",
            "--max-tokens",
            "10",
        ];
        [&arguments[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let first = load(&["--record", "run"]);
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let mut child =
        house.command(&first).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let requests = house.path("run/requests.jsonl");
    let mut patience = 3_000;
    let log = house.path("run/load.hlog");
    // The log of a second comes after its requests.
    while !log.exists() || !text(&log).contains("Tag=icl") {
        patience -= 1;
        assert!(patience > 0, "nothing was written");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!house.path("run/load.json").exists(), "the run was over before it was killed");

    let report = house.run(&["report", "run", "--format", "json"]).exits(0).json();
    assert_eq!(report["cut"], "killed");
    let kept = text(&requests).lines().filter(|line| line.ends_with('}')).count() as u64;
    assert_eq!(report["summary"]["good"].as_u64().unwrap(), kept);
    assert!(report["metrics"]["icl"]["n"].as_u64().unwrap() > 0);
    for (format, word) in [
        ("console", "killed"),
        ("markdown", "killed"),
        ("junit", "<testsuites"),
        ("html", "<!doctype html>"),
        ("csv", "ttft,actual"),
        ("vllm-json", "mean_ttft_ms"),
    ] {
        let said = house.run(&["report", "run", "--format", format]).exits(0).stdout;
        assert!(said.contains(word), "{format}: {said}");
    }

    house
        .run(&["load", "--url", &mock.url, "--users", "4", "--requests", "120", "--resume", "run"])
        .exits(2)
        .complains(&["digest", "--resume"]);
    // The run knows its plan.
    let again =
        ["load", "--accept-limited", "--url", &mock.url, "--resume", "run", "--format", "json"];
    let json = house.run(&again).exits(0).json();
    assert_eq!(json["summary"]["good"], 120);
    assert_eq!(json["breaks"].as_array().unwrap().len(), 1);
    assert!(json["cut"].is_null());
    let saved = house.run(&["report", "run", "--format", "json"]).exits(0).json();
    assert_eq!(saved, json);
}

#[test]
fn the_record_of_a_check_has_no_format_of_loads() {
    let house = House::new();
    house.run(&["report", "nothing", "--format", "csv"]).exits(2).complains(&["only loads"]);
}
