//! An instance of a JSON Schema, with the values that a prompt suggests where they fit.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::{pattern, word};

/// `$ref`s and objects inside objects; a schema may refer to itself.
const DEPTH_MAX: usize = 12;
/// Instances tried until one satisfies every keyword, also those not understood here.
const TRIES: usize = 8;

/// What a prompt suggests for the values of an instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    pub(super) prompt: String,
    /// The place a call is about.
    pub(crate) place: Option<String>,
    /// Values known by name: the results of earlier calls.
    pub(crate) known: Map<String, Value>,
    pub(super) numbers: Vec<f64>,
}

impl Hints {
    /// What `prompt` suggests.
    pub(crate) fn of(prompt: &str) -> Self {
        let numbers = prompt
            .split(|c: char| !c.is_ascii_digit() && c != '.' && c != '-')
            .filter_map(|word| word.trim_matches('.').parse().ok());
        Self {
            prompt: prompt.to_owned(),
            place: super::place::places(prompt).into_iter().next(),
            known: Map::new(),
            numbers: numbers.collect(),
        }
    }
}

/// Writes an instance of `schema`.
pub(crate) fn write(schema: &Value, hints: &Hints, rng: &mut Rng) -> Value {
    let judge = jsonschema::validator_for(schema).ok();
    let mut writer = Writer { root: schema, hints, rng };
    let mut value = writer.value(schema, "", 0);
    for _ in 1..TRIES {
        if judge.as_ref().is_none_or(|judge| judge.is_valid(&value)) {
            break;
        }
        value = writer.value(schema, "", 0);
    }
    value
}

struct Writer<'a> {
    root: &'a Value,
    hints: &'a Hints,
    rng: &'a mut Rng,
}

