//! Reading rules of openai-node, which the clients built upon it share.
//!
//! Lines end with LF, CR LF or CR; each is decoded as UTF-8 on its own, forgivingly and without a
//! byte-order mark, and the last needs no end. An event is handed on at its blank line only. An
//! event with a name and no data is handed on too. After `[DONE]` the rest is read and passed over,
//! so what goes wrong there still raises, and a connection that stays open still holds the caller.

use serde_json::{Value, json};

use super::http::BodyEnd;
use super::js::{self, Stop};
use crate::transcript::Exchange;

/// What openai-node's stream hands on, one for each event.
#[derive(Debug, PartialEq)]
pub(in crate::lens) enum Item {
    /// An event's data, parsed.
    Data(Value),
    /// The stream ends with an exception, or never.
    Stops(Stop),
}

/// The stop of a body that the connection broke off.
fn terminated() -> Stop {
    Stop::raises("TypeError", "terminated")
}

/// The head, if it is one of success; else how the call fails.
fn success(exchange: &Exchange) -> Result<u16, Stop> {
    let Some(status) = exchange.status() else {
        return Err(match BodyEnd::of(exchange) {
            BodyEnd::Silent => Stop::Hangs,
            _ => Stop::raises("APIConnectionError", "Connection error."),
        });
    };
    if (200..300).contains(&status) {
        return Ok(status);
    }
    Err(match BodyEnd::of(exchange) {
        BodyEnd::Silent => Stop::Hangs,
        BodyEnd::Broken => status_error(status, "terminated"),
        BodyEnd::Whole => status_error(status, &js::utf8(&exchange.body())),
    })
}

/// The exception for a status outside 2xx.
fn status_error(status: u16, text: &str) -> Stop {
    let class = match status {
        400 => "BadRequestError",
        401 => "AuthenticationError",
        403 => "PermissionDeniedError",
        404 => "NotFoundError",
        409 => "ConflictError",
        422 => "UnprocessableEntityError",
        429 => "RateLimitError",
        500.. => "InternalServerError",
        _ => "APIError",
    };
    let body = js::parse(text).filter(|body| js::truthy(Some(body)));
    let message = match &body {
        Some(body) => body.get("error").filter(|error| js::truthy(Some(error))).map(error_text),
        None => Some(text.to_owned()),
    };
    let message = match message.filter(|message| !message.is_empty()) {
        Some(message) => format!("{status} {message}"),
        None => format!("{status} status code (no body)"),
    };
    Stop::raises(class, message)
}

/// What an exception says of an error value.
fn error_text(error: &Value) -> String {
    match error.get("message").filter(|message| js::truthy(Some(message))) {
        Some(Value::String(message)) => message.clone(),
        Some(message) => js::stringify(message),
        None => js::stringify(error),
    }
}

/// The body of a plain answer as a call to `create` gives it. A text where the body is not said to
/// be JSON; null where there is none.
pub(in crate::lens) fn plain(exchange: &Exchange) -> Result<Value, Stop> {
    if success(exchange)? == 204 {
        return Ok(Value::Null);
    }
    let media = exchange.head.as_ref().map(|head| {
        let values: Vec<_> = head.headers.all("content-type").collect();
        let all = values.join(", ");
        all.split(';').next().unwrap_or_default().trim().to_owned()
    });
    let media = media.unwrap_or_default();
    let is_json = media.contains("application/json") || media.ends_with("+json");
    if is_json && exchange.header("content-length") == Some("0") {
        return Ok(Value::Null);
    }
    match BodyEnd::of(exchange) {
        BodyEnd::Whole => {}
        BodyEnd::Broken => return Err(terminated()),
        BodyEnd::Silent => return Err(Stop::Hangs),
    }
    let text = js::utf8(&exchange.body());
    if is_json {
        js::parse(&text).ok_or_else(|| Stop::raises("SyntaxError", ""))
    } else {
        Ok(Value::String(text))
    }
}

