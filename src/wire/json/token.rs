//! Where single tokens of a JSON document end.

/// The offset of the first byte at or after `at` that is not white space.
pub(super) fn skip_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// The end of the string whose opening quote stands at `at`, after its closing quote.
pub(super) fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        let rest = bytes.get(at..)?;
        let stop = memchr::memchr2(b'"', b'\\', rest)?;
        if rest.get(stop) == Some(&b'"') {
            return Some(at + stop + 1);
        }
        at += stop + 2;
    }
}

/// The end of a run of characters that may form a number or a word: `-1.5e9`, `null`, `NaN`.
pub(super) fn word_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    at + rest.iter().take_while(is_word).count()
}

/// The end of the value that begins at `at`, found by its brackets alone; its inside is not
/// checked.
pub(super) fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b'"' => at = string_end(bytes, at)?,
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' if depth > 0 => at += 1,
            _ => {
                let end = word_end(bytes, at);
                if end == at {
                    return None;
                }
                at = end;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The text of a string token, quotes included. Its escapes are resolved; a token that is no string
/// (a lone surrogate, a raw control character, bytes that are not UTF-8) stays as it is written.
pub(super) fn string_text(token: &[u8]) -> String {
    if let Ok(text) = serde_json::from_slice::<String>(token) {
        return text;
    }
    let inside = token.strip_prefix(b"\"").unwrap_or(token);
    let inside = inside.strip_suffix(b"\"").unwrap_or(inside);
    String::from_utf8_lossy(inside).into_owned()
}
