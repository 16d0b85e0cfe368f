//! Log probabilities: invented, but well-formed and always the same.

use serde_json::{Map, Value, json};

use crate::mock::tokens;

/// What might have been said instead.
const OTHERS: [&str; 24] = [
    " the", " a", " and", " to", " of", " in", " is", " it", " that", " was", " for", " on",
    " with", " as", " at", " by", " from", " or", " an", " be", " this", " not", " are", ".",
];

/// The score of a token at a place: the same everywhere, above −1.2 and never above 0.
fn score(token: &str, at: usize) -> f64 {
    let hash = tokens::hash(token.as_bytes()).wrapping_add(at as u64 * 7919);
    #[expect(clippy::cast_precision_loss, reason = "below a thousand")]
    let part = (hash % 1000) as f64;
    -0.001 - part / 1000.0 * 1.1
}

/// The token and its alternatives, best first; exactly `count` of them.
fn top(token: &str, at: usize, count: usize) -> Vec<(String, f64)> {
    let own = score(token, at);
    let others = OTHERS.iter().filter(|other| **other != token);
    let mut gap = 0.0;
    let others = others.map(|other| {
        gap += 0.75;
        ((*other).to_owned(), own - 1.0 - gap)
    });
    std::iter::once((token.to_owned(), own)).chain(others).take(count).collect()
}

fn entry(token: &str, score: f64) -> Map<String, Value> {
    let mut entry = Map::new();
    entry.insert("token".to_owned(), json!(token));
    entry.insert("logprob".to_owned(), json!(score));
    entry.insert("bytes".to_owned(), json!(token.as_bytes()));
    entry
}

/// One entry of `logprobs.content`.
pub(super) fn chat_entry(token: &str, at: usize, count: usize) -> Value {
    let mut own = entry(token, score(token, at));
    let top = top(token, at, count).into_iter();
    let top: Vec<Value> = top.map(|(token, score)| entry(&token, score).into()).collect();
    own.insert("top_logprobs".to_owned(), top.into());
    own.into()
}

/// `choices[].logprobs` of a chat.
pub(super) fn chat(texts: &[String], count: usize) -> Value {
    let content = texts.iter().enumerate().map(|(at, token)| chat_entry(token, at, count));
    json!({"content": content.collect::<Vec<_>>(), "refusal": null})
}

/// `choices[].logprobs` of a legacy completion; `first` is the place of the first token and
/// `offset` its place in the text.
pub(super) fn legacy(texts: &[String], first: usize, mut offset: usize, count: usize) -> Value {
    let mut offsets = Vec::new();
    let mut scores = Vec::new();
    let mut tops = Vec::new();
    for (at, token) in texts.iter().enumerate() {
        offsets.push(offset);
        offset += token.chars().count();
        scores.push(score(token, first + at));
        let top: Map<String, Value> = top(token, first + at, count.max(1))
            .into_iter()
            .map(|(token, score)| (token, json!(score)))
            .collect();
        tops.push(Value::Object(top));
    }
    json!({"text_offset": offsets, "token_logprobs": scores, "tokens": texts, "top_logprobs": tops})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_as_many_alternatives_as_asked_and_none_twice() {
        let entry = chat_entry(" the", 3, 20);

        let top = entry.pointer("/top_logprobs").unwrap().as_array().unwrap();
        let names: std::collections::BTreeSet<_> =
            top.iter().map(|t| t["token"].to_string()).collect();
        assert_eq!((top.len(), names.len()), (20, 20));
        assert!(top.iter().all(|t| t["logprob"].as_f64().unwrap() <= 0.0));
    }
}
