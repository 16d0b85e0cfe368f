//! LangChain's `ChatOpenAI`: `invoke()`, and `stream()` with the chunks added up.
//!
//! It sits on openai-python (version 2) and looks at the first choice alone. Plain answers become
//! one message; chunks become message chunks that are added: texts joined, token counts summed,
//! and calls merged by index and id. What is merged twice is joined, a finish reason too. Arguments
//! are parsed: of a plain answer strictly, and what is no JSON is put aside as invalid; of a stream
//! with repair, so that cut-off arguments become a call. A stream with a `response_format` goes
//! through openai-python's [`stream()` helper](super::openai_python_stream): the helper raises what
//! it does not expect, and the token counts come from its snapshot at the end.

mod message;
mod partial;

use serde_json::{Value, json};

use self::message::{Message, Raised, VALIDATION};
use super::caller::text;
use super::decode::python::{Item, Major, Stop, attribute, lax_int, plain, stream, truthy};
use super::openai_python::stopped;
use super::openai_python_stream::State;
use super::{Answer, Asked, Call, Lens, Surface, Taken, Usage};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "langchain",
    title: "LangChain, ChatOpenAI invoke() and stream()",
    package: "langchain-openai",
    version: "1.7.3",
    names: ["LangChain", "LangChain ChatOpenAI"],
    surface: Surface::Both,
    read,
};

const ATTRIBUTE: Raised = "AttributeError";
const TYPE: Raised = "TypeError";
const VALUE: Raised = "ValueError";

fn read(exchange: &Exchange) -> Taken {
    let asked = Asked::of(exchange);
    if asked.is_some_and(|asked| asked.stream && asked.format) {
        return formatted(exchange);
    }
    if asked.is_some_and(|asked| asked.stream) {
        return streamed(exchange);
    }
    match plain(exchange) {
        Ok(completion) => match invoked(&completion, asked.is_some_and(|asked| asked.format)) {
            Ok(answer) => Taken::returns(answer),
            Err(exception) => Taken::raises(exception, "", Answer::default()),
        },
        Err(stop) => raised(stop, Answer::default()),
    }
}

/// An exception of openai-python under the package's own name for it.
fn raised(stop: Stop, answer: Answer) -> Taken {
    let Stop::Raises(exception, message, code) = stop else { return stopped(stop, answer) };
    let overflow = message.contains("exceeds the context window");
    let exception = match exception {
        "openai.BadRequestError"
            if message.contains("context_length_exceeded")
                || message.contains("Input tokens exceed the configured limit")
                || message.contains("prompt is too long") =>
        {
            "langchain_openai.OpenAIContextOverflowError"
        }
        "openai.BadRequestError" => "langchain_openai.OpenAIInvalidRequestError",
        other if overflow && other.starts_with("openai.") => {
            "langchain_openai.OpenAIAPIContextOverflowError"
        }
        "openai.AuthenticationError" => "langchain_openai.OpenAIAuthenticationError",
        "openai.PermissionDeniedError" => "langchain_openai.OpenAIPermissionDeniedError",
        "openai.NotFoundError" => "langchain_openai.OpenAIModelNotFoundError",
        "openai.RateLimitError" => "langchain_openai.OpenAIRateLimitError",
        "openai.InternalServerError" => "langchain_openai.OpenAIAPIError",
        "openai.APIConnectionError" => "langchain_openai.OpenAIConnectionError",
        other => other,
    };
    stopped(Stop::Raises(exception, message, code), answer)
}

/// The message of `invoke()`.
fn invoked(completion: &Value, format: bool) -> Result<Answer, Raised> {
    if format {
        parsed(completion)?;
    }
    if !completion.is_object() {
        return Err(VALUE);
    }
    if attribute(completion, "error").is_some_and(truthy) {
        return Err(VALUE);
    }
    let choices = attribute(completion, "choices").and_then(Value::as_array).ok_or(TYPE)?;
    let counts = attribute(completion, "usage").filter(|usage| truthy(usage));
    let mut answers = Vec::new();
    let mut finish = None;
    for choice in choices {
        if !choice.is_object() {
            return Err(TYPE);
        }
        let message = attribute(choice, "message").filter(|m| m.is_object()).ok_or(ATTRIBUTE)?;
        let mut answer = said(message)?;
        let is_assistant = attribute(message, "role").is_some_and(|role| role == "assistant");
        if let Some(counts) = counts.filter(|_| is_assistant) {
            answer.usage = Some(usage(counts)?);
        }
        // All choices share one note of the reason.
        finish = text(choice, "finish_reason").or(finish);
        answers.push(answer);
    }
    let mut first = answers.into_iter().next().ok_or("IndexError")?;
    first.finish_reason = finish;
    Ok(first)
}

/// What openai-python's `parse()` refuses.
fn parsed(completion: &Value) -> Result<(), Raised> {
    if !completion.is_object() {
        return Err(ATTRIBUTE);
    }
    let choices = attribute(completion, "choices").and_then(Value::as_array).ok_or(TYPE)?;
    for choice in choices {
        match attribute(choice, "finish_reason").and_then(Value::as_str) {
            Some("length") => return Err("openai.LengthFinishReasonError"),
            Some("content_filter") => return Err("openai.ContentFilterFinishReasonError"),
            _ => {}
        }
        attribute(choice, "message").filter(|message| message.is_object()).ok_or(ATTRIBUTE)?;
    }
    Ok(())
}

