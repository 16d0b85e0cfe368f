//! What a word costs by a `tokenizer.json` (Hugging Face).
//!
//! Prompts are plain words, so no text need ever be tokenised: it is enough to know which words
//! are one token. For that the model's part of the file is read and run, and nothing of its
//! normalizers and decoders: the whole of the `tokenizers` crate would be sixty crates more.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

/// The model of a `tokenizer.json`.
#[derive(Debug)]
pub(super) struct Tokenizer {
    /// How the blank before a word is written in the vocabulary: `Ġ` or `▁`; none in `WordPiece`.
    blank: &'static str,
    model: Model,
}

#[derive(Debug)]
enum Model {
    /// Byte pairs: the rank of each merge, and whether a piece that is there whole is taken whole.
    Bpe { vocabulary: HashMap<String, Value>, ranks: HashMap<(String, String), usize>, whole: bool },
    /// The most likely pieces.
    Unigram(HashMap<String, f64>),
    /// The longest pieces from the left; later ones begin with `##`.
    WordPiece(HashMap<String, Value>),
}

#[derive(Deserialize)]
struct File {
    model: ModelPart,
}

#[derive(Deserialize)]
struct ModelPart {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    vocab: Value,
    #[serde(default)]
    merges: Vec<Merge>,
    #[serde(default)]
    ignore_merges: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair(String, String),
}

impl Tokenizer {
    /// Reads the text of a file.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text)
            .map_err(|error| format!("this is no `tokenizer.json` with a `model`: {error}"))?;
        let ModelPart { kind, vocab, merges, ignore_merges } = file.model;
        let kind = kind.unwrap_or_else(|| {
            let guess = match &vocab {
                Value::Array(_) => "Unigram",
                _ if merges.is_empty() => "WordPiece",
                _ => "BPE",
            };
            guess.to_owned()
        });
        let model = match (kind.as_str(), vocab) {
            ("BPE", Value::Object(vocabulary)) => Model::Bpe {
                vocabulary: vocabulary.into_iter().collect(),
                ranks: merges.into_iter().enumerate().filter_map(rank).collect(),
                whole: ignore_merges,
            },
            ("Unigram", Value::Array(pieces)) => {
                Model::Unigram(pieces.iter().filter_map(piece).collect())
            }
            ("WordPiece" | "WordLevel", Value::Object(vocabulary)) => {
                Model::WordPiece(vocabulary.into_iter().collect())
            }
            (kind, _) => {
                return Err(format!(
                    "its model is `{kind}`, and BPE, Unigram, WordPiece and WordLevel can be read"
                ));
            }
        };
        let holds = |piece: &str| match &model {
            Model::Bpe { vocabulary, .. } | Model::WordPiece(vocabulary) => {
                vocabulary.contains_key(piece)
            }
            Model::Unigram(pieces) => pieces.contains_key(piece),
        };
        let blank = match &model {
            Model::WordPiece(_) => "",
            _ if holds("▁time") || holds("▁the") || holds("▁") => "▁",
            _ => "Ġ",
        };
        Ok(Self { blank, model })
    }

    /// Tokens of an ASCII word with a blank before it.
    pub(super) fn cost(&self, word: &str) -> u64 {
        let piece = format!("{}{word}", self.blank);
        match &self.model {
            Model::Bpe { vocabulary, whole: true, .. } if vocabulary.contains_key(&piece) => 1,
            Model::Bpe { ranks, .. } => merged(&piece, ranks),
            Model::Unigram(pieces) => likeliest(&piece, pieces),
            Model::WordPiece(vocabulary) => longest(&piece, vocabulary),
        }
    }
}

fn rank((nth, merge): (usize, Merge)) -> Option<((String, String), usize)> {
    let pair = match merge {
        Merge::Line(line) => line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()))?,
        Merge::Pair(a, b) => (a, b),
    };
    Some((pair, nth))
}

fn piece(value: &Value) -> Option<(String, f64)> {
    Some((value.get(0)?.as_str()?.to_owned(), value.get(1)?.as_f64()?))
}

