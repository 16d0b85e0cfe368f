//! `sagemaker` and `scan`: the contract for scripts.

#![expect(clippy::string_slice, reason = "tokens are ASCII")]

use std::io::Write as _;
use std::process::Stdio;

use sha2::{Digest as _, Sha256};

use crate::house::{House, Mock, Outcome, outcome};

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
];
const NOW: [&str; 2] = ["--frozen-clock", "2015-08-30T12:36:00Z"];

fn vectors() -> serde_json::Value {
    serde_json::from_str(include_str!("../../fixtures/aws/sagemaker.json")).unwrap()
}

fn digest(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn token(house: &House, more: &[&str]) -> Outcome {
    house.run_with(&[&["sagemaker", "token"], &NOW[..], more].concat(), &KEYS)
}

fn piped(house: &House, arguments: &[&str], input: &str) -> Outcome {
    let mut child = house
        .command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    outcome(child.wait_with_output().unwrap())
}

#[test]
fn a_token_is_that_of_the_sdk_and_alone_on_stdout() {
    let house = House::new();
    for vector in vectors()["sagemaker"].as_array().unwrap() {
        let (id, input) = (vector["id"].as_str().unwrap(), &vector["input"]);
        let expiry = input["expiry_seconds"].as_f64().map_or("12h".to_owned(), |s| s.to_string());
        let text = |key: &str| input[key].as_str().unwrap_or_default();
        let arguments = [
            "sagemaker",
            "token",
            "--region",
            text("region"),
            "--expiry",
            &expiry,
            "--frozen-clock",
            text("now"),
        ];
        let variables = [
            ("AWS_ACCESS_KEY_ID", text("access_key_id")),
            ("AWS_SECRET_ACCESS_KEY", text("secret_access_key")),
            ("AWS_SESSION_TOKEN", text("session_token")),
        ];
        let said = house.run_with(&arguments, &variables);
        if id == "sm-14" {
            // Half a second: the SDK makes a token that lives for none.
            said.exits(2).complains(&["from 1 second to 12 hours"]);
            continue;
        }
        let said = said.exits(0);
        assert_eq!(digest(said.stdout.trim_end()), vector["token_sha256"], "{id}");
        assert_eq!(said.stderr, "", "{id}");
    }
}

#[test]
fn what_cannot_be_minted_is_a_usage_error_that_names_no_secret() {
    let house = House::new();
    for expiry in ["0", "-1", "43201", "43200.5", "0.5", "1d"] {
        let expiry = format!("--expiry={expiry}");
        token(&house, &["--region", "us-east-1", &expiry]).exits(2);
    }
    token(&house, &[]).exits(2).complains(&["no region", "AWS_REGION"]);
    token(&house, &["--region", ""]).exits(2);
    let by_variable = [&KEYS[..], &[("AWS_REGION", "us-east-2")]].concat();
    house.run_with(&["sagemaker", "token"], &by_variable).exits(0);
    let other = [&KEYS[..], &[("AWS_DEFAULT_REGION", "us-east-2")]].concat();
    house.run_with(&["sagemaker", "token"], &other).exits(2);
    let nobody = [("AWS_EC2_METADATA_DISABLED", "true")];
    house
        .run_with(&["sagemaker", "token", "--region", "us-east-1"], &nobody)
        .exits(2)
        .complains(&["no AWS credentials", "the environment", "the profile"]);
    let half =
        house.run_with(&["sagemaker", "token", "--region", "us-east-1"], &KEYS[1..]).exits(2);
    assert!(half.stderr.contains("AWS_ACCESS_KEY_ID") && !half.stderr.contains("wJalr"));
}

#[test]
#[cfg(unix)]
fn a_command_gets_the_token_in_its_environment_and_nothing_is_printed() {
    let house = House::new();
    let script = "printf %s \"$OPENAI_API_KEY\" > token; echo done";
    let said =
        token(&house, &["--region", "us-east-1", "--expiry", "12h", "--exec", script]).exits(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("done\n", ""));
    let given = crate::house::text(&house.path("token"));
    assert_eq!(digest(&given), vectors()["sagemaker"][0]["token_sha256"]);
    let failed = token(&house, &["--region", "us-east-1", "--exec", "exit 3"]).exits(1);
    assert!(failed.stderr.contains("exit status: 3") && !failed.stderr.contains("c2Fn"));
}

#[test]
fn a_token_is_inspected_without_its_signature() {
    let house = House::new();
    let made = token(&house, &["--region", "us-east-1"]).exits(0).stdout;
    let arguments = [&["sagemaker", "token", "--inspect", "--format", "json"][..], &NOW].concat();
    let told = piped(&house, &arguments, &made).exits(0);
    let said = told.json();
    assert_eq!(said["kind"], "sagemaker");
    assert_eq!((&said["key_id_last4"], &said["region"]), (&"MPLE".into(), &"us-east-1".into()));
    assert_eq!(said["expires"], "2015-08-30T12:51:00Z");
    assert_eq!((&said["state"], &said["seconds_left"]), (&"valid".into(), &900.into()));
    let text = piped(&house, &["sagemaker", "token", "--inspect"], &made).exits(0).stdout;
    assert!(text.contains("…MPLE") && text.contains("expired"), "{text}");
    assert!(!text.contains("AKIDEX") && !text.to_lowercase().contains("signature"), "{text}");
    for garbled in ["sk-canary-123", "sagemaker-api-key-canary", &made[..200]] {
        let told = piped(&house, &arguments, garbled).exits(2).complains(&["no bearer token"]);
        assert!(
            !told.stderr.contains("canary") && !told.stderr.contains("c2Fn"),
            "{}",
            told.stderr
        );
    }
}

#[test]
fn policies_are_judged_and_the_least_one_is_clean() {
    let house = House::new();
    for case in vectors()["iam_lint"]["cases"].as_array().unwrap() {
        let file = house.write("policy.json", &case["policy"].to_string());
        let arguments =
            ["sagemaker", "policy", "--lint", file.to_str().unwrap(), "--format", "json"];
        let said = house.run(&arguments);
        let found = said.json();
        let findings = found["findings"].as_array().unwrap();
        let mut rules: Vec<&str> = findings.iter().map(|f| f["rule"].as_str().unwrap()).collect();
        rules.sort_unstable();
        let mut expected: Vec<&str> =
            case["expect"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap()).collect();
        expected.sort_unstable();
        assert_eq!(rules, expected, "{}", case["id"]);
        assert!(findings.iter().all(|f| f["why"].is_string()), "{found}");
        let is_high = findings.iter().any(|finding| finding["severity"] == "high");
        said.exits(i32::from(is_high));
    }
    let least = house
        .run(&[
            "sagemaker",
            "policy",
            "--region",
            "us-west-2",
            "--endpoint",
            "e",
            "--component",
            "c",
            "--account",
            "123456789012",
        ])
        .exits(0);
    let file = house.write("least.json", &least.stdout);
    let said = house.run(&["sagemaker", "policy", "--lint", file.to_str().unwrap()]).exits(0);
    assert!(
        said.stdout.contains("no finding") && said.stdout.contains("service control"),
        "{}",
        said.stdout
    );
    house.write("broken.json", "{}");
    house.run(&["sagemaker", "policy", "--lint", "broken.json"]).exits(2).complains(&["no policy"]);
}

#[test]
fn leaks_are_told_by_place_and_never_shown() {
    let house = House::new();
    let made = token(&house, &["--region", "us-east-1"]).exits(0).stdout;
    house.write("logs/a b.log", &format!("one\ntwo Bearer {made}"));
    house.write("logs/clean.log", "nothing here\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(made.as_bytes()).unwrap();
    std::fs::write(house.path("logs/z.gz"), packed.finish().unwrap()).unwrap();

    let arguments = [&["scan", "logs", "--format"][..], &["json"], &NOW].concat();
    let said = house.run(&arguments).exits(1);

    let found = said.json();
    let places: Vec<(&str, u64, &str, &str)> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            let text = |key: &str| f[key].as_str().unwrap();
            (text("file"), f["line"].as_u64().unwrap(), text("kind"), text("state"))
        })
        .collect();
    assert_eq!(
        places,
        [
            ("logs/a b.log", 2, "sagemaker-token", "valid"),
            ("logs/z.gz", 1, "sagemaker-token", "valid"),
        ]
    );
    let body = made.trim().strip_prefix("sagemaker-api-key-").unwrap();
    for format in ["json", "text", "sarif"] {
        let said = house.run(&["scan", "logs", "--format", format]).exits(1);
        assert!(said.stdout.contains("sagemaker-token") || said.stdout.contains("bearer token"));
        assert!(!said.stdout.contains(&body[..40]) && !said.stdout.contains(&body[300..340]));
    }
    let sarif = house.run(&["scan", "logs", "--format", "sarif"]).json();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "sagemaker-token");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "logs/a%20b.log");
    assert_eq!(place["region"]["startLine"], 2);
    house.run(&["scan", "logs/clean.log"]).exits(0);
    house.run(&["scan", "nowhere"]).exits(2).complains(&["does not exist"]);
    house.write("cut.gz", "\u{1f}");
    std::fs::write(house.path("cut.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    house.run(&["scan", "cut.gz"]).exits(3);
    assert_eq!(piped(&house, &["scan", "-"], &made).code, 1);
}

#[test]
fn an_endpoint_of_sagemaker_is_checked_with_tokens_that_its_front_door_verifies() {
    let house = House::new();
    let gate =
        ["--persona", "sagemaker", "--verify-region", "us-west-2", "--endpoint", "qwen/small"];
    let mock = Mock::start_with(&gate, &KEYS);
    assert!(mock.url.ends_with("/endpoints/qwen/openai/v1"), "{}", mock.url);
    let check = |name: &str, more: &[&str], keys: &[(&str, &str)]| {
        let url = mock.url.replace("/qwen/", &format!("/{name}/"));
        let arguments = [
            "check",
            "--sagemaker",
            name,
            "--url",
            &url,
            "--record",
            "run",
            "--format",
            "json",
            "--select",
            "sse.done-sentinel",
        ];
        let _ = std::fs::remove_dir_all(house.path("run"));
        house.run_with(&[&arguments[..], more].concat(), keys)
    };
    let region = ["--region", "us-west-2"];

    let said = check("qwen", &region, &KEYS).exits(0);

    let target = &said.json()["targets"][0];
    assert_eq!((&target["name"], &target["profile"]), (&"qwen".into(), &"sagemaker".into()));
    assert_eq!(target["auth"], "bearer minted for sagemaker in us-west-2");
    let kept = ["run.json", "exchanges.jsonl"]
        .map(|name| crate::house::text(&house.path("run").join(name)));
    for kept in &kept {
        assert!(!kept.contains("c2FnZW1ha2Vy") && !kept.contains("wJalr"), "{kept}");
    }
    house.run(&["scan", "run"]).exits(0);

    let wrong = [KEYS[0], ("AWS_SECRET_ACCESS_KEY", "another-canary-secret")];
    let refused = check("qwen", &region, &wrong);
    assert_ne!(refused.code, 0);
    assert!(
        refused.stderr.contains("403") && !refused.stderr.contains("canary"),
        "{}",
        refused.stderr
    );
    let elsewhere = check("qwen", &["--region", "us-east-1"], &KEYS);
    assert_ne!(elsewhere.code, 0);
    assert!(elsewhere.stderr.contains("valid region"), "{}", elsewhere.stderr);
    let other = check("other", &region, &KEYS);
    assert!(other.code != 0 && other.stderr.contains("not authorized"), "{}", other.stderr);
    let by_variable = [&KEYS[..], &[("AWS_REGION", "us-west-2")]].concat();
    check("qwen", &[], &by_variable).exits(0);
    check("qwen", &[], &KEYS).exits(2).complains(&["no region"]);

    let plain = ["check", "--sagemaker", "qwen", "--url", "http://far.example/v1"];
    let plain = [&plain[..], &region].concat();
    house.run_with(&plain, &KEYS).exits(2).complains(&["has no TLS"]);
    house.write(
        "proofhouse.toml",
        &format!(
            "[targets.prod]\nkind = \"sagemaker\"\nregion = \"us-west-2\"\nendpoint = \"qwen\"\nurl = \"{}\"\n",
            mock.url.replace("/openai", "/inference-components/small/openai")
        ),
    );
    let arguments = [
        "check",
        "--target",
        "prod",
        "--no-record",
        "--format",
        "json",
        "--select",
        "sse.done-sentinel",
    ];
    house.run_with(&arguments, &KEYS).exits(0);
}
