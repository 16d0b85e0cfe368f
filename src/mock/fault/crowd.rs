//! Faults that show themselves only when many requests are at work.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{chunks, crash, is_generation};
use crate::mock::act::{Act, Scene};
use crate::mock::answer::Answer;
use crate::mock::event::Event;
use crate::mock::house::Left;
use crate::mock::reply::Reply;
use crate::mock::script::{Ending, Script};
use crate::units::Nanos;

/// An answer of so many tokens is long.
const LONG_TOKENS: u64 = 100;
/// Longer than this, a stream is cut.
const CUT_AFTER: Nanos = Nanos::from_millis(700);

fn swap_texts(answer: &mut Answer, scene: &Scene<'_>) {
    let Some(choice) = answer.choices.first_mut() else { return };
    let Some(text) = choice.text.clone() else { return };
    let other = scene.house.swap_left("text", Left::Text(text));
    if scene.house.is_crowded()
        && let Some(Left::Text(other)) = other
    {
        choice.text = Some(other);
    }
}

fn swap_arguments(answer: &mut Answer, scene: &Scene<'_>) {
    let call = answer.choices.first_mut().and_then(|choice| choice.calls.first_mut());
    let Some(call) = call else { return };
    let other = scene.house.swap_left("arguments", Left::Text(call.arguments.clone()));
    if scene.house.is_crowded()
        && let Some(Left::Text(other)) = other
    {
        call.arguments = other;
    }
}

fn swap_counts(answer: &mut Answer, scene: &Scene<'_>) {
    let usage = &mut answer.usage;
    let other = scene.house.swap_left("prompt tokens", Left::Count(usage.prompt));
    if scene.house.is_crowded()
        && let Some(Left::Count(other)) = other
    {
        usage.total = usage.total + other - usage.prompt;
        usage.prompt = other;
    }
}

/// A refusal while many are at work takes one of them down.
fn fail_next(scene: &Scene<'_>) -> Option<Reply> {
    if !is_generation(scene.request) || !scene.house.is_crowded() {
        return None;
    }
    scene.house.take_left("refusal").map(|_| crash())
}

fn one_id(events: &mut [Event], scene: &Scene<'_>) {
    if scene.house.is_crowded() {
        for chunk in chunks(events).filter_map(Value::as_object_mut) {
            chunk.insert("id".to_owned(), json!("chatcmpl-crowd"));
        }
    }
}

/// Cuts what comes too late.
fn cut(script: &mut Script) {
    let mut at = script.head.after;
    let late = script.cues.iter().position(|cue| {
        at = at + cue.after;
        at > CUT_AFTER
    });
    if let Some(late) = late {
        script.cues.truncate(late);
        script.end = Ending::Cut;
    }
}

/// Cuts an answer in half when the one before it came from another model.
fn cut_swapped(script: &mut Script, scene: &Scene<'_>) {
    let Some(ask) = scene.ask else { return };
    let before = scene.house.swap_left("model", Left::Text(vec![ask.model.clone()]));
    if let Some(Left::Text(before)) = before
        && before.first() != Some(&ask.model)
    {
        script.cues.truncate(script.cues.len() / 2);
        script.end = Ending::Cut;
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("cross-talk", "swap the texts of two answers", &[Act::Decide(swap_texts)]),
    Fault::new(
        "cross-talk-tools",
        "swap the arguments of two calls",
        &[Act::Decide(swap_arguments)],
    ),
    Fault::new("usage-mixed", "count another request's prompt", &[Act::Decide(swap_counts)]),
    Fault::new(
        "crowd-one-id",
        "the same id for many streams at once",
        &[Act::Events(|events, scene| one_id(events, scene))],
    ),
    Fault::new(
        "crowd-500",
        "500 on a long answer when many are at work",
        &[Act::Instead(|scene| {
            let limit = scene.request.field("max_tokens").and_then(Value::as_u64);
            let long = limit.is_some_and(|limit| limit >= LONG_TOKENS);
            (is_generation(scene.request) && long && scene.house.is_crowded()).then(crash)
        })],
    ),
    Fault::new(
        "error-isolation-broken",
        "a refused request takes another one down",
        &[
            Act::Instead(fail_next),
            Act::Script(|script, scene| {
                if script.head.status == 400 && scene.house.is_crowded() {
                    scene.house.swap_left("refusal", Left::Mark);
                }
            }),
        ],
    ),
    Fault::new(
        "model-swap-truncates",
        "cut the first answer after a change of models in half",
        &[Act::Script(cut_swapped)],
    ),
    Fault::new(
        "cancel-ignored",
        "keep generating for 3 s after a disconnect",
        &[Act::Traits(|traits| traits.ignores_leaving = true)],
    ),
    Fault::new(
        "cancel-ignored-nonstream",
        "keep generating for 3 s after a disconnect from a plain answer",
        &[Act::Traits(|traits| traits.ignores_leaving_plain = true)],
    ),
    Fault::new(
        "cut-long-streams",
        "cut a stream that lasts longer than 0.7 s",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                cut(script);
            }
        })],
    ),
];
