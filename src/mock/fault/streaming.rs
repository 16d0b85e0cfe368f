//! Faults of the event stream's framing and timing.

use bytes::Bytes;
use serde_json::json;

use super::Fault;
use super::reach::{forget, is_answer, is_failing, is_generation, put};
use crate::mock::act::{Act, Scene};
use crate::mock::event::{Event, Part};
use crate::mock::house::House;
use crate::mock::request::Request;
use crate::mock::script::{Cue, Ending, HANG, Script};
use crate::units::Nanos;

/// A prompt of so many tokens takes its time before the first word.
const LONG_PROMPT_TOKENS: usize = 2_000;

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "sse-wrong-content-type",
        "stream with Content-Type application/json",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                script.head.headers.set("content-type", "application/json");
            }
        })],
    ),
    Fault::new(
        "nonstream-sse-framing",
        "JSON body sent as text/event-stream with data: [DONE] appended",
        &[Act::Script(|script, scene| {
            if is_answer(script, scene) && script.is_json() {
                script.head.headers.set("content-type", "text/event-stream");
                let body = [script.body().as_slice(), b"\n\ndata: [DONE]\n\n"].concat();
                script.set_body(body);
            }
        })],
    ),
    Fault::new(
        "stream-default-on",
        "stream when the key is absent",
        &[Act::Hear(|request, _| {
            if is_generation(request) && request.field("stream").is_none() {
                put(request, "stream", true);
            }
        })],
    ),
    Fault::new(
        "accept-overrides-stream",
        "let the Accept header choose the framing",
        &[Act::Hear(hear_accept)],
    ),
    Fault::new(
        "sse-no-done",
        "leave out data: [DONE], close normally",
        &[Act::Events(|events, _| events.retain(|event| event.part != Part::Done))],
    ),
    Fault::new(
        "sse-after-done",
        "send an error event after [DONE]",
        &[Act::Events(|events, _| {
            let error = json!({"error": {"message": "late", "type": "server_error", "param": null, "code": null}});
            if events.iter().any(|event| event.part == Part::Done) {
                events.push(Event::json(Nanos(0), Part::Error, error));
            }
        })],
    ),
    Fault::new(
        "sse-hang-after-done",
        "keep the socket open for 60 s after [DONE]",
        &[Act::Script(|script, _| {
            let done = script.cues.iter().any(|cue| cue.bytes.starts_with(b"data: [DONE]"));
            if script.is_stream() && done && script.end == Ending::Complete {
                script.end = Ending::Silence(HANG);
            }
        })],
    ),
    Fault::new(
        "sse-unterminated-last-event",
        "drop the final blank line and [DONE]",
        &[
            Act::Events(|events, _| events.retain(|event| event.part != Part::Done)),
            Act::Script(|script, scene| {
                // An engine that fails says so whole; that is another matter.
                let answers = script.is_stream() && !is_failing(scene);
                if let Some(last) = script.cues.last_mut().filter(|_| answers) {
                    last.bytes.truncate(last.bytes.len().saturating_sub(1));
                }
            }),
        ],
    ),
    Fault::new(
        "sse-invalid-utf8",
        "emit a truncated multi-byte sequence inside a JSON string",
        &[Act::Script(cut_character)],
    ),
    Fault::new(
        "sse-crlf",
        "end lines with CRLF",
        &[Act::Script(|script, _| end_lines(script, "\r\n"))],
    ),
    Fault::new(
        "sse-cr",
        "end lines with a lone CR",
        &[Act::Script(|script, _| end_lines(script, "\r"))],
    ),
    Fault::new(
        "sse-no-space",
        "write 'data:{' without the space",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                script.map_text(|text| {
                    text.strip_prefix("data: ")
                        .map_or_else(|| text.to_owned(), |rest| format!("data:{rest}"))
                });
            }
        })],
    ),
    Fault::new(
        "sse-gzip-buffered",
        "compress a stream without flushing its events",
        &[Act::Traits(|traits| traits.holds_gzip = true)],
    ),
    Fault::new(
        "sse-bom",
        "begin the stream with a byte-order mark",
        &[Act::Script(|script, _| {
            let stream = script.is_stream();
            if let Some(first) = script.cues.first_mut().filter(|_| stream) {
                first.bytes = [b"\xef\xbb\xbf", &*first.bytes].concat().into();
            }
        })],
    ),
    Fault::new(
        "sse-multiline-data",
        "split one JSON over two data lines",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                script.map_text(|text| text.replacen("data: {", "data: {\ndata: ", 1));
            }
        })],
    ),
    Fault::new(
        "sse-keepalive-as-data",
        "write 'data: : keepalive'",
        &[Act::Events(|events, _| interpose(events, "data: : keepalive\n\n"))],
    ),
    Fault::new(
        "sse-empty-data",
        "write 'data:' and a blank line",
        &[Act::Events(|events, _| interpose(events, "data:\n\n"))],
    ),
    Fault::new(
        "sse-id-plus-comment",
        "id: on chunks, then ': ping' followed by a blank line",
        &[
            Act::Events(|events, _| interpose(events, ": ping\n\n")),
            Act::Script(|script, _| {
                if script.is_stream() {
                    script.map_text(|text| {
                        if text.starts_with("data: {") {
                            format!("id: 1\n{text}")
                        } else {
                            text.to_owned()
                        }
                    });
                }
            }),
        ],
    ),
    Fault::new(
        "sse-event-ping",
        "'event: ping' with data {}",
        &[Act::Events(|events, _| interpose(events, "event: ping\ndata: {}\n\n"))],
    ),
    Fault::new(
        "sse-plain-text-event",
        "data line with bare text",
        &[Act::Events(|events, _| interpose(events, "data: still working\n\n"))],
    ),
    Fault::legal(
        "sse-comments",
        "a comment between every two events",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                script.map_text(|text| format!(": still here\n\n{text}"));
            }
        })],
    ),
    Fault::legal(
        "sse-split-bytes",
        "write every byte by itself, also inside characters and line ends",
        &[Act::Traits(|traits| traits.write_max = 1)],
    ),
    Fault::new(
        "stream-as-json-body",
        "answer stream:true with one chat.completion JSON",
        &[Act::Hear(|request, _| {
            if is_generation(request) && request.wants_stream() {
                put(request, "stream", false);
                forget(request, "stream_options");
            }
        })],
    ),
    Fault::new(
        "stream-as-ndjson",
        "answer stream:true with one chunk a line and no SSE framing",
        &[
            Act::Events(|events, _| events.retain(|event| event.part != Part::Done)),
            Act::Script(|script, _| {
                if script.is_stream() {
                    script.head.headers.set("content-type", "application/x-ndjson");
                    script.map_text(|text| text.trim_end().replacen("data: ", "", 1) + "\n");
                }
            }),
        ],
    ),
    Fault::new(
        "stream-as-html",
        "answer stream:true with a page",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                script.head.headers.set("content-type", "text/html");
                script.set_body("<html><body><h1>Please sign in</h1></body></html>\n");
            }
        })],
    ),
    Fault::new(
        "sse-buffered",
        "hold all events, write once at the end",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                hold(script);
            }
        })],
    ),
    Fault::new(
        "sse-silent-prefill",
        "send nothing for 60 s while a long prompt is read",
        &[Act::Script(|script, scene| {
            let long = scene.ask.is_some_and(|ask| ask.prompt_tokens >= LONG_PROMPT_TOKENS);
            if script.is_stream() && long {
                script.head.after = HANG;
            }
        })],
    ),
    Fault::new(
        "sse-stall",
        "sleep 120 s after the third chunk",
        &[Act::Events(|events, _| {
            let mut content =
                events.iter_mut().filter(|event| matches!(event.part, Part::Content | Part::Call));
            if let Some(fourth) = content.nth(3) {
                fourth.after = HANG + HANG;
            }
        })],
    ),
];

