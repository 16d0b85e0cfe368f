//! Faults of errors inside a stream.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{error_text, is_failing};
use crate::mock::act::{Act, Scene};
use crate::mock::event::{Event, Part};
use crate::mock::reply::{Content, Reply};
use crate::mock::script::{Ending, HANG};
use crate::units::Nanos;

/// How long before the reset the last event goes out, so that it is not lost with it.
const BEFORE_RESET: Nanos = Nanos::from_millis(5);

fn drop_error(events: &mut Vec<Event>, scene: &Scene<'_>) {
    if is_failing(scene) {
        events.retain(|event| event.part != Part::Error);
    }
}

fn fake_stop(events: &mut Vec<Event>, scene: &Scene<'_>) {
    if !is_failing(scene) || !events.iter().any(|event| event.part == Part::Error) {
        return;
    }
    drop_error(events, scene);
    let Some(mut last) = events.last().cloned() else { return };
    last.part = Part::Finish;
    last.after = Nanos(0);
    if let Some(choice) = last.choice_mut().and_then(Value::as_object_mut) {
        choice.insert("delta".to_owned(), json!({}));
        choice.insert("finish_reason".to_owned(), json!("stop"));
    }
    events.push(last);
    events.push(Event::done());
}

fn flat(events: &mut [Event], scene: &Scene<'_>) {
    if !is_failing(scene) {
        return;
    }
    for event in events.iter_mut().filter(|event| event.part == Part::Error) {
        if let Some(body) = event.chunk_mut() {
            let error = body.get("error").cloned().unwrap_or_default();
            let of = |key: &str| error.get(key).cloned().unwrap_or_default();
            *body = json!({"object": "error", "message": of("message"), "type": of("type"), "param": null, "code": 500});
        }
    }
}

fn stream_refusal(reply: &mut Reply, scene: &Scene<'_>) {
    if reply.status == 400 && scene.request.wants_stream() {
        let message = error_text(reply, "message");
        *reply = Reply::new(
            200,
            Content::Text { media_type: "text/event-stream", text: format!("data: {message}\n\n") },
        );
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "errstream-200-validation",
        "200 SSE with the error text",
        &[Act::Error(stream_refusal)],
    ),
    Fault::new("errstream-bare-eof", "clean EOF after three chunks", &[Act::Events(drop_error)]),
    Fault::new(
        "errstream-cut-connection",
        "RST inside the chunked body",
        &[
            Act::Events(drop_error),
            Act::Script(|script, scene| {
                if is_failing(scene) && script.is_stream() {
                    script.cues.push(crate::mock::script::Cue {
                        after: BEFORE_RESET,
                        bytes: b"data: {".as_slice().into(),
                    });
                    script.cues.push(crate::mock::script::Cue {
                        after: BEFORE_RESET,
                        bytes: bytes::Bytes::new(),
                    });
                    script.end = Ending::Reset;
                }
            }),
        ],
    ),
    Fault::new(
        "errstream-fake-stop",
        "drop the error, send finish stop",
        &[Act::Events(fake_stop)],
    ),
    Fault::new(
        "errstream-flat",
        "flat error event mid-stream",
        &[Act::Events(|events, scene| flat(events, scene))],
    ),
    Fault::new(
        "errstream-hang",
        "error event, then silence",
        &[Act::Script(|script, scene| {
            if is_failing(scene) && script.is_stream() {
                script.end = Ending::Silence(HANG);
            }
        })],
    ),
    Fault::new(
        "errstream-done-after-error",
        "[DONE] after the error event",
        &[Act::Events(|events, scene| {
            if is_failing(scene) {
                events.push(Event::done());
            }
        })],
    ),
    Fault::new(
        "errstream-goes-on",
        "more content after the error event",
        &[Act::Events(|events, scene| {
            let content = events.iter().rev().find(|event| event.part == Part::Content).cloned();
            if let Some(content) = content.filter(|_| is_failing(scene)) {
                events.push(content);
            }
        })],
    ),
];
