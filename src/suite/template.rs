//! `${expression}` in the strings of a suite.
//!
//! A string that is one expression takes its value with the value's type: `"${limit}"` may become a
//! number. Anywhere else the value is written into the text. `$${` is a literal `${`. Expressions
//! are minijinja's, and a name that does not exist is an error: a request must never be sent with
//! a hole in it.

mod condition;
mod error;
mod functions;
mod pieces;
mod vars;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

use crate::assert::Assertion;
pub use condition::{read_condition, truth};
pub use error::{TemplateError, TemplateErrorKind};
use error::{fault, known_names};
pub use functions::{FUNCTIONS, Function};
pub use pieces::{Piece, pieces};
pub use vars::{VARIABLES, Vars};

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
            let known = vars.values().keys().cloned().collect();
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
