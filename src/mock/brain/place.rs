//! Places named in a text.

use crate::mock::tokens::is_ideograph;

const BEFORE: [&str; 8] = ["in", "for", "of", "at", "to", "from", "near", "between"];
const BETWEEN: [&str; 4] = ["and", "&", "or", "plus"];
/// Capitalised words after a preposition that are no places.
const NO_PLACES: [&str; 12] = [
    "Celsius",
    "Fahrenheit",
    "JSON",
    "I",
    "January",
    "Monday",
    "English",
    "French",
    "German",
    "Kelvin",
    "Markdown",
    "YAML",
];
/// Places of one text.
const PLACES_MAX: usize = 8;

/// The places a text names: `Weather in Paris, New York and 杭州?` gives three.
pub(crate) fn places(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<String> = Vec::new();
    let mut listening = false;
    let mut run: Vec<&str> = Vec::new();
    for word in words {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let opens = BEFORE.contains(&bare.to_lowercase().as_str());
        if listening && is_name(bare) && !opens {
            run.push(bare);
            if word.ends_with(|c: char| !c.is_alphanumeric()) {
                close(&mut run, &mut found);
                // A comma continues the list; any other mark ends the sentence's interest in it.
                listening = word.ends_with([',', '、', '，']);
            }
            continue;
        }
        close(&mut run, &mut found);
        listening =
            opens || (listening && (BETWEEN.contains(&bare) || word == "&") && !found.is_empty());
    }
    close(&mut run, &mut found);
    found.truncate(PLACES_MAX);
    found
}

fn close(run: &mut Vec<&str>, found: &mut Vec<String>) {
    if !run.is_empty() {
        let place = run.join(" ");
        if !found.contains(&place) {
            found.push(place);
        }
        run.clear();
    }
}

fn is_name(word: &str) -> bool {
    let starts = |c: char| c.is_uppercase() || is_ideograph(c);
    word.starts_with(starts) && !NO_PLACES.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_lists_and_in_any_script() {
        let cases: [(&str, &[&str]); 8] = [
            ("Weather in Paris in celsius?", &["Paris"]),
            ("Weather in Paris and Rome", &["Paris", "Rome"]),
            (
                "What is the weather in New York, Rome and Berlin today?",
                &["New York", "Rome", "Berlin"],
            ),
            ("Use get_weather for Paris", &["Paris"]),
            ("What is the weather in 杭州?", &["杭州"]),
            ("Hello, how are you today?", &[]),
            ("Answer in JSON.", &[]),
            ("Weather in Oslo. Then tell Ann.", &["Oslo"]),
        ];
        for (text, wanted) in cases {
            assert_eq!(places(text), wanted, "{text}");
        }
    }
}
