//! Faults of the streams of the Responses API.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{is_failing, retell};
use crate::mock::act::{Act, ResponseAct, Scene};
use crate::mock::ask::Format;
use crate::mock::event::{Data, Event, Part};
use crate::mock::route::Route;
use crate::units::Nanos;

type Change = fn(&mut Vec<Event>, &Scene<'_>);

const fn events(change: Change) -> Act {
    Act::Response(ResponseAct::Events(change))
}

/// Events of a type.
fn of<'a>(events: &'a mut [Event], kind: &'a str) -> impl Iterator<Item = &'a mut Value> {
    events.iter_mut().filter(move |event| event.kind() == kind).filter_map(Event::chunk_mut)
}

/// Counts anew, so that an event that was left out is not also a gap.
fn renumber(events: &mut [Event]) {
    for (number, value) in events.iter_mut().filter_map(Event::chunk_mut).enumerate() {
        if let Some(place) = value.get_mut("sequence_number") {
            *place = json!(number);
        }
    }
}

fn leave_out(events: &mut Vec<Event>, kinds: &[&str]) {
    events.retain(|event| !kinds.contains(&event.kind()));
    renumber(events);
}

/// The events that carry the response at its end.
fn ends(events: &mut [Event]) -> impl Iterator<Item = &mut Value> {
    events
        .iter_mut()
        .filter(|event| matches!(event.kind(), "response.completed" | "response.incomplete"))
        .filter_map(Event::chunk_mut)
}

fn set(value: &mut Value, pointer: &str, new: Value) {
    if let Some(place) = value.pointer_mut(pointer) {
        *place = new;
    }
}

/// Adds something to a text.
fn add(value: &mut Value, pointer: &str, more: &str) {
    if let Some(place) = value.pointer_mut(pointer)
        && let Some(text) = place.as_str()
    {
        *place = Value::String(format!("{text}{more}"));
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "responses-completed-event-on-length",
        "response.completed although the limit cut the stream",
        &[events(|events, _| {
            for event in events.iter_mut().filter(|event| event.kind() == "response.incomplete") {
                if let Data::Named { name, value } = &mut event.data {
                    *name = Some("response.completed".to_owned());
                    set(value, "/type", json!("response.completed"));
                }
            }
        })],
    ),
    Fault::new(
        "responses-stream-plain",
        "a stream of responses as text/plain",
        &[Act::Script(|script, scene| {
            if scene.request.route == Route::Responses && script.is_stream() {
                script.head.headers.set("content-type", "text/plain");
            }
        })],
    ),
    Fault::new(
        "responses-untyped-event",
        "an event without a type among the others",
        &[events(|events, _| {
            let at = events.len().min(3);
            events.insert(at, Event::json(Nanos(0), Part::Foreign, json!({"ping": 1})));
        })],
    ),
    Fault::new(
        "responses-no-created",
        "the stream opens without response.created",
        &[events(|events, _| leave_out(events, &["response.created"]))],
    ),
    Fault::new(
        "responses-created-completed",
        "response.created says completed",
        &[events(|events, _| {
            of(events, "response.created")
                .for_each(|event| set(event, "/response/status", json!("completed")));
        })],
    ),
    Fault::new(
        "responses-no-in-progress",
        "no response.in_progress",
        &[events(|events, _| leave_out(events, &["response.in_progress"]))],
    ),
    Fault::new(
        "responses-missing-done",
        "no content_part.done and no output_item.done",
        &[events(|events, _| {
            leave_out(events, &["response.content_part.done", "response.output_item.done"]);
        })],
    ),
    Fault::new(
        "responses-no-item-added",
        "no output_item.added",
        &[events(|events, _| leave_out(events, &["response.output_item.added"]))],
    ),
    Fault::new(
        "responses-no-sequence",
        "events without sequence_number",
        &[events(|events, _| {
            for event in
                events.iter_mut().filter_map(Event::chunk_mut).filter_map(Value::as_object_mut)
            {
                event.shift_remove("sequence_number");
            }
        })],
    ),
    Fault::new(
        "responses-sequence-nested",
        "sequence_number starts anew with each item",
        &[events(|events, _| {
            let mut number = 0;
            for event in events.iter_mut() {
                let starts = event.kind() == "response.output_item.added";
                number = if starts { 0 } else { number + 1 };
                if let Some(value) = event.chunk_mut() {
                    set(value, "/sequence_number", json!(number));
                }
            }
            if let Some(first) = events.first_mut().and_then(Event::chunk_mut) {
                set(first, "/sequence_number", json!(0));
            }
        })],
    ),
    Fault::new(
        "responses-sequence-from-one",
        "sequence_number starts at 1",
        &[events(|events, _| {
            for event in events.iter_mut().filter_map(Event::chunk_mut) {
                let number = event.get("sequence_number").and_then(Value::as_u64).unwrap_or(0);
                set(event, "/sequence_number", json!(number + 1));
            }
        })],
    ),
    Fault::new(
        "responses-no-event-name",
        "no event lines",
        &[events(|events, _| {
            for event in events {
                if let Data::Named { name, .. } = &mut event.data {
                    *name = None;
                }
            }
        })],
    ),
    Fault::new(
        "responses-index-off",
        "deltas have another output_index than their item",
        &[events(|events, _| {
            of(events, "response.output_text.delta")
                .for_each(|event| set(event, "/output_index", json!(7)));
        })],
    ),
    Fault::new(
        "responses-item-id-off",
        "deltas have another item_id than their item",
        &[events(|events, _| {
            of(events, "response.output_text.delta")
                .for_each(|event| add(event, "/item_id", "_delta"));
        })],
    ),
    Fault::new(
        "responses-no-deltas",
        "the text comes whole, without deltas",
        &[events(|events, _| leave_out(events, &["response.output_text.delta"]))],
    ),
    Fault::new(
        "responses-lost-delta",
        "the second delta of a text is lost",
        &[events(|events, _| {
            let deltas = events
                .iter()
                .enumerate()
                .filter(|(_, event)| event.kind() == "response.output_text.delta");
            if let Some((at, _)) = deltas.clone().nth(1) {
                events.remove(at);
            }
            renumber(events);
        })],
    ),
    Fault::new(
        "responses-done-differs",
        "content_part.done has another text than output_text.done",
        &[events(|events, _| {
            of(events, "response.content_part.done")
                .for_each(|event| add(event, "/part/text", "!"));
        })],
    ),
    Fault::new(
        "responses-id-mismatch",
        "items of the last event have other ids",
        &[events(|events, _| {
            for event in ends(events) {
                let output = event.pointer_mut("/response/output").and_then(Value::as_array_mut);
                output.into_iter().flatten().for_each(|item| add(item, "/id", "_final"));
            }
        })],
    ),
    Fault::new(
        "responses-empty-completed",
        "the last event has no output",
        &[events(|events, _| {
            ends(events).for_each(|event| set(event, "/response/output", json!([])));
        })],
    ),
    Fault::new(
        "responses-completed-other-text",
        "the last event has another text than was streamed",
        &[events(|events, _| {
            ends(events).for_each(|event| add(event, "/response/output/0/content/0/text", "!"));
        })],
    ),
    Fault::new(
        "responses-after-completed",
        "an event after the end of the response",
        &[events(|events, _| {
            let again = events.last().and_then(|last| match &last.data {
                Data::Named { value, .. } => value.pointer("/response/id").cloned(),
                Data::Json(_) | Data::Raw(_) => None,
            });
            if let Some(id) = again {
                let value = json!({"type": "response.queued", "sequence_number": events.len(), "response": {"id": id, "status": "queued"}});
                events.push(Event::typed(Nanos(0), value));
            }
        })],
    ),
    Fault::new(
        "responses-no-completed",
        "the stream closes without an end of the response",
        &[events(|events, _| leave_out(events, &["response.completed", "response.incomplete"]))],
    ),
    Fault::new(
        "responses-done",
        "[DONE] at the end of a response",
        &[events(|events, _| events.push(Event::done()))],
    ),
    Fault::new(
        "responses-id-rotates",
        "response.in_progress has another id",
        &[events(|events, _| {
            of(events, "response.in_progress").for_each(|event| add(event, "/response/id", "_2"));
        })],
    ),
    Fault::new(
        "responses-stream-no-usage",
        "the last event has no usage",
        &[events(|events, _| {
            ends(events).for_each(|event| set(event, "/response/usage", Value::Null));
        })],
    ),
    Fault::new(
        "responses-stream-differs",
        "another text when streamed",
        &[Act::Response(ResponseAct::Decide(|answer, scene| {
            let Some(ask) = scene.ask.filter(|ask| ask.stream && ask.format == Format::Text) else {
                return;
            };
            for choice in answer.choices.iter_mut().filter(|choice| choice.text.is_some()) {
                retell(choice, ask, |text| format!("Streamed: {text}"));
            }
            answer.recount();
        }))],
    ),
    Fault::new(
        "responses-call-nameless",
        "a streamed call opens without its name",
        &[events(|events, _| {
            of(events, "response.output_item.added")
                .for_each(|event| set(event, "/item/name", json!("")));
        })],
    ),
    Fault::new(
        "responses-no-arguments-done",
        "no function_call_arguments.done",
        &[events(|events, _| leave_out(events, &["response.function_call_arguments.done"]))],
    ),
    Fault::new(
        "responses-no-argument-deltas",
        "arguments come whole, without deltas",
        &[events(|events, _| leave_out(events, &["response.function_call_arguments.delta"]))],
    ),
    Fault::new(
        "responses-silent-eof",
        "a failing stream merely ends",
        &[events(|events, scene| {
            if is_failing(scene) {
                leave_out(events, &["error", "response.failed"]);
            }
        })],
    ),
    Fault::new(
        "responses-failed-no-error",
        "response.failed without an error",
        &[events(|events, _| {
            of(events, "response.failed")
                .for_each(|event| set(event, "/response/error", Value::Null));
        })],
    ),
    Fault::new(
        "responses-error-nested",
        "an error event nests its message as chats do",
        &[events(|events, _| {
            for event in of(events, "error") {
                let message = event.get("message").cloned().unwrap_or_default();
                let number = event.get("sequence_number").cloned().unwrap_or_default();
                *event = json!({"type": "error", "sequence_number": number, "error": {"message": message}});
            }
        })],
    ),
];
