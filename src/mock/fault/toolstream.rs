//! Faults of streamed tool calls.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::Fault;
use super::reach::{fragments, parts};
use crate::mock::act::{Act, Scene};
use crate::mock::answer::Answer;
use crate::mock::brain::{Hints, write};
use crate::mock::event::{Event, Part};
use crate::units::Nanos;

fn function(fragment: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    fragment.get_mut("function")?.as_object_mut()
}

fn arguments(event: &mut Event) -> Option<String> {
    event.call_mut()?.pointer("/function/arguments")?.as_str().map(str::to_owned)
}

/// Sets `key` of every later fragment to what the first one of its call says, or to `value`.
fn repeat(events: &mut [Event], key: &str, inside: bool, value: Option<&Value>) {
    let mut first_value = Value::Null;
    for (first, fragment) in fragments(events) {
        let place = if inside { function(fragment) } else { Some(fragment) };
        let Some(place) = place else { continue };
        if first {
            first_value = place.get(key).cloned().unwrap_or_default();
        } else {
            place.insert(key.to_owned(), value.unwrap_or(&first_value).clone());
        }
    }
}

/// The positions of the events of each call, in order of the calls.
fn by_call(events: &[Event]) -> Vec<Vec<usize>> {
    let mut calls: Vec<Vec<usize>> = Vec::new();
    for (at, event) in events.iter().enumerate().filter(|(_, event)| event.part == Part::Call) {
        let index = event.call_index().and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
        // Only the first choice's calls are numbered from 0 here; a second choice joins them.
        while calls.len() <= index {
            calls.push(Vec::new());
        }
        if let Some(call) = calls.get_mut(index) {
            call.push(at);
        }
    }
    calls
}

/// All arguments of a call go out in its second fragment, in a form of choice.
fn at_once(events: &mut Vec<Event>, form: impl Fn(&str) -> Value) {
    let mut gone = Vec::new();
    for call in by_call(events) {
        let later = call.get(1..).unwrap_or_default();
        let mut whole = String::new();
        let mut time = Nanos(0);
        for at in later {
            if let Some(event) = events.get_mut(*at) {
                whole += &arguments(event).unwrap_or_default();
                time = time + event.after;
            }
        }
        let Some((kept, rest)) = later.split_first() else { continue };
        gone.extend_from_slice(rest);
        if let Some(event) = events.get_mut(*kept) {
            event.after = time;
            if let Some(place) =
                event.call_mut().and_then(|call| call.pointer_mut("/function/arguments"))
            {
                *place = form(&whole);
            }
        }
    }
    remove(events, &gone);
}

fn remove(events: &mut Vec<Event>, gone: &[usize]) {
    let mut at = 0;
    events.retain(|_| {
        at += 1;
        !gone.contains(&(at - 1))
    });
}

/// Sends a piece of the arguments before the name. The id and the type stay where they are.
fn swap_first_two(events: &mut [Event]) {
    for call in by_call(events) {
        if let (Some(first), Some(second)) = (call.first(), call.get(1)) {
            let name_first = take_function(events, *first);
            let name_later = take_function(events, *second);
            put_function(events, *first, name_later);
            put_function(events, *second, name_first);
        }
    }
}

fn take_function(events: &mut [Event], at: usize) -> Option<Value> {
    events.get_mut(at)?.call_mut()?.get_mut("function").map(Value::take)
}

fn put_function(events: &mut [Event], at: usize, function: Option<Value>) {
    let place = events.get_mut(at).and_then(|event| event.call_mut()?.get_mut("function"));
    if let (Some(place), Some(function)) = (place, function) {
        *place = function;
    }
}

fn drop_calls(answer: &mut Answer, scene: &Scene<'_>) {
    if !scene.ask.is_some_and(|ask| ask.stream) {
        return;
    }
    for choice in answer.choices.iter_mut().filter(|choice| !choice.calls.is_empty()) {
        choice.calls.clear();
        choice.text = Some(Vec::new());
        "stop".clone_into(&mut choice.finish);
    }
}

