//! Conditions: one expression, perhaps turned round.

use std::ops::Range;

use serde_json::Value;

use super::error::{TemplateError, TemplateErrorKind, fault};
use super::evaluate;
use super::pieces::{Piece, pieces};
use super::vars::Vars;

/// Whether a condition holds: `"${usage}"`, `"!${usage}"`. False are `false`, `null`, zero and
/// whatever is empty.
pub fn truth(condition: &str, vars: &Vars) -> Result<bool, TemplateError> {
    let (expression, span, negated) = read_condition(condition)?;
    let value = evaluate(condition, &expression, &span, vars)?;
    let holds = match value {
        Value::Null => false,
        Value::Bool(value) => value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    };
    Ok(holds != negated)
}

/// The expression of a condition, its place, and whether it is turned round.
pub fn read_condition(condition: &str) -> Result<(String, Range<usize>, bool), TemplateError> {
    let whole = 0..condition.len();
    let refuse = || fault(condition, whole.clone(), TemplateErrorKind::NotACondition);
    let mut pieces = pieces(condition)?;
    let negations = match pieces.first() {
        Some(Piece::Text(text)) if text.trim().chars().all(|c| c == '!') => {
            let count = text.trim().len();
            pieces.remove(0);
            count
        }
        _ => 0,
    };
    if matches!(pieces.last(), Some(Piece::Text(text)) if text.trim().is_empty()) {
        pieces.pop();
    }
    match pieces.as_slice() {
        [Piece::Expression(expression, span)] => {
            Ok((expression.clone(), span.clone(), negations % 2 == 1))
        }
        _ => Err(refuse()),
    }
}
