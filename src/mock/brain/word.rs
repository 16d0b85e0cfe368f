//! Texts that suit the names of properties.

use fastrand::Rng;

use super::instance::Hints;
use super::story;
use super::text::{Length, fenced, length, prose, quoted};

/// Tokens of one prose value.
const PROSE_TOKENS_MAX: usize = 4_000;

/// Whether a property's name speaks of a place.
pub(super) fn is_place(name: &str) -> bool {
    let lower = name.to_lowercase();
    ["city", "location", "place", "town", "destination", "where"].iter().any(|w| lower.contains(w))
}

/// A text that suits a property's name.
pub(super) fn named(name: &str, hints: &Hints, rng: &mut Rng) -> String {
    let lower = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if let Some(known) = hints.known.get(name) {
        return known.as_str().map_or_else(|| known.to_string(), str::to_owned);
    }
    let prompt = &hints.prompt;
    if is_place(name) {
        return hints.place.clone().unwrap_or_else(|| "Paris".to_owned());
    }
    if has(&["path", "file"]) {
        let word = |word: &&str| word.contains(['/', '.']) && word.len() > 2;
        let path = prompt
            .split_whitespace()
            .map(|w| w.trim_matches(['"', '`', '\'', ',', '?']))
            .find(word);
        return path.map_or("notes.txt", |path| path.trim_end_matches('.')).to_owned();
    }
    if has(&["content", "text", "code", "body", "note", "message", "source"]) {
        return long_text(&lower, hints, rng);
    }
    if let Some(said) = quoted(prompt).next() {
        return said;
    }
    let usual = [
        ("email", "ada@example.com"),
        ("unit", "celsius"),
        ("country", "France"),
        ("name", "Ada"),
        ("title", "The Lighthouse"),
        ("date", "2026-01-31"),
        ("role", "engineer"),
        ("lang", "en"),
        ("url", "https://example.com/"),
        ("color", "blue"),
        ("query", "lighthouse"),
        ("zone", "UTC"),
        ("id", "A-17"),
    ];
    let usual = usual.iter().find(|(word, _)| lower.contains(word)).map(|(_, text)| *text);
    usual.unwrap_or("harbour").to_owned()
}

/// What a note or a file is to hold.
fn long_text(name: &str, hints: &Hints, rng: &mut Rng) -> String {
    let prompt = &hints.prompt;
    if let Some(code) = fenced(prompt) {
        return code;
    }
    let lower = prompt.to_lowercase();
    let code = name.contains("code")
        || ["code", "script", "program", "function", "snippet", "python"]
            .iter()
            .any(|w| lower.contains(w));
    match (length(prompt), code) {
        (wanted, true) => {
            let mut code =
                "def greet(name):\n    print(\"Hello, \" + name)\n\ngreet(\"world\")\n".to_owned();
            let chars = match wanted {
                Some(Length::Chars(chars)) => chars,
                Some(Length::Words(words)) => words.saturating_mul(6),
                Some(Length::Endless) => PROSE_TOKENS_MAX,
                None => 0,
            };
            let mut line = 0;
            while code.len() < chars.min(PROSE_TOKENS_MAX * 6) {
                line += 1;
                code.push_str(&format_line(line));
            }
            code
        }
        (Some(wanted), false) => prose(wanted, PROSE_TOKENS_MAX, rng),
        (None, false) => quoted(prompt).next().unwrap_or_else(|| story::sentence(rng)),
    }
}
fn format_line(line: usize) -> String {
    format!("print(\"line {line}\")\n")
}

/// A text of one of JSON Schema's formats.
pub(super) fn formatted(format: &str) -> Option<&'static str> {
    Some(match format {
        "date-time" => "2026-01-31T12:00:00Z",
        "date" => "2026-01-31",
        "time" => "12:00:00Z",
        "duration" => "PT5M",
        "email" | "idn-email" => "ada@example.com",
        "hostname" | "idn-hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "uri" | "url" | "iri" => "https://example.com/",
        "uuid" => "123e4567-e89b-42d3-a456-426614174000",
        "regex" => "^a+$",
        "json-pointer" => "/a/b",
        _ => return None,
    })
}
