//! Filters at work.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::filter::Filter;
use super::item::{At, Item, Part};
use super::walk::walk;
use crate::assert::operand::{same, show, type_phrase};
use crate::assert::predicate::{essence, json_number};
use crate::wire::json;

/// Items on their way through the filters.
pub(super) struct Flow<'a> {
    /// What was found so far.
    pub(super) items: Vec<Item<'a>>,
    /// Whether it may be any number.
    pub(super) many: bool,
    /// Where a value made of all of them stands.
    pub(super) whole: At<'a>,
    /// Whether no item at all is fine.
    pub(super) allow_empty: bool,
}

impl<'a> Flow<'a> {
    /// Sends everything through one filter.
    pub(super) fn apply(mut self, filter: &Filter) -> Self {
        match filter {
            Filter::NotNull => self.keep(|value| !value.is_null()),
            Filter::Present => self.keep(|_| true),
            Filter::Where(path, wanted, keep) if self.many => {
                self.keep(|value| stands_at(value, path, wanted) == *keep);
            }
            Filter::Where(path, wanted, keep) => {
                self.each(|value| match &*value {
                    Value::Array(items) => {
                        let kept =
                            items.iter().filter(|item| stands_at(item, path, wanted) == *keep);
                        Ok(Cow::Owned(Value::Array(kept.cloned().collect())))
                    }
                    other if stands_at(other, path, wanted) == *keep => Ok(value),
                    other => Err(left_out(other)),
                });
            }
            Filter::Get(path) => {
                self.items = walk(self.items, path);
                self.many |= filter.makes_many();
            }
            filter if filter.makes_one() && self.many => self.make_one(filter),
            Filter::Count => {
                for item in &mut self.items {
                    item.value = Ok(Cow::Owned(json!(size(item.value.as_deref().ok()))));
                }
            }
            filter if filter.makes_one() => {
                self.each(|value| inside(&value, filter).map(Cow::Owned));
            }
            filter => self.each(|value| one(&value, filter).map(Cow::Owned)),
        }
        self
    }

    fn keep(&mut self, keep: impl Fn(&Value) -> bool) {
        if self.many {
            self.items.retain(|item| item.value.as_deref().is_ok_and(&keep));
            return;
        }
        // A single item that is dropped leaves a place without a value, not no place.
        for item in &mut self.items {
            if let Ok(value) = &item.value
                && !keep(value)
            {
                item.value = Err(left_out(value));
            }
        }
    }

    fn each(&mut self, make: impl Fn(Cow<'a, Value>) -> Result<Cow<'a, Value>, String>) {
        let items = std::mem::take(&mut self.items);
        self.items = items
            .into_iter()
            .map(|Item { at, value }| Item { at: at.anew(), value: value.and_then(&make) })
            .collect();
    }

    /// One item of all there are.
    fn make_one(&mut self, filter: &Filter) {
        let items = std::mem::take(&mut self.items);
        self.many = false;
        let mut present = items.iter().filter(|item| item.value.is_ok());
        let none = || Item { at: self.whole.clone(), value: Err("no item".to_owned()) };
        let one = match filter {
            Filter::Count => {
                Item { at: self.whole.clone(), value: Ok(Cow::Owned(json!(present.count()))) }
            }
            Filter::First => present.next().cloned().unwrap_or_else(none),
            Filter::Last => present.next_back().cloned().unwrap_or_else(none),
            _ if items.is_empty() && !self.allow_empty => none(),
            // Without an absent item there is something to add up; with one there is not.
            filter => match items.iter().find(|item| item.value.is_err()) {
                Some(absent) if !matches!(filter, Filter::Join(_)) => absent.clone(),
                _ => {
                    let all = present.filter_map(|item| item.value.as_deref().ok().cloned());
                    let value = inside(&Value::Array(all.collect()), filter);
                    Item { at: self.whole.clone(), value: value.map(Cow::Owned) }
                }
            },
        };
        self.items = vec![one];
    }
}

fn left_out(value: &Value) -> String {
    format!("{}, which is left out", show(value))
}

fn stands_at(value: &Value, path: &[super::Segment], wanted: &Value) -> bool {
    let item = Item { at: At::new(None, "", Part::Body), value: Ok(Cow::Borrowed(value)) };
    walk(vec![item], path)
        .iter()
        .any(|item| item.value.as_deref().is_ok_and(|value| same(value, wanted)))
}

fn size(value: Option<&Value>) -> usize {
    match value {
        None | Some(Value::Null) => 0,
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(fields)) => fields.len(),
        Some(_) => 1,
    }
}

