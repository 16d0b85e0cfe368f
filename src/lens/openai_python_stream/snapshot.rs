//! The snapshot: how its choices begin and how deltas are added to them.

use serde_json::{Map, Value};

use super::list::{iterated_or_none, position};
use super::{ASSERTION, ATTRIBUTE, INDEX, Raised, TYPE};
use crate::lens::decode::python::{attribute, is_valid, lax_index};

/// The choices of the first chunk, each put where its index says.
pub(super) fn first(chunk: &Value) -> Result<Vec<Value>, Raised> {
    let listed = chunk.get("choices").ok_or("KeyError")?;
    let choices = listed.as_array().ok_or(TYPE)?;
    let mut snapshot = choices.clone();
    for choice in choices {
        let made = started(choice)?;
        let at = position(attribute(choice, "index"), choices.len())?;
        if let Some(place) = snapshot.get_mut(at) {
            *place = made;
        }
    }
    Ok(snapshot)
}

/// A choice of a chunk as a choice of the snapshot.
fn started(choice: &Value) -> Result<Value, Raised> {
    let mut made = choice.as_object().ok_or(ATTRIBUTE)?.clone();
    let delta = made.remove("delta").filter(Value::is_object).ok_or(ATTRIBUTE)?;
    let mut message = Map::new();
    accumulate(&mut message, normal(&delta).as_object().ok_or(ATTRIBUTE)?)?;
    made.insert("message".to_owned(), Value::Object(message));
    Ok(Value::Object(made))
}

pub(super) fn append(choices: &mut Vec<Value>, choice: &Value) -> Result<usize, Raised> {
    choices.push(started(choice)?);
    Ok(choices.len() - 1)
}

/// The message of a choice of the snapshot with a delta added.
pub(super) fn merge(kept: Option<&Value>, choice: &Value) -> Result<Value, Raised> {
    let message = kept.and_then(|kept| attribute(kept, "message")).ok_or(ATTRIBUTE)?;
    let delta = attribute(choice, "delta").filter(|delta| delta.is_object()).ok_or(ATTRIBUTE)?;
    let mut merged = message.as_object().ok_or(ATTRIBUTE)?.clone();
    accumulate(&mut merged, normal(delta).as_object().ok_or(ATTRIBUTE)?)?;
    let merged = Value::Object(merged);
    let before = iterated_or_none(attribute(message, "tool_calls"))?;
    let after = iterated_or_none(attribute(&merged, "tool_calls"))?;
    for (before, after) in before.iter().zip(after) {
        if attribute(before, "type").is_some_and(|kind| kind == "function") {
            if attribute(after, "type").is_none_or(|kind| kind != "function") {
                return Err(ASSERTION);
            }
            attribute(after, "function").ok_or(ATTRIBUTE)?;
        }
    }
    Ok(merged)
}

/// Adds a delta to what there is, key by key.
fn accumulate(kept: &mut Map<String, Value>, delta: &Map<String, Value>) -> Result<(), Raised> {
    for (key, more) in delta {
        if kept.get(key).is_none_or(Value::is_null) {
            if !has_indexes(more) {
                kept.insert(key.clone(), more.clone());
                continue;
            }
            kept.insert(key.clone(), Value::Array(Vec::new()));
        }
        if key == "index" || key == "type" {
            kept.insert(key.clone(), more.clone());
            continue;
        }
        match (kept.get_mut(key), more) {
            (Some(Value::String(text)), Value::String(more)) => text.push_str(more),
            (Some(Value::Object(kept)), Value::Object(more)) => accumulate(kept, more)?,
            (Some(Value::Array(list)), Value::Array(more)) => accumulate_list(list, more)?,
            (Some(kept @ Value::Number(_)), Value::Number(more)) => {
                let sum = kept.as_f64().unwrap_or_default() + more.as_f64().unwrap_or_default();
                *kept = Value::from(sum);
            }
            _ => {}
        }
    }
    Ok(())
}

fn accumulate_list(list: &mut Vec<Value>, more: &[Value]) -> Result<(), Raised> {
    let plain = list.iter().all(|item| item.is_string() || item.is_number() || item.is_boolean());
    if plain && (!list.is_empty() || !more.iter().any(|item| item.get("index").is_some())) {
        list.extend(more.iter().cloned());
        return Ok(());
    }
    for entry in more {
        let fragment = entry.as_object().ok_or(TYPE)?;
        let index = fragment.get("index").ok_or("RuntimeError")?;
        match position(Some(index), list.len()) {
            Ok(at) => {
                let kept = list.get_mut(at).and_then(Value::as_object_mut).ok_or(TYPE)?;
                accumulate(kept, fragment)?;
            }
            Err(INDEX) => list.push(entry.clone()),
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

fn has_indexes(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().any(|entry| entry.get("index").is_some()))
}

/// A delta with its calls' indexes as pydantic leaves them.
pub(super) fn normal(delta: &Value) -> Value {
    let mut delta = delta.clone();
    if let Some(calls) = delta.get_mut("tool_calls").and_then(Value::as_array_mut)
        && calls.iter().all(is_valid)
    {
        for call in calls {
            if let Some(index) = call.get_mut("index") {
                *index = lax_index(index);
            }
        }
    }
    delta
}
