//! Where reports go: what is there is kept for what it is, and what fails is said at the right time.

use crate::house::{House, Mock, text};

const PLAIN: [&str; 5] = ["check", "--no-record", "--select", "sse.done-sentinel", "--url"];

#[test]
fn two_reports_into_one_file_are_refused_before_anything_is_sent() {
    let house = House::new();
    house.write("a/r.json", "");
    for (one, other) in [("json=r", "html=r"), ("json=a/r.json", "html=./a/../a/r.json")] {
        house
            .run(&["check", "--url", "http://127.0.0.1:1/v1", "--report", one, "--report", other])
            .exits(2)
            .complains(&["--report", "= help:"]);
    }
}

#[test]
fn a_report_replaces_a_file_whole_and_leaves_nothing_beside_it() {
    let house = House::new();
    house.write("r.json", "old");
    // Not ours to touch.
    house.write("r.json.part", "theirs");
    let mock = Mock::start(&[]);

    house.run(&[&PLAIN[..], &[&mock.url, "--report", "json=r.json"]].concat()).exits(0);

    assert!(text(&house.path("r.json")).starts_with('{'));
    assert_eq!(text(&house.path("r.json.part")), "theirs");
    assert_eq!(std::fs::read_dir(house.path(".")).unwrap().count(), 2);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
    use std::process::{Command, Stdio};

    use super::*;
    use crate::house::outcome;

    fn fifo(house: &House, name: &str) -> std::path::PathBuf {
        let path = house.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn links_pipes_and_devices_are_written_to_and_stay_what_they_are() {
        let house = House::new();
        let mock = Mock::start(&[]);
        let target = house.write("kept/real.json", "old");
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
        symlink("kept/real.json", house.path("link.json")).unwrap();
        symlink("kept/new.xml", house.path("link.xml")).unwrap();
        let pipe = fifo(&house, "pipe");
        let reader = Command::new("cat").arg(&pipe).stdout(Stdio::piped()).spawn().unwrap();

        let mut arguments = [&PLAIN[..], &[&mock.url, "--format", "markdown"]].concat();
        for report in ["json=link.json", "junit=link.xml", "html=pipe", "console=/dev/stdout"] {
            arguments.extend(["--report", report]);
        }
        let outcome = house.run(&arguments).exits(0);

        assert!(house.path("link.json").is_symlink() && house.path("link.xml").is_symlink());
        assert!(text(&target).starts_with('{'), "the link's file has the report");
        let mode = std::fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "and keeps its mode");
        assert!(text(&house.path("kept/new.xml")).starts_with("<?xml"));
        assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
        let page = String::from_utf8(reader.wait_with_output().unwrap().stdout).unwrap();
        assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
        assert!(outcome.stdout.starts_with("## proofhouse"), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("conforms: "), "{}", outcome.stdout);
    }

    #[test]
    fn stdout_that_is_a_file_keeps_what_was_printed_and_gets_the_report() {
        let house = House::new();
        let mock = Mock::start(&[]);
        let file = std::fs::File::create(house.path("all")).unwrap();
        let arguments =
            [&PLAIN[..], &[&mock.url, "--format", "markdown", "--report", "json=/dev/stdout"]]
                .concat();
        outcome(house.command(&arguments).stdout(file).output().unwrap()).exits(0);
        let all = text(&house.path("all"));
        assert!(all.starts_with("## proofhouse") && all.trim_end().ends_with('}'), "{all}");
    }

    #[test]
    fn a_folder_in_which_no_file_can_be_made_is_said_before_anything_is_sent() {
        let house = House::new();
        house.write("shut/r.json", "old");
        let shut = house.path("shut");
        std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o555)).unwrap();
        if std::fs::write(house.path("shut/probe"), "").is_ok() {
            return; // The superuser may write anywhere.
        }
        house
            .run(&["check", "--url", "http://127.0.0.1:1/v1", "--report", "json=shut/r.json"])
            .exits(6)
            .complains(&["shut/r.json", "could not be written", "nothing was sent"]);
        std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_report_that_fails_at_the_end_takes_neither_the_verdict_nor_the_other_reports_along() {
        let house = House::new();
        for (faults, code) in [(&["--fault", "sse-no-done"][..], 1), (&[], 6)] {
            let mock = Mock::start(faults);
            let reports = ["--report", "json=/dev/full", "--report", "junit=r.xml"];
            let outcome = house
                .run(&[&PLAIN[..], &[&mock.url], &reports].concat())
                .exits(code)
                .complains(&["/dev/full", "could not be written"]);
            assert!(outcome.stdout.contains("sse.done-sentinel") || code == 6);
            assert!(outcome.stdout.contains("conform"), "{}", outcome.stdout);
            assert!(text(&house.path("r.xml")).contains("sse.done-sentinel"));
            std::fs::remove_file(house.path("r.xml")).unwrap();
        }
    }
}