impl Writer<'_> {
    fn value(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        let Some(map) = schema.as_object() else { return json!("anything") };
        if depth > DEPTH_MAX {
            return Value::Null;
        }
        if let Some(fixed) = map.get("const") {
            return fixed.clone();
        }
        if let Some(options) = map.get("enum").and_then(Value::as_array) {
            return self.option(options);
        }
        if let Some(target) = map.get("$ref").and_then(Value::as_str) {
            let target = self.resolve(target).cloned().unwrap_or(Value::Bool(true));
            return self.value(&target, name, depth + 1);
        }
        if let Some(parts) = map.get("allOf").and_then(Value::as_array) {
            let merged = self.merge(map, parts);
            return self.value(&merged, name, depth + 1);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(options) = map.get(key).and_then(Value::as_array) {
                return self.either(map, key, options, name, depth);
            }
        }
        match Self::kind(map, depth).as_str() {
            "object" => self.object(map, depth),
            "array" => self.array(map, name, depth),
            "integer" => self.number(map, true),
            "number" => self.number(map, false),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => Value::String(self.string(map, name)),
        }
    }

    /// An option that the prompt names, or the first.
    fn option(&mut self, options: &[Value]) -> Value {
        let prompt = self.hints.prompt.to_lowercase();
        let words: Vec<&str> = prompt.split(|c: char| !c.is_alphanumeric()).collect();
        let named = options.iter().find(|option| {
            let Some(text) = option.as_str().map(str::to_lowercase) else { return false };
            words.contains(&text.as_str())
                // `c` for celsius, `metric_celsius` for celsius.
                || words.iter().any(|word| {
                    (text.len() == 1 && word.starts_with(&text) && ["celsius", "fahrenheit", "kelvin"].contains(word))
                        || (word.len() > 4 && text.contains(word))
                })
        });
        named.or(options.first()).cloned().unwrap_or_default()
    }

    fn resolve(&self, target: &str) -> Option<&Value> {
        let pointer = target.strip_prefix('#')?;
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
        if pointer.is_empty() || pointer.starts_with('/') {
            return self.root.pointer(&pointer);
        }
        let definitions = ["$defs", "definitions"].iter().filter_map(|key| self.root.get(key));
        definitions
            .filter_map(Value::as_object)
            .flat_map(Map::values)
            .find(|definition| definition.get("$anchor").and_then(Value::as_str) == Some(&pointer))
    }

    /// One schema out of several that all hold.
    fn merge(&self, own: &Map<String, Value>, parts: &[Value]) -> Value {
        let mut merged = own.clone();
        merged.remove("allOf");
        for part in parts {
            let part = match part.get("$ref").and_then(Value::as_str) {
                Some(target) => self.resolve(target).unwrap_or(part),
                None => part,
            };
            for (key, value) in part.as_object().into_iter().flatten() {
                match (merged.get_mut(key), value) {
                    (Some(Value::Object(mine)), Value::Object(theirs)) => {
                        mine.extend(theirs.clone());
                    }
                    (Some(Value::Array(mine)), Value::Array(theirs)) if key == "required" => {
                        mine.extend(theirs.iter().cloned());
                    }
                    _ => {
                        merged.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        Value::Object(merged)
    }

    /// One of several schemas; null only if there is nothing else.
    fn either(
        &mut self,
        own: &Map<String, Value>,
        key: &str,
        options: &[Value],
        name: &str,
        depth: usize,
    ) -> Value {
        let not_null: Vec<&Value> =
            options.iter().filter(|option| option.get("type") != Some(&json!("null"))).collect();
        // Near the bottom the shortest option ends a schema that refers to itself.
        let chosen = if depth + 4 > DEPTH_MAX {
            options.iter().min_by_key(|option| option.to_string().len())
        } else {
            self.rng.choice(&not_null).copied().or(options.first())
        };
        let Some(chosen) = chosen else { return Value::Null };
        let mut rest = own.clone();
        rest.remove(key);
        if rest.keys().all(|key| ["title", "description", "default"].contains(&key.as_str())) {
            return self.value(chosen, name, depth + 1);
        }
        let merged = self.merge(&rest, std::slice::from_ref(chosen));
        self.value(&merged, name, depth + 1)
    }

    fn kind(map: &Map<String, Value>, depth: usize) -> String {
        match map.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => {
                let mut kinds = kinds.iter().filter_map(Value::as_str);
                let deep = depth + 4 > DEPTH_MAX;
                let first = kinds.clone().find(|kind| (*kind == "null") == deep);
                first.or_else(|| kinds.next()).unwrap_or("null").to_owned()
            }
            _ if map.contains_key("properties") || map.contains_key("required") => "object".into(),
            _ if map.contains_key("items") || map.contains_key("prefixItems") => "array".into(),
            _ if map.contains_key("minimum") || map.contains_key("maximum") => "number".into(),
            _ => "string".into(),
        }
    }

    fn object(&mut self, map: &Map<String, Value>, depth: usize) -> Value {
        let mut object = Map::new();
        let nothing = Map::new();
        let properties = map.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
        let required: Vec<&str> = map
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for (name, schema) in properties {
            // Optional values are given too, while there is room: a model seldom leaves them out.
            if required.contains(&name.as_str()) || depth < 3 {
                let value = self.value(schema, name, depth + 1);
                object.insert(name.clone(), value);
            }
        }
        let extra = map.get("additionalProperties");
        for name in required {
            if !object.contains_key(name) {
                let schema = extra.cloned().unwrap_or(Value::Bool(true));
                let value = self.value(&schema, name, depth + 1);
                object.insert(name.to_owned(), value);
            }
        }
        let least = size(map, "minProperties").unwrap_or(0);
        let mut number = 0;
        while object.len() < least && extra != Some(&Value::Bool(false)) {
            number += 1;
            let schema = extra.cloned().unwrap_or(Value::Bool(true));
            let value = self.value(&schema, "", depth + 1);
            object.insert(format!("key{number}"), value);
        }
        Value::Object(object)
    }

    fn array(&mut self, map: &Map<String, Value>, name: &str, depth: usize) -> Value {
        let least = size(map, "minItems").unwrap_or(0);
        let most = size(map, "maxItems").unwrap_or(usize::MAX).max(least);
        let first = map.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let wanted = least.max(first.len()).max(2).min(most);
        let wanted = if depth + 4 > DEPTH_MAX { least } else { wanted };
        let unique = map.get("uniqueItems") == Some(&Value::Bool(true));
        let anything = Value::Bool(true);
        let mut items: Vec<Value> = Vec::new();
        for index in 0..wanted {
            let schema = first.get(index).or_else(|| map.get("items")).unwrap_or(&anything);
            if *schema == Value::Bool(false) {
                break;
            }
            let mut item = self.value(schema, name, depth + 1);
            if unique && items.contains(&item) {
                item = Self::other(schema, &items, item);
            }
            if unique && items.contains(&item) {
                break;
            }
            items.push(item);
        }
        Value::Array(items)
    }

    /// A value like `item` that is not yet in `items`.
    fn other(schema: &Value, items: &[Value], item: Value) -> Value {
        if let Some(options) = schema.get("enum").and_then(Value::as_array) {
            return options.iter().find(|option| !items.contains(option)).cloned().unwrap_or(item);
        }
        match item {
            Value::String(text) => Value::String(format!("{text}{}", items.len() + 1)),
            Value::Number(number) if number.is_i64() => {
                json!(
                    number.as_i64().unwrap_or_default().saturating_add_unsigned(items.len() as u64)
                )
            }
            other => other,
        }
    }

    fn number(&mut self, map: &Map<String, Value>, whole: bool) -> Value {
        let bound = |key: &str| map.get(key).and_then(Value::as_f64);
        let step = bound("multipleOf").filter(|step| *step > 0.0);
        let grain = step.unwrap_or(if whole { 1.0 } else { 0.5 });
        let low =
            bound("minimum").into_iter().chain(bound("exclusiveMinimum").map(|low| low + grain));
        let high =
            bound("maximum").into_iter().chain(bound("exclusiveMaximum").map(|high| high - grain));
        let low = low.fold(f64::NEG_INFINITY, f64::max);
        let high = high.fold(f64::INFINITY, f64::min);
        let fits = |value: f64| {
            (low..=high).contains(&value)
                && (!whole || value.fract() == 0.0)
                && step.is_none_or(|step| (value / step).fract() == 0.0)
        };
        let said = self.hints.numbers.iter().copied().find(|number| fits(*number));
        let value = said.unwrap_or_else(|| {
            let usual = if whole { 36.0 } else { 21.5 };
            let near = if fits(usual) { usual } else { usual.clamp(low, high.max(low)) };
            let on_grid = (near / grain).ceil() * grain;
            let value = if step.is_some() || whole { on_grid } else { near };
            if value > high { (high / grain).floor() * grain } else { value }
        });
        #[expect(clippy::cast_possible_truncation, reason = "whole and far below 2^53")]
        if whole || value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
    }

    fn string(&mut self, map: &Map<String, Value>, name: &str) -> String {
        let least = size(map, "minLength").unwrap_or(0);
        let most = size(map, "maxLength").unwrap_or(usize::MAX);
        if let Some(expression) = map.get("pattern").and_then(Value::as_str) {
            for _ in 0..TRIES {
                let Some(text) = pattern::text(expression, self.rng) else { break };
                if (least..=most).contains(&text.chars().count()) {
                    return text;
                }
            }
        }
        if let Some(text) = map.get("format").and_then(Value::as_str).and_then(word::formatted) {
            return text.to_owned();
        }
        let mut text = word::named(name, self.hints, self.rng);
        while text.chars().count() < least {
            text.push_str(if text.is_empty() { "word" } else { " word" });
        }
        text.chars().take(most).collect()
    }
}

fn size(map: &Map<String, Value>, key: &str) -> Option<usize> {
    map.get(key).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas() -> Vec<Value> {
        vec![
            json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 20}, "role": {"enum": ["admin", "user"]}}, "required": ["name", "age", "role"], "additionalProperties": false}),
            json!({"type": "object", "properties": {"x": {"const": "a \"quoted\"\n🫠"}}, "required": ["x"]}),
            json!({"type": "array", "items": {"type": "string", "pattern": "^[A-Z]{2}\\d$"}, "minItems": 3, "maxItems": 3, "uniqueItems": true}),
            json!({"$defs": {"node": {"type": "object", "properties": {"value": {"type": "number"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}, "required": ["value", "next"], "additionalProperties": false}}, "$ref": "#/$defs/node"}),
            json!({"type": "object", "properties": {"d": {"type": "string", "format": "date"}, "u": {"type": ["string", "null"], "minLength": 30}, "n": {"type": "number", "exclusiveMinimum": 1, "multipleOf": 0.25}}, "required": ["d", "u", "n"]}),
            json!({"allOf": [{"type": "object", "properties": {"a": {"type": "integer", "exclusiveMaximum": 5}}, "required": ["a"]}, {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}]}),
            json!({"type": "object", "properties": {"p": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": false}}, "required": ["p"]}),
            json!({"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}}),
            json!({"type": "string", "maxLength": 3}),
            json!({"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}}, "required": ["kind"]}, {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]}]}),
        ]
    }

    #[test]
    fn what_is_written_satisfies_its_schema() {
        for schema in schemas() {
            let judge = jsonschema::validator_for(&schema).unwrap();
            for seed in 0..10 {
                let value =
                    write(&schema, &Hints::of("Weather in Paris"), &mut Rng::with_seed(seed));
                assert!(judge.is_valid(&value), "{schema} {value}");
            }
        }
    }

    #[test]
    fn a_prompts_words_become_values() {
        let schema = json!({"type": "object", "properties": {
            "city": {"type": "string"}, "unit": {"enum": ["f", "c"]}, "days": {"type": "integer", "maximum": 9},
        }});

        let value =
            write(&schema, &Hints::of("The next 3 days in Rome in celsius"), &mut Rng::new());

        assert_eq!(value, json!({"city": "Rome", "unit": "c", "days": 3}));
    }

    #[test]
    fn a_file_asked_for_with_code_holds_newlines_and_quotes() {
        let schema = json!({"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}});

        let value = write(
            &schema,
            &Hints::of("Write a python script of at least 400 characters to src/a.py."),
            &mut Rng::new(),
        );

        let content = value.get("content").and_then(Value::as_str).unwrap();
        assert!(content.len() >= 400 && content.contains('\n') && content.contains('"'));
        assert_eq!(value.get("path"), Some(&json!("src/a.py")));
    }
}