/// Filters that look at the items of an array.
fn inside(value: &Value, filter: &Filter) -> Result<Value, String> {
    let items = value.as_array().ok_or_else(|| not(value, "an array"))?;
    match filter {
        Filter::First => items.first().cloned().ok_or_else(|| "an empty array".to_owned()),
        Filter::Last => items.last().cloned().ok_or_else(|| "an empty array".to_owned()),
        Filter::Unique => {
            let mut kept: Vec<Value> = Vec::new();
            for item in items {
                if !kept.iter().any(|other| same(other, item)) {
                    kept.push(item.clone());
                }
            }
            Ok(Value::Array(kept))
        }
        Filter::Sort => sort(items),
        Filter::Sum => sum(items),
        Filter::Join(separator) => join(items, separator),
        _ => Ok(value.clone()),
    }
}

fn sort(items: &[Value]) -> Result<Value, String> {
    let mut items = items.to_vec();
    if items.iter().all(Value::is_number) {
        items.sort_by(|a, b| {
            a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default())
        });
    } else if items.iter().all(Value::is_string) {
        items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    } else {
        return Err("items that are neither all numbers nor all texts".to_owned());
    }
    Ok(Value::Array(items))
}

fn sum(items: &[Value]) -> Result<Value, String> {
    // Whole numbers stay whole, so that token counts compare exactly.
    let whole: Option<i64> =
        items.iter().try_fold(0_i64, |sum, item| sum.checked_add(item.as_i64()?));
    if let Some(sum) = whole {
        return Ok(json!(sum));
    }
    let mut sum = 0.0;
    for item in items {
        sum += item.as_f64().ok_or_else(|| not(item, "a number"))?;
    }
    Ok(json_number(sum))
}

fn join(items: &[Value], separator: &str) -> Result<Value, String> {
    let items: Vec<&Value> = items.iter().filter(|item| !item.is_null()).collect();
    if !items.is_empty() && items.iter().all(|item| item.is_array()) {
        let joined = items.iter().filter_map(|item| item.as_array()).flatten();
        return Ok(Value::Array(joined.cloned().collect()));
    }
    let texts: Result<Vec<&str>, String> =
        items.iter().map(|item| item.as_str().ok_or_else(|| not(item, "a text"))).collect();
    Ok(Value::String(texts?.join(separator)))
}

