//! A tokenizer of our own: words with the blank before them, numbers in threes, everything else
//! by the character.
//!
//! It need not be anybody's; it must be the same wherever tokens are counted, cut or sent.

/// Letters of one token.
const LETTERS_MAX: usize = 8;
/// Digits of one token.
const DIGITS_MAX: usize = 3;
/// Size of the vocabulary that token ids are drawn from.
const VOCABULARY: u64 = 100_000;

/// The tokens of `text`; joined they are `text` again.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        let mut token = String::from(first);
        let lead = match rest.peek() {
            Some(&next) if first == ' ' && class(next) != Class::Other => {
                rest.next();
                token.push(next);
                next
            }
            _ => first,
        };
        let max = match class(lead) {
            Class::Letter => LETTERS_MAX,
            Class::Digit => DIGITS_MAX,
            Class::Other => 1,
        };
        for _ in 1..max {
            let Some(next) = rest.next_if(|next| class(*next) == class(lead)) else { break };
            token.push(next);
        }
        tokens.push(token);
    }
    tokens
}

/// How many tokens `text` has.
pub(crate) fn count(text: &str) -> usize {
    split(text).len()
}

/// The id of a token in a vocabulary that exists only as this function.
pub(crate) fn id(token: &str) -> u64 {
    hash(token.as_bytes()) % VOCABULARY
}

/// FNV-1a: the same on every machine and in every version.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[derive(PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Other,
}

fn class(c: char) -> Class {
    if c.is_ascii_digit() {
        Class::Digit
    } else if c.is_alphabetic() && !is_ideograph(c) {
        Class::Letter
    } else {
        Class::Other
    }
}

/// Scripts written without blanks: each character is a token.
pub(crate) fn is_ideograph(c: char) -> bool {
    c >= '\u{2e80}' && c.is_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_join_to_the_text_they_came_from() {
        for text in ["", " ", "a  b\n\nc", "日本語 🌍🫠 Привет", "{\"a\": 12345}", "ABCDEFGHIJKL"]
        {
            assert_eq!(split(text).concat(), text);
        }
    }

    #[test]
    fn words_keep_their_blank_and_long_ones_are_cut() {
        assert_eq!(split("Hi there, 2026"), ["Hi", " there", ",", " 202", "6"]);
        assert_eq!(split("ABCDEFGHIJ"), ["ABCDEFGH", "IJ"]);
        assert_eq!(split("日本"), ["日", "本"]);
    }
}
