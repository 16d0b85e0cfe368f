//! A tree held against a JSON Schema, for the keywords that `schemars` writes.
//!
//! The schema is the one that editors use, so the editor and the command line agree. Only what the
//! schema says for certain is reported here; the type's own reading has the last word.

use std::fmt::Write as _;
use std::ops::Range;

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::{Entry, Kind, Node, Problem};
use crate::text::did_you_mean;

/// More choices than these are listed below the message.
const CHOICES_IN_MESSAGE: usize = 8;

/// The schema of `T` as JSON.
pub fn schema_of<T: JsonSchema>() -> Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

/// Everything about `node` that the schema forbids.
pub fn check(schema: &Value, node: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    Shape { root: schema }.value(schema, node, &node.caret(), &mut problems);
    problems
}

struct Shape<'a> {
    root: &'a Value,
}

impl<'a> Shape<'a> {
    /// The schema behind `$ref`s, with the name of the last one.
    fn resolve(&self, mut schema: &'a Value) -> (&'a Value, Option<&'a str>) {
        let mut name = None;
        // A chain of references is short; a circle would be a mistake in our own types.
        for _ in 0..16 {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { break };
            let pointer = reference.trim_start_matches('#');
            let Some(target) = self.root.pointer(pointer) else { break };
            name = pointer.rsplit('/').next();
            schema = target;
        }
        (schema, name)
    }

    /// `at` is what to underline when the value itself has nothing to show.
    fn value(&self, schema: &'a Value, node: &Node, at: &Range<usize>, out: &mut Vec<Problem>) {
        let (schema, name) = self.resolve(schema);
        let Some(rules) = schema.as_object() else { return };
        for part in list(rules, "allOf") {
            self.value(part, node, at, out);
        }
        if let Some(allowed) = self.choices(schema) {
            choice(&allowed, node, at, out);
            return;
        }
        for key in ["anyOf", "oneOf"] {
            let branches = list(rules, key);
            if !branches.is_empty() {
                self.branches(branches, node, at, out);
            }
        }
        if !admits(rules, &node.kind) {
            out.push(Problem::new(
                "wrong-type",
                format!("expected {}, found {}", expected(rules), node.describe()),
                place(node, at),
            ));
            return;
        }
        match &node.kind {
            Kind::Map(entries) => self.map(rules, name, node, entries, at, out),
            Kind::List(items) => {
                if let Some(schema) = rules.get("items") {
                    for item in items {
                        self.value(schema, item, &item.caret(), out);
                    }
                }
                let least = rules.get("minItems").and_then(Value::as_u64).unwrap_or(0);
                if (items.len() as u64) < least {
                    let message = format!("expected at least {least}, found {}", items.len());
                    out.push(Problem::new("too-few", message, place(node, at)));
                }
            }
            Kind::Text(text) => {
                let pattern = rules.get("pattern").and_then(Value::as_str);
                let pattern = pattern.and_then(|pattern| regex::Regex::new(pattern).ok());
                if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
                    let wanted = rules.get("x-expected").and_then(Value::as_str);
                    let wanted = wanted.unwrap_or("another form");
                    let message = format!("expected {wanted}, found `{text}`");
                    out.push(Problem::new("bad-form", message, place(node, at)));
                }
            }
            Kind::Number(number) => {
                let bound = |key| rules.get(key).and_then(Value::as_f64);
                let value = number.as_f64().unwrap_or(f64::NAN);
                let low = bound("minimum").filter(|low| value < *low);
                let high = bound("maximum").filter(|high| value > *high);
                let said = low.map(|low| format!("at least {low}"));
                if let Some(said) = said.or_else(|| high.map(|high| format!("at most {high}"))) {
                    let message = format!("expected {said}, found {number}");
                    out.push(Problem::new("out-of-range", message, place(node, at)));
                }
            }
            Kind::Null | Kind::Bool(_) => {}
        }
    }

    /// The values of an enumeration, however it is written.
    fn choices(&self, schema: &'a Value) -> Option<Vec<&'a Value>> {
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return Some(values.iter().collect());
        }
        if let Some(value) = schema.get("const") {
            return Some(vec![value]);
        }
        let branches = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(key)?.as_array())?;
        let mut values = Vec::new();
        for branch in branches {
            let (branch, _) = self.resolve(branch);
            if branch.get("type").and_then(Value::as_str) == Some("null") {
                values.push(&Value::Null);
            } else {
                values.extend(self.choices(branch)?);
            }
        }
        Some(values)
    }

    /// One branch must hold. What is said comes from the branch that was most likely meant.
    fn branches(
        &self,
        branches: &'a [Value],
        node: &Node,
        at: &Range<usize>,
        out: &mut Vec<Problem>,
    ) {
        // Words beside other shapes: all of them are said, and not the first alone.
        let words: Vec<&Value> =
            branches.iter().filter_map(|branch| self.choices(branch)).flatten().collect();
        let texts = branches.iter().filter(|branch| self.choices(branch).is_none());
        let other = texts.map(|branch| self.resolve(branch).0).filter_map(Value::as_object);
        let text = matches!(node.kind, Kind::Text(_));
        if text && !words.is_empty() && !other.into_iter().any(|rules| admits(rules, &node.kind)) {
            return choice(&words, node, at, out);
        }
        let mut best: Option<Vec<Problem>> = None;
        let mut types = Vec::new();
        for branch in branches {
            let (resolved, _) = self.resolve(branch);
            let Some(rules) = resolved.as_object() else { return };
            if !admits(rules, &node.kind) {
                types.push(expected(rules));
                continue;
            }
            let mut found = Vec::new();
            self.value(branch, node, at, &mut found);
            if found.is_empty() {
                return;
            }
            if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
        }
        if let Some(found) = best {
            out.extend(found);
        } else {
            types.dedup();
            types.retain(|kind| kind != "null");
            let message = format!("expected {}, found {}", types.join(" or "), node.describe());
            out.push(Problem::new("wrong-type", message, place(node, at)));
        }
    }

    fn map(
        &self,
        rules: &'a Map<String, Value>,
        name: Option<&str>,
        node: &Node,
        entries: &[Entry],
        at: &Range<usize>,
        out: &mut Vec<Problem>,
    ) {
        let thing = thing(name, rules);
        let known = rules.get("properties").and_then(Value::as_object);
        let mut meant = Vec::new();
        for entry in entries {
            if let Some(schema) = known.and_then(|known| known.get(&entry.key)) {
                self.value(schema, &entry.value, &entry.key_span, out);
                continue;
            }
            match rules.get("additionalProperties") {
                Some(Value::Bool(false)) => {
                    let known: Vec<&str> =
                        known.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
                    meant.extend(did_you_mean(&entry.key, known.iter().copied()));
                    out.push(unknown_key(entry, &thing, &known));
                }
                Some(schema) => self.value(schema, &entry.value, &entry.key_span, out),
                None => {}
            }
        }
        let required = rules.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str) {
            // A misspelt key is not missing as well.
            if !entries.iter().any(|entry| entry.key == key) && !meant.contains(&key) {
                let purpose = known
                    .and_then(|known| known.get(key)?.get("description")?.as_str())
                    .map(|text| format!("`{key}`: {}", text.replace('\n', " ")));
                let message = format!("the key `{key}` is missing in {thing}");
                let mut problem = Problem::new("missing-key", message, place(node, at));
                problem.help = purpose;
                out.push(problem);
            }
        }
    }
}

