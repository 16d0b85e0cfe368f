//! From a key and its operand to a predicate, or to what is wrong with them.

use std::sync::Arc;

use regex::Regex;
use serde_json::{Number, Value};

use super::{Order, Predicate, Wanted};
use crate::assert::operand::{QUERY, TYPES, show};
use crate::assert::query::{Query, bad_pattern};
use crate::text::did_you_mean;

/// Two numbers this close, relative to the wanted one, are the same where `within` is not given.
const APPROX_RELATIVE: f64 = 1e-6;

impl Predicate {
    /// Reads the predicate `name: operand`.
    pub(in crate::assert) fn new(name: &str, operand: &Value) -> Result<Self, String> {
        Ok(match name {
            "is" => Self::Is(operand.clone()),
            "not" => Self::Not(operand.clone()),
            "in" => Self::In(list(name, operand)?),
            "not_in" => Self::NotIn(list(name, operand)?),
            "type" => Self::Type(types(operand)?),
            "null" => Self::Null(flag(name, operand)?),
            "exists" => Self::Exists(flag(name, operand)?),
            "absent" => Self::Exists(!flag(name, operand)?),
            "empty" => Self::Empty(flag(name, operand)?),
            "gt" => Self::Compare(Order::Greater, number(name, operand)?),
            "ge" => Self::Compare(Order::GreaterOrEqual, number(name, operand)?),
            "lt" => Self::Compare(Order::Less, number(name, operand)?),
            "le" => Self::Compare(Order::LessOrEqual, number(name, operand)?),
            "between" => Self::Between(between(operand)?),
            "approx" => approx(operand)?,
            "matches" => Self::Matches(pattern(name, operand)?),
            "not_matches" => Self::NotMatches(pattern(name, operand)?),
            "contains" => Self::Contains(wanted(operand)?),
            "not_contains" => Self::NotContains(wanted(operand)?),
            "starts_with" => Self::StartsWith(texts(name, operand)?),
            "ends_with" => Self::EndsWith(texts(name, operand)?),
            "schema" => Self::Schema(schema(operand)?),
            "subset_of" => Self::SubsetOf(list(name, operand)?),
            "same_as" => Self::SameAs(wanted(operand)?),
            "all_same" => Self::AllSame(flag(name, operand)?),
            "distinct" => Self::Distinct(flag(name, operand)?),
            "increasing" => Self::Increasing(flag(name, operand)?),
            "media_type" => Self::MediaType(media_types(operand)?),
            "http_date_or_int" => Self::HttpDateOrInt(flag(name, operand)?),
            "one_of" => Self::OneOf(lists(operand)?),
            _ => return Err(format!("there is no predicate `{name}`")),
        })
    }
}

fn wanted(operand: &Value) -> Result<Wanted, String> {
    match operand.as_str().and_then(|text| text.strip_prefix(QUERY)) {
        Some(text) => Query::parse(text.trim())
            .map(|query| Wanted::Query(Box::new(query)))
            .map_err(|error| error.to_string()),
        None => Ok(Wanted::Value(operand.clone())),
    }
}

fn wrong(name: &str, due: &str, operand: &Value) -> String {
    format!("`{name}` takes {due}, not {}", show(operand))
}

fn list(name: &str, operand: &Value) -> Result<Wanted, String> {
    match wanted(operand)? {
        Wanted::Value(Value::Array(items)) if items.is_empty() => {
            Err(format!("`{name}` takes a list with something in it"))
        }
        Wanted::Value(value) if !value.is_array() => Err(wrong(name, "a list", &value)),
        wanted => Ok(wanted),
    }
}

fn flag(name: &str, operand: &Value) -> Result<bool, String> {
    operand.as_bool().ok_or_else(|| wrong(name, "`true` or `false`", operand))
}

fn number(name: &str, operand: &Value) -> Result<Wanted, String> {
    match wanted(operand)? {
        Wanted::Value(value) if !value.is_number() => {
            Err(wrong(name, "a number or `query:…`", &value))
        }
        wanted => Ok(wanted),
    }
}