/// Filters that change a value on its own.
fn one(value: &Value, filter: &Filter) -> Result<Value, String> {
    match filter {
        Filter::Json => read_json(text(value)?),
        Filter::Jsonl => {
            let lines = text(value)?.lines().filter(|line| !line.trim().is_empty());
            lines.map(read_json).collect::<Result<_, _>>().map(Value::Array)
        }
        Filter::Len => match value {
            Value::String(text) => Ok(json!(text.chars().count())),
            Value::Array(items) => Ok(json!(items.len())),
            Value::Object(fields) => Ok(json!(fields.len())),
            other => Err(not(other, "a text, an array or an object")),
        },
        Filter::Keys => {
            let keys = object(value)?.keys().map(|key| Value::String(key.clone()));
            Ok(Value::Array(keys.collect()))
        }
        Filter::Values => Ok(Value::Array(object(value)?.values().cloned().collect())),
        Filter::Bytes => Ok(text(value)?.bytes().collect()),
        Filter::Base64 => STANDARD
            .decode(text(value)?)
            .map(|bytes| bytes.into_iter().collect())
            .map_err(|error| format!("{}, which is not base64: {error}", show(value))),
        Filter::F32le => {
            let bytes = bytes(value)?;
            let (floats, rest) = bytes.as_chunks::<4>();
            if !rest.is_empty() {
                return Err(format!("{} bytes, which are no whole number of floats", bytes.len()));
            }
            let floats = floats.iter().map(|four| json_number(f32::from_le_bytes(*four).into()));
            Ok(Value::Array(floats.collect()))
        }
        Filter::Utf8 => String::from_utf8(bytes(value)?).map(Value::String).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            format!("bytes that are not UTF-8 from byte {at} on")
        }),
        Filter::Lower => Ok(Value::String(text(value)?.to_lowercase())),
        Filter::Trim => Ok(Value::String(text(value)?.trim().to_owned())),
        Filter::Regex(pattern, group) => pattern
            .0
            .captures(text(value)?)
            .and_then(|captures| captures.get(*group))
            .map(|hit| Value::String(hit.as_str().to_owned()))
            .ok_or_else(|| format!("{} without a match of `{}`", show(value), pattern.0)),
        Filter::MediaType => Ok(Value::String(essence(text(value)?))),
        _ => Ok(value.clone()),
    }
}

fn read_json(text: &str) -> Result<Value, String> {
    json::parse(text.as_bytes()).map_err(|fault| {
        let shown = show(&Value::String(text.to_owned()));
        format!("{shown}, which is not JSON: {} at byte {}", fault.message, fault.offset)
    })
}

fn not(value: &Value, due: &str) -> String {
    match value {
        Value::Null => format!("null, not {due}"),
        value => format!("{}, not {due}: {}", type_phrase(value), show(value)),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| not(value, "a text"))
}

fn object(value: &Value) -> Result<&serde_json::Map<String, Value>, String> {
    value.as_object().ok_or_else(|| not(value, "an object"))
}

fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    let items = value.as_array().ok_or_else(|| not(value, "an array of bytes"))?;
    items
        .iter()
        .map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok()))
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(|| not(value, "an array of bytes"))
}

#[cfg(test)]
mod tests {
    use super::super::Query;
    use super::*;

    /// What the filters make of `value`, at `path` if it is not empty.
    fn made(value: &Value, query: &str) -> Result<Value, String> {
        let query = Query::parse(query).unwrap();
        let whole = At::new(None, "", Part::Body);
        let start = Item { at: whole.clone(), value: Ok(Cow::Borrowed(value)) };
        let items = walk(vec![start], &query.path);
        let many = query.path.iter().any(super::super::Segment::is_many);
        let flow = Flow { items, many, whole, allow_empty: false };
        let flow = query.filters.iter().fold(flow, Flow::apply);
        if flow.many {
            return Ok(flow
                .items
                .into_iter()
                .filter_map(|item| item.value.ok())
                .map(Cow::into_owned)
                .collect());
        }
        flow.items.into_iter().next().unwrap().value.map(Cow::into_owned)
    }

