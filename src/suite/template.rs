//! `${expression}` in the strings of a suite.
//!
//! A string that is one expression takes its value with the value's type: `"${limit}"` may become a
//! number. Anywhere else the value is written into the text. `$${` is a literal `${`. Expressions
//! are minijinja's, and a name that does not exist is an error: a request must never be sent with
//! a hole in it.

mod functions;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::assert::Assertion;
use crate::text::did_you_mean;
use functions::NONCE_KEY;
pub use functions::{FUNCTIONS, Function};

/// The names that exist in every template: `model`, `limits`, `seed`, `attempt`.
pub const VARIABLES: [(&str, &str); 6] = [
    ("model", "the target's model"),
    ("limits", "the profile's limits: `limits.context_tokens`"),
    ("seed", "the run's seed, a number"),
    ("attempt", "which attempt of a repeated case this is, from 1"),
    ("copy", "which of a step's parallel copies this is, from 0"),
    ("key", "the target's key; only a mark stands here, the transport puts the key in its place"),
];

/// The values that templates can name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vars {
    values: BTreeMap<String, Value>,
    nonce_key: String,
}

impl Vars {
    /// Values for one attempt of a case, with `seed` and `attempt` set; `nonce()` depends on the
    /// three of them and on nothing else.
    pub fn new(seed: u64, case: &str, attempt: u32) -> Self {
        let values = [("seed", Value::from(seed)), ("attempt", Value::from(attempt))];
        Self {
            values: values.map(|(name, value)| (name.to_owned(), value)).into(),
            nonce_key: format!("{seed}/{case}/{attempt}"),
        }
    }

    /// Gives `name` a value, replacing the one it had.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Every name and value, as assertions take them.
    pub const fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    fn context(&self) -> minijinja::Value {
        let mut context: BTreeMap<&str, minijinja::Value> = self
            .values
            .iter()
            .map(|(name, value)| (name.as_str(), minijinja::value::Serde(value).into()))
            .collect();
        context.insert(NONCE_KEY, minijinja::Value::from(self.nonce_key.as_str()));
        minijinja::Value::from_pairs(context)
    }
}

/// A template that cannot be filled in: which, and why.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{kind} in `{template}`")]
pub struct TemplateError {
    /// The whole string.
    pub template: String,
    /// The bytes of it that are to blame.
    pub span: Range<usize>,
    /// Why.
    pub kind: TemplateErrorKind,
}

/// Why a template cannot be filled in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateErrorKind {
    /// `${` without its `}`.
    #[error("`${{` without a closing `}}`\n(hint: a literal `${{` is written `$${{`)")]
    Unclosed,
    /// `${}`.
    #[error("an empty expression")]
    Empty,
    /// Not an expression.
    #[error("`{expression}` is not an expression: {why}")]
    Syntax {
        /// What stands between the braces.
        expression: String,
        /// What the expression reader says.
        why: String,
    },
    /// A name that is not there.
    #[error("there is no `{name}`; {}", known_names(name, known))]
    Unknown {
        /// The name.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It can be read and not computed.
    #[error("`{expression}` has no value: {why}")]
    Evaluate {
        /// What stands between the braces.
        expression: String,
        /// What the evaluation says.
        why: String,
    },
    /// A condition that is not one expression.
    #[error("a condition is one expression: `\"${{usage}}\"` or `\"!${{usage}}\"`")]
    NotACondition,
}

fn known_names(name: &str, known: &[String]) -> String {
    let list = known.iter().map(String::as_str);
    match did_you_mean(name, list) {
        Some(near) => format!("did you mean `{near}`? There are: {}", known.join(", ")),
        None => format!("there are: {}", known.join(", ")),
    }
}

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

/// The names that an expression needs from outside, functions left out.
pub fn names(expression: &str) -> BTreeSet<String> {
    let Ok(compiled) = environment().compile_expression(expression) else {
        return BTreeSet::new();
    };
    let is_function = |name: &String| FUNCTIONS.iter().any(|function| function.name == name);
    let mut names: BTreeSet<String> = compiled.undeclared_variables(false).into_iter().collect();
    names.retain(|name| !is_function(name));
    names
}

