//! A reproducer asks what the run asked, key and headers included, and holds no key.

use std::process::{Command, Stdio};

use crate::house::{House, Mock, text};

const KEY: &str = "sk-reproducer-31c7";

/// Checks a mock that wants a key and forgets `[DONE]`; the reproducer of that case.
fn reproducer(house: &House, mock: &Mock, auth: &[&str]) -> String {
    let mut arguments =
        vec!["check", "--url", &mock.url, "--select", "sse.done-sentinel", "--no-record"];
    arguments.extend(["--header", "x-team: blue 'n green", "--report", "json=r.json"]);
    arguments.extend(auth);
    house.run_with(&arguments, &[("MY_KEY", KEY)]).exits(1);
    let report: serde_json::Value = serde_json::from_str(&text(&house.path("r.json"))).unwrap();
    let curl = report.pointer("/targets/0/cases/0/curl").unwrap().as_str().unwrap().to_owned();
    assert!(!curl.contains(KEY) && !curl.contains("****"), "{curl}");
    assert!(curl.contains(r"-H 'x-team: blue '\''n green'"), "{curl}");
    curl
}

/// Runs a reproducer in a shell, if this machine has curl, with the key in `variable`.
fn obey(curl: &str, variable: &str) {
    let has_curl = Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_ok();
    if cfg!(unix) && has_curl {
        let said = Command::new("sh").arg("-c").arg(curl).env(variable, KEY).output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.starts_with("HTTP/1.1 200"), "{curl}\n{said}");
    }
}

fn mock() -> Mock {
    Mock::start_with(&["--auth-env", "MY_KEY", "--fault", "sse-no-done"], &[("MY_KEY", KEY)])
}

#[test]
fn a_reproducer_asks_with_the_key_from_its_variable() {
    let (house, mock) = (House::new(), mock());
    let curl = reproducer(&house, &mock, &["--auth-env", "MY_KEY"]);
    assert!(curl.contains(r#"-H "authorization: Bearer $MY_KEY""#), "{curl}");
    obey(&curl, "MY_KEY");
}

#[test]
#[cfg(unix)]
fn a_reproducer_says_where_a_printed_key_comes_from() {
    let (house, mock) = (House::new(), mock());
    let command = format!("/bin/echo {KEY}");
    let curl = reproducer(&house, &mock, &["--auth-command", &command]);
    assert!(curl.starts_with("# API_KEY: what the target's key command prints\n"), "{curl}");
    assert!(curl.contains(r#"-H "authorization: Bearer $API_KEY""#), "{curl}");
    obey(&curl, "API_KEY");
}
