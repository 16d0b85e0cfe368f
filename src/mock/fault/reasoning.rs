//! Faults of thoughts in chat completions.

use serde_json::{Map, Value, json};

use super::Fault;
use super::reach::{choices, parts, put};
use crate::mock::act::{Act, Scene};
use crate::mock::answer::Answer;
use crate::mock::ask::Ask;
use crate::mock::event::{Event, Part};
use crate::mock::tokens;

/// The field of thoughts in OpenAI's persona.
const FIELD: &str = "reasoning_content";

/// What is asked, if the model is to think.
fn thinking<'a>(scene: &Scene<'a>) -> Option<&'a Ask> {
    scene.ask.filter(|ask| ask.effort.is_some())
}

/// Changes the field of thoughts in every delta that has it.
fn in_deltas(events: &mut [Event], change: impl Fn(&mut Map<String, Value>, Value)) {
    let deltas =
        parts(events, Part::Thought).filter_map(|event| event.delta_mut()?.as_object_mut());
    for delta in deltas {
        if let Some(thought) = delta.shift_remove(FIELD) {
            change(delta, thought);
        }
    }
}

/// The same in every message.
fn in_messages(choices: &mut [Value], change: impl Fn(&mut Map<String, Value>, Value)) {
    let messages = choices.iter_mut().filter_map(|choice| choice.pointer_mut("/message"));
    for message in messages.filter_map(Value::as_object_mut) {
        if let Some(thought) = message.shift_remove(FIELD) {
            change(message, thought);
        }
    }
}

fn rename(map: &mut Map<String, Value>, thought: Value) {
    map.insert("reasoning".to_owned(), thought);
}

fn in_parts(map: &mut Map<String, Value>, thought: Value) {
    let part = [("type".to_owned(), "text".into()), ("text".to_owned(), thought)];
    map.insert(FIELD.to_owned(), vec![Value::Object(part.into_iter().collect())].into());
}

/// Puts the thoughts into the text, tags and all.
fn leak(answer: &mut Answer, scene: &Scene<'_>) {
    let Some(ask) = thinking(scene) else { return };
    for choice in answer.choices.iter_mut().filter(|choice| choice.calls.is_empty()) {
        let thought = std::mem::take(&mut choice.reasoning).concat();
        let whole = format!("<think>{thought}</think>\n\n{}", choice.content());
        choice.set_content(&whole);
        if let (Some(limit), Some(text)) = (ask.limit, &mut choice.text) {
            text.truncate(limit);
        }
    }
    answer.recount();
}

/// Writes calls into the thoughts, as a parser that looks for calls only behind them leaves them.
fn swallow_calls(answer: &mut Answer, scene: &Scene<'_>) {
    if thinking(scene).is_none() {
        return;
    }
    for choice in answer.choices.iter_mut().filter(|choice| !choice.calls.is_empty()) {
        for call in std::mem::take(&mut choice.calls) {
            let body = json!({"name": call.name, "arguments": call.json()});
            choice.reasoning.extend(tokens::split(&format!("<tool_call>{body}</tool_call>")));
        }
        "stop".clone_into(&mut choice.finish);
    }
    answer.recount();
}

/// Leaves thoughts out of the limit.
fn think_for_free(answer: &mut Answer, scene: &Scene<'_>) {
    let Some(ask) = thinking(scene) else { return };
    let told = Answer::to(&Ask { effort: None, ..ask.clone() }, scene.house, scene.number());
    let thought = Answer::to(&Ask { limit: None, ..ask.clone() }, scene.house, scene.number());
    answer.choices = told.choices;
    for (choice, thought) in answer.choices.iter_mut().zip(thought.choices) {
        choice.reasoning = thought.reasoning;
    }
    answer.recount();
}

/// Puts thoughts behind the text.
fn think_late(events: &mut Vec<Event>) {
    let Some(last) = events.iter().rposition(|event| event.part == Part::Content) else { return };
    let behind = events.split_off(last + 1);
    let (thoughts, mut kept): (Vec<_>, Vec<_>) =
        std::mem::take(events).into_iter().partition(|event| event.part == Part::Thought);
    kept.extend(thoughts);
    kept.extend(behind);
    *events = kept;
}

