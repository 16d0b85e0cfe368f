//! The other commands.

use crate::house::{House, Mock, text};

#[test]
fn demo_writes_three_reports_and_exits_zero() {
    let house = House::new();
    let outcome = house.run(&["demo"]).exits(0);

    for name in ["demo.html", "demo.json", "demo.xml"] {
        let report = text(&house.path(&format!("reports/{name}")));
        assert!(report.contains("vllm-like") && report.contains("sglang-like"), "{name}");
        assert!(outcome.stdout.contains(name), "{}", outcome.stdout);
    }
}

#[test]
fn init_writes_files_that_lint_accepts_and_never_overwrites() {
    let house = House::new();
    house.run(&["init"]).exits(0);
    house.run(&["lint", "suites"]).exits(0);
    let before = text(&house.path("proofhouse.toml"));

    house.run(&["init"]).exits(2).complains(&["proofhouse.toml", "there already"]);

    assert_eq!(text(&house.path("proofhouse.toml")), before);
}

#[test]
fn a_target_of_the_project_file_is_checked_by_name() {
    let house = House::new();
    let mock = Mock::start(&[]);
    house.write(
        "proofhouse.toml",
        &format!("[targets.staging]\nurl = \"{}\"\nmodel = \"proofhouse-mock\"\n", mock.url),
    );
    let report = house
        .run(&["check", "--no-record", "--format", "json", "--select", "sse.content-type"])
        .exits(0)
        .json();
    assert_eq!(report["targets"][0]["name"], "staging");
}

#[test]
fn two_targets_stand_side_by_side() {
    let house = House::new();
    let good = Mock::start(&[]);
    let bad = Mock::start(&["--fault", "sse-crlf"]);
    let report = house
        .run(&[
            "check",
            "--url",
            &good.url,
            "--url",
            &bad.url,
            "--no-record",
            "--format",
            "json",
            "--select",
            "sse.lf-line-ends",
        ])
        .exits(0)
        .json();
    let verdicts: Vec<_> = (0..2)
        .map(|i| report["targets"][i]["cases"][0]["verdict"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(verdicts, ["pass", "warn"]);
    assert_ne!(report["targets"][0]["name"], report["targets"][1]["name"]);
}

#[test]
fn strict_turns_a_warning_into_a_failure() {
    let house = House::new();
    let bad = Mock::start(&["--fault", "sse-crlf"]);
    let arguments =
        ["check", "--url", &bad.url, "--no-record", "--select", "sse.lf-line-ends", "--strict"];
    house.run(&arguments).exits(1);
}

#[test]
fn a_known_deviation_is_expected_and_its_end_is_noticed() {
    let house = House::new();
    house.write(
        "p.yaml",
        "proofhouse_profile: 1\nname: p\nknown:\n  - check: sse.done-sentinel\n    \
         reason: known to us\n    expires: 2099-01-01\n",
    );
    let select = ["--no-record", "--select", "sse.done-sentinel", "--profile", "p.yaml"];
    let bad = Mock::start(&["--fault", "sse-no-done"]);
    let good = Mock::start(&[]);
    let check = |url: &str, extra: &[&str]| {
        let arguments = [&["check", "--url", url, "--format", "json"][..], &select, extra].concat();
        house.run(&arguments)
    };

    let expected = check(&bad.url, &[]).exits(0).json();
    assert_eq!(expected["targets"][0]["cases"][0]["verdict"], "xfail");
    let mended = check(&good.url, &[]).exits(0).json();
    assert_eq!(mended["targets"][0]["cases"][0]["verdict"], "xpass");
    check(&good.url, &["--strict-known"]).exits(1);
}

#[test]
fn explain_tells_of_checks_rules_and_faults() {
    let house = House::new();
    let check = house.run(&["explain", "sse.done-sentinel"]).exits(0);
    for word in ["must", "why", "source", "stream: done", "sse-no-done"] {
        assert!(check.stdout.contains(word), "{word}: {}", check.stdout);
    }
    assert!(house.run(&["explain", "done"]).exits(0).stdout.contains("[DONE]"));
    assert!(house.run(&["explain", "sse-no-done"]).exits(0).stdout.contains("sse.done-sentinel"));
    house.run(&["explain", "sse.done-sentinal"]).exits(2).complains(&["sse.done-sentinel"]);
}

#[test]
fn completions_are_printed_for_every_shell() {
    let house = House::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = house.run(&["completions", shell]).exits(0);
        assert!(outcome.stdout.contains("proofhouse"), "{shell}");
    }
}

#[test]
fn lint_accepts_what_is_built_in() {
    let house = House::new();
    assert!(house.run(&["lint"]).exits(0).stdout.starts_with("ok:"));
}

/// Help is what a user reads first: a change of it is looked at.
#[test]
fn every_help_page_is_as_it_was_last_looked_at() {
    let house = House::new();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("help", house.run(&["--help"]).exits(0).stdout);
        for command in [
            "demo", "check", "load", "calibrate", "mock", "report", "explain", "lens", "list", "lint",
            "init", "completions", "sagemaker", "scan",
        ] {
            let help = house.run(&[command, "--help"]).exits(0).stdout;
            insta::assert_snapshot!(format!("help-{command}"), help);
        }
    });
}

