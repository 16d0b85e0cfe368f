//! From answers to verdicts.

use proofhouse::transcript::End;
use proofhouse::verdict::Verdict;

use crate::stage::{Answer, Script, case, profile, run, run_with, step, suite};

fn verdict_of(suite: &str, answer: Answer) -> (Verdict, Option<String>) {
    let answer = std::sync::Mutex::new(Some(answer));
    let script = Script::new(move |_, _| answer.lock().unwrap().take().unwrap());
    let told = run(suite, &script);
    (told.cases[0].verdict, told.cases[0].reason.clone())
}

#[test]
fn the_level_of_what_is_broken_decides() {
    for (level, verdict) in
        [("must", Verdict::Fail), ("should", Verdict::Warn), ("may", Verdict::Info)]
    {
        let suite = suite(&case("a.b", level, &step("/x", "{that: status, is: 201}")));
        assert_eq!(verdict_of(&suite, Answer::Json(200, "{}")).0, verdict);
        assert_eq!(verdict_of(&suite, Answer::Json(201, "{}")).0, Verdict::Pass);
    }
}

#[test]
fn an_assertion_may_have_a_level_of_its_own() {
    let steps = "    steps:\n      - request: {path: /x, method: GET}\n        expect:\n          \
                 - {that: status, is: 200}\n          - {that: body.a, is: 1, level: should}\n";
    let suite = suite(&case("a.b", "must", steps));
    assert_eq!(verdict_of(&suite, Answer::Json(200, r#"{"a": 2}"#)).0, Verdict::Warn);
}

#[test]
fn what_is_not_there_to_be_judged_is_inconclusive() {
    let suite = suite(&case("a.b", "must", &step("/x", "{that: body.a, is: 1}")));
    let (verdict, why) = verdict_of(&suite, Answer::Json(200, "<html>"));
    assert_eq!(verdict, Verdict::Inconclusive);
    assert!(why.unwrap().contains("JSON"));
}

#[test]
fn a_condition_that_never_comes_up_is_inconclusive_unless_it_says_otherwise() {
    let conditional = "{if: {that: body.a, is: 1}, that: body.b, is: 2}";
    let suite_of = |expect: &str| suite(&case("a.b", "must", &step("/x", expect)));
    let with_else = "{if: {that: body.a, is: 1}, otherwise: holds, that: body.b, is: 2}";
    let body = r#"{"a": 0}"#;
    let (verdict, why) = verdict_of(&suite_of(conditional), Answer::Json(200, body));
    assert_eq!(verdict, Verdict::Inconclusive);
    assert!(why.unwrap().contains("never came up"));
    assert_eq!(verdict_of(&suite_of(with_else), Answer::Json(200, body)).0, Verdict::Pass);
    let met = r#"{"a": 1, "b": 3}"#;
    assert_eq!(verdict_of(&suite_of(conditional), Answer::Json(200, met)).0, Verdict::Fail);
}

#[test]
fn a_condition_met_in_one_cell_is_enough() {
    let lines = "    matrix: {n: [1, 2]}\n    steps:\n      - request: {path: \"/x/${n}\", method: GET}\n        \
                 expect:\n          - {if: {that: body.a, is: 1}, that: body.b, is: 2}\n";
    let suite = suite(&case("a.b", "must", lines));
    let script = Script::new(|_, request| match request.url.ends_with('1') {
        true => Answer::Json(200, r#"{"a": 1, "b": 2}"#),
        false => Answer::Json(200, "{}"),
    });
    assert_eq!(run(&suite, &script).cases[0].verdict, Verdict::Pass);
}

#[test]
fn an_unmet_precondition_is_inconclusive_and_breaks_nothing() {
    let lines = format!(
        "    precondition: {{that: step.main.body.ready, is: true}}\n{}",
        step("/x", "{that: body.a, is: 1}")
    );
    let suite = suite(&case("a.b", "must", &lines));
    let unready = verdict_of(&suite, Answer::Json(200, r#"{"ready": false, "a": 2}"#));
    assert_eq!(unready.0, Verdict::Inconclusive);
    let ready = verdict_of(&suite, Answer::Json(200, r#"{"ready": true, "a": 2}"#));
    assert_eq!(ready.0, Verdict::Fail);
}

const REFUSAL: &str = r#"{"error": {"message": "logprobs is not supported", "param": "logprobs"}}"#;

#[test]
fn a_clean_refusal_that_names_the_parameter_is_unsupported_unless_it_is_declared() {
    let lines = format!("    needs: [logprobs]\n{}", step("/x", "{that: status, is: 200}"));
    let suite = suite(&case("a.b", "must", &lines));
    let script = || Script::new(|_, _| Answer::Json(400, REFUSAL));

    let (verdict, why) = verdict_of(&suite, Answer::Json(400, REFUSAL));
    assert_eq!(verdict, Verdict::Unsupported);
    assert!(why.unwrap().contains("logprobs is not supported"));

    let declared = profile("capabilities: {logprobs: yes}\n");
    assert_eq!(run_with(&suite, &script(), &declared).cases[0].verdict, Verdict::Fail);
    let absent = profile("capabilities: {logprobs: no}\n");
    let told = run_with(&suite, &script(), &absent);
    assert_eq!(told.cases[0].verdict, Verdict::Skipped);
    assert!(told.exchanges.is_empty(), "what is skipped is not asked");
}

#[test]
fn what_is_no_clean_refusal_is_no_excuse() {
    let lines = format!("    needs: [logprobs]\n{}", step("/x", "{that: status, is: 200}"));
    let suite = suite(&case("a.b", "must", &lines));
    for answer in [
        Answer::Json(500, REFUSAL),
        Answer::Json(400, r#"{"error": {"message": "temperature is too high"}}"#),
        Answer::Json(400, "logprobs? no!"),
    ] {
        assert_eq!(verdict_of(&suite, answer).0, Verdict::Fail);
    }
    let timeout = End::TimedOut {
        phase: proofhouse::transcript::Phase::FirstByte,
        after: proofhouse::units::Nanos(1),
    };
    assert_eq!(verdict_of(&suite, Answer::End(timeout)).0, Verdict::Inconclusive);
}

#[test]
fn known_deviations_are_expected_until_they_expire_or_end() {
    let suite = suite(&case("a.b", "must", &step("/x", "{that: status, is: 200}")));
    let bad = || Script::new(|_, _| Answer::Json(500, "{}"));
    let good = Script::new(|_, _| Answer::Json(200, "{}"));
    let known = |check: &str, expires: &str| {
        profile(&format!(
            "known:\n  - {{check: {check}, reason: it is known, expires: {expires}}}\n"
        ))
    };

    let current = run_with(&suite, &bad(), &known("a.b", "2026-11-22"));
    assert_eq!(current.cases[0].verdict, Verdict::XFail);
    let expired = run_with(&suite, &bad(), &known("a.b", "2026-11-21"));
    assert_eq!(expired.cases[0].verdict, Verdict::Fail);
    assert!(expired.cases[0].known.as_ref().unwrap().expired);
    let mended = run_with(&suite, &good, &known("a.b", "2026-12-01"));
    assert_eq!(mended.cases[0].verdict, Verdict::XPass);
    let pattern = run_with(&suite, &good, &known("\"a.*\"", "2026-12-01"));
    assert_eq!(pattern.cases[0].verdict, Verdict::Pass);
}

fn repeated(settings: &str, held: usize) -> (Verdict, String) {
    let lines = format!("    repeat: {{{settings}}}\n{}", step("/x", "{that: status, is: 200}"));
    let suite = suite(&case("a.b", "must", &lines));
    let script = Script::new(move |n, _| match n < held {
        true => Answer::Json(200, "{}"),
        false => Answer::Json(500, "{}"),
    });
    let told = run(&suite, &script);
    let attempts = told.cases[0].attempts.unwrap();
    (told.cases[0].verdict, format!("{}/{}", attempts.held, attempts.n))
}

#[test]
fn a_repeated_case_is_decided_by_its_observed_share() {
    let settings = "attempts: 40, at_least: 0.95";
    assert_eq!(repeated(settings, 38), (Verdict::Pass, "38/40".to_owned()));
    assert_eq!(repeated(settings, 37), (Verdict::Fail, "37/40".to_owned()));
}

/// 40 of 40 only proves 92.8 %; 35 of 40 refutes 95 %, 36 do not.
#[test]
fn a_bound_wants_proof_and_may_ask_for_more_attempts() {
    let settings = "attempts: 40, at_least: 0.95, decide: bound";
    assert_eq!(repeated(settings, 40).0, Verdict::Inconclusive);
    assert_eq!(repeated(settings, 36).0, Verdict::Inconclusive);
    assert_eq!(repeated(settings, 35).0, Verdict::Fail);
    let more = "attempts: 40, at_least: 0.95, decide: bound, max_attempts: 80";
    assert_eq!(repeated(more, 100), (Verdict::Pass, "59/59".to_owned()));
}

/// Of 5, 2 refute 90 % and 3 do not; of 6, 3 do.
#[test]
fn a_share_that_is_to_be_refuted_passes_as_observed_and_fails_only_by_its_bound() {
    let settings = "attempts: 5, at_least: 0.9, decide: refute";
    assert_eq!(repeated(settings, 5).0, Verdict::Pass);
    assert_eq!(repeated(settings, 4).0, Verdict::Inconclusive);
    assert_eq!(repeated(settings, 3).0, Verdict::Inconclusive);
    assert_eq!(repeated(settings, 2).0, Verdict::Fail);
    let more = "attempts: 5, at_least: 0.9, decide: refute, max_attempts: 10";
    assert_eq!(repeated(more, 3), (Verdict::Fail, "3/6".to_owned()));
}

#[test]
fn overload_is_no_attempt() {
    let lines = format!(
        "    repeat: {{attempts: 4, at_least: 1.0}}\n{}",
        step("/x", "{that: status, is: 200}")
    );
    let suite = suite(&case("a.b", "must", &lines));
    let unreachable = || End::Refused { why: "nobody".to_owned() };
    let script = Script::new(move |n, _| match n {
        0 => Answer::End(unreachable()),
        _ => Answer::Json(200, "{}"),
    });
    let told = run(&suite, &script);
    let attempts = told.cases[0].attempts.unwrap();
    assert_eq!((attempts.held, attempts.n, attempts.not_counted), (3, 3, 1));
    assert_eq!(told.cases[0].verdict, Verdict::Pass);
}

#[test]
fn an_endpoint_that_is_gone_is_an_error_and_not_a_failure() {
    let suite = suite(&case("a.b", "must", &step("/x", "{that: status, is: 200}")));
    let (verdict, why) = verdict_of(&suite, Answer::End(End::Refused { why: "closed".to_owned() }));
    assert_eq!(verdict, Verdict::Error);
    assert!(why.unwrap().contains("closed"));
}
