//! JSON that may be cut off: closed, and cut back until it parses.

use std::fmt::Write as _;

use serde_json::Value;

use crate::lens::decode::json;

/// Python's `json.loads(…, strict=False)`: control characters in strings are allowed.
pub(super) fn loads(text: &str) -> Option<Value> {
    json::python(text).or_else(|| json::python(&escaped(text)))
}

/// The text with the control characters of its strings escaped.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let (mut inside, mut after_escape) = (false, false);
    for char in text.chars() {
        if inside && char < ' ' {
            let _ = write!(out, "\\u{:04x}", u32::from(char));
            continue;
        }
        if char == '"' && !after_escape {
            inside = !inside;
        }
        after_escape = inside && char == '\\' && !after_escape;
        out.push(char);
    }
    out
}

/// The value of a text whose end may be missing: what is open is closed, and where that is not
/// enough characters are taken off the end.
pub(super) fn repaired(text: &str) -> Option<Value> {
    if let Some(value) = loads(text) {
        return Some(value);
    }
    let mut chars: Vec<char> = Vec::new();
    let mut open = Vec::new();
    let (mut inside, mut after_escape) = (false, false);
    for char in text.chars() {
        if inside {
            match char {
                '"' if !after_escape => inside = false,
                '\n' if !after_escape => {
                    chars.extend(['\\', 'n']);
                    continue;
                }
                '\\' => after_escape = !after_escape,
                _ => after_escape = false,
            }
        } else {
            match char {
                '"' => (inside, after_escape) = (true, false),
                '{' => open.push('}'),
                '[' => open.push(']'),
                '}' | ']' if open.pop() != Some(char) => return None,
                _ => {}
            }
        }
        chars.push(char);
    }
    if inside {
        if after_escape {
            chars.pop();
        }
        chars.push('"');
    }
    while !chars.is_empty() {
        let closed: String = chars.iter().chain(open.iter().rev()).collect();
        if let Some(value) = loads(&closed) {
            return Some(value);
        }
        chars.pop();
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cut_off_arguments_become_whole_ones() {
        assert_eq!(repaired("{\"city\": \"Par"), Some(json!({"city": "Par"})));
        assert_eq!(repaired("{\"a\": [1, {\"b\": tr"), Some(json!({"a": [1, {}]})));
        assert_eq!(repaired("{\"a\": 1}}"), None);
    }

    #[test]
    fn control_characters_in_strings_are_taken() {
        assert_eq!(loads("{\"a\": \"x\ny\"}"), Some(json!({"a": "x\ny"})));
    }
}
