//! A key given by environment is in no byte that is kept or printed.

use std::fs;
use std::path::Path;

use crate::house::{House, Mock};

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