fn unknown_key(entry: &Entry, thing: &str, known: &[&str]) -> Problem {
    let message = format!("unknown key `{}` in {thing}", entry.key);
    let mut help = match did_you_mean(&entry.key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? "),
        None => String::new(),
    };
    let _ = write!(help, "allowed here: {}", known.join(", "));
    Problem::new("unknown-key", message, entry.key_span.clone()).help(help)
}

fn choice(allowed: &[&Value], node: &Node, at: &Range<usize>, out: &mut Vec<Problem>) {
    let value = node.to_json();
    if allowed.contains(&&value) {
        return;
    }
    let words: Vec<String> = allowed
        .iter()
        .filter(|value| !value.is_null())
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    let near = node.text().and_then(|text| did_you_mean(text, words.iter().map(String::as_str)));
    let mut help: Vec<String> = near.iter().map(|near| format!("did you mean `{near}`?")).collect();
    let message = if words.len() > CHOICES_IN_MESSAGE {
        help.push(format!("there are: {}", words.join(", ")));
        format!("{} is not one of the words that may stand here", node.describe())
    } else {
        let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        format!("expected {}, found {}", quoted.join(", "), node.describe())
    };
    let mut problem = Problem::new("unknown-value", message, place(node, at));
    problem.help = (!help.is_empty()).then(|| help.join(" "));
    out.push(problem);
}

/// Whether the schema's `type` lets such a value in.
fn admits(rules: &Map<String, Value>, kind: &Kind) -> bool {
    let fits = |name: &str| match kind {
        Kind::Null => name == "null",
        Kind::Bool(_) => name == "boolean",
        Kind::Number(number) => name == "number" || (name == "integer" && !number.is_f64()),
        Kind::Text(_) => name == "string",
        Kind::List(_) => name == "array",
        Kind::Map(_) => name == "object",
    };
    match rules.get("type") {
        Some(Value::String(name)) => fits(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(fits),
        _ => true,
    }
}

fn expected(rules: &Map<String, Value>) -> String {
    let word = |name: &str| match name {
        "string" => "a string".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "a map".to_owned(),
        other => other.to_owned(),
    };
    match rules.get("type") {
        Some(Value::String(name)) => word(name),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            names.map(word).collect::<Vec<_>>().join(" or ")
        }
        _ => "another value".to_owned(),
    }
}

/// `a case`, from the type's name.
fn thing(name: Option<&str>, rules: &Map<String, Value>) -> String {
    let title = rules.get("title").and_then(Value::as_str);
    let Some(name) = name.or(title) else { return "this map".to_owned() };
    let mut words = String::new();
    let suffix = ["Spec", "Entry", "Settings"].iter().find_map(|end| name.strip_suffix(end));
    for c in suffix.unwrap_or(name).chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {words}")
}

fn list<'a>(rules: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    rules.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// An empty value has nothing to underline; then its key is.
fn place(node: &Node, at: &Range<usize>) -> Range<usize> {
    let own = node.caret();
    if own.is_empty() { at.clone() } else { own }
}
