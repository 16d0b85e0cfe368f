//! An endpoint that cannot be judged is told in one message, whether or not a model was named: what
//! it is, a way out, and the exit code.

use std::io::{Read as _, Write as _};

use crate::house::{House, Mock, Outcome};
use crate::peer::{self, Paper, answering, plain, secure, treating};

/// Checks with a model named and without one: both come to the same.
#[track_caller]
fn both(url: &str, arguments: &[&str], variables: &[(&str, &str)], code: i32, words: &[&str]) {
    both_in(&House::new(), url, arguments, variables, code, words);
}

#[track_caller]
fn both_in(
    house: &House,
    url: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
    code: i32,
    words: &[&str],
) {
    let check = ["check", "--url", url, "--no-record", "--select", "sse.content-type"];
    for model in [&["--model", "m"][..], &[]] {
        let arguments = [&check[..], arguments, model].concat();
        let outcome = house.run_with(&arguments, variables).exits(code).complains(words);
        is_for_people(&outcome);
    }
}

/// Neither Rust's own form of an error nor a client library's chain of them.
#[track_caller]
fn is_for_people(outcome: &Outcome) {
    for word in ["Other(", "Error(", "client error", "corrupt message", "InvalidContent", "Some("] {
        assert!(!outcome.stderr.contains(word), "`{word}` in stderr:\n{}", outcome.stderr);
    }
}

#[test]
fn a_closed_port_says_that_nobody_listens() {
    let url = plain(peer::closed_port());
    both(&url, &[], &[], 3, &["nobody listens at", &url, "start the server"]);
}

#[test]
fn a_proxy_that_is_not_there_is_not_taken_for_the_endpoint() {
    let mock = Mock::start(&[]);
    let proxy = format!("http://127.0.0.1:{}", peer::closed_port());
    let words = ["the proxy", &proxy, "cannot be reached", "mend --proxy"];
    both(&mock.url, &["--proxy", &proxy], &[], 3, &words);
}

#[test]
fn a_name_without_an_address_is_said() {
    let words = ["proofhouse.invalid", "no address", "mend the host name"];
    both("http://proofhouse.invalid/v1", &[], &[], 3, &words);
}

#[test]
fn a_wrong_base_path_is_said() {
    let mock = Mock::start(&[]);
    let url = mock.url.replace("/v1", "/api/openai");
    both(&url, &[], &[], 3, &["/api/openai/", "the base URL is everything before"]);
}

#[test]
fn a_web_page_is_said_with_its_status() {
    let url = answering(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 37\r\nconnection: close\r\n\r\n\
          <!doctype html><title>Sign in</title>",
    );
    both(&url, &[], &[], 3, &["answers 200 with an HTML page", "a login page"]);
    let url = answering(
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html\r\ncontent-length: 20\r\nconnection: close\r\n\r\n\
          <html>no one</html>\n",
    );
    both(
        &url,
        &[],
        &[],
        3,
        &["answers 503 with an HTML page", "what is behind it does not answer"],
    );
}

#[test]
fn a_redirect_is_said_with_where_it_leads() {
    let url = answering(
        b"HTTP/1.1 302 Found\r\nlocation: https://sso.example/login\r\ncontent-type: text/html\r\n\
          content-length: 13\r\nconnection: close\r\n\r\n<html></html>",
    );
    let words = ["302", "https://sso.example/login", "redirects are never followed"];
    both(&url, &[], &[], 3, &words);
}

#[test]
fn a_wrong_key_is_said_by_its_variable_and_never_shown() {
    let mock = Mock::start_with(&["--auth-env", "RIGHT"], &[("RIGHT", "sk-right-key")]);
    let variables = [("WRONG", "sk-wrong-canary")];
    let words = ["refused the key from $WRONG", "put the right key into $WRONG"];
    both(&mock.url, &["--auth-env", "WRONG"], &variables, 3, &words);
}

#[test]
fn a_missing_key_says_how_to_name_one() {
    let mock = Mock::start_with(&["--auth-env", "RIGHT"], &[("RIGHT", "sk-right-key")]);
    both(&mock.url, &[], &[], 3, &["wants a key", "--auth-env"]);
}