fn between(operand: &Value) -> Result<Wanted, String> {
    let wanted = wanted(operand)?;
    if matches!(wanted, Wanted::Query(_)) {
        return Ok(wanted);
    }
    match wanted.items() {
        [low, high] if low.is_number() && high.is_number() => {
            if low.as_f64() > high.as_f64() {
                return Err("`between` takes the lower number first".to_owned());
            }
            Ok(wanted)
        }
        _ => Err(wrong("between", "two numbers: `[0, 1]`", operand)),
    }
}

fn approx(operand: &Value) -> Result<Predicate, String> {
    let due = "a number, or `{value: …, within: …}`";
    if let Value::Object(fields) = operand {
        let unknown = fields.keys().find(|key| !["value", "within"].contains(&key.as_str()));
        if let Some(key) = unknown {
            return Err(format!("`approx` has no `{key}`; it takes {due}"));
        }
        let value = wanted(fields.get("value").ok_or_else(|| wrong("approx", due, operand))?)?;
        let within = match fields.get("within") {
            Some(within) => within
                .as_f64()
                .filter(|within| *within >= 0.0)
                .ok_or_else(|| wrong("within", "a number that is not negative", within))?,
            None => tolerance(value.value()),
        };
        return Ok(Predicate::Approx { value, within });
    }
    match wanted(operand)? {
        Wanted::Value(value) if !value.is_number() => Err(wrong("approx", due, &value)),
        value => {
            let within = tolerance(value.value());
            Ok(Predicate::Approx { value, within })
        }
    }
}

fn tolerance(value: &Value) -> f64 {
    value.as_f64().map_or(APPROX_RELATIVE, |value| value.abs() * APPROX_RELATIVE)
}

fn pattern(name: &str, operand: &Value) -> Result<Regex, String> {
    let text = operand.as_str().ok_or_else(|| wrong(name, "a regular expression", operand))?;
    Regex::new(text).map_err(|error| format!("`{name}`: {}", bad_pattern(&error)))
}

fn texts(name: &str, operand: &Value) -> Result<Vec<String>, String> {
    let one_or_many = match operand {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    };
    one_or_many.ok_or_else(|| wrong(name, "a text or a list of texts", operand))
}

fn media_types(operand: &Value) -> Result<Vec<String>, String> {
    let types = texts("media_type", operand)?;
    match types.iter().find(|text| !text.contains('/') || text.contains(';')) {
        Some(odd) => Err(format!("`{odd}` is not a media type without parameters")),
        None => Ok(types.iter().map(|text| text.to_ascii_lowercase()).collect()),
    }
}

fn types(operand: &Value) -> Result<Vec<&'static str>, String> {
    // In YAML a bare `null` is the value and not the word.
    let names = match operand {
        Value::Array(items) => items.iter().map(type_name).collect::<Result<Vec<_>, _>>()?,
        one => vec![type_name(one)?],
    };
    if names.is_empty() { Err("`type` takes at least one type".to_owned()) } else { Ok(names) }
}

fn type_name(value: &Value) -> Result<&'static str, String> {
    let name = match value {
        Value::Null => "null",
        Value::String(text) => text,
        other => return Err(wrong("type", "the name of a JSON type", other)),
    };
    TYPES.into_iter().find(|known| *known == name).ok_or_else(|| {
        let hint = did_you_mean(name, TYPES).map_or_else(
            || format!("there are {}", TYPES.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        format!("there is no type `{name}`; {hint}")
    })
}

fn lists(operand: &Value) -> Result<Vec<Value>, String> {
    match operand {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_array) => {
            Ok(items.clone())
        }
        _ => Err(wrong("one_of", "a list of lists: `[[0, 1], [1, 0]]`", operand)),
    }
}

fn schema(operand: &Value) -> Result<Arc<jsonschema::Validator>, String> {
    if !(operand.is_object() || operand.is_boolean()) {
        return Err(wrong("schema", "a JSON Schema", operand));
    }
    // `offline` leaves `$ref` to what the schema itself holds: a check never fetches anything.
    jsonschema::options()
        .should_validate_formats(true)
        .offline()
        .build(operand)
        .map(Arc::new)
        .map_err(|error| {
            format!(
                "`schema` does not compile, at {}: {error}",
                at_root(error.instance_path().as_str())
            )
        })
}

fn at_root(pointer: &str) -> &str {
    if pointer.is_empty() { "its root" } else { pointer }
}

/// A number as a JSON value; null if it has no JSON form.
pub(in crate::assert) fn json_number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}
