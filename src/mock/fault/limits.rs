//! Faults of stop texts, limits and sampling.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{error_text, forget, no, put, set_500};
use crate::mock::act::{Act, Scene};
use crate::mock::answer::Answer;
use crate::mock::ask::Ask;
use crate::mock::request::Request;
use crate::mock::script::{HANG, Script};

/// Forgets a limit that would have worked; a bad one is still refused.
fn forget_limit(request: &mut Request, name: &str) {
    if request.field(name).and_then(Value::as_i64).is_some_and(|limit| limit > 0) {
        forget(request, name);
    }
}

fn hang_if(script: &mut Script, holds: bool) {
    if holds {
        script.head.after = HANG;
    }
}

fn is_zero(scene: &Scene<'_>, name: &str) -> bool {
    scene.request.field(name).and_then(Value::as_i64) == Some(0)
}

/// Goes on behind the stop text for as much of it as `keep` says.
fn past_stop(answer: &mut Answer, scene: &Scene<'_>, keep: impl Fn(&str) -> String) {
    let Some(ask) = scene.ask.filter(|ask| !ask.stop.is_empty()) else { return };
    let endless = Ask { stop: Vec::new(), ..ask.clone() };
    let whole = Answer::to(&endless, scene.house, scene.number());
    for (choice, whole) in answer.choices.iter_mut().zip(whole.choices) {
        let text = whole.content();
        let found = ask.stop.iter().filter_map(|stop| text.find(stop).map(|at| (at, stop))).min();
        if let Some((at, stop)) = found
            && let Some(before) = text.get(..at)
        {
            choice.set_content(&format!("{before}{}", keep(stop)));
        }
    }
    answer.recount();
}

fn first_half(text: &str) -> String {
    text.chars().take(text.chars().count() / 2).collect()
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "stop-included",
        "stop text returned",
        &[Act::Decide(|answer, scene| past_stop(answer, scene, str::to_owned))],
    ),
    Fault::new(
        "stop-prefix-leak",
        "first half of the stop is streamed",
        &[Act::Decide(|answer, scene| {
            if scene.ask.is_some_and(|ask| ask.stream) {
                past_stop(answer, scene, first_half);
            }
        })],
    ),
    Fault::new(
        "stop-ignored",
        "go on past the stop text",
        &[Act::Hear(|request, _| forget(request, "stop"))],
    ),
    Fault::new(
        "reject-stop-string",
        "400 on a string stop",
        &[Act::Instead(|scene| {
            scene.request.field("stop").filter(|stop| stop.is_string()).map(|_| no("A string stop"))
        })],
    ),
    Fault::new(
        "reject-stop-four",
        "400 on four",
        &[Act::Instead(|scene| {
            let stops = scene.request.field("stop").and_then(Value::as_array);
            stops.filter(|stops| stops.len() == 4).map(|_| no("A list of four stops"))
        })],
    ),
    Fault::new(
        "stop-empty-hang",
        "hang on ''",
        &[Act::Script(|script, scene| {
            let stop = scene.request.field("stop");
            let empty = |stop: &Value| {
                *stop == "" || stop.as_array().is_some_and(|s| s.contains(&json!("")))
            };
            hang_if(script, stop.is_some_and(empty));
        })],
    ),
    Fault::new(
        "limit-ignored",
        "ignore max_tokens",
        &[Act::Hear(|request, _| forget_limit(request, "max_tokens"))],
    ),
    Fault::new(
        "limit-new-name-ignored",
        "ignore max_completion_tokens",
        &[Act::Hear(|request, _| forget_limit(request, "max_completion_tokens"))],
    ),
    Fault::new(
        "limit-negative-200",
        "200 on -1",
        &[Act::Hear(|request, _| {
            if request.field("max_tokens").and_then(Value::as_i64).is_some_and(|limit| limit < 0) {
                forget(request, "max_tokens");
            }
        })],
    ),
    Fault::new(
        "limit-zero-hang",
        "hang on 0",
        &[Act::Script(|script, scene| hang_if(script, is_zero(scene, "max_tokens")))],
    ),
    Fault::new(
        "overflow-500",
        "500 on overflow",
        &[Act::Error(|reply, _| {
            if error_text(reply, "code") == "context_length_exceeded" {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "overflow-no-code",
        "400 with code null",
        &[Act::Error(|reply, _| {
            if error_text(reply, "code") == "context_length_exceeded"
                && let Some(error) = super::reach::error(reply)
            {
                error.insert("code".to_owned(), Value::Null);
            }
        })],
    ),
    Fault::new(
        "n-ignored",
        "one choice for n 2",
        &[Act::Hear(|request, _| {
            if request.field("n").and_then(Value::as_i64).is_some_and(|n| n > 1) {
                put(request, "n", 1);
            }
        })],
    ),
    Fault::new(
        "n-zero-hang",
        "hang on n 0",
        &[Act::Script(|script, scene| hang_if(script, is_zero(scene, "n")))],
    ),
    Fault::new(
        "n-stream-index-zero",
        "index 0 for all choices",
        &[Act::Events(|events, _| {
            for choice in events.iter_mut().filter_map(|event| event.choice_mut()?.as_object_mut())
            {
                choice.insert("index".to_owned(), json!(0));
            }
        })],
    ),
    Fault::legal(
        "n-stream-index-one-first",
        "the choice of index 1 opens first",
        &[Act::Events(|events, scene| {
            let last = scene.ask.map_or(0, |ask| ask.n as u64 - 1);
            for choice in events.iter_mut().filter_map(|event| event.choice_mut()?.as_object_mut())
            {
                let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
                choice.insert("index".to_owned(), json!(last.saturating_sub(index)));
            }
        })],
    ),
    Fault::new("seed-ignored", "random text", &[Act::Hear(|request, _| forget(request, "seed"))]),
    Fault::new(
        "temperature-range-200",
        "accept 2.1",
        &[Act::Hear(|request, _| {
            if request.field("temperature").and_then(Value::as_f64).is_some_and(|t| t > 2.0) {
                put(request, "temperature", 2);
            }
        })],
    ),
    Fault::new(
        "logit-bias-ignored",
        "ignore logit_bias",
        &[Act::Hear(|request, _| forget(request, "logit_bias"))],
    ),
];