fn drift(answer: &mut Answer, scene: &Scene<'_>) {
    let Some(ask) = scene.ask.filter(|ask| ask.stream) else { return };
    for call in answer.choices.iter_mut().flat_map(|choice| &mut choice.calls) {
        let other = ask.tools.iter().find(|tool| tool.name != call.name);
        if let Some(other) = other {
            call.name.clone_from(&other.name);
            let hints = Hints::of(ask.last_user_text());
            let value = write(&other.parameters, &hints, &mut Rng::with_seed(1));
            call.set_json(&value.to_string());
        } else if let Ok(Value::Object(mut map)) = serde_json::from_str(&call.json()) {
            // With one tool only its arguments can differ.
            map.insert("drifted".to_owned(), json!(true));
            call.set_json(&Value::Object(map).to_string());
        }
    }
    answer.recount();
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "toolstream-no-index",
        "omit index",
        &[Act::Events(|events, _| {
            for (_, fragment) in fragments(events) {
                fragment.shift_remove("index");
            }
        })],
    ),
    Fault::new(
        "toolstream-index-from-one",
        "start at 1",
        &[Act::Events(|events, _| {
            for (_, fragment) in fragments(events) {
                let index = fragment.get("index").and_then(Value::as_u64).unwrap_or(0);
                fragment.insert("index".to_owned(), json!(index + 1));
            }
        })],
    ),
    Fault::new(
        "toolstream-index-zero",
        "index 0 for all",
        &[Act::Events(|events, _| {
            for (_, fragment) in fragments(events) {
                fragment.insert("index".to_owned(), json!(0));
            }
        })],
    ),
    Fault::new(
        "toolstream-id-repeat",
        "id in every fragment",
        &[Act::Events(|events, _| repeat(events, "id", false, None))],
    ),
    Fault::new(
        "toolstream-name-repeat",
        "name in every fragment",
        &[Act::Events(|events, _| repeat(events, "name", true, None))],
    ),
    Fault::new(
        "toolstream-name-pieces",
        "name in two pieces",
        &[Act::Events(|events, _| {
            let mut rest = None;
            for (first, fragment) in fragments(events) {
                let Some(function) = function(fragment) else { continue };
                if first {
                    if let Some(Value::String(name)) = function.get_mut("name") {
                        // Names are ASCII.
                        rest = Some(name.split_off(name.len() / 2));
                    }
                } else if let Some(rest) = rest.take() {
                    function.insert("name".to_owned(), json!(rest));
                }
            }
        })],
    ),
    Fault::new(
        "toolstream-name-blank",
        "name '' on later fragments",
        &[Act::Events(|events, _| repeat(events, "name", true, Some(&json!(""))))],
    ),
    Fault::new(
        "toolstream-no-type",
        "no type",
        &[Act::Events(|events, _| {
            for (_, fragment) in fragments(events) {
                fragment.shift_remove("type");
            }
        })],
    ),
    Fault::new(
        "toolstream-no-id",
        "no id in any fragment",
        &[Act::Events(|events, _| {
            for (_, fragment) in fragments(events) {
                fragment.shift_remove("id");
            }
        })],
    ),
    Fault::new(
        "toolstream-nulls",
        "id, type and name null on later fragments",
        &[Act::Events(|events, _| {
            repeat(events, "id", false, Some(&Value::Null));
            repeat(events, "type", false, Some(&Value::Null));
            repeat(events, "name", true, Some(&Value::Null));
        })],
    ),
    Fault::new(
        "toolstream-arguments-object",
        "arguments object in a fragment",
        &[Act::Events(|events, _| {
            at_once(events, |text| serde_json::from_str(text).unwrap_or_else(|_| json!({})));
        })],
    ),
    Fault::new(
        "toolstream-arguments-first",
        "arguments before the name",
        &[Act::Events(|events, _| swap_first_two(events))],
    ),
    Fault::new(
        "toolstream-arguments-broken",
        "lose one fragment",
        &[Act::Events(|events, _| {
            let lost = by_call(events).first().and_then(|call| call.get(1..)?.last().copied());
            remove(events, lost.as_slice());
        })],
    ),
    Fault::new(
        "toolstream-one-shot",
        "whole arguments in one fragment",
        &[Act::Events(|events, _| at_once(events, |text| json!(text)))],
    ),
    Fault::new("toolstream-dropped", "no calls when streamed", &[Act::Decide(drop_calls)]),
    Fault::new(
        "toolstream-interleaved",
        "return to index 0 after index 1",
        &[Act::Events(|events, _| {
            let calls = by_call(events);
            if let [first, second, ..] = calls.as_slice()
                && let (Some(from), Some(to)) =
                    (first.get(1..).and_then(<[usize]>::last), second.last())
                && from < to
            {
                let event = events.remove(*from);
                events.insert(*to, event);
            }
        })],
    ),
    Fault::new("toolstream-parity-drift", "other tool when streamed", &[Act::Decide(drift)]),
    Fault::new(
        "toolstream-content-null",
        "content null beside every fragment",
        &[Act::Events(|events, _| {
            for delta in
                parts(events, Part::Call).filter_map(|event| event.delta_mut()?.as_object_mut())
            {
                delta.insert("content".to_owned(), Value::Null);
            }
        })],
    ),
];
