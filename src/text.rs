//! Small pieces of English for people: plurals, ellipses, durations, printable bytes.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::units::Nanos;

/// `1 event`, `2 events`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `12,345`.
pub fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// At most `chars` characters of `text`, with `…` where it was cut.
pub fn ellipsis(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Breaks `text` at spaces into lines of at most `width` columns. A word that is wider is broken
/// where it must be.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let space = usize::from(used > 0);
        if used + space + word.width() > width && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > width {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
            used += columns;
        }
    }
    lines
}

/// A span as a person would say it: `812 ns`, `3.4 µs`, `812 ms`, `1.25 s`, `2 min 5 s`.
pub fn duration(span: Nanos) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are printed")]
    let ns = span.0 as f64;
    match span.0 {
        0..1_000 => format!("{} ns", span.0),
        1_000..1_000_000 => format!("{} µs", three_digits(ns / 1e3)),
        1_000_000..1_000_000_000 => format!("{} ms", three_digits(ns / 1e6)),
        1_000_000_000..60_000_000_000 => format!("{} s", three_digits(ns / 1e9)),
        _ => {
            let seconds = span.0 / 1_000_000_000;
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
    }
}

fn three_digits(value: f64) -> String {
    let text = match value {
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    };
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Bytes as one printable line: line ends become `⏎` (LF) and `␍` (CR), other control characters
/// and invalid UTF-8 become `\xNN`.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push('⏎'),
                '\r' => out.push('␍'),
                '\t' => out.push('→'),
                '\u{feff}' => out.push_str("\\u{feff}"),
                c if c.is_control() => out.extend(c.escape_default()),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str("\\x");
            for nibble in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('?'));
            }
        }
    }
    out
}

/// `did you mean `x`?`, when one of `known` is close enough to `word`.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counts_are_grouped() {
        assert_eq!([7, 1_234, 1_234_567].map(thousands), ["7", "1,234", "1,234,567"]);
    }

    #[test]
    fn durations_carry_three_digits_and_a_unit() {
        let said: Vec<_> =
            [0, 999, 3_400, 812_000_000, 1_250_000_000, 59_990_000_000, 125_000_000_000]
                .map(|ns| duration(Nanos(ns)))
                .into();
        assert_eq!(said, ["0 ns", "999 ns", "3.4 µs", "812 ms", "1.25 s", "60 s", "2 min 5 s"]);
    }

    #[test]
    fn invalid_bytes_and_line_ends_can_be_seen() {
        assert_eq!(printable(b"a\r\n\xff\x00"), "a␍⏎\\xff\\u{0}");
    }

    #[test]
    fn a_cut_text_says_so() {
        assert_eq!(ellipsis("abcdef", 4), "abc…");
        assert_eq!(ellipsis("abcd", 4), "abcd");
    }

    #[test]
    fn words_wider_than_the_page_are_broken() {
        assert_eq!(wrap("ab cdefghij k", 4), ["ab", "cdef", "ghij", "k"]);
    }
}