/// Byte pairs merged, the lowest rank first, as long as there is one.
fn merged(piece: &str, ranks: &HashMap<(String, String), usize>) -> u64 {
    let mut parts: Vec<String> = piece.chars().map(String::from).collect();
    loop {
        let pairs = parts.iter().zip(parts.iter().skip(1)).enumerate();
        let ranked = pairs
            .filter_map(|(at, (a, b))| ranks.get(&(a.clone(), b.clone())).map(|rank| (*rank, at)));
        let Some((_, at)) = ranked.min() else { return parts.len() as u64 };
        let right = parts.remove(at + 1);
        if let Some(left) = parts.get_mut(at) {
            left.push_str(&right);
        }
    }
}

/// The fewest pieces among the likeliest ways to cut it; a character that is no piece is one.
fn likeliest(piece: &str, pieces: &HashMap<String, f64>) -> u64 {
    /// What an unknown character costs in likelihood: more than any piece.
    const UNKNOWN: f64 = -1e3;
    let ends: Vec<usize> = piece.char_indices().map(|(at, _)| at).chain([piece.len()]).collect();
    let mut best: Vec<(f64, u64)> = vec![(0.0, 0)];
    for (nth, end) in ends.iter().enumerate().skip(1) {
        let ways =
            ends.iter().take(nth).zip(&best).enumerate().filter_map(|(from, (start, so_far))| {
                let part = piece.get(*start..*end)?;
                let unknown = (from + 1 == nth).then_some(UNKNOWN);
                let score = pieces.get(part).copied().or(unknown)?;
                Some((so_far.0 + score, so_far.1 + 1))
            });
        best.push(ways.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::MIN, u64::MAX / 2)));
    }
    best.last().map_or(0, |(_, count)| *count)
}

/// The longest piece from the left, again and again; what cannot be cut is one unknown token.
fn longest(word: &str, vocabulary: &HashMap<String, Value>) -> u64 {
    let mut rest = word;
    let mut count = 0;
    while !rest.is_empty() {
        let lead = if count == 0 { "" } else { "##" };
        let found = (1..=rest.len()).rev().find(|end| {
            rest.get(..*end).is_some_and(|part| vocabulary.contains_key(&format!("{lead}{part}")))
        });
        let Some(after) = found.and_then(|end| rest.get(end..)) else { return 1 };
        rest = after;
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_pairs_are_merged_by_rank() {
        let text = r#"{"model": {"type": "BPE", "vocab": {"Ġca": 1, "Ġcar": 2, "t": 3},
            "merges": ["Ġ c", ["Ġc", "a"], "Ġca r"]}}"#;
        let tokenizer = Tokenizer::read(text).unwrap();
        assert_eq!((tokenizer.cost("car"), tokenizer.cost("cat"), tokenizer.cost("tt")), (1, 2, 3));
    }

    #[test]
    fn the_likeliest_and_the_longest_pieces_are_taken() {
        let unigram = r#"{"model": {"vocab": [["▁car", -5.0], ["▁", -2.0], ["time", -4.0], ["▁ti", -9.0], ["me", -9.0]]}}"#;
        let unigram = Tokenizer::read(unigram).unwrap();
        assert_eq!((unigram.cost("car"), unigram.cost("time"), unigram.cost("x")), (1, 2, 2));
        let pieces =
            r###"{"model": {"type": "WordPiece", "vocab": {"car": 0, "ti": 1, "##me": 2}}}"###;
        let pieces = Tokenizer::read(pieces).unwrap();
        assert_eq!((pieces.cost("car"), pieces.cost("time"), pieces.cost("zz")), (1, 2, 1));
    }

    #[test]
    fn another_file_is_refused() {
        assert!(Tokenizer::read("{}").unwrap_err().contains("no `tokenizer.json`"));
        let odd = r#"{"model": {"type": "Odd", "vocab": {}}}"#;
        assert!(Tokenizer::read(odd).unwrap_err().contains("`Odd`"));
    }
}
