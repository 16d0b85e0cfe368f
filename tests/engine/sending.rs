//! What is sent, how often, and what later steps know of earlier ones.

use proofhouse::transcript::End;
use proofhouse::transport::ConnectionChoice;
use proofhouse::verdict::Verdict;

use crate::stage::{Answer, Script, case, run, step, suite};

#[test]
fn identical_requests_are_sent_once_and_different_ones_are_not_confused() {
    let cases = [
        case("a.one", "must", &step("/x", "{that: status, is: 200}")),
        case("a.two", "must", &step("/x", "{that: body.a, is: 1}")),
        case("a.three", "must", &step("/y", "{that: status, is: 200}")),
    ];
    let script = Script::new(|_, _| Answer::Json(200, r#"{"a": 1}"#));

    let told = run(&suite(&cases.concat()), &script);

    assert_eq!(script.sent.lock().unwrap().len(), 2);
    assert_eq!(told.exchanges.len(), 2);
    assert_eq!(told.cases[0].exchanges, told.cases[1].exchanges);
    assert_ne!(told.cases[0].exchanges, told.cases[2].exchanges);
    assert!(told.cases.iter().all(|case| case.verdict == Verdict::Pass));
}

#[test]
fn a_fresh_step_is_always_sent() {
    let lines = "    steps:\n      - {name: one, request: {path: /x, method: GET}, fresh: true, expect: [{that: status, is: 200}]}\n      \
                 - {name: two, request: {path: /x, method: GET}, fresh: true, expect: [{that: status, is: 200}]}\n";
    let script = Script::new(|_, _| Answer::Json(200, "{}"));
    run(&suite(&case("a.b", "must", lines)), &script);
    assert_eq!(script.sent.lock().unwrap().len(), 2);
}

#[test]
fn cases_are_told_in_suite_order_whatever_is_done_first() {
    let cases: String = (0..20)
        .map(|n| {
            case(&format!("a.n{n}"), "must", &step(&format!("/{n}"), "{that: status, is: 200}"))
        })
        .collect();
    let script = Script::new(|_, _| Answer::Json(200, "{}"));
    let told = run(&suite(&cases), &script);
    let ids: Vec<_> = told.cases.iter().map(|case| case.id.clone()).collect();
    assert_eq!(ids, (0..20).map(|n| format!("a.n{n}")).collect::<Vec<_>>());
}

#[test]
fn a_later_step_takes_what_an_earlier_one_captured() {
    let lines = "    steps:\n      - {name: one, request: {path: /x, method: GET}, capture: {id: body.id}, expect: [{that: status, is: 200}]}\n      \
                 - {name: two, request: {path: \"/x/${id}\", method: GET}, expect: [{that: body.id, is: \"${id}\"}, {that: body.id, same_as: \"query:step.one.body.id\"}]}\n";
    let script = Script::new(|_, _| Answer::Json(200, r#"{"id": "call_7"}"#));
    let told = run(&suite(&case("a.b", "must", lines)), &script);
    assert_eq!(told.cases[0].verdict, Verdict::Pass, "{:?}", told.cases[0].findings);
    assert!(script.sent.lock().unwrap()[1].0.url.ends_with("/x/call_7"));
}

#[test]
fn a_capture_of_nothing_ends_the_case_undecided() {
    let lines = "    steps:\n      - {name: one, request: {path: /x, method: GET}, capture: {id: body.id}, expect: [{that: status, is: 200}]}\n      \
                 - {name: two, request: {path: \"/x/${id}\", method: GET}, expect: [{that: status, is: 200}]}\n";
    let script = Script::new(|_, _| Answer::Json(200, "{}"));
    let told = run(&suite(&case("a.b", "must", lines)), &script);
    assert_eq!(told.cases[0].verdict, Verdict::Inconclusive);
    assert_eq!(script.sent.lock().unwrap().len(), 1);
}

#[test]
fn a_broken_must_ends_its_case() {
    let lines = "    steps:\n      - {name: one, request: {path: /x, method: GET}, expect: [{that: status, is: 200}]}\n      \
                 - {name: two, request: {path: /y, method: GET}, expect: [{that: status, is: 200}]}\n";
    let script = Script::new(|_, _| Answer::Json(500, "{}"));
    let told = run(&suite(&case("a.b", "must", lines)), &script);
    assert_eq!(told.cases[0].verdict, Verdict::Fail);
    assert_eq!(script.sent.lock().unwrap().len(), 1);
}

#[test]
fn a_closed_idle_connection_is_asked_again_in_the_open() {
    let script = Script::new(|n, _| match n {
        0 => Answer::End(End::ClosedBeforeResponse),
        _ => Answer::Json(200, "{}"),
    });
    let told = run(&suite(&case("a.b", "must", &step("/x", "{that: status, is: 200}"))), &script);

    assert_eq!(told.cases[0].verdict, Verdict::Pass);
    assert_eq!(told.exchanges.len(), 2, "both sendings are kept");
    assert_eq!(told.warnings.len(), 1);
    let sent = script.sent.lock().unwrap();
    assert_eq!(sent[0].1.connection, ConnectionChoice::Any);
    assert_eq!(sent[1].1.connection, ConnectionChoice::New);
}

#[test]
fn overload_is_waited_out_and_every_answer_is_kept() {
    let script = Script::new(|n, _| match n {
        0 => Answer::With(429, "retry-after: 0", "{}"),
        _ => Answer::Json(200, "{}"),
    });
    let told = run(&suite(&case("a.b", "must", &step("/x", "{that: status, is: 200}"))), &script);
    assert_eq!(told.cases[0].verdict, Verdict::Pass);
    assert_eq!(told.exchanges.len(), 2);
}

#[test]
fn overload_to_the_end_is_an_error_and_a_listed_status_is_an_answer() {
    let overloaded = || Script::new(|_, _| Answer::With(503, "retry-after: 0", "{}"));
    let told =
        run(&suite(&case("a.b", "must", &step("/x", "{that: status, is: 200}"))), &overloaded());
    assert_eq!(told.cases[0].verdict, Verdict::Error);

    let lines = "    steps:\n      - {request: {path: /x, method: GET}, answers: [503], expect: [{that: status, is: 503}]}\n";
    let script = overloaded();
    let told = run(&suite(&case("a.b", "must", lines)), &script);
    assert_eq!(told.cases[0].verdict, Verdict::Pass);
    assert_eq!(script.sent.lock().unwrap().len(), 1);
}

#[test]
fn a_step_reuses_the_connection_of_the_step_it_names() {
    let lines = "    steps:\n      - {name: one, request: {path: /x, method: GET}, expect: [{that: status, is: 200}]}\n      \
                 - {name: two, request: {path: /x, method: GET}, transport: {connection: \"reuse:one\"}, expect: [{that: status, is: 200}]}\n";
    let script = Script::new(|_, _| Answer::Json(200, "{}"));
    run(&suite(&case("a.b", "must", lines)), &script);
    let sent = script.sent.lock().unwrap();
    assert_eq!(sent[0].1.connection, ConnectionChoice::New, "it is kept for the later step");
    assert_eq!(sent[1].1.connection, ConnectionChoice::Number(1));
}

#[test]
fn parallel_copies_are_judged_each_and_together() {
    let lines = "    steps:\n      - {request: {path: \"/x/${copy}\", method: GET}, transport: {parallel: 4}, \
                 expect: [{that: status, is: 200}, {that: all.body.id, distinct: true}]}\n";
    let answer = |same: bool| {
        move |n: usize, _: &proofhouse::transcript::WireRequest| match (same, n) {
            (false, 0) => Answer::Json(200, r#"{"id": "a"}"#),
            (false, 1) => Answer::Json(200, r#"{"id": "b"}"#),
            (false, 2) => Answer::Json(200, r#"{"id": "c"}"#),
            _ => Answer::Json(200, r#"{"id": "d"}"#),
        }
    };
    let suite = suite(&case("a.b", "must", lines));
    let script = Script::new(answer(false));
    let told = run(&suite, &script);
    assert_eq!(told.cases[0].verdict, Verdict::Pass, "{:?}", told.cases[0].findings);
    assert_eq!(script.sent.lock().unwrap().len(), 4);
    let told = run(&suite, &Script::new(answer(true)));
    assert_eq!(told.cases[0].verdict, Verdict::Fail);
    assert_eq!(told.cases[0].findings.len(), 1, "said once, not four times");
}

#[test]
fn a_template_that_cannot_be_filled_is_an_error_of_ours() {
    let lines = step("\"/x/${1 / 0}\"", "{that: status, is: 200}");
    let script = Script::new(|_, _| Answer::Json(200, "{}"));
    let told = run(&suite(&case("a.b", "must", &lines)), &script);
    assert_eq!(told.cases[0].verdict, Verdict::Error);
    assert!(told.cases[0].reason.as_ref().unwrap().contains("request.path"));
}
