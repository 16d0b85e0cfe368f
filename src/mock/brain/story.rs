//! Prose without end.

use fastrand::Rng;

const WHO: [&str; 12] = [
    "The captain",
    "An old sailor",
    "The lighthouse keeper",
    "A young cook",
    "The navigator",
    "A quiet passenger",
    "The ship's doctor",
    "A stray cat",
    "The first mate",
    "A fisherman",
    "The harbour master",
    "A clockmaker",
];
const DID: [&str; 12] = [
    "watched",
    "followed",
    "remembered",
    "described",
    "mended",
    "counted",
    "searched for",
    "listened to",
    "painted",
    "measured",
    "guarded",
    "carried",
];
const WHAT: [&str; 12] = [
    "the grey waves",
    "a broken compass",
    "the evening tide",
    "three small lanterns",
    "a letter without a name",
    "the northern stars",
    "an empty rope",
    "the sound of the bell",
    "a chart of the islands",
    "the last of the tea",
    "a bright red sail",
    "the long coast",
];
const HOW: [&str; 12] = [
    "until the morning came",
    "with great care",
    "while the wind turned",
    "for the second time",
    "without a word",
    "as if nothing had changed",
    "before the rain began",
    "far from the land",
    "in the light of the moon",
    "and smiled",
    "near the old pier",
    "through the whole night",
];

fn pick<'a>(from: &[&'a str], rng: &mut Rng) -> &'a str {
    rng.choice(from).copied().unwrap_or_default()
}

/// One sentence.
pub(super) fn sentence(rng: &mut Rng) -> String {
    format!("{} {} {} {}.", pick(&WHO, rng), pick(&DID, rng), pick(&WHAT, rng), pick(&HOW, rng))
}

/// Exactly `words` words, in whole sentences but for the last.
pub(super) fn words(words: usize, rng: &mut Rng) -> String {
    let mut kept = Vec::new();
    while kept.len() < words {
        kept.extend(sentence(rng).split(' ').map(str::to_owned));
    }
    kept.truncate(words);
    let mut text = kept.join(" ");
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

/// At least `chars` characters, in whole sentences.
pub(super) fn chars(chars: usize, rng: &mut Rng) -> String {
    let mut text = sentence(rng);
    while text.chars().count() < chars {
        text.push(' ');
        text.push_str(&sentence(rng));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_has_the_words_it_was_asked_for() {
        let mut rng = Rng::with_seed(1);

        assert_eq!(words(100, &mut rng).split_whitespace().count(), 100);
        assert!(chars(400, &mut rng).chars().count() >= 400);
    }
}
