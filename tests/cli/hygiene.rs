//! Every command, run with secrets in its environment: none is in any byte that it leaves.

use std::fs;
use std::path::Path;

use crate::house::{House, Mock};

/// What each secret holds, and nothing else does.
const CANARIES: [&str; 3] = ["canaryKey7f3a", "canarySecret91bc", "canarySession5d2e"];

fn environment() -> Vec<(&'static str, String)> {
    let [key, secret, session] = CANARIES;
    vec![
        ("MY_KEY", format!("sk-{key}-0123456789")),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", format!("{secret}/wJalrXUtnFEMI+EXAMPLE")),
        ("AWS_SESSION_TOKEN", format!("{session}AQoDYXdzEJr1K/example+session=token==")),
        ("AWS_REGION", "us-west-2".to_owned()),
    ]
}

/// A canary, or the body of a token, in `bytes`.
fn leak(bytes: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(bytes);
    let tokens = ["c2FnZW1ha2VyLmFtYXpvbmF3cy5jb20v", "X-Amz-Signature="];
    CANARIES.into_iter().chain(tokens).find(|canary| text.contains(canary))
}

fn search(folder: &Path, what: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, what);
        } else {
            let found = leak(&fs::read(&path).unwrap());
            assert_eq!(found, None, "after {what}: {}", path.display());
        }
    }
}

#[test]
fn no_command_leaves_a_secret_anywhere_but_the_one_that_is_asked_for_it() {
    let house = House::new();
    let environment = environment();
    let variables: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let gate = ["--persona", "sagemaker", "--verify-region", "us-west-2", "--endpoint", "e"];
    let aws = Mock::start_with(&gate, &variables);
    let echo = ["--auth-env", "MY_KEY", "--fault", "error-echoes-token", "--capture", "seen.jsonl"];
    let seen = house.path("seen.jsonl").display().to_string();
    let echo = echo.map(|word| if word == "seen.jsonl" { seen.as_str() } else { word });
    let plain = Mock::start_with(&echo, &variables);
    house.write(
        "policy.json",
        r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
    );
    let all = ["html", "json", "junit", "markdown", "console"];
    let reports = |name: &str| all.map(|format| format!("--report={format}={name}/r.{format}"));
    let (one, two) = (reports("one"), reports("two"));
    let one: Vec<&str> = one.iter().map(String::as_str).collect();
    let two: Vec<&str> = two.iter().map(String::as_str).collect();
    let check = [
        "check",
        "--sagemaker",
        "e",
        "--url",
        &aws.url,
        "--record",
        "one/run",
        "-v",
        "--suite",
        "errors",
    ];
    let keyed = [
        "check",
        "--url",
        &plain.url,
        "--auth-env",
        "MY_KEY",
        "--record",
        "two/run",
        "-v",
        "--suite",
        "auth",
    ];
    let wrong_region = ["check", "--sagemaker", "e", "--region", "us-east-1", "--url", &aws.url];
    let commands: Vec<Vec<&str>> = vec![
        [&check[..], &one].concat(),
        [&keyed[..], &two].concat(),
        wrong_region.to_vec(),
        vec!["check", "--sagemaker", "e", "--url", "http://127.0.0.1:1/v1"],
        vec!["check", "--sagemaker", "e", "--url", &aws.url, "--dry-run", "--suite", "core"],
        vec!["report", "one/run", "--format", "html"],
        vec!["report", "two/run", "--format", "json"],
        vec!["lens", "two/run/exchanges.jsonl"],
        vec!["sagemaker", "token", "--inspect"],
        vec!["sagemaker", "token", "--inspect", "--format", "json"],
        vec!["sagemaker", "token", "--exec", "true"],
        vec!["sagemaker", "token", "--region", "NOWHERE!"],
        vec!["sagemaker", "token", "--expiry", "13h"],
        vec!["sagemaker", "policy", "--endpoint", "e", "--account", "123456789012"],
        vec!["sagemaker", "policy", "--lint", "policy.json"],
        vec!["scan", ".", "--format", "sarif"],
        vec!["init", "project"],
        vec!["lint"],
        vec!["list"],
        vec!["explain", "sse.done-sentinel"],
        vec!["completions", "bash"],
        vec!["mock", "--list-faults"],
        vec!["mock", "--persona", "nobody"],
    ];
    for command in commands {
        let said = house.run_with(&command, &variables);
        let what = command.join(" ");
        assert_eq!(leak(said.stdout.as_bytes()), None, "stdout of {what}");
        assert_eq!(leak(said.stderr.as_bytes()), None, "stderr of {what}");
        assert!(said.code >= 0 && !said.stderr.contains("panicked"), "{what}: {}", said.stderr);
    }
    search(&house.path("."), "everything");
    house.run(&["scan", "one", "two"]).exits(0);
    // The search finds what it should find.
    let token = house.run_with(&["sagemaker", "token"], &variables).exits(0).stdout;
    assert!(leak(token.as_bytes()).is_some());
}
