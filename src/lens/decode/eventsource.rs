//! Reading rules of the package eventsource-parser behind a text decoder, as the AI SDK uses it.
//!
//! It keeps to the standard, with one exception at the very end: nothing is flushed, so a line that
//! ends with CR waits for the byte after it, and the last event of a stream with such line ends is
//! lost.

use super::js;

/// The data of every event that is dispatched, in order.
pub(in crate::lens) fn read(body: &[u8]) -> Vec<String> {
    let text = js::utf8(body);
    let mut events = Vec::new();
    let mut data: Option<String> = None;
    for line in lines(&text) {
        if line.is_empty() {
            events.extend(data.take());
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field != "data" {
            continue;
        }
        let value = value.strip_prefix(' ').unwrap_or(value);
        match &mut data {
            None => data = Some(value.to_owned()),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
        }
    }
    events
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (line, after) = rest.split_at_checked(rest.find(['\r', '\n'])?)?;
        rest = match after.strip_prefix("\r\n") {
            Some(rest) => rest,
            None if after == "\r" => return None,
            None => after.get(1..)?,
        };
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_any_of_the_three_ends() {
        let body = b"data: 1\n\ndata: 2\r\n\r\ndata: 3\r\rdata:4\n\n";

        assert_eq!(read(body), ["1", "2", "3", "4"]);
    }

    #[test]
    fn the_last_event_with_bare_carriage_returns_is_lost() {
        assert_eq!(read(b"data: 1\r\rdata: 2\r\r"), ["1"]);
    }

    #[test]
    fn only_data_makes_an_event_and_empty_data_is_data() {
        let body =
            b"id: 1\n\nevent: x\n\n: c\n\nretry: 1\n\ndata\n\ndata:\ndata: a\n\ndata: lost\n";

        assert_eq!(read(body), ["", "\na"]);
    }

    #[test]
    fn one_byte_order_mark_is_dropped_and_another_hides_the_field() {
        assert_eq!(read(b"\xef\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\n"), ["1"]);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_replaced() {
        assert_eq!(read(b"data: \"\xe6\x97\"\n\n"), ["\"\u{fffd}\""]);
    }
}