/// Fills in a string; a string that is one expression keeps the value's type.
pub fn fill_string(template: &str, vars: &Vars) -> Result<Value, TemplateError> {
    let pieces = pieces(template)?;
    if let [Piece::Expression(expression, span)] = pieces.as_slice() {
        return evaluate(template, expression, span, vars);
    }
    let mut out = String::with_capacity(template.len());
    for piece in &pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Expression(expression, span) => {
                match evaluate(template, expression, span, vars)? {
                    Value::String(text) => out.push_str(&text),
                    other => out.push_str(&other.to_string()),
                }
            }
        }
    }
    Ok(Value::String(out))
}

/// Fills in a string that must be text: a path, a header, a duration.
pub fn fill_text(template: &str, vars: &Vars) -> Result<String, TemplateError> {
    Ok(match fill_string(template, vars)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// Fills in every string of a value; keys too.
pub fn fill_value(value: &Value, vars: &Vars) -> Result<Value, TemplateError> {
    Ok(match value {
        Value::String(template) => fill_string(template, vars)?,
        Value::Array(items) => {
            items.iter().map(|item| fill_value(item, vars)).collect::<Result<Value, _>>()?
        }
        Value::Object(map) => {
            let mut filled = Map::with_capacity(map.len());
            for (key, value) in map {
                filled.insert(fill_text(key, vars)?, fill_value(value, vars)?);
            }
            Value::Object(filled)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// Fills in whatever of an assertion may hold a template; a template that is its condition stays, for
/// [`truth`].
///
/// The filled assertion may have problems that the template hid: lint it before it is judged.
pub fn fill_assertion(assertion: &Assertion, vars: &Vars) -> Result<Assertion, TemplateError> {
    let mut filled = assertion.clone();
    let mut failure = None;
    filled.for_each_operand(&mut |operand| {
        if failure.is_none() {
            match fill_value(operand, vars) {
                Ok(value) => *operand = value,
                Err(error) => failure = Some(error),
            }
        }
    });
    failure.map_or(Ok(filled), Err)
}

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

fn evaluate(
    template: &str,
    expression: &str,
    span: &Range<usize>,
    vars: &Vars,
) -> Result<Value, TemplateError> {
    // A captured value goes back as it came: through minijinja a map would lose its order.
    if let Some(value) = vars.get(expression) {
        return Ok(value.clone());
    }
    for name in names(expression) {
        if vars.get(&name).is_none() {
            let known = vars.values.keys().cloned().collect();
            let kind = TemplateErrorKind::Unknown { name, known };
            return Err(fault(template, span.clone(), kind));
        }
    }
    let fail = |why: String| {
        let kind = TemplateErrorKind::Evaluate { expression: expression.to_owned(), why };
        fault(template, span.clone(), kind)
    };
    let compiled =
        environment().compile_expression(expression).map_err(|error| fail(reason(&error)))?;
    let value = compiled.eval(vars.context()).map_err(|error| fail(reason(&error)))?;
    if value.is_undefined() {
        return Err(fail(missing_part(expression, vars)));
    }
    serde_json::to_value(&value).map_err(|error| fail(error.to_string()))
}

/// What a dotted name lacks: `limits.contxt_tokens`.
fn missing_part(expression: &str, vars: &Vars) -> String {
    let parts = expression.split_once('.');
    let fields = parts.and_then(|(root, _)| vars.get(root)?.as_object());
    let Some(fields) = fields else { return "it is undefined".to_owned() };
    let known: Vec<String> = fields.keys().cloned().collect();
    let field = parts.map_or("", |(_, field)| field);
    format!("there is no `{field}`; {}", known_names(field, &known))
}

fn fault(template: &str, span: Range<usize>, kind: TemplateErrorKind) -> TemplateError {
    TemplateError { template: crate::text::ellipsis(template, 80), span, kind }
}

fn reason(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        functions::register(&mut environment);
        environment
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vars() -> Vars {
        let mut vars = Vars::new(7, "sse.done-sentinel", 1);
        vars.set("model", "tiny");
        vars.set("limit", 8);
        vars.set("usage", false);
        vars.set("limits", json!({"context_tokens": 4096}));
        vars.set("call", json!({"id": "c1", "function": {"name": "f"}, "a": null}));
        vars
    }

    #[test]
    fn a_string_that_is_one_expression_keeps_the_type_of_its_value() {
        let fill = |template| fill_string(template, &vars()).unwrap();
        assert_eq!(fill("${limit}"), json!(8));
        assert_eq!(fill("${ limit * 2 }"), json!(16));
        assert_eq!(fill("${usage}"), json!(false));
        assert_eq!(fill("at most ${limit} of ${model}"), json!("at most 8 of tiny"));
        assert_eq!(fill("${limits.context_tokens * 2}"), json!(8192));
        assert_eq!(fill("${0.5 + limit}"), json!(8.5));
    }

    #[test]
    fn a_captured_object_goes_back_with_its_keys_in_order() {
        let filled = fill_value(&json!([{"role": "user"}, "${call}"]), &vars()).unwrap();
        let text = filled.to_string();
        assert_eq!(text, r#"[{"role":"user"},{"id":"c1","function":{"name":"f"},"a":null}]"#);
    }

    #[test]
    fn a_doubled_dollar_is_a_literal_one() {
        let fill = |template| fill_string(template, &vars()).unwrap();
        assert_eq!(fill("$${model}"), json!("${model}"));
        assert_eq!(fill("costs $5, ${limit} of $${x}"), json!("costs $5, 8 of ${x}"));
        assert_eq!(fill("100$"), json!("100$"));
    }

    #[test]
    fn braces_and_quotes_inside_an_expression_do_not_end_it() {
        let fill = |template| fill_string(template, &vars()).unwrap();
        assert_eq!(fill("${{'a': 1}.a}"), json!(1));
        assert_eq!(fill("${'}' ~ model}"), json!("}tiny"));
    }

    #[test]
    fn an_unknown_name_is_told_with_the_names_there_are() {
        let error = fill_string("x ${modle} y", &vars()).unwrap_err();
        assert_eq!(error.span, 2..10);
        assert_eq!(
            error.kind.to_string(),
            "there is no `modle`; did you mean `model`? There are: attempt, call, limit, limits, \
             model, seed, usage"
        );
        let error = fill_string("${limits.contxt_tokens}", &vars()).unwrap_err();
        assert_eq!(
            error.kind.to_string(),
            "`limits.contxt_tokens` has no value: there is no `contxt_tokens`; did you mean \
             `context_tokens`? There are: context_tokens"
        );
    }

    #[test]
    fn what_is_not_an_expression_is_told_with_its_place() {
        let kind = |template| pieces(template).unwrap_err();
        assert_eq!(kind("a ${model").kind, TemplateErrorKind::Unclosed);
        assert_eq!(kind("a ${ }").kind, TemplateErrorKind::Empty);
        let error = kind("a ${2 * idle + 500ms} b");
        assert_eq!(error.span, 2..21);
        assert!(matches!(error.kind, TemplateErrorKind::Syntax { .. }), "{error}");
    }

    #[test]
    fn a_condition_may_be_turned_round() {
        let truth = |condition| truth(condition, &vars());
        assert!(!truth("${usage}").unwrap());
        assert!(truth("!${usage}").unwrap());
        assert!(!truth("!!${usage}").unwrap());
        assert!(truth("${limit > 4 and not usage}").unwrap());
        assert!(!truth("${call.a}").unwrap());
        assert_eq!(truth("usage").unwrap_err().kind, TemplateErrorKind::NotACondition);
        assert_eq!(truth("${usage} x").unwrap_err().kind, TemplateErrorKind::NotACondition);
    }

    #[test]
    fn functions_give_the_same_text_every_time() {
        let fill = |template: &str, vars: &Vars| {
            fill_string(template, vars).unwrap().as_str().unwrap().to_owned()
        };
        assert_eq!(fill("${repeat('ab', 3)}", &vars()), "ababab");
        assert_eq!(fill("${tokens(100)}", &vars()).split(' ').count(), 100);
        assert!(fill("${pixel()}", &vars()).starts_with("data:image/png;base64,iVBOR"));
        let nonce = fill("${nonce(12)}", &vars());
        assert_eq!(nonce.len(), 12);
        assert!(nonce.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        assert_eq!(nonce, fill("${nonce(12)}", &vars()));
        let mut other = vars();
        other.nonce_key = Vars::new(7, "sse.done-sentinel", 2).nonce_key;
        assert_ne!(nonce, fill("${nonce(12)}", &other));
    }

    #[test]
    fn a_function_refuses_to_fill_the_memory() {
        let error = fill_string("${repeat('abcdefgh', 100000000)}", &vars()).unwrap_err();
        assert!(error.to_string().contains("64 MiB"), "{error}");
        assert!(fill_string("${tokens(1000000000)}", &vars()).is_err());
        assert!(fill_string("${nonce(100000)}", &vars()).is_err());
    }
}
