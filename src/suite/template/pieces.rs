//! A template cut into its texts and its expressions.

use std::ops::Range;

use super::error::{TemplateError, TemplateErrorKind, fault};
use super::{environment, reason};

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it will be.
    Text(String),
    /// An expression and its bytes in the template, braces included.
    Expression(String, Range<usize>),
}

/// Cuts a template into its pieces and reads every expression.
pub fn pieces(template: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = 0..template.len();
    while let Some(found) = template.get(rest.clone()).and_then(|tail| tail.find("${")) {
        let open = rest.start + found;
        text.push_str(template.get(rest.start..open).unwrap_or_default());
        if text.ends_with('$') {
            text.push('{');
            rest.start = open + 2;
            continue;
        }
        let inner = open + 2;
        let fail = |end, kind| Err(fault(template, open..end, kind));
        let Some(length) = closing(template.get(inner..).unwrap_or_default()) else {
            return fail(template.len(), TemplateErrorKind::Unclosed);
        };
        let end = inner + length + 1;
        let expression = template.get(inner..inner + length).unwrap_or_default().trim().to_owned();
        if expression.is_empty() {
            return fail(end, TemplateErrorKind::Empty);
        }
        if let Err(error) = environment().compile_expression(&expression) {
            return fail(end, TemplateErrorKind::Syntax { expression, why: reason(&error) });
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(Piece::Expression(expression, open..end));
        rest.start = end;
    }
    text.push_str(template.get(rest).unwrap_or_default());
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// The offset of the `}` that closes an expression, past strings and nested braces.
fn closing(tail: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in tail.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            (Some(_) | None, _) => {}
        }
    }
    None
}