#[test]
fn a_key_command_that_fails_is_wrong_usage_and_its_complaint_is_shown_without_the_key() {
    let mock = Mock::start(&[]);
    let command = "echo sk-canary-5; echo not logged in with sk-canary-5 >&2; exit 4";
    let house = House::new();
    both_in(
        &house,
        &mock.url,
        &["--auth-command", command],
        &[],
        2,
        &["exit status: 4", "not logged in", "run the command by hand"],
    );
    let check = ["check", "--url", &mock.url, "--auth-command", command];
    assert!(!house.run(&check).stderr.contains("canary"));
}

#[test]
fn a_model_list_that_is_none_asks_for_a_name() {
    let house = House::new();
    let check = |url: &str| house.run(&["check", "--url", url]).exits(3);
    let none = answering(
        b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 22\r\nconnection: close\r\n\r\n\
          {\"detail\":\"Not Found\"}",
    );
    check(&none).complains(&["no --model was named", "there is no list", "--model NAME"]);
    let empty = answering(
        b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"data\":[]}",
    );
    check(&empty).complains(&["is empty", "--model NAME"]);
    let broken = answering(
        b"HTTP/1.1 500 Oh\r\ncontent-length: 13\r\nconnection: close\r\n\r\n{\"error\":\"7\"}",
    );
    check(&broken).complains(&["does not list any: 500", "--model NAME"]);
}

#[test]
fn no_response_head_is_an_objection_and_no_verdict() {
    let words = ["gives no answer", "https:// instead of http://"];
    both(&plain(treating(|_, mut stream| peer::reset(&mut stream))), &[], &[], 3, &words);
    both(
        &plain(treating(|_, mut stream| {
            peer::request(&mut stream);
        })),
        &[],
        &[],
        3,
        &words,
    );
    let half = answering(b"HTTP/1.1 200 OK\r\ncontent-ty");
    both(&half, &[], &[], 3, &words);
}

#[test]
fn silence_is_an_objection() {
    let url = plain(treating(|_, mut stream| {
        std::thread::spawn(move || while stream.read(&mut [0; 64]).is_ok_and(|len| len > 0) {});
    }));
    let words = ["does not answer", "no first byte within 200 ms", "--first-byte-timeout"];
    both(&url, &["--first-byte-timeout", "200ms"], &[], 3, &words);
}

#[test]
fn a_tls_port_that_is_spoken_to_in_the_clear_asks_for_https() {
    let words = ["https://"];
    // A TLS alert: fatal, protocol_version.
    let alert = answering(b"\x15\x03\x03\x00\x02\x02\x46");
    both(&alert, &[], &[], 3, &["does not speak HTTP", "TLS's", "https:// instead of http://"]);
    let folder = House::new();
    let real = peer::tls(&Paper::default(), &folder.path("ca.pem"), false);
    both(&plain(real), &[], &[], 3, &words);
    let nginx = answering(
        b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/html\r\ncontent-length: 53\r\nconnection: close\r\n\r\n\
          <html>The plain HTTP request was sent to HTTPS port\r\n",
    );
    both(&nginx, &[], &[], 3, &["answers 400", "it is https:// instead of http://"]);
}

#[test]
fn what_tls_failed_on_has_a_hint_of_its_own() {
    let house = House::new();
    let ca = house.path("ca.pem");
    let checks = |paper: Paper, mutual: bool, arguments: &[&str], words: &[&str]| {
        let url = secure(peer::tls(&paper, &ca, mutual));
        both_in(&house, &url, arguments, &[], 3, words);
    };
    let trusting = ["--ca", "ca.pem"];
    let other = || Paper { host: "other.example", ..Paper::default() };

    checks(Paper::default(), false, &[], &["not trusted here", "--ca FILE"]);
    checks(other(), false, &trusting, &["other.example", "use a host name in --url"]);
    let expired = Paper { expired: true, ..Paper::default() };
    checks(expired, false, &trusting, &["has expired", "renew the server's certificate"]);
    let authority = Paper { authority: true, ..Paper::default() };
    checks(authority, false, &trusting, &["that of an authority", "of the server"]);
    let wanted = ["wants a client certificate", "--client-cert FILE --client-key FILE"];
    checks(Paper::default(), true, &trusting, &wanted);
}

#[test]
fn tls_that_a_ca_does_not_cover_asks_for_another_ca() {
    let house = House::new();
    peer::tls(&Paper::default(), &house.path("another.pem"), false);
    let port = peer::tls(&Paper::default(), &house.path("its.pem"), false);
    let words = ["what --ca names did not issue this certificate"];
    both_in(&house, &secure(port), &["--ca", "another.pem"], &[], 3, &words);
}

#[test]
fn tls_against_a_plain_port_asks_for_http() {
    let url = answering(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let https = url.replace("http://", "https://");
    both(&https, &[], &[], 3, &["does not speak TLS", "http:// instead of https://"]);
}

#[test]
fn a_port_that_is_none_is_not_taken_for_another() {
    for url in ["http://127.0.0.1:99999/v1", "http://localhost:/v1", "http://localhost:0/v1"] {
        both(url, &[], &[], 2, &["is not a URL", "port `", "from 1 to 65535"]);
    }
}

/// Answers one chat completion, so that it looks like an endpoint, and nothing after that.
fn dying() -> String {
    plain(treating(|number, mut stream| {
        if number > 0 {
            return peer::reset(&mut stream);
        }
        peer::request(&mut stream);
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        );
    }))
}

#[test]
fn where_nothing_answers_nothing_fails_and_the_reason_is_the_connections() {
    let house = House::new();
    let report = house
        .run(&[
            "check",
            "--url",
            &dying(),
            "--model",
            "m",
            "--no-record",
            "--format",
            "json",
            "--select",
            "sampling.n0,tools.bad-schema,http.body-complete,errors.*",
        ])
        .exits(3)
        .json();
    let cases = report["targets"][0]["cases"].as_array().unwrap();
    assert!(cases.len() > 10, "{cases:?}");
    for case in cases {
        let reason = case["reason"].as_str().unwrap_or_default();
        if case["verdict"] == "skipped" {
            continue;
        }
        assert_eq!(case["verdict"], "inconclusive", "{case}");
        assert!(reason.starts_with("no response: the connection"), "{case}");
    }
}

#[test]
fn one_reason_for_many_cases_is_told_once() {
    let house = House::new();
    let url = dying();
    let check = ["check", "--url", &url, "--model", "m", "--no-record", "--select", "sse.*"];
    let said = house.run(&check).exits(3).stdout;
    assert!(said.contains("more for the same reason: sse."), "{said}");
    assert!(said.matches("INCONCLUSIVE").count() < 4, "{said}");
}

#[test]
fn an_unmet_condition_is_told_on_one_short_line_with_what_there_was() {
    let house = House::new();
    let schema = "{type: object, required: [a, b, c, d, e, f, g, h, i, j, k, l, m, n], properties: \
                  {a: {type: string}, b: {type: string}, c: {type: string}}}";
    house.write(
        "mine.yaml",
        &format!(
            "proofhouse: 1\nsuite: mine\ntitle: Mine\ncases:\n  - id: mine.one\n    title: One\n    \
             level: must\n    source: [s]\n    why: w\n    steps:\n      - request: {{path: /models, \
             method: GET}}\n        expect:\n          - {{that: body, schema: {schema}, if: {{that: \
             status, is: 418}}}}\n"
        ),
    );
    let mock = Mock::start(&[]);
    let report = house
        .run(&[
            "check",
            "--url",
            &mock.url,
            "--suite",
            "mine.yaml",
            "--no-record",
            "--format",
            "json",
            "--min-coverage",
            "0",
        ])
        .exits(3)
        .json();
    let reason = report["targets"][0]["cases"][0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("`that: status, is: 418` was not met, seen: `200`"), "{reason}");
    assert!(reason.lines().count() == 1 && reason.chars().count() < 200, "{reason}");
}
