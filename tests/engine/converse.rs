//! Steps that answer calls and go on with the conversation.

use proofhouse::record::CaseRecord;
use proofhouse::transcript::WireRequest;
use proofhouse::verdict::Verdict;
use serde_json::{Value, json};

use crate::stage::{Answer, Script, case, run, suite};

const STEPS: &str = "    steps:\n      - request:\n          path: /chat/completions\n          json:\n            \
    tool_choice: required\n            user: ada\n            messages: [{role: user, content: \"Weather in Paris?\"}]\n        \
    converse:\n          turns: 3\n          tools: {weather: '{\"city\": \"${arguments.city}\", \"n\": \"${nonce(4)}\"}', time: [1, 2]}\n          \
    then: {tool_choice: auto, user: null}\n        expect:\n          \
    - {that: \"assembled.choices[0].message.content\", is: Fine.}\n";

const CALLS: &str = r#"{"choices": [{"message": {"role": "assistant", "content": "literally ${x}", "tool_calls": [
    {"id": "a", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Paris\"}"}},
    {"id": "b", "type": "function", "function": {"name": "time", "arguments": "{}"}}]}}]}"#;
const TEXT: &str = r#"{"choices": [{"message": {"role": "assistant", "content": "Fine."}}]}"#;

fn told(answer: impl Fn(usize) -> Answer + Send + Sync) -> (CaseRecord, Vec<Value>) {
    let script = Script::new(move |number, _: &WireRequest| answer(number));
    let mut told = run(&suite(&case("a.b", "must", STEPS)), &script);
    let sent = script.sent.lock().unwrap();
    let bodies = sent.iter().map(|(request, _)| {
        assert_eq!(request.headers.get("content-type"), Some("application/json"));
        serde_json::from_slice(&request.body).unwrap()
    });
    (told.cases.remove(0), bodies.collect())
}

#[test]
fn calls_are_answered_until_an_answer_holds_none() {
    let (case, bodies) = told(|number| Answer::Json(200, if number == 0 { CALLS } else { TEXT }));

    assert_eq!(case.verdict, Verdict::Pass);
    assert_eq!(case.exchanges.len(), 2);
    assert_eq!(case.exchanges[1], "a.b/main/turn=2");
    assert_eq!(
        (&bodies[0]["tool_choice"], &bodies[0]["user"]),
        (&json!("required"), &json!("ada"))
    );
    assert_eq!((&bodies[1]["tool_choice"], bodies[1].get("user")), (&json!("auto"), None));
    let messages = bodies[1]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 4);
    // What a model says is no template.
    assert_eq!(messages[1]["content"], "literally ${x}");
    assert_eq!((&messages[2]["role"], &messages[2]["tool_call_id"]), (&json!("tool"), &json!("a")));
    let result: Value = serde_json::from_str(messages[2]["content"].as_str().unwrap()).unwrap();
    assert_eq!(result["city"], "Paris");
    assert_eq!(result["n"].as_str().unwrap().len(), 4);
    assert_eq!(
        (&messages[3]["tool_call_id"], &messages[3]["content"]),
        (&json!("b"), &json!("[1,2]"))
    );
}

#[test]
fn the_turns_run_out_and_the_last_answer_is_judged() {
    let (case, bodies) = told(|_| Answer::Json(200, CALLS));

    assert_eq!(case.verdict, Verdict::Fail);
    assert_eq!(bodies.len(), 3);
    assert_eq!(bodies[2]["messages"].as_array().unwrap().len(), 7);
}

#[test]
fn an_answer_that_is_no_success_ends_the_conversation() {
    let (case, bodies) = told(|number| match number {
        0 => Answer::Json(200, CALLS),
        _ => Answer::Json(400, r#"{"error": {"message": "no"}}"#),
    });

    assert_eq!((case.verdict, bodies.len()), (Verdict::Inconclusive, 2));
}

#[test]
fn a_call_that_cannot_be_answered_leaves_the_case_undecided() {
    let odd = [
        (
            r#"{"id": "a", "function": {"name": "rain", "arguments": "{}"}}"#,
            "`rain`, which the case cannot run",
        ),
        (
            r#"{"id": "a", "function": {"name": "time", "arguments": "{"}}"#,
            "no arguments that are a JSON object",
        ),
        (r#"{"function": {"name": "time", "arguments": "{}"}}"#, "call 0 has no id"),
        (r#"{"id": "a", "function": {"name": "weather", "arguments": "{}"}}"#, "has no result"),
    ];
    for (call, why) in odd {
        let body = format!(r#"{{"choices": [{{"message": {{"tool_calls": [{call}]}}}}]}}"#);
        let body: &'static str = body.leak();
        let (case, bodies) = told(|_| Answer::Json(200, body));
        assert_eq!((case.verdict, bodies.len()), (Verdict::Inconclusive, 1), "{call}");
        assert!(case.reason.as_ref().unwrap().contains(why), "{call}: {:?}", case.reason);
    }
}