fn hear_accept(request: &mut Request, _: &House) {
    let accept = request.header("accept").unwrap_or_default().trim().to_owned();
    if !is_generation(request) {
        return;
    }
    match accept.as_str() {
        "text/event-stream" => put(request, "stream", true),
        "application/json" => {
            put(request, "stream", false);
            forget(request, "stream_options");
        }
        _ => {}
    }
}

/// An event of no stream after the first piece of the answer.
fn interpose(events: &mut Vec<Event>, bytes: &str) {
    let first = events.iter().position(|event| matches!(event.part, Part::Content | Part::Call));
    let at = first.map_or(events.len().min(1), |first| first + 1);
    events.insert(at, Event::raw(Part::Foreign, bytes));
}

fn end_lines(script: &mut Script, end: &str) {
    if script.is_stream() {
        script.map_text(|text| text.replace('\n', end));
    }
}

/// The first character of more than one byte loses its last byte.
fn cut_character(script: &mut Script, _: &Scene<'_>) {
    if !script.is_stream() {
        return;
    }
    for cue in &mut script.cues {
        let Some(start) = cue.bytes.iter().position(|byte| *byte >= 0xc0) else { continue };
        let rest = cue.bytes.get(start + 1..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| (0x80..0xc0).contains(*byte)).count();
        let mut bytes = cue.bytes.to_vec();
        bytes.remove(start + len);
        cue.bytes = Bytes::from(bytes);
        return;
    }
}

/// All cues become one at the time of the last.
fn hold(script: &mut Script) {
    let after = script.cues.iter().fold(Nanos(0), |sum, cue| sum + cue.after);
    script.cues = vec![Cue { after, bytes: script.body().into() }];
}
