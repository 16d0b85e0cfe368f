//! The words that prompts are made of, and what they count for.

use std::sync::Arc;

use fastrand::Rng;

/// Common words; each is one token to most tokenizers in use.
const WORDS: [&str; 64] = [
    "time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world",
    "school", "state", "family", "student", "group", "country", "problem", "hand", "part", "place",
    "case", "week", "company", "system", "program", "question", "work", "number", "night", "point",
    "home", "water", "room", "mother", "area", "money", "story", "fact", "month", "lot", "right",
    "study", "book", "eye", "job", "word", "business", "issue", "side", "kind", "head", "house",
    "service", "friend", "father", "power", "hour", "game", "line", "end", "member", "law", "car",
];

/// With fewer words than these, prompts would be too much alike.
const WORDS_MIN: usize = 16;

/// The words that prompts are made of. `Default`: common words, each taken for one token.
#[derive(Clone, Debug, PartialEq)]
pub struct Vocabulary {
    words: Arc<[String]>,
    /// Tokens of a word with the blank before it.
    tokens_per_word: f64,
    /// Each word is known to be one token, so a prompt has exactly the tokens it should.
    exact: bool,
    /// Where that is known from, for people.
    source: String,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self {
            words: WORDS.map(str::to_owned).into(),
            tokens_per_word: 1.0,
            exact: false,
            source: "one common word is taken for one token".to_owned(),
        }
    }
}

impl Vocabulary {
    /// The words to ask a tokenizer about.
    pub fn candidates() -> &'static [&'static str] {
        &WORDS
    }

    /// The words that cost one token each; all of them, with their mean cost, if those are too few.
    /// `costs` is what each candidate adds to a text that it stands in, with the blank before it.
    pub fn of_costs(costs: &[(&str, u64)], source: String) -> Self {
        let single: Vec<String> = costs
            .iter()
            .filter(|(_, cost)| *cost == 1)
            .map(|(word, _)| (*word).to_owned())
            .collect();
        if single.len() >= WORDS_MIN {
            return Self { words: single.into(), tokens_per_word: 1.0, exact: true, source };
        }
        let total: u64 = costs.iter().map(|(_, cost)| *cost).sum();
        #[expect(clippy::cast_precision_loss, reason = "a few words of a few tokens")]
        let mean = total as f64 / costs.len().max(1) as f64;
        Self::measured(mean, source)
    }

    /// All words, at so many tokens each on average: lengths are met on average only.
    pub fn measured(tokens_per_word: f64, source: String) -> Self {
        Self { tokens_per_word: tokens_per_word.max(0.05), source, ..Self::default() }
    }

    /// Whether prompts have exactly the tokens they should, but for what a chat template adds.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Tokens of a word, on average.
    pub fn tokens_per_word(&self) -> f64 {
        self.tokens_per_word
    }

    /// Where that is known from, for people.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What a digest of the requests must hold of it.
    pub(super) fn digest(&self) -> String {
        format!("{} {}", self.tokens_per_word, self.words.join(" "))
    }

    /// Adds words for `tokens` tokens.
    pub(super) fn write(&self, tokens: u32, rng: &mut Rng, text: &mut String) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number of words, and `as` stops at the largest"
        )]
        let words = (f64::from(tokens) / self.tokens_per_word).round().max(1.0) as u32;
        for _ in 0..words {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
            text.push_str(rng.choice(self.words.iter()).map_or("", String::as_str));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_token_are_taken_where_there_are_enough() {
        let costs: Vec<(&str, u64)> =
            WORDS.iter().enumerate().map(|(nth, word)| (*word, 1 + nth as u64 % 2)).collect();
        let some = Vocabulary::of_costs(&costs, "t".into());
        assert!(some.is_exact() && some.words.len() == 32);
        let dear: Vec<(&str, u64)> = WORDS.iter().map(|word| (*word, 2)).collect();
        let all = Vocabulary::of_costs(&dear, "t".into());
        assert!(!all.is_exact() && all.words.len() == 64);
        let mut text = String::new();
        all.write(100, &mut Rng::with_seed(1), &mut text);
        assert_eq!(text.split(' ').count(), 50);
    }
}
