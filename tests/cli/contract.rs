//! What scripts may rely on.

use crate::house::{House, Mock};

#[test]
fn check_prints_targets_with_summaries_and_cases() {
    let house = House::new();
    let mock = Mock::start(&["--fault", "sse-no-done"]);

    let report = house
        .run(&["check", "--url", &mock.url, "--no-record", "--format", "json", "--select", "sse.*"])
        .exits(1)
        .json();

    let target = &report["targets"][0];
    assert!(target["name"].is_string());
    for verdict in [
        "pass",
        "warn",
        "fail",
        "info",
        "inconclusive",
        "unsupported",
        "skipped",
        "xfail",
        "xpass",
        "error",
    ] {
        assert!(target["summary"][verdict].is_u64(), "{verdict} in {}", target["summary"]);
    }
    let cases = target["cases"].as_array().unwrap();
    let done = cases.iter().find(|case| case["id"] == "sse.done-sentinel").unwrap();
    assert_eq!(done["verdict"], "fail");
    assert_eq!(done["level"], "must");
    assert!(done["title"].is_string());
    let evidence = &done["evidence"][0];
    assert!(evidence["expected"].is_string() && evidence["seen"].is_string());
}

#[test]
fn a_json_file_is_the_json_on_stdout() {
    let house = House::new();
    let mock = Mock::start(&[]);
    let out = house
        .run(&[
            "check",
            "--url",
            &mock.url,
            "--no-record",
            "--format",
            "json",
            "--report",
            "json=out.json",
            "--select",
            "sse.content-type",
        ])
        .exits(0);

    assert_eq!(crate::house::text(&house.path("out.json")), out.stdout);
}

#[test]
fn list_prints_id_level_suite_and_title() {
    let house = House::new();
    let rows = house.run(&["list", "--format", "json"]).exits(0).json();
    let rows = rows.as_array().unwrap();
    assert!(rows.len() >= 90, "{}", rows.len());
    for row in rows {
        for key in ["id", "level", "suite", "title"] {
            assert!(row[key].is_string(), "{key} in {row}");
        }
    }
}

#[test]
fn the_mock_prints_its_base_url_first_and_lists_its_faults() {
    let mock = Mock::start(&[]);
    assert!(mock.url.starts_with("http://127.0.0.1:") && mock.url.ends_with("/v1"), "{}", mock.url);

    let faults = House::new().run(&["mock", "--list-faults", "--format", "json"]).exits(0).json();
    let faults = faults.as_array().unwrap();
    assert!(faults.len() >= 90, "{}", faults.len());
    assert!(faults.iter().all(|fault| fault["name"].is_string() && fault["does"].is_string()));
}

#[test]
fn a_saved_run_reports_the_same_bytes_as_the_live_one() {
    let house = House::new();
    let mock = Mock::start(&["--fault", "finish-duplicate"]);
    let arguments = ["check", "--url", &mock.url, "--record", "run", "--select", "finish.*,sse.*"];
    let formats = ["console", "json", "junit", "markdown", "html"];
    let mut live: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
    for format in formats {
        live.extend(["--report".to_owned(), format!("{format}=live.{format}")]);
    }
    let live: Vec<&str> = live.iter().map(String::as_str).collect();
    house.run(&live).exits(1);

    for format in formats {
        let again = house.run(&["report", "run", "--format", format]).exits(0);
        let live = crate::house::text(&house.path(&format!("live.{format}")));
        assert!(again.stdout == live, "{format} differs from the live report");
    }
}
