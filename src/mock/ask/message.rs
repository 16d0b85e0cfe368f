//! The messages of a conversation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::fields::{Fields, wrong_length};
use crate::mock::refusal::Refusal;
use crate::mock::tokens;

/// What an image costs, as a low-detail one does at OpenAI.
const IMAGE_TOKENS: usize = 85;
/// Role and separators around each message.
const MESSAGE_TOKENS: usize = 4;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
    Function,
}

const ROLES: [(&str, Role); 6] = [
    ("system", Role::System),
    ("assistant", Role::Assistant),
    ("user", Role::User),
    ("function", Role::Function),
    ("tool", Role::Tool),
    ("developer", Role::Developer),
];

/// One message, its parts joined.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) text: String,
    pub(crate) images: usize,
    pub(crate) calls: Vec<PastCall>,
    /// Of a tool's message: the call it answers.
    pub(crate) answers: Option<String>,
}

/// A tool call in the history.
#[derive(Clone, Debug)]
pub(crate) struct PastCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl Message {
    pub(crate) fn tokens(&self) -> usize {
        let calls = self
            .calls
            .iter()
            .map(|call| tokens::count(&call.name) + tokens::count(&call.arguments));
        MESSAGE_TOKENS
            + tokens::count(&self.text)
            + self.images * IMAGE_TOKENS
            + calls.sum::<usize>()
    }
}

pub(super) fn read(fields: Fields<'_, '_>) -> Result<Vec<Message>, Refusal> {
    let messages = fields.array("messages")?.ok_or_else(|| Refusal::missing("messages"))?;
    if messages.is_empty() {
        return Err(wrong_length("messages", false, 1, 0));
    }
    let messages: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(index, message)| one(&format!("messages[{index}]"), message))
        .collect::<Result<_, _>>()?;
    check_turns(&messages)?;
    Ok(messages)
}

fn one(path: &str, value: &Value) -> Result<Message, Refusal> {
    let map = value.as_object().ok_or_else(|| Refusal::wrong_type(path, "an object", value))?;
    let fields = Fields::new(map, path);
    let name = fields.string("role")?.ok_or_else(|| Refusal::missing(&fields.name("role")))?;
    let role = ROLES.iter().find(|(known, _)| *known == name).map(|(_, role)| *role);
    let role = role.ok_or_else(|| {
        Refusal::wrong_value(&fields.name("role"), name, &ROLES.map(|(known, _)| known))
    })?;
    fields.string("name")?;
    let calls = match fields.array("tool_calls")? {
        Some(calls) if role == Role::Assistant => past_calls(&fields, calls)?,
        _ => Vec::new(),
    };
    let mut message = Message { role, text: String::new(), images: 0, calls, answers: None };
    match fields.get("content") {
        Some(content) => read_content(&fields, content, &mut message)?,
        // An assistant may have said nothing but a call, a refusal or a function call.
        None if role == Role::Assistant
            && (!message.calls.is_empty()
                || fields.get("refusal").is_some()
                || fields.get("audio").is_some()
                || fields.get("function_call").is_some()) => {}
        None if map.contains_key("content") => {
            let name = fields.name("content");
            return Err(Refusal::invalid(
                name.clone(),
                "invalid_type",
                format!("Invalid value for '{name}': expected a string, got null."),
            ));
        }
        None => return Err(Refusal::missing(&fields.name("content"))),
    }
    if role == Role::Tool {
        let id = fields.string("tool_call_id")?;
        let id = id.ok_or_else(|| Refusal::missing(&fields.name("tool_call_id")))?;
        message.answers = Some(id.to_owned());
    }
    Ok(message)
}

fn past_calls(fields: &Fields<'_, '_>, calls: &[Value]) -> Result<Vec<PastCall>, Refusal> {
    let path = fields.name("tool_calls");
    if calls.is_empty() {
        return Err(wrong_length(&path, false, 1, 0));
    }
    let read = |(index, call): (usize, &Value)| {
        let path = format!("{path}[{index}]");
        let map = call.as_object().ok_or_else(|| Refusal::wrong_type(&path, "an object", call))?;
        let fields = Fields::new(map, &path);
        let need = |value: Option<&str>, name: String| {
            value.map(str::to_owned).ok_or_else(|| Refusal::missing(&name))
        };
        let id = need(fields.string("id")?, fields.name("id"))?;
        let function = fields.object("function")?;
        let function = function.ok_or_else(|| Refusal::missing(&fields.name("function")))?;
        let path = fields.name("function");
        let inner = Fields::new(function, &path);
        Ok(PastCall {
            id,
            name: need(inner.string("name")?, inner.name("name"))?,
            arguments: need(inner.string("arguments")?, inner.name("arguments"))?,
        })
    };
    calls.iter().enumerate().map(read).collect()
}

