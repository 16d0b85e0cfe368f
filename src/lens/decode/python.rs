//! Reading rules of openai-python, which the clients built upon it share.
//!
//! Its event decoder differs from the standard: the last event id outlives its event, so that any
//! blank line after an `id` field makes an event with empty data; a byte-order mark is part of the
//! first field's name; a retry field makes an event too; each line is decoded as UTF-8 on its own
//! and strictly.

use serde_json::Value;

use super::http::BodyEnd;
use super::json;
/// An attribute of a model that was built without validation: the value, or `None` where Python
/// has `None` or where there is no model.
pub(in crate::lens) use super::json::member as attribute;
use crate::transcript::{End, Exchange};

/// What openai-python's stream hands on, one for each event.
pub(in crate::lens) enum Item {
    /// An event's data, parsed.
    Data(Value),
    /// The stream ends with an exception, or with silence.
    Stops(Stop),
}

/// How a read of an answer fails in openai-python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lens) enum Stop {
    /// An exception: class, text, and the `code` that the API gave it.
    Raises(&'static str, String, Option<String>),
    /// Its own timeout.
    Hangs,
}

impl Stop {
    fn raises(exception: &'static str, message: impl Into<String>) -> Self {
        Self::Raises(exception, message.into(), None)
    }

    /// With the `code` of an error object, as text.
    fn coded(self, error: &Value) -> Self {
        let code = attribute(error, "code").map(|code| match code {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        match self {
            Self::Raises(exception, message, _) => Self::Raises(exception, message, code),
            Self::Hangs => Self::Hangs,
        }
    }
}

/// The major version of openai-python: they part where a body breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lens) enum Major {
    /// 2: a stream that breaks off raises what the HTTP library raises.
    Two,
    /// 3: every broken connection is an `APIConnectionError`.
    Three,
}

/// The stop of an exchange that brought no whole head.
fn headless(exchange: &Exchange) -> Stop {
    match BodyEnd::of(exchange) {
        BodyEnd::Silent => Stop::Hangs,
        _ => connection(),
    }
}

fn connection() -> Stop {
    Stop::raises("openai.APIConnectionError", "Connection error.")
}

/// The exception for a status outside 2xx.
fn status_error(status: u16, body: &[u8]) -> Stop {
    let exception = match status {
        400 => "openai.BadRequestError",
        401 => "openai.AuthenticationError",
        403 => "openai.PermissionDeniedError",
        404 => "openai.NotFoundError",
        409 => "openai.ConflictError",
        422 => "openai.UnprocessableEntityError",
        429 => "openai.RateLimitError",
        500.. => "openai.InternalServerError",
        _ => "openai.APIStatusError",
    };
    let mut text = format!("Error code: {status}");
    let mut code = Value::Null;
    if let Some(body) = json::python(String::from_utf8_lossy(body).trim()) {
        let error = body.get("error").unwrap_or(&body);
        code.clone_from(error);
        if let Some(message) = error.get("message").and_then(Value::as_str)
            && !message.is_empty()
        {
            text = format!("{text} - {message}");
        }
    }
    Stop::raises(exception, text).coded(&code)
}

/// The head, if it is one of success; else how the call fails.
fn success(exchange: &Exchange) -> Result<(), Stop> {
    let Some(status) = exchange.status() else { return Err(headless(exchange)) };
    if (200..300).contains(&status) {
        return Ok(());
    }
    match BodyEnd::of(exchange) {
        BodyEnd::Whole => Err(status_error(status, &exchange.body())),
        BodyEnd::Broken => Err(connection()),
        BodyEnd::Silent => Err(Stop::Hangs),
    }
}

/// The body of a plain answer as a call to `create` gives it.
///
/// `Value::String` also stands for a body that is no JSON and is not said to be: the caller gets
/// the text in place of a completion.
pub(in crate::lens) fn plain(exchange: &Exchange) -> Result<Value, Stop> {
    success(exchange)?;
    match BodyEnd::of(exchange) {
        BodyEnd::Whole => {}
        BodyEnd::Broken => return Err(connection()),
        BodyEnd::Silent => return Err(Stop::Hangs),
    }
    let body = exchange.body();
    let value = document(&body);
    let media = exchange.header("content-type").unwrap_or("*").split(';').next().unwrap_or("*");
    match value {
        Ok(value) => Ok(value),
        Err(stop) if media.ends_with("json") => Err(stop),
        Err(_) => Ok(Value::String(String::from_utf8_lossy(&body).into_owned())),
    }
}

/// Python's `json.loads` on bytes: a byte-order mark is passed over.
fn document(body: &[u8]) -> Result<Value, Stop> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = std::str::from_utf8(body)
        .map_err(|error| Stop::raises("UnicodeDecodeError", error.to_string()))?;
    json::python(text).ok_or_else(not_json)
}

fn not_json() -> Stop {
    Stop::raises("json.JSONDecodeError", "")
}

