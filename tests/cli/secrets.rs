//! A key given by environment is in no byte that is kept or printed.

use std::fs;
use std::path::Path;

use crate::house::{House, Mock, text};

const CANARY: &str = "sk-canary-5f2c9e71";

fn search(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path);
        } else {
            let bytes = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("canary-5f2c"), "the key is in {}", path.display());
        }
    }
}

#[test]
fn the_key_is_nowhere_even_if_the_endpoint_echoes_it() {
    let house = House::new();
    let mock = Mock::start_with(
        &["--auth-env", "KEY", "--fault", "error-echoes-token"],
        &[("KEY", CANARY)],
    );
    let mut arguments =
        vec!["check", "--url", &mock.url, "--auth-env", "KEY", "--record", "run", "-v"];
    for report in
        ["html=r/a.html", "json=r/a.json", "junit=r/a.xml", "markdown=r/a.md", "console=r/a.txt"]
    {
        arguments.extend(["--report", report]);
    }

    let outcome = house.run_with(&arguments, &[("KEY", CANARY)]).exits(1);

    assert!(!outcome.stdout.contains("canary-5f2c") && !outcome.stderr.contains("canary-5f2c"));
    search(&house.path("."));
    let echo = house.run(&["report", "run", "--format", "json"]).exits(0).json();
    let cases = echo["targets"][0]["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["id"] == "headers.no-secret-echo").unwrap();
    assert_eq!(case["verdict"], "fail", "the echo itself must still be caught");
}

#[test]
fn a_secret_header_on_the_command_line_is_refused_without_its_value() {
    for header in [format!("Authorization: Bearer {CANARY}"), format!("x-api-key:{CANARY}")] {
        let outcome = House::new()
            .run(&["check", "--url", "http://127.0.0.1:1/v1", "--header", &header])
            .exits(2)
            .complains(&["--header is not for secrets", "--auth-env", "--auth-header"]);
        assert!(!outcome.stderr.contains("canary-5f2c"), "{}", outcome.stderr);
    }
}

#[test]
#[cfg(unix)]
fn a_key_in_a_command_line_is_in_no_byte_that_is_kept() {
    let house = House::new();
    let mock = Mock::start_with(&["--auth-env", "KEY"], &[("KEY", CANARY)]);
    let beside = ["--auth-command".to_owned(), format!("/bin/echo {CANARY}")];
    let joined = [format!("--auth-command=/bin/echo {CANARY}")];
    for (folder, command) in [("a", &beside[..]), ("b", &joined[..])] {
        let reports = ["html", "json", "junit", "markdown", "console"]
            .map(|format| format!("{format}={folder}/r.{format}"));
        let record = format!("{folder}/run");
        let mut arguments = vec!["check", "--url", &mock.url, "--select", "sse.done-sentinel"];
        arguments.extend(["--record", &record, "-v", "--header", "x-trace: one-f00d"]);
        arguments.extend(reports.iter().flat_map(|report| ["--report", report.as_str()]));
        arguments.extend(command.iter().map(String::as_str));

        let outcome = house.run(&arguments).exits(0);

        assert!(!outcome.stdout.contains("canary-5f2c") && !outcome.stderr.contains("canary-5f2c"));
        let meta: serde_json::Value =
            serde_json::from_str(&text(&house.path(&format!("{record}/run.json")))).unwrap();
        let argv = meta["argv"].to_string();
        assert!(argv.contains("x-trace: ***") && !argv.contains("f00d"), "{argv}");
    }
    search(&house.path("."));
}

#[test]
fn a_key_too_short_to_be_masked_is_refused() {
    let outcome = House::new()
        .run_with(
            &["check", "--url", "http://127.0.0.1:1/v1", "--auth-env", "KEY"],
            &[("KEY", "qzj")],
        )
        .exits(2)
        .complains(&["the key in `KEY` is shorter than 4", "--auth-env"]);
    assert!(!outcome.stderr.contains("qzj"), "{}", outcome.stderr);
}
