//! IAM's patterns: `*` stands for any text, `?` for one character.

/// Whether `pattern` fits every text that `text` fits. Wildcards in `text` are taken for text that
/// only a `*` fits, so a doubt is decided for "no".
pub(super) fn covers(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stood, and how far it has been stretched.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') if byte != b'*' => (p, t) = (p + 1, t + 1),
            Some(&same) if same == byte && same != b'?' => (p, t) = (p + 1, t + 1),
            _ => match &mut star {
                Some((at, stretched)) => {
                    *stretched += 1;
                    (p, t) = (*at + 1, *stretched);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// Actions do not mind case.
pub(super) fn covers_action(pattern: &str, action: &str) -> bool {
    covers(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Whether there is a wildcard in it.
pub(super) fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_fits_and_narrower_patterns() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything*", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("a*b*c", "aXbXbXc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "a*c", false),
            ("a*c", "a?c", true),
            ("endpoint/*", "endpoint/staging-*", true),
            ("endpoint/staging-*", "endpoint/*", false),
            ("", "a", false),
            ("", "", true),
        ] {
            assert_eq!(covers(pattern, text), expected, "{pattern} {text}");
        }
        assert!(covers_action("SAGEMAKER:invoke*", "sagemaker:InvokeEndpoint"));
    }
}