/// A message of a plain answer.
fn said(message: &Value) -> Result<Answer, Raised> {
    let role = attribute(message, "role").and_then(Value::as_str);
    let content = attribute(message, "content");
    if role != Some("assistant") {
        // Any other kind of message must have content, and one of no known role cannot be.
        role.ok_or(VALIDATION)?;
        let text = message::text(content.ok_or(VALIDATION)?)?;
        return Ok(Answer { text: Some(text), ..Answer::default() });
    }
    let text = message::text(content.filter(|content| truthy(content)).unwrap_or(&json!("")))?;
    let mut tool_calls = Vec::new();
    if let Some(raw) = attribute(message, "tool_calls").filter(|calls| truthy(calls)) {
        for raw in raw.as_array().ok_or(TYPE)? {
            tool_calls.extend(call(raw)?);
        }
    }
    Ok(Answer { text: Some(text), tool_calls, ..Answer::default() })
}

/// A call of a plain answer; `None` if its arguments are no JSON, which puts it aside.
fn call(raw: &Value) -> Result<Option<Call>, Raised> {
    let function = attribute(raw, "function").filter(|f| f.is_object()).ok_or(TYPE)?;
    let maybe_text = |value: Option<&Value>| match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(VALIDATION),
    };
    let id = maybe_text(attribute(raw, "id"))?;
    let name = maybe_text(attribute(function, "name"))?.unwrap_or_default();
    let arguments = match attribute(function, "arguments").filter(|value| truthy(value)) {
        None => json!({}),
        Some(Value::String(text)) => match partial::loads(text) {
            None => return Ok(None),
            Some(value) if !truthy(&value) => json!({}),
            Some(value @ Value::Object(_)) => value,
            Some(_) => return Err(VALIDATION),
        },
        // What is no text cannot be noted as invalid either.
        Some(_) => return Err(VALIDATION),
    };
    Ok(Some(Call { id, name: Some(name), arguments }))
}

/// Token counts, as they came.
fn usage(usage: &Value) -> Result<Usage, Raised> {
    if !usage.is_object() {
        return Err(ATTRIBUTE);
    }
    for details in ["prompt_tokens_details", "completion_tokens_details"] {
        if attribute(usage, details).is_some_and(|d| truthy(d) && !d.is_object()) {
            return Err(ATTRIBUTE);
        }
    }
    let whole = super::openai_python::usage(usage).unwrap_or_default();
    let or_zero = |value: Value| if value.is_null() { json!(0) } else { value };
    let (prompt_tokens, completion_tokens) =
        (or_zero(whole.prompt_tokens), or_zero(whole.completion_tokens));
    let total_tokens = match whole.total_tokens {
        Value::Null => match (lax_int(&prompt_tokens), lax_int(&completion_tokens)) {
            (Some(prompt), Some(completion)) => json!(prompt + completion),
            _ => return Err(TYPE),
        },
        total => total,
    };
    Ok(Usage { prompt_tokens, completion_tokens, total_tokens })
}

fn streamed(exchange: &Exchange) -> Taken {
    let items = match stream(exchange, Major::Two) {
        Ok(items) => items,
        Err(stop) => return raised(stop, Answer::default()),
    };
    let mut message = Message::default();
    for item in items {
        match item {
            Item::Data(chunk) => {
                if let Err(exception) = added(&mut message, &chunk) {
                    return Taken::raises(exception, "", message.answer());
                }
            }
            Item::Stops(stop) => return raised(stop, message.answer()),
        }
    }
    if message.chunks == 0 {
        return Taken::raises(VALUE, "No generation chunks were returned", Answer::default());
    }
    Taken::returns(message.answer())
}

/// A stream with a `response_format`.
fn formatted(exchange: &Exchange) -> Taken {
    let items = match stream(exchange, Major::Two) {
        Ok(items) => items,
        Err(stop) => return raised(stop, Answer::default()),
    };
    let mut helper = State::of(exchange);
    let mut message = Message::default();
    for item in items {
        match item {
            Item::Data(mut chunk) => {
                let taken = helper.chunk(&chunk).and_then(|()| {
                    if attribute(&chunk, "object")
                        .is_none_or(|kind| kind != "chat.completion.chunk")
                    {
                        return Ok(());
                    }
                    if let Some(chunk) = chunk.as_object_mut() {
                        chunk.remove("usage");
                    }
                    added(&mut message, &chunk)
                });
                if let Err(exception) = taken {
                    return Taken::raises(exception, "", message.answer());
                }
            }
            Item::Stops(stop) => return raised(stop, message.answer()),
        }
    }
    let last = helper.finish().and_then(|completion| invoked(&completion, false));
    match last.and_then(|last| message.add(&json!({}), last.usage, None)) {
        Ok(()) => Taken::returns(message.answer()),
        Err(exception) => Taken::raises(exception, "", message.answer()),
    }
}

/// Adds a chunk of a stream.
fn added(message: &mut Message, chunk: &Value) -> Result<(), Raised> {
    if !chunk.is_object() {
        return Err(ATTRIBUTE);
    }
    let counts = attribute(chunk, "usage").filter(|usage| truthy(usage)).map(usage).transpose()?;
    let Some(choices) = attribute(chunk, "choices").filter(|choices| truthy(choices)) else {
        return message.add(&json!({}), counts, None);
    };
    let choice = choices.as_array().and_then(|list| list.first()).ok_or("KeyError")?;
    if !choice.is_object() {
        return Err(TYPE);
    }
    // A chunk without a delta is passed over, whatever else it says.
    let Some(delta) = attribute(choice, "delta") else { return Ok(()) };
    if !delta.is_object() {
        return Err(ATTRIBUTE);
    }
    message.add(delta, counts, attribute(choice, "finish_reason").filter(|why| truthy(why)))
}
