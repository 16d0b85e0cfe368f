//! The docs of a rule are the docs of its module: what `explain` prints and `docs/` holds cannot
//! drift from what the code's reader sees.

/// The module docs at the top of a source file, without their `//!`.
macro_rules! docs {
    ($file:expr) => {{
        const SOURCE: &str = include_str!($file);
        const LEN: usize = $crate::assert::stream::docs::len(SOURCE);
        // Copied out at compile time, so that the binary holds the docs and not the source.
        const BYTES: [u8; LEN] = $crate::assert::stream::docs::copy(SOURCE);
        match std::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => "",
        }
    }};
}

pub(super) use docs;

/// How many bytes the docs in `source` have.
pub(super) const fn len(source: &str) -> usize {
    scan(source.as_bytes(), &mut [])
}

/// The docs in `source`; `LEN` is what [`len`] says.
pub(super) const fn copy<const LEN: usize>(source: &str) -> [u8; LEN] {
    let mut out = [0; LEN];
    scan(source.as_bytes(), &mut out);
    out
}

/// Copies the text of every leading `//!` line to `out` as far as it has room; says how long the
/// text is.
#[expect(clippy::indexing_slicing, reason = "const code has no iterators; a slip fails the build")]
const fn scan(source: &[u8], out: &mut [u8]) -> usize {
    let (mut at, mut len) = (0, 0);
    while at + 3 <= source.len()
        && source[at] == b'/'
        && source[at + 1] == b'/'
        && source[at + 2] == b'!'
    {
        at += 3;
        if at < source.len() && source[at] == b' ' {
            at += 1;
        }
        loop {
            if at >= source.len() {
                return len;
            }
            if len < out.len() {
                out[len] = source[at];
            }
            len += 1;
            at += 1;
            if source[at - 1] == b'\n' {
                break;
            }
        }
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_are_the_leading_lines_without_their_slashes() {
        const SOURCE: &str = "//! a: b.\n//!\n//!   - c\n\nuse x;\n//! no\n";
        const TEXT: [u8; len(SOURCE)] = copy(SOURCE);
        assert_eq!(std::str::from_utf8(&TEXT).unwrap(), "a: b.\n\n  - c\n");
    }
}
