//! The usual chunk of a stream, recognised by everything but its text.
//!
//! A server writes the chunks of one stream alike but for the text in them. Once one of them was
//! read in full, the next is the same chunk with another text if the bytes before and after the
//! text are the same and the text is a sound JSON string. That costs a comparison instead of a
//! parse, and it is exact: nothing else about the chunk can differ.

use serde_json::Value;

use crate::wire::json::span_of;

/// Where texts stand, and whether a reader sees them as the answer.
const TEXTS: [(&str, bool); 5] = [
    ("/choices/0/delta/content", true),
    ("/choices/0/text", true),
    ("/choices/0/delta/refusal", true),
    ("/choices/0/delta/reasoning_content", false),
    ("/choices/0/delta/reasoning", false),
];

/// More of a chunk than this is not kept for comparison.
const BYTES_MAX: usize = 4 << 10;

/// A chunk without its text.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// What stands before the text, its opening quote included.
    before: Box<[u8]>,
    /// What stands after it, from its closing quote on.
    after: Box<[u8]>,
    /// Whether the text is part of the answer, and not of the reasoning.
    pub(super) visible: bool,
}

impl Template {
    /// The template of an ordinary chunk: `data` as it came and as it was read. `None` if it has
    /// no text, or several.
    pub(super) fn of(data: &[u8], value: &Value) -> Option<Self> {
        if data.len() > BYTES_MAX || data.contains(&b'\r') {
            return None;
        }
        let mut texts = TEXTS.iter().filter(|(place, _)| {
            value.pointer(place).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
        });
        let (place, visible) = texts.next().filter(|_| texts.next().is_none())?;
        let span = span_of(data, place)?;
        let token = data.get(span.clone())?;
        // The span is that of the string token; anything else would make the rest of this wrong.
        let inside = token.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let start = span.start + 1;
        let before = data.get(..start)?.into();
        let after = data.get(start + inside.len()..)?.into();
        Some(Self { before, after, visible: *visible })
    }

    /// The text in `data`, as it is written there, if `data` is this chunk with another text.
    pub(super) fn text<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        let text = data.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        is_string(text, data, self.before.len()).then_some(text)
    }

    /// Bytes held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.before.len() + self.after.len()
    }
}

/// Whether `text`, which stands between quotes in `data` at `start`, is the inside of a JSON string.
fn is_string(text: &[u8], data: &[u8], start: usize) -> bool {
    if text.iter().all(|byte| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\')) {
        return true;
    }
    // Escapes and other scripts: the same reader as everywhere else has the word.
    let quoted = start.checked_sub(1).and_then(|open| data.get(open..=start + text.len()));
    quoted.is_some_and(|quoted| serde_json::from_slice::<String>(quoted).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: &str =
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}"#;

    fn template(data: &str) -> Option<Template> {
        Template::of(data.as_bytes(), &serde_json::from_str(data).unwrap())
    }

    #[test]
    fn only_another_text_is_the_same_chunk() {
        let template = template(CHUNK).unwrap();
        let text = |data: &str| template.text(data.as_bytes()).map(<[u8]>::to_vec);
        assert!(template.visible);
        assert_eq!(text(&CHUNK.replace("Hi", " über")), Some(" über".as_bytes().to_vec()));
        assert_eq!(
            text(&CHUNK.replace("Hi", r#"a\"b\\\n\u00e9"#)),
            Some(br#"a\"b\\\n\u00e9"#.to_vec())
        );
        assert_eq!(text(&CHUNK.replace("Hi", "")), Some(Vec::new()));
        for other in [
            CHUNK.replace("\"c\"", "\"d\""),
            CHUNK.replace("null", "\"stop\""),
            CHUNK.replace("Hi", r#"a"b"#),
            CHUNK.replace("Hi", r"a\x"),
            CHUNK.replace("Hi", r"\ud800"),
            CHUNK.replace("Hi", "a\u{1}b"),
            CHUNK.replace("Hi", "x\",\"role\":\"assistant"),
            CHUNK.replace("Hi\"", "Hi"),
        ] {
            assert_eq!(text(&other), None, "{other}");
        }
    }

    #[test]
    fn a_chunk_without_one_text_has_no_template() {
        assert!(template(&CHUNK.replace("\"Hi\"", "null")).is_none());
        assert!(template(&CHUNK.replace("\"Hi\"", "\"\"")).is_none());
        assert!(template(&CHUNK.replace("\"Hi\"", "\"a\",\"reasoning\":\"b\"")).is_none());
        assert!(!template(&CHUNK.replace("content", "reasoning_content")).unwrap().visible);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_no_text() {
        let template = template(CHUNK).unwrap();
        let mut data = CHUNK.replace("Hi", "xy").into_bytes();
        let at = data.windows(2).position(|pair| pair == b"xy").unwrap();
        data[at] = 0xff;
        assert!(template.text(&data).is_none());
    }
}