#[test]
fn the_page_of_exit_codes_is_the_table_of_the_code() {
    let page = include_str!("../../docs/exit-codes.md");
    let rows: Vec<String> = proofhouse::cli::Exit::ALL
        .iter()
        .map(|(exit, meaning)| format!("| {} | {meaning} |", exit.code()))
        .collect();
    assert!(
        page.contains(&rows.join("\n")),
        "docs/exit-codes.md should have:\n{}",
        rows.join("\n")
    );
}

#[test]
fn lint_reads_what_init_wrote_by_name_and_without_being_told() {
    let house = House::new();
    house.run(&["init"]).exits(0);
    let named = house.run(&["lint", "proofhouse.toml"]).exits(0);
    assert!(named.stdout.contains("1 project file"), "{}", named.stdout);
    let found = house.run(&["lint"]).exits(0);
    assert!(found.stdout.contains("1 project file"), "{}", found.stdout);

    house.write("proofhouse.toml", "[targets.a]\nurl = \"http://h/v1\"\nmodle = \"m\"\n");
    let wrong = ["proofhouse.toml:3:1", "modle", "did you mean `model`?"];
    house.run(&["lint", "proofhouse.toml"]).exits(2).complains(&wrong);
    house.run(&["lint"]).exits(2).complains(&wrong);
}

#[test]
fn the_schemas_that_init_names_are_files_that_it_wrote() {
    let house = House::new();
    house.run(&["init"]).exits(0);
    let named = |file: &str, mark: &str| {
        let written = text(&house.path(file));
        let line = written.lines().next().unwrap().split_once(mark).unwrap().1.trim().to_owned();
        let folder = house.path(file).parent().unwrap().to_owned();
        serde_json::from_str::<serde_json::Value>(&text(&folder.join(line))).unwrap()
    };
    assert_eq!(named("proofhouse.toml", "#:schema")["title"], "A proofhouse project");
    assert_eq!(named("suites/mine.yaml", "$schema=")["title"], "A proofhouse suite");
}

#[test]
fn lists_and_explanations_keep_to_the_width_and_end_no_line_in_blanks() {
    let house = House::new();
    let lists: [&[&str]; 6] = [
        &["list"],
        &["list", "rules"],
        &["list", "suites"],
        &["list", "capabilities"],
        &["explain", "sse.done-sentinel"],
        &["mock", "--list-faults"],
    ];
    for (columns, width) in [("60", 60), ("", 80)] {
        for list in lists {
            let outcome = house.run_with(list, &[("COLUMNS", columns)]).exits(0);
            for line in outcome.stdout.lines() {
                assert!(!line.ends_with(' '), "{list:?}: `{line}`");
                // A reproducer, a file or a name is not broken.
                let whole = !line.trim().contains(' ') || line.contains("proofhouse ");
                assert!(whole || line.chars().count() <= width, "{list:?}: `{line}`");
            }
        }
    }
}

#[test]
fn lists_in_json_have_numbers_and_plain_keys() {
    let house = House::new();
    let json = |what: &str| house.run(&["list", what, "--format", "json"]).exits(0).json();
    assert!(json("suites").as_array().unwrap().iter().all(|suite| suite["checks"].is_u64()));
    assert!(json("rules").as_array().unwrap().iter().all(|rule| rule["holds"].is_string()));
}

#[test]
fn a_capture_that_cannot_be_kept_names_the_file_and_not_the_port() {
    let outcome = House::new().run(&["mock", "--port", "0", "--capture", "no/such/x"]).exits(6);
    let outcome = outcome.complains(&["no/such/x", "--capture"]);
    assert!(!outcome.stderr.contains("port"), "{}", outcome.stderr);
}

#[test]
fn the_page_of_profiles_names_those_that_are_built_in() {
    let page = include_str!("../../docs/profile-format.md");
    for name in proofhouse::profile::builtin::names() {
        assert!(page.contains(&format!("`{name}`")), "docs/profile-format.md should name `{name}`");
    }
}

/// The failure that the README shows is the one that a user gets.
#[test]
fn the_sample_failure_of_the_readme_is_what_the_console_says() {
    let house = House::new();
    let mock = Mock::start(&["--fault", "sse-no-done"]);
    let check = ["check", "--url", &mock.url, "--no-record", "--select", "sse.done-sentinel"];
    let said = house.run(&check).exits(1).stdout;
    let sample = include_str!("../../README.md");
    let sample = sample.split_once("FAIL  sse.done-sentinel").unwrap().1;
    let sample = sample.split_once("  ...").unwrap().0;
    // Counts, times and line numbers change with every edit of a suite.
    let without_numbers = |text: &str| {
        let no_digits = text.chars().filter(|c| !c.is_ascii_digit());
        no_digits.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said_lines: Vec<String> = said.lines().map(without_numbers).collect();
    for line in sample.lines().skip(1).filter(|line| !line.contains("exchange ask-")) {
        let line = without_numbers(line);
        assert!(said_lines.contains(&line), "the console does not say `{line}`:\n{said}");
    }
}