/// All thoughts of a choice in one delta, when they are over.
fn think_at_once(events: &mut Vec<Event>) {
    let mut whole = String::new();
    in_deltas(events, rename);
    for delta in parts(events, Part::Thought).filter_map(Event::delta_mut) {
        whole.push_str(delta.get("reasoning").and_then(Value::as_str).unwrap_or_default());
    }
    let Some(last) = events.iter().rposition(|event| event.part == Part::Thought) else { return };
    if let Some(delta) = events.get_mut(last).and_then(Event::delta_mut) {
        *delta = json!({FIELD: whole});
    }
    let mut at = 0;
    events.retain(|event| {
        at += 1;
        event.part != Part::Thought || at == last + 1
    });
}

/// The role comes with the first piece of the answer, and null before.
fn name_role_late(events: &mut [Event]) {
    if !events.iter().any(|event| event.part == Part::Thought) {
        return;
    }
    for delta in parts(events, Part::Role).filter_map(Event::delta_mut) {
        *delta = json!({"role": null, "content": null});
    }
    let said = |event: &&mut Event| matches!(event.part, Part::Content | Part::Call);
    let first = events.iter_mut().find(said);
    if let Some(delta) = first.and_then(|event| event.delta_mut()?.as_object_mut()) {
        delta.insert("role".to_owned(), json!("assistant"));
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "reasoning-renamed",
        "thoughts in `reasoning`, not in `reasoning_content`",
        &[
            Act::Plain(|reply, scene| in_messages(choices(reply, scene), rename)),
            Act::Events(|events, _| in_deltas(events, rename)),
        ],
    ),
    Fault::new(
        "reasoning-field-differs",
        "thoughts in `reasoning` when streamed, in `reasoning_content` when not",
        &[Act::Events(|events, _| in_deltas(events, rename))],
    ),
    Fault::new(
        "reasoning-parts",
        "thoughts as an array of parts",
        &[
            Act::Plain(|reply, scene| in_messages(choices(reply, scene), in_parts)),
            Act::Events(|events, _| in_deltas(events, in_parts)),
        ],
    ),
    Fault::new(
        "reasoning-tag-leak",
        "thoughts in the content, between think tags",
        &[Act::Decide(leak)],
    ),
    Fault::new(
        "reasoning-swallows-call",
        "a call beside thoughts is written into them",
        &[Act::Decide(swallow_calls)],
    ),
    Fault::new(
        "reasoning-stop-on-budget",
        "stop although thoughts used the limit up",
        &[Act::Decide(|answer, scene| {
            let silent = answer.choices.iter_mut().filter(|choice| choice.content().is_empty());
            for choice in silent.filter(|choice| choice.finish == "length") {
                if thinking(scene).is_some() && choice.calls.is_empty() {
                    "stop".clone_into(&mut choice.finish);
                }
            }
        })],
    ),
    Fault::new(
        "reasoning-not-budgeted",
        "thoughts do not count against the limit",
        &[Act::Decide(think_for_free)],
    ),
    Fault::new(
        "reasoning-uncounted",
        "reasoning_tokens 0 beside thoughts",
        &[Act::Decide(|answer, _| answer.usage.reasoning = 0)],
    ),
    Fault::new(
        "reasoning-after-content",
        "thoughts are streamed behind the answer",
        &[Act::Events(|events, _| think_late(events))],
    ),
    Fault::new(
        "reasoning-at-once",
        "all thoughts in one chunk, when they are over",
        &[Act::Events(|events, _| think_at_once(events))],
    ),
    Fault::new(
        "reasoning-role-late",
        "role null until the thoughts are over",
        &[Act::Events(|events, _| name_role_late(events))],
    ),
    Fault::new(
        "reasoning-effort-none-ignored",
        "thoughts although reasoning_effort is none",
        &[Act::Hear(|request, _| {
            if request.field("reasoning_effort").is_some_and(|effort| effort == "none") {
                put(request, "reasoning_effort", "low");
            }
        })],
    ),
];