/// The stream as the iteration over `create({stream: true})` gives it, up to its end or its failure.
pub(in crate::lens) fn stream(exchange: &Exchange) -> Result<Vec<Item>, Stop> {
    if success(exchange)? == 204 {
        let message = "Attempted to iterate over a response with no body";
        return Ok(vec![Item::Stops(Stop::raises("OpenAIError", message))]);
    }
    let (body, end) = (exchange.body(), BodyEnd::of(exchange));
    let mut decoder = Decoder::default();
    let mut items = Vec::new();
    let mut done = false;
    for line in lines(&body, end == BodyEnd::Whole) {
        let Some(event) = decoder.line(&js::utf8(line)) else { continue };
        done |= event.data.starts_with("[DONE]");
        if done {
            continue;
        }
        match event.read() {
            Ok(value) => items.push(Item::Data(value)),
            Err(stop) => {
                items.push(Item::Stops(stop));
                return Ok(items);
            }
        }
    }
    match end {
        BodyEnd::Whole => {}
        BodyEnd::Broken => items.push(Item::Stops(terminated())),
        BodyEnd::Silent => items.push(Item::Stops(Stop::Hangs)),
    }
    Ok(items)
}

/// Lines ended by CR, LF or CR LF. One without an end counts, and one that ends with CR at the very
/// end of what came, only if the body came to its end.
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
        if after == b"\r" && !whole {
            return None;
        }
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
        Some(line)
    })
}

/// An event as the decoder hands it on.
#[derive(Debug, PartialEq, Eq)]
struct Event {
    name: String,
    data: String,
}

impl Event {
    /// The chunk that the iteration gives for it.
    fn read(&self) -> Result<Value, Stop> {
        let value = js::parse(&self.data).ok_or_else(|| Stop::raises("SyntaxError", ""))?;
        if self.name.starts_with("thread.") {
            return Ok(json!({"event": self.name, "data": value}));
        }
        match value.get("error").filter(|error| js::truthy(Some(error))) {
            Some(error) => Err(Stop::raises("APIError", error_text(error))),
            None => Ok(value),
        }
    }
}

/// openai-node's event decoder.
#[derive(Default)]
struct Decoder {
    name: String,
    data: Vec<String>,
}

impl Decoder {
    /// Takes a line; gives the event that it completes.
    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            if self.name.is_empty() && self.data.is_empty() {
                return None;
            }
            let data = std::mem::take(&mut self.data).join("\n");
            return Some(Event { name: std::mem::take(&mut self.name), data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push(value.to_owned()),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(body: &[u8]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let lines = lines(body, true).map(js::utf8);
        lines.filter_map(|line| decoder.line(&line)).map(|event| event.data).collect()
    }

    #[test]
    fn lines_end_with_any_of_the_three_ends() {
        let body = b"data: 1\n\ndata: 2\r\n\r\ndata: 3\r\rdata:4\n\n";

        assert_eq!(data(body), ["1", "2", "3", "4"]);
    }

    #[test]
    fn an_event_without_a_blank_line_is_lost() {
        assert_eq!(data(b"data: 1\n\ndata: 2\n"), ["1"]);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_at_the_front_of_any_line() {
        assert_eq!(data(b"\xef\xbb\xbfdata: 1\n\xef\xbb\xbfdata: 2\n\n"), ["1\n2"]);
    }

    #[test]
    fn ids_and_comments_make_no_event_but_a_name_does() {
        assert_eq!(data(b"id: 7\n\n: ping\n\nretry: 1\n\nevent: ping\n\n"), [""]);
    }

    #[test]
    fn an_error_counts_if_javascript_takes_it_for_true() {
        let read = |data: &str| Event { name: String::new(), data: data.to_owned() }.read();

        assert!(read("{\"error\": null}").is_ok());
        assert!(read("{\"error\": \"\"}").is_ok());
        assert_eq!(read("{\"error\": \"no\"}"), Err(Stop::raises("APIError", "\"no\"")));
        let stop = Stop::raises("APIError", "busy");
        assert_eq!(read("{\"error\": {\"message\": \"busy\"}}"), Err(stop));
    }

    #[test]
    fn the_class_of_a_refusal_goes_by_its_status() {
        let cases = [
            (400, "{\"error\":{\"message\":\"no\"}}", "BadRequestError", "400 no"),
            (429, "", "RateLimitError", "429 status code (no body)"),
            (503, "busy", "InternalServerError", "503 busy"),
            (418, "{\"message\":\"x\"}", "APIError", "418 status code (no body)"),
            (403, "{\"error\":\"x\"}", "PermissionDeniedError", "403 \"x\""),
        ];
        for (status, body, class, message) in cases {
            assert_eq!(status_error(status, body), Stop::raises(class, message));
        }
    }
}