    #[test]
    fn each_filter_on_one_value() {
        let table = [
            (json!("{\"a\": [1]}"), "json", json!({"a": [1]})),
            (json!("häß"), "len", json!(3)),
            (json!({"a": 1, "b": 2}), "len", json!(2)),
            (json!([3, 1, 3.0]), "unique", json!([3, 1])),
            (json!({"b": 1, "a": 2}), "keys", json!(["b", "a"])),
            (json!({"b": 1, "a": 2}), "values", json!([1, 2])),
            (json!([1, 2]), "first", json!(1)),
            (json!([1, 2]), "last", json!(2)),
            (json!([10, 9, 1.5]), "sort", json!([1.5, 9, 10])),
            (json!(["b", "a"]), "sort", json!(["a", "b"])),
            (json!([1, 2]), "sum", json!(3)),
            (json!([1, 0.5]), "sum", json!(1.5)),
            (json!(["a", null, "b"]), "join(\"-\")", json!("a-b")),
            (json!([[1, 2], [3]]), "join", json!([1, 2, 3])),
            (json!("é"), "bytes", json!([195, 169])),
            (json!("AACAPw=="), "base64", json!([0, 0, 128, 63])),
            (json!("AACAPwAAAMA="), "base64 | f32le", json!([1.0, -2.0])),
            (json!([195, 169]), "utf8", json!("é")),
            (json!("ÄB"), "lower", json!("äb")),
            (json!(" a\n"), "trim", json!("a")),
            (json!("v1.25"), r#"regex("v(\d+)\.(\d+)", 2)"#, json!("25")),
            (json!("text/html; charset=x"), "media_type", json!("text/html")),
            (json!([1, 2, 3]), "count", json!(3)),
            (json!({"a": [{"b": 7}]}), "get(\"a[0].b\")", json!(7)),
            (
                json!([{"i": 0, "t": "a"}, {"i": 1, "t": "b"}]),
                "where(\"i\", 1)",
                json!([{"i": 1, "t": "b"}]),
            ),
            (json!([{"i": 0}, {}]), "where_not(\"i\", 0)", json!([{}])),
        ];
        for (value, filter, wanted) in table {
            assert_eq!(made(&value, &format!("body | {filter}")), Ok(wanted), "{value} | {filter}");
        }
    }

    #[test]
    fn each_filter_on_many_values() {
        let value = json!({"list": [{"n": 2, "t": "b"}, {"n": 1, "t": "a"}, {"n": 2}, {"n": 2, "t": null}]});
        let table = [
            ("n | unique", json!([2, 1])),
            ("n | sum", json!(7)),
            ("n | sort", json!([1, 2, 2, 2])),
            ("n | first", json!(2)),
            ("t | last", json!(null)),
            ("t | join", json!("ba")),
            ("t | count", json!(3)),
            ("t | not_null", json!(["b", "a"])),
            ("t | not_null | count", json!(2)),
            ("t | present", json!(["b", "a", null])),
            ("t | not_null | len", json!([1, 1])),
            ("n | unique | len", json!(2)),
        ];
        for (filter, wanted) in table {
            assert_eq!(made(&value, &format!("body.list[*].{filter}")), Ok(wanted), "{filter}");
        }
        assert_eq!(made(&value, "body.list[*] | where(\"t\", \"a\") | get(\"n\")"), Ok(json!([1])));
    }

    #[test]
    fn each_filter_on_what_it_cannot_read_says_what_was_there() {
        let table = [
            (json!("{\"a\":"), "json"),
            (json!(3), "json"),
            (json!(3), "len"),
            (json!([1]), "keys"),
            (json!("a"), "first"),
            (json!([]), "last"),
            (json!([1, "a"]), "sort"),
            (json!(["a"]), "sum"),
            (json!([1]), "join"),
            (json!("a*"), "base64"),
            (json!([1, 2, 3]), "f32le"),
            (json!([256]), "utf8"),
            (json!([255]), "utf8"),
            (json!(null), "lower"),
            (json!("x"), "regex(\"y\")"),
            (json!(null), "not_null"),
            (json!({"side": "request"}), "where(\"side\", \"response\")"),
        ];
        for (value, filter) in table {
            let failed = made(&value, &format!("body | {filter}"));
            assert!(failed.is_err(), "{value} | {filter}: {failed:?}");
        }
        let list = json!({"list": [{"n": 1}, {}]});
        assert!(made(&list, "body.list[*].n | sum").is_err(), "an absent number is no zero");
        assert!(made(&list, "body.none[*].n | join").is_err(), "no item is no empty text");
        insta::assert_snapshot!(made(&json!("{\"a\":"), "body | json").unwrap_err(), @r#"`"{\"a\":"`, which is not JSON: EOF while parsing a value at byte 5"#);
    }
}
