//! How hard the model is to think.

use serde_json::{Map, Value};

use super::fields::Fields;
use crate::mock::refusal::Refusal;

/// How hard the model is to think before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    XHigh,
}

const NAMES: [(&str, Effort); 6] = [
    ("none", Effort::None),
    ("minimal", Effort::Minimal),
    ("low", Effort::Low),
    ("medium", Effort::Medium),
    ("high", Effort::High),
    ("xhigh", Effort::XHigh),
];

/// The effort that the field `key` names.
pub(super) fn named(fields: Fields<'_, '_>, key: &str) -> Result<Option<Effort>, Refusal> {
    let Some(name) = fields.string(key)? else { return Ok(None) };
    let found = NAMES.iter().find(|(known, _)| *known == name).map(|(_, effort)| *effort);
    let known = NAMES.map(|(known, _)| known);
    found.map(Some).ok_or_else(|| Refusal::wrong_value(&fields.name(key), name, &known))
}

/// What a chat asks for; nothing where it asks for no thoughts, or says nothing about them.
///
/// Beside OpenAI's `reasoning_effort` stands the switch of Qwen3's chat template and its like, as
/// vLLM and SGLang pass it on: `chat_template_kwargs: {enable_thinking: true}`. Either of the two
/// can forbid to think.
pub(super) fn of_chat(fields: Fields<'_, '_>) -> Result<Option<Effort>, Refusal> {
    let named = named(fields, "reasoning_effort")?;
    let template = fields.get("chat_template_kwargs").and_then(Value::as_object);
    let switch =
        template.and_then(|map: &Map<String, Value>| map.get("enable_thinking")?.as_bool());
    Ok(match (named, switch) {
        (_, Some(false)) | (Some(Effort::None), _) | (None, None) => None,
        (Some(effort), _) => Some(effort),
        (None, Some(true)) => Some(Effort::Medium),
    })
}
