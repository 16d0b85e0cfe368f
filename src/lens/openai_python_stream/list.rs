//! Python's lists and loops, and what they raise.

use serde_json::Value;

use super::{INDEX, Raised, TYPE};
use crate::lens::decode::python::truthy;

/// Where Python's `list[index]` points.
pub(super) fn position(index: Option<&Value>, len: usize) -> Result<usize, Raised> {
    let index = match index {
        Some(Value::Bool(index)) => i64::from(*index),
        Some(Value::Number(number)) => number.as_i64().ok_or(TYPE)?,
        _ => return Err(TYPE),
    };
    let from_end = usize::try_from(index.unsigned_abs()).map_err(|_| INDEX)?;
    let at = if index < 0 { len.checked_sub(from_end).ok_or(INDEX)? } else { from_end };
    if at < len { Ok(at) } else { Err(INDEX) }
}

pub(super) fn item<'a>(list: &'a [Value], index: Option<&Value>) -> Result<&'a Value, Raised> {
    list.get(position(index, list.len())?).ok_or(INDEX)
}

/// What Python's `for` goes through.
pub(super) fn iterated(value: Option<&Value>) -> Result<&[Value], Raised> {
    value.and_then(Value::as_array).map(Vec::as_slice).ok_or(TYPE)
}

/// What `for … in value or []` goes through.
pub(super) fn iterated_or_none(value: Option<&Value>) -> Result<&[Value], Raised> {
    value.filter(|value| truthy(value)).map_or(Ok(&[]), |value| iterated(Some(value)))
}
