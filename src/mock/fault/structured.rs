//! Faults of structured outputs.

use serde_json::{Value, json};

use super::Fault;
use super::reach::{error_text, forget, no, retell, set_500};
use crate::mock::act::{Act, Scene};
use crate::mock::answer::{Answer, is_structured};
use crate::mock::ask::Format;
use crate::mock::request::Request;

/// Blanks of a model that runs off inside a grammar.
const RUN: usize = 2_000;

fn format_type(request: &Request) -> &str {
    request
        .field("response_format")
        .and_then(|format| format.get("type")?.as_str())
        .unwrap_or_default()
}

/// Tells every text of a wanted form otherwise.
fn retell_all(
    answer: &mut Answer,
    scene: &Scene<'_>,
    wanted: impl Fn(&Format) -> bool,
    change: impl Fn(&str) -> String,
) {
    let Some(ask) = scene.ask.filter(|ask| is_structured(ask) && wanted(&ask.format)) else {
        return;
    };
    for choice in answer.choices.iter_mut().filter(|choice| choice.text.is_some()) {
        retell(choice, ask, &change);
    }
    answer.recount();
}

fn is_schema(format: &Format) -> bool {
    matches!(format, Format::Schema(_))
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "structured-not-json",
        "prose with 200",
        &[Act::Hear(|request, _| {
            if format_type(request) == "json_object" {
                forget(request, "response_format");
                forget_word(request);
            }
        })],
    ),
    Fault::new(
        "structured-array",
        "array for json_object",
        &[Act::Decide(|answer, scene| {
            retell_all(answer, scene, |format| *format == Format::Json, |text| format!("[{text}]"));
        })],
    ),
    Fault::new(
        "structured-schema-ignored",
        "valid JSON of another shape",
        &[Act::Decide(|answer, scene| {
            retell_all(answer, scene, is_schema, |_| {
                json!({"unexpected": ["shape", 1], "and": {"deeper": null}}).to_string()
            });
        })],
    ),
    Fault::new(
        "structured-stream-unenforced",
        "enforce only non-stream",
        &[Act::Hear(|request, _| {
            if request.wants_stream() && format_type(request) == "json_schema" {
                forget(request, "response_format");
            }
        })],
    ),
    Fault::new(
        "structured-fenced",
        "wrap in a code fence",
        &[Act::Decide(|answer, scene| {
            retell_all(answer, scene, is_schema, |text| format!("```json\n{text}\n```"));
        })],
    ),
    Fault::new(
        "structured-whitespace-run",
        "2000 blanks inside the JSON",
        &[Act::Decide(|answer, scene| {
            retell_all(answer, scene, is_schema, |text| {
                text.replacen('{', &format!("{{{}", " ".repeat(RUN)), 1)
            });
        })],
    ),
    Fault::new(
        "structured-missing-schema-500",
        "500 without schema",
        &[Act::Error(|reply, _| {
            if error_text(reply, "param").starts_with("response_format.json_schema") {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "structured-bad-type-500",
        "500 on an unknown type",
        &[Act::Error(|reply, _| {
            if error_text(reply, "param") == "response_format.type" {
                set_500(reply);
            }
        })],
    ),
    Fault::new(
        "structured-bad-schema-200",
        "200 with prose for an invalid schema",
        &[Act::Hear(|request, _| {
            let schema = request.field("response_format");
            let schema = schema.and_then(|format| format.pointer("/json_schema/schema"));
            if schema.is_some_and(|schema| jsonschema::validator_for(schema).is_err()) {
                forget(request, "response_format");
            }
        })],
    ),
    Fault::new(
        "reject-text-format",
        "400 on type text",
        &[Act::Instead(|scene| {
            (format_type(scene.request) == "text").then(|| no("response_format text"))
        })],
    ),
];

/// A prompt that speaks of JSON would be answered with JSON even without a format.
fn forget_word(request: &mut Request) {
    let messages = request.object_mut().and_then(|body| body.get_mut("messages")?.as_array_mut());
    for message in messages.into_iter().flatten() {
        if let Some(Value::String(text)) = message.get_mut("content") {
            *text = text.replace("JSON", "text").replace("json", "text");
        }
    }
}
