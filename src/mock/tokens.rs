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
    pieces(text).map(str::to_owned).collect()
}

/// How many tokens `text` has.
pub(crate) fn count(text: &str) -> usize {
    pieces(text).count()
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at_checked(first_len(rest)?)?;
        rest = after;
        Some(piece)
    })
}

/// The length of the first token, in bytes.
fn first_len(text: &str) -> Option<usize> {
    let mut chars = text.chars().peekable();
    let first = chars.next()?;
    let mut len = first.len_utf8();
    let mut lead = class(first);
    if first == ' '
        && let Some(next) = chars.next_if(|next| class(*next) != Class::Other)
    {
        len += next.len_utf8();
        lead = class(next);
    }
    let max = match lead {
        Class::Letter => LETTERS_MAX,
        Class::Digit => DIGITS_MAX,
        Class::Other => 1,
    };
    let more = chars.take(max - 1).take_while(|next| class(*next) == lead);
    Some(len + more.map(char::len_utf8).sum::<usize>())
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

#[derive(Clone, Copy, PartialEq, Eq)]
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
