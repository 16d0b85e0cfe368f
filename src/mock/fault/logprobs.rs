//! Faults of log probabilities.

use serde_json::{Map, Value, json};

use super::Fault;
use super::reach::{choices, forget, is_answer, no};
use crate::mock::act::{Act, Scene};
use crate::mock::reply::Reply;

fn content(choice: &mut Value) -> Option<&mut Vec<Value>> {
    choice.pointer_mut("/logprobs/content")?.as_array_mut()
}

/// Every entry of a plain chat's log probabilities.
fn entries(reply: &mut Reply, scene: &Scene<'_>, change: impl Fn(&mut Map<String, Value>)) {
    for entry in choices(reply, scene).iter_mut().filter_map(content).flatten() {
        if let Some(entry) = entry.as_object_mut() {
            change(entry);
        }
    }
}

/// The letter that stands for a byte in GPT-2's byte-level alphabet.
fn letter(byte: u8) -> char {
    match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
        0..=b' ' => char::from_u32(0x100 + u32::from(byte)).unwrap_or('?'),
        0x7f..=0xa0 => char::from_u32(0x121 + u32::from(byte) - 0x7f).unwrap_or('?'),
        0xad => '\u{143}',
    }
}

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "logprobs-legacy-shape",
        "tokens/token_logprobs arrays",
        &[Act::Plain(|reply, scene| {
            for choice in choices(reply, scene) {
                let Some(content) = content(choice) else { continue };
                let all = |key: &str| -> Vec<Value> {
                    content
                        .iter()
                        .map(|entry| entry.get(key).cloned().unwrap_or_default())
                        .collect()
                };
                let legacy = json!({"tokens": all("token"), "token_logprobs": all("logprob"), "top_logprobs": null, "text_offset": []});
                if let Some(place) = choice.get_mut("logprobs") {
                    *place = legacy;
                }
            }
        })],
    ),
    Fault::new(
        "logprobs-need-top",
        "400 without top_logprobs",
        &[Act::Instead(|scene| {
            let wanted = scene.request.field("logprobs") == Some(&Value::Bool(true));
            (wanted && scene.request.field("top_logprobs").is_none())
                .then(|| no("logprobs without top_logprobs"))
        })],
    ),
    Fault::new(
        "logprobs-wrong-count",
        "one more entry",
        &[Act::Plain(|reply, scene| {
            entries(reply, scene, |entry| {
                let one = json!({"token": "?", "logprob": -9.5, "bytes": [63]});
                if let Some(top) = entry.get_mut("top_logprobs").and_then(Value::as_array_mut)
                    && !top.is_empty()
                {
                    top.push(one);
                }
            });
        })],
    ),
    Fault::new(
        "logprobs-bytes-wrong",
        "bytes of the byte-level alphabet",
        &[Act::Plain(|reply, scene| {
            entries(reply, scene, |entry| {
                let token = entry.get("token").and_then(Value::as_str).unwrap_or_default();
                let spelled: String = token.bytes().map(letter).collect();
                entry.insert("bytes".to_owned(), json!(spelled.as_bytes()));
            });
        })],
    ),
    Fault::new(
        "logprobs-inf",
        "-Infinity literal",
        &[Act::Script(|script, scene| {
            if is_answer(script, scene) && script.is_json() {
                script.map_text(|text| {
                    let Some((before, after)) = text.split_once("\"logprob\":") else {
                        return text.to_owned();
                    };
                    let rest = after.find(',').and_then(|end| after.get(end..)).unwrap_or_default();
                    format!("{before}\"logprob\":-Infinity{rest}")
                });
            }
        })],
    ),
    Fault::new(
        "logprobs-missing-tokens",
        "lose the last token",
        &[Act::Plain(|reply, scene| {
            for content in choices(reply, scene).iter_mut().filter_map(content) {
                content.pop();
            }
        })],
    ),
    Fault::new(
        "logprobs-stream-missing",
        "none when streamed",
        &[Act::Hear(|request, _| {
            if request.wants_stream() {
                forget(request, "logprobs");
                forget(request, "top_logprobs");
            }
        })],
    ),
];