fn read_content(
    fields: &Fields<'_, '_>,
    content: &Value,
    message: &mut Message,
) -> Result<(), Refusal> {
    let name = fields.name("content");
    let parts = match content {
        Value::String(text) => {
            message.text.clone_from(text);
            return Ok(());
        }
        Value::Array(parts) => parts,
        other => {
            return Err(Refusal::wrong_type(&name, "a string or an array of parts", other));
        }
    };
    if parts.is_empty() {
        return Err(wrong_length(&name, false, 1, 0));
    }
    let mut texts = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let path = format!("{name}[{index}]");
        let map = part.as_object().ok_or_else(|| Refusal::wrong_type(&path, "an object", part))?;
        let part = Fields::new(map, &path);
        let kind = part.string("type")?.ok_or_else(|| Refusal::missing(&part.name("type")))?;
        match kind {
            "text" | "refusal" => {
                let text = part.string(kind)?.ok_or_else(|| Refusal::missing(&part.name(kind)))?;
                texts.push(text);
            }
            "image_url" => {
                check_image(&part)?;
                message.images += 1;
            }
            "input_audio" | "file" => {}
            _ => {
                let known = ["text", "image_url", "input_audio", "refusal", "file"];
                return Err(Refusal::wrong_value(&part.name("type"), kind, &known));
            }
        }
    }
    message.text = texts.join("\n");
    Ok(())
}

fn check_image(part: &Fields<'_, '_>) -> Result<(), Refusal> {
    let image = part.object("image_url")?;
    let image = image.ok_or_else(|| Refusal::missing(&part.name("image_url")))?;
    let path = part.name("image_url");
    let image = Fields::new(image, &path);
    let url = image.string("url")?.ok_or_else(|| Refusal::missing(&image.name("url")))?;
    if let Some(detail) = image.string("detail")? {
        let known = ["auto", "low", "high", "original"];
        if !known.contains(&detail) {
            return Err(Refusal::wrong_value(&image.name("detail"), detail, &known));
        }
    }
    if url.starts_with("http://") || url.starts_with("https://") {
        // The mock looks at no picture and opens no connection of its own.
        return Ok(());
    }
    let bytes = url
        .strip_prefix("data:image/")
        .and_then(|rest| rest.split_once(";base64,"))
        .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok());
    let known: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF"];
    match bytes {
        Some(bytes) if known.iter().any(|magic| bytes.starts_with(magic)) => Ok(()),
        Some(_) => Err(Refusal::invalid(
            image.name("url"),
            "invalid_image_format",
            "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
        )),
        None => Err(Refusal::invalid(
            image.name("url"),
            "invalid_base64",
            "Invalid base64 image_url: expected a URL or a base64-encoded data URL with an image MIME type.",
        )),
    }
}

/// Every call is answered directly after it, in any order, and nothing else is.
fn check_turns(messages: &[Message]) -> Result<(), Refusal> {
    let mut open: Vec<&str> = Vec::new();
    let mut asked: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if let Some(id) = &message.answers {
            if !asked.contains(&id.as_str()) {
                let path = format!("messages[{index}].role");
                return Err(Refusal::new(
                    400,
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                )
                .param(path));
            }
            open.retain(|call| call != id);
            continue;
        }
        if !open.is_empty() {
            return Err(unanswered(index, &open));
        }
        open = message.calls.iter().map(|call| call.id.as_str()).collect();
        asked.clone_from(&open);
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered(messages.len(), &open)) }
}

fn unanswered(index: usize, open: &[&str]) -> Refusal {
    Refusal::new(
        400,
        format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
            open.join(", ")
        ),
    )
    .param(format!("messages[{index}].role"))
}
