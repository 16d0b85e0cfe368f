//! A text that matches a regular expression.

use fastrand::Rng;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Repetitions beyond the least that a pattern asks for.
const MORE_MAX: u32 = 3;
/// A pattern nested deeper than any that people write.
const DEPTH_MAX: usize = 64;

/// A text that matches `pattern`, if it can be read.
pub(super) fn text(pattern: &str, rng: &mut Rng) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut out = String::new();
    write(&hir, rng, &mut out, 0)?;
    Some(out)
}

fn write(hir: &Hir, rng: &mut Rng, out: &mut String, depth: usize) -> Option<()> {
    if depth > DEPTH_MAX {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => out.push(member(class, rng)?),
        HirKind::Repetition(repetition) => {
            let min = repetition.min;
            let max = repetition.max.unwrap_or(min.saturating_add(MORE_MAX));
            let max = max.min(min.saturating_add(MORE_MAX));
            // An empty text where one may be had looks like no answer.
            let least = if min == 0 && max > 0 { 1 } else { min };
            for _ in 0..rng.u32(least..=max.max(least)) {
                write(&repetition.sub, rng, out, depth + 1)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, rng, out, depth + 1)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, rng, out, depth + 1)?;
            }
        }
        HirKind::Alternation(parts) => write(rng.choice(parts)?, rng, out, depth + 1)?,
    }
    Some(())
}

/// A member of a class, plain letters and digits before anything else.
fn member(class: &Class, rng: &mut Rng) -> Option<char> {
    let Class::Unicode(class) = class else {
        return class.literal().and_then(|bytes| bytes.first().copied()).map(char::from);
    };
    let holds = |c: &char| class.iter().any(|range| (range.start()..=range.end()).contains(c));
    let plain: Vec<char> = ('a'..='z').chain('0'..='9').chain('A'..='Z').filter(holds).collect();
    if !plain.is_empty() {
        return rng.choice(plain);
    }
    let printable = (' '..='~').find(holds);
    printable.or_else(|| class.iter().next().map(regex_syntax::hir::ClassUnicodeRange::start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_matches_the_pattern() {
        let patterns =
            ["^[A-Z]{3}-\\d{4}$", "(foo|bar)+baz?", "^\\S+@\\S+\\.com$", "[^a-zA-Z0-9]{2}", "x*"];
        for pattern in patterns {
            let matcher = regex::Regex::new(pattern).unwrap();
            for seed in 0..20 {
                let text = text(pattern, &mut Rng::with_seed(seed)).unwrap();
                assert!(matcher.is_match(&text), "{pattern} {text}");
            }
        }
        assert_eq!(text("(", &mut Rng::with_seed(0)), None);
    }
}
