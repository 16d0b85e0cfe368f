//! JSON as the parsers of client languages take it, which is looser than the standard in places.

use serde_json::{Map, Number, Value};

/// How deep a value may nest before it is refused. Python's own limit is its recursion limit.
const DEPTH_MAX: usize = 500;

/// What a parser accepts beyond the standard.
#[derive(Clone, Copy, Debug)]
pub(in crate::lens) struct Looseness {
    /// `NaN`, `Infinity` and `-Infinity`, as Python's `json`; they are read as null.
    pub(in crate::lens) not_numbers: bool,
}

/// Python's `json.loads` on a string.
pub(in crate::lens) fn python(text: &str) -> Option<Value> {
    read(text, Looseness { not_numbers: true })
}

/// One JSON document, with white space around it. Of a key that comes twice the last value counts,
/// in the place of the first; half a surrogate pair becomes U+FFFD, for want of a way to hold it.
pub(in crate::lens) fn read(text: &str, looseness: Looseness) -> Option<Value> {
    let mut reader = Reader { rest: text, looseness };
    let value = reader.value(0)?;
    reader.space();
    reader.rest.is_empty().then_some(value)
}

/// How far a text is JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lens) enum Prefix {
    /// It is a document.
    Whole,
    /// It may become one.
    Open,
    /// It cannot.
    Wrong,
}

/// Whether a text is JSON, or the beginning of it.
pub(in crate::lens) fn prefix(text: &str) -> Prefix {
    let mut reader = Reader { rest: text, looseness: Looseness { not_numbers: true } };
    let whole = reader.value(0).is_some();
    reader.space();
    match (whole, reader.rest.is_empty()) {
        (true, true) => Prefix::Whole,
        (true, false) => Prefix::Wrong,
        (false, _) => {
            // What is broken off where the text ends could go on; what breaks before it could not.
            if reader.at_end() { Prefix::Open } else { Prefix::Wrong }
        }
    }
}

/// A member of an object that is not null.
pub(in crate::lens) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object().and_then(|map| map.get(name)).filter(|value| !value.is_null())
}

struct Reader<'a> {
    rest: &'a str,
    looseness: Looseness,
}

impl Reader<'_> {
    /// Whether nothing stands in the way but the end of the text.
    fn at_end(&self) -> bool {
        let rest = self.rest;
        let words = ["null", "true", "false", "NaN", "Infinity", "-Infinity"];
        rest.is_empty()
            || words.iter().any(|word| word.starts_with(rest))
            || (rest.starts_with('"') && self.string_is_open())
            || matches!(rest, "-")
    }

    /// Whether the string that begins here lacks only its end.
    fn string_is_open(&self) -> bool {
        let mut chars = self.rest.chars().skip(1);
        while let Some(char) = chars.next() {
            match char {
                '"' => return false,
                control if control < ' ' => return false,
                '\\' => match chars.next() {
                    None => return true,
                    Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' | 'u') => {}
                    Some(_) => return false,
                },
                _ => {}
            }
        }
        true
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.space();
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            '"' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.eat("{");
        let mut map = Map::new();
        self.space();
        if self.eat("}") {
            return Some(Value::Object(map));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            if !self.eat(":") {
                return None;
            }
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            self.space();
            if self.eat("}") {
                return Some(Value::Object(map));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.eat("[");
        let mut list = Vec::new();
        self.space();
        if self.eat("]") {
            return Some(Value::Array(list));
        }
        loop {
            list.push(self.value(depth + 1)?);
            self.space();
            if self.eat("]") {
                return Some(Value::Array(list));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    /// A string; if it is none, the reader stays in front of it.
    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.strip_prefix('"')?.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => match chars.next()? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'u' => {
                        let first = hex(&mut chars)?;
                        let mut ahead = chars.clone();
                        let second = (ahead.next() == Some('\\') && ahead.next() == Some('u'))
                            .then(|| hex(&mut ahead))
                            .flatten();
                        match (first, second) {
                            (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                                let point = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                                text.push(char::from_u32(point)?);
                                chars = ahead;
                            }
                            _ => text.push(char::from_u32(first).unwrap_or('\u{fffd}')),
                        }
                    }
                    plain @ ('"' | '\\' | '/') => text.push(plain),
                    _ => return None,
                },
                control if control < ' ' => return None,
                plain => text.push(plain),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    fn word(&mut self) -> Option<Value> {
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if self.eat(word) {
                return Some(value);
            }
        }
        if self.looseness.not_numbers
            && ["NaN", "Infinity", "-Infinity"].iter().any(|word| self.eat(word))
        {
            return Some(Value::Null);
        }
        let end = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at_checked(end)?;
        let value = serde_json::from_str::<Number>(number).ok()?;
        self.rest = rest;
        Some(Value::Number(value))
    }
}

fn hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |point, _| Some(point * 16 + chars.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_standard_allows_is_read_as_the_standard_says() {
        let text = " {\"a\": [1, -2.5e3, \"x\\n\\u00e9\\ud83d\\ude00\\/\"], \"b\": {}, \"c\": [null, true]} \r\n";

        let expected = json!({"a": [1, -2500.0, "x\né😀/"], "b": {}, "c": [null, true]});
        assert_eq!(python(text), Some(expected.clone()));
        assert_eq!(read(text, Looseness { not_numbers: false }), Some(expected));
    }

    #[test]
    fn python_takes_what_is_no_number() {
        assert_eq!(python("[NaN, -Infinity]"), Some(json!([null, null])));
        assert_eq!(read("[NaN]", Looseness { not_numbers: false }), None);
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        assert_eq!(python("{\"a\": 1, \"b\": 2, \"a\": 3}"), Some(json!({"a": 3, "b": 2})));
    }

    #[test]
    fn the_beginning_of_a_document_is_told_from_what_cannot_become_one() {
        for open in ["", "{", "{\"a\": \"Pa", "{\"a\"", "[1, tr", "{\"a\": 1,", "\"a\\"] {
            assert_eq!(prefix(open), Prefix::Open, "{open:?}");
        }
        for wrong in ["{a", "[1}", "{} {", "<x", "{\"a\" 1", "\"\n"] {
            assert_eq!(prefix(wrong), Prefix::Wrong, "{wrong:?}");
        }
        assert_eq!(prefix("{\"a\": [1]}"), Prefix::Whole);
    }

    #[test]
    fn half_a_surrogate_pair_is_no_error() {
        assert_eq!(python("\"a\\ud800b\""), Some(json!("a\u{fffd}b")));
    }

    #[test]
    fn what_is_broken_is_refused() {
        for text in
            ["", "{", "[1,]", "{\"a\" 1}", "\"a", "\"\n\"", "1 2", "tru", "\u{feff}{}", "[1"]
        {
            assert_eq!(python(text), None, "{text:?}");
        }
    }
}