/// The stream as the iteration over `create(stream=True)` gives it, up to its end or its failure.
pub(in crate::lens) fn stream(exchange: &Exchange, major: Major) -> Result<Vec<Item>, Stop> {
    success(exchange)?;
    let body = exchange.body();
    let mut decoder = Decoder::default();
    let mut items = Vec::new();
    let whole = BodyEnd::of(exchange) == BodyEnd::Whole;
    let body = if major == Major::Two && !whole { blank_ended(&body) } else { &body };
    for line in lines(body, whole) {
        let Ok(line) = std::str::from_utf8(line) else {
            items.push(Item::Stops(Stop::raises("UnicodeDecodeError", "")));
            return Ok(items);
        };
        let Some(data) = decoder.line(line) else { continue };
        if data.starts_with("[DONE]") {
            return Ok(items);
        }
        match chunk(&data) {
            Ok(value) => items.push(Item::Data(value)),
            Err(stop) => {
                items.push(Item::Stops(stop));
                return Ok(items);
            }
        }
    }
    match BodyEnd::of(exchange) {
        BodyEnd::Whole => {}
        BodyEnd::Broken if major == Major::Two => {
            let reset = matches!(exchange.end, End::Reset { .. });
            let exception = if reset { "httpx.ReadError" } else { "httpx.RemoteProtocolError" };
            items.push(Item::Stops(Stop::raises(exception, "")));
        }
        BodyEnd::Broken => items.push(Item::Stops(connection())),
        BodyEnd::Silent => items.push(Item::Stops(Stop::Hangs)),
    }
    Ok(items)
}

/// The data of one event: JSON, and no object with a truthy `error`.
fn chunk(data: &str) -> Result<Value, Stop> {
    let value = json::python(data).ok_or_else(not_json)?;
    let Some(error) = value.get("error").filter(|error| truthy(error)) else { return Ok(value) };
    let message = error.get("message").and_then(Value::as_str).filter(|text| !text.is_empty());
    let message = message.unwrap_or("An error occurred during streaming");
    Err(Stop::raises("openai.APIError", message).coded(error))
}

/// The body up to its last blank line: version 2 hands on no piece of a stream before that.
fn blank_ended(body: &[u8]) -> &[u8] {
    let ends: [&[u8]; 3] = [b"\n\n", b"\r\r", b"\r\n\r\n"];
    let last = ends.iter().filter_map(|end| Some(memchr::memmem::rfind(body, end)? + end.len()));
    last.max().and_then(|end| body.get(..end)).unwrap_or_default()
}

/// Lines ended by CR, LF or CRLF; one without an end counts only if the body came to its end.
fn lines(body: &[u8], whole: bool) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(end) = memchr::memchr2(b'\r', b'\n', rest) else {
            return whole.then(|| std::mem::take(&mut rest));
        };
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
        Some(line)
    })
}

/// openai-python's event decoder.
#[derive(Default)]
struct Decoder {
    event: String,
    data: Vec<String>,
    id: String,
    retry: bool,
}

impl Decoder {
    /// Takes a line; gives the data of the event that it completes.
    fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            let nothing =
                self.event.is_empty() && self.data.is_empty() && self.id.is_empty() && !self.retry;
            if nothing {
                return None;
            }
            self.event.clear();
            self.retry = false;
            return Some(std::mem::take(&mut self.data).join("\n"));
        }
        if line.starts_with(':') {
            return None;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => self.data.push(value.to_owned()),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" => self.retry |= value.trim().parse::<i64>().is_ok(),
            _ => {}
        }
        None
    }
}

/// Whether Python takes a value for true.
pub(in crate::lens) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// A whole number as pydantic takes one in its lax mode.
pub(in crate::lens) fn lax_int(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        #[expect(clippy::cast_possible_truncation, reason = "held to be whole and in range")]
        Value::Number(number) => number.as_i64().or_else(|| {
            number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15).map(|n| n as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// An index as pydantic makes it a number.
pub(in crate::lens) fn lax_index(index: &Value) -> Value {
    lax_int(index).map_or_else(|| index.clone(), Value::from)
}

/// Whether pydantic would take a fragment of a call as it is; only then its index is made a number.
pub(in crate::lens) fn is_valid(fragment: &Value) -> bool {
    let maybe_text = |value: &Value, name| attribute(value, name).is_none_or(Value::is_string);
    let function = attribute(fragment, "function");
    attribute(fragment, "index").and_then(lax_int).is_some()
        && maybe_text(fragment, "id")
        && attribute(fragment, "type").is_none_or(|kind| kind == "function")
        && function
            .is_none_or(|f| f.is_object() && maybe_text(f, "name") && maybe_text(f, "arguments"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(body: &str) -> Vec<String> {
        let mut decoder = Decoder::default();
        lines(body.as_bytes(), true)
            .filter_map(|line| decoder.line(std::str::from_utf8(line).unwrap()))
            .collect()
    }

    #[test]
    fn lines_end_with_any_of_the_three_ends() {
        assert_eq!(data("data: 1\n\ndata: 2\r\n\r\ndata: 3\r\rdata:4\n\n"), ["1", "2", "3", "4"]);
    }

    #[test]
    fn an_event_without_a_blank_line_is_lost() {
        assert_eq!(data("data: 1\n\ndata: 2\n"), ["1"]);
    }

    #[test]
    fn an_id_outlives_its_event() {
        assert_eq!(data("id: 7\ndata: 1\n\n: ping\n\ndata: 2\n\n"), ["1", "", "2"]);
    }

    #[test]
    fn a_byte_order_mark_hides_the_first_field() {
        assert_eq!(data("\u{feff}data: 1\n\ndata: 2\n\n"), ["2"]);
    }

    #[test]
    fn an_unfinished_line_of_a_broken_body_is_not_read() {
        let read = |whole| lines(b"data: 1\ndata", whole).count();
        assert_eq!((read(true), read(false)), (2, 1));
    }
}
