//! Steps that are asked again until something holds.

use proofhouse::transport::Transport;
use proofhouse::verdict::Verdict;

use crate::stage::{Answer, Script, Told, case, profile, run_with, suite};

const STEPS: &str = "    needs: [batches]\n    steps:\n      - request: {path: /x, method: GET}\n        \
    until: {holds: {that: body.done, is: true}, tries: 3, every: 1ms}\n        expect:\n          \
    - {that: status, is: 200}\n          - {that: body.n, is: 1}\n";

/// Batches are opted in to.
fn run(suite: &str, script: &impl Transport) -> Told {
    run_with(suite, script, &profile("capabilities: {batches: probe}\n"))
}

#[test]
fn the_last_answer_is_judged_and_asking_ends_with_it() {
    let suite = suite(&case("a.b", "must", STEPS));
    let script = Script::new(|number, _| match number {
        0 => Answer::Json(200, r#"{"done": false, "n": 0}"#),
        _ => Answer::Json(200, r#"{"done": true, "n": 1}"#),
    });

    let told = run(&suite, &script);

    assert_eq!(told.cases[0].verdict, Verdict::Pass);
    assert_eq!(script.sent.lock().unwrap().len(), 2);
    assert_eq!(told.cases[0].exchanges.len(), 2, "each asking is in the record");
}

#[test]
fn when_the_tries_run_out_nothing_is_told() {
    let suite = suite(&case("a.b", "must", STEPS));
    let script = Script::new(|_, _| Answer::Json(200, r#"{"done": false, "n": 0}"#));

    let told = run(&suite, &script);

    assert_eq!(told.cases[0].verdict, Verdict::Inconclusive);
    assert!(told.cases[0].reason.as_ref().unwrap().contains("in 3 askings, 1 ms apart"));
    assert_eq!(script.sent.lock().unwrap().len(), 3);
}

#[test]
fn an_answer_that_is_no_success_ends_the_asking() {
    let suite = suite(&case("a.b", "must", STEPS));
    let script = Script::new(|_, _| Answer::Json(500, "{}"));

    assert_eq!(run(&suite, &script).cases[0].verdict, Verdict::Fail);
    assert_eq!(script.sent.lock().unwrap().len(), 1);
}

#[test]
fn a_listed_status_is_an_answer_and_not_a_missing_route() {
    let steps = |answers: &str| {
        format!(
            "    needs: [batches]\n    steps:\n      - request: {{path: /batches/x, method: GET}}\n        \
             {answers}expect:\n          - {{that: body.error, exists: true}}\n"
        )
    };
    let verdict = |answers: &str| {
        let suite = suite(&case("a.b", "must", &steps(answers)));
        run(&suite, &Script::new(|_, _| Answer::Json(404, "{}"))).cases[0].verdict
    };
    assert_eq!(verdict(""), Verdict::Unsupported);
    assert_eq!(verdict("answers: [404]\n        "), Verdict::Fail);
}
