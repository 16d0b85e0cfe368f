//! Faults of HTTP itself.

use super::Fault;
use super::reach::{is_answer, no};
use crate::mock::act::Act;
use crate::mock::refusal::Refusal;
use crate::mock::script::Ending;

/// By how many bytes a told length is too long.
const SHORT_BY: usize = 16;

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "http-close-each",
        "Connection: close always",
        &[Act::Script(|script, _| script.head.headers.push("connection", "close"))],
    ),
    Fault::new(
        "http-close-on-error",
        "close after 4xx",
        &[Act::Script(|script, _| {
            if script.head.status >= 400 {
                script.head.headers.push("connection", "close");
            }
        })],
    ),
    Fault::new(
        "http-close-after-stream",
        "close after a stream",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                script.head.headers.push("connection", "close");
            }
        })],
    ),
    Fault::new(
        "http-duplicate-headers",
        "content-type and x-request-id twice, with other values",
        &[Act::Script(|script, _| {
            script.head.headers.push("content-type", "text/plain");
            script.head.headers.push("x-request-id", "req_second");
        })],
    ),
    Fault::new(
        "http-cut-plain",
        "close 16 bytes before the told length",
        &[Act::Script(|script, scene| {
            if is_answer(script, scene) && script.is_json() {
                let length = script.body().len() + SHORT_BY;
                script.head.headers.push("content-length", length.to_string());
                script.sized = false;
            }
        })],
    ),
    Fault::new(
        "http-no-end-chunk",
        "close without the terminating chunk",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                script.end = Ending::Cut;
            }
        })],
    ),
    Fault::new(
        "http-bad-chunk",
        "a chunk size that is no number",
        &[Act::Script(|script, _| {
            if script.is_stream() {
                script.end = Ending::Raw(b"zz\r\n".as_slice().into());
            }
        })],
    ),
    Fault::new(
        "http-reset-plain",
        "reset the connection instead of a plain answer",
        &[Act::Script(|script, scene| {
            if is_answer(script, scene) && script.is_json() {
                script.cues.clear();
                script.end = Ending::Reset;
            }
        })],
    ),
    Fault::new(
        "reject-chunked-request",
        "400 on chunked bodies",
        &[Act::Instead(|scene| {
            scene.request.header("transfer-encoding").map(|_| no("Transfer-Encoding: chunked"))
        })],
    ),
    Fault::new(
        "expect-hang",
        "ignore Expect",
        &[Act::Traits(|traits| traits.ignores_expect = true)],
    ),
    Fault::new(
        "reject-unknown-header",
        "400 on x-stainless-*",
        &[Act::Instead(|scene| {
            let odd = |name: &str| {
                let name = name.to_ascii_lowercase();
                name.starts_with("x-stainless-")
                    || name == "idempotency-key"
                    || name == "openai-organization"
            };
            scene.request.headers.iter().any(|header| odd(&header.name)).then(|| no("A header"))
        })],
    ),
    Fault::new(
        "reject-request-id",
        "400 on an X-Request-Id of the client's",
        &[Act::Instead(|scene| scene.request.header("x-request-id").map(|_| no("X-Request-Id")))],
    ),
    Fault::new(
        "reject-split-request",
        "400 on a request whose head comes in more than one read",
        &[Act::Traits(|traits| traits.wants_whole_heads = true)],
    ),
    Fault::new(
        "no-request-id",
        "no x-request-id",
        &[Act::Script(|script, _| script.head.headers.remove("x-request-id"))],
    ),
    Fault::new(
        "request-id-constant",
        "the same x-request-id always",
        &[Act::Script(|script, _| script.head.headers.set("x-request-id", "req_0"))],
    ),
    Fault::new(
        "header-echoes-token",
        "the Authorization value in a header of the answer",
        &[Act::Script(|script, scene| {
            if let Some(value) = scene.request.header("authorization") {
                script.head.headers.push("authorization", value);
            }
        })],
    ),
    Fault::new(
        "retry-after-words",
        "retry-after that is neither a number nor a date",
        &[Act::Error(|reply, _| {
            if reply.headers.get("retry-after").is_some() {
                reply.headers.set("retry-after", "soon");
            }
        })],
    ),
    Fault::new(
        "overload-reset",
        "RST above capacity",
        &[Act::Traits(|traits| traits.resets_overload = true)],
    ),
    Fault::new(
        "overload-500",
        "500 above capacity or rate",
        &[Act::Error(|reply, _| {
            if matches!(reply.status, 429 | 503) {
                *reply = Refusal::new(500, "Internal server error").reply();
            }
        })],
    ),
];
