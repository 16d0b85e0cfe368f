//! Templates of a case: are they expressions, do the names in them exist, is every name of the
//! matrix used.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::file::Lint;
use crate::assert::Query;
use crate::document::{Kind, Node, Problem};
use crate::suite::template::{self, Piece, TemplateError, TemplateErrorKind, VARIABLES};
use crate::text::did_you_mean;

/// A query that starts at another step or at a variable.
static REACH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:query:)?\s*(step|var)\.([A-Za-z0-9_-]+)").expect("the pattern is a literal")
});

pub(super) fn check(lint: &mut Lint<'_>, case: &Node) {
    let mut scope = Scope::default();
    for (name, _) in VARIABLES {
        scope.known.insert(name.to_owned());
    }
    let matrix = case.get("matrix").map_or(&[][..], Node::entries);
    for entry in matrix {
        scope.define(lint, &entry.key, &entry.key_span);
    }
    for step in case.get("steps").map_or(&[][..], Node::items) {
        let name = step.get("name").and_then(Node::text).unwrap_or("main");
        if let Some(node) = step.get("if") {
            scope.condition(lint, node);
        }
        for key in ["after", "request", "transport"] {
            if let Some(node) = step.get(key) {
                scope.templates(lint, node);
            }
        }
        if let Some(converse) = step.get("converse") {
            scope.converse(lint, converse);
        }
        scope.steps.push(name.to_owned());
        if let Some(until) = step.get("until") {
            if let Some(node) = until.get("every") {
                scope.templates(lint, node);
            }
            if let Some(node) = until.get("holds") {
                scope.assertion(lint, node);
            }
        }
        for assertion in step.get("expect").map_or(&[][..], Node::items) {
            scope.assertion(lint, assertion);
        }
        let captures = step.get("capture").map_or(&[][..], Node::entries);
        for entry in captures {
            scope.capture(lint, &entry.value);
        }
        for entry in captures {
            scope.define(lint, &entry.key, &entry.key_span);
        }
    }
    if let Some(node) = case.get("precondition") {
        scope.assertion(lint, node);
    }
    // A template that cannot be read may be the one that uses the name.
    for entry in matrix.iter().filter(|_| !scope.unreadable) {
        if !scope.used.contains(&entry.key) {
            let message = format!("`{}` of the matrix is never used", entry.key);
            let help = format!("name it where it should change something: \"${{{}}}\"", entry.key);
            let problem = Problem::new("unused-matrix", message, entry.key_span.clone());
            lint.problems.push(problem.help(help));
        }
    }
}

/// What can be named at a point of a case.
#[derive(Default)]
struct Scope {
    known: BTreeSet<String>,
    used: BTreeSet<String>,
    steps: Vec<String>,
    unreadable: bool,
}

impl Scope {
    fn define(&mut self, lint: &mut Lint<'_>, name: &str, at: &Range<usize>) {
        let plain = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain {
            let message = format!("`{name}` cannot be named in a template");
            let problem = Problem::new("bad-id", message, at.clone());
            lint.problems.push(problem.help("letters, digits and `_`".to_owned()));
        } else if VARIABLES.iter().any(|(builtin, _)| *builtin == name)
            || template::FUNCTIONS.iter().any(|function| function.name == name)
        {
            let message = format!("`{name}` is a name that every template has already");
            lint.report("shadowed-name", message, at.clone());
        }
        self.known.insert(name.to_owned());
    }

    /// Every string below `node` is a template.
    fn templates(&mut self, lint: &mut Lint<'_>, node: &Node) {
        match &node.kind {
            Kind::Text(text) => self.template(lint, node, text),
            Kind::List(items) => items.iter().for_each(|item| self.templates(lint, item)),
            Kind::Map(entries) => entries.iter().for_each(|entry| {
                self.pieces(lint, &entry.key, &entry.key_span);
                self.templates(lint, &entry.value);
            }),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }

    fn template(&mut self, lint: &mut Lint<'_>, node: &Node, text: &str) {
        self.pieces(lint, text, &node.span);
    }

    fn pieces(&mut self, lint: &mut Lint<'_>, text: &str, at: &Range<usize>) {
        match template::pieces(text) {
            Ok(pieces) => {
                for piece in pieces {
                    if let Piece::Expression(expression, span) = piece {
                        self.expression(lint, text, &expression, &span, at);
                    }
                }
            }
            Err(error) => self.fault(lint, text, &error, at),
        }
    }

    fn expression(
        &mut self,
        lint: &mut Lint<'_>,
        text: &str,
        expression: &str,
        span: &Range<usize>,
        at: &Range<usize>,
    ) {
        for name in template::names(expression) {
            if self.known.contains(&name) {
                self.used.insert(name);
                continue;
            }
            let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
            unknown(lint, &name, &known, narrow(lint.text, at, text.get(span.clone())));
        }
    }

    fn condition(&mut self, lint: &mut Lint<'_>, node: &Node) {
        let Some(text) = node.text() else { return };
        match template::read_condition(text) {
            Ok((expression, span, _)) => {
                self.expression(lint, text, &expression, &span, &node.span);
            }
            Err(error) => self.fault(lint, text, &error, &node.span),
        }
    }

    /// The templates of tools know what a tool was called with.
    fn converse(&mut self, lint: &mut Lint<'_>, node: &Node) {
        if let Some(then) = node.get("then") {
            self.templates(lint, then);
        }
        let added = self.known.insert("arguments".to_owned());
        if let Some(tools) = node.get("tools") {
            self.templates(lint, tools);
        }
        if added {
            self.known.remove("arguments");
        }
    }

    /// One condition: a template or an assertion.
    fn applies(&mut self, lint: &mut Lint<'_>, node: &Node) {
        match node.kind {
            Kind::Text(_) => self.condition(lint, node),
            _ => self.assertion(lint, node),
        }
    }

    fn assertion(&mut self, lint: &mut Lint<'_>, node: &Node) {
        for entry in node.entries() {
            match (entry.key.as_str(), &entry.value.kind) {
                ("that", _) => {
                    self.query(lint, &entry.value);
                    self.templates(lint, &entry.value);
                }
                ("if", Kind::List(all)) => {
                    for each in all {
                        self.applies(lint, each);
                    }
                }
                ("if", _) => self.applies(lint, &entry.value),
                (_, Kind::Text(text)) if text.starts_with("query:") => {
                    self.query(lint, &entry.value);
                    self.templates(lint, &entry.value);
                }
                _ => self.templates(lint, &entry.value),
            }
        }
    }

    /// What is captured is read from the answer as it is.
    fn capture(&mut self, lint: &mut Lint<'_>, node: &Node) {
        let Some(text) = node.text() else { return };
        if text.contains("${") {
            let message = "what is captured is a query and not a template".to_owned();
            let problem = Problem::new("template", message, node.caret());
            lint.problems.push(problem.help("a variable is `var.<name>`".to_owned()));
        } else if let Err(error) = Query::parse(text) {
            lint.report("query", error.to_string(), node.caret());
        }
        self.query(lint, node);
    }

    /// A query may start at a step or a variable.
    fn query(&mut self, lint: &mut Lint<'_>, node: &Node) {
        let Some(text) = node.text() else { return };
        let Some(found) = REACH.captures(text) else { return };
        let (Some(root), Some(name)) = (found.get(1), found.get(2)) else { return };
        let at = narrow(lint.text, &node.span, text.get(root.start()..name.end()));
        if root.as_str() == "step" {
            let steps: Vec<&str> = self.steps.iter().map(String::as_str).collect();
            lint.step_exists(name.as_str(), &steps, None, at);
        } else if self.known.contains(name.as_str()) {
            self.used.insert(name.as_str().to_owned());
        } else {
            let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
            unknown(lint, name.as_str(), &known, at);
        }
    }

    fn fault(&mut self, lint: &mut Lint<'_>, text: &str, error: &TemplateError, at: &Range<usize>) {
        self.unreadable = true;
        let span = narrow(lint.text, at, text.get(error.span.clone()));
        let said = error.kind.to_string();
        let (message, hint) = match said.split_once("\n(hint: ") {
            Some((message, hint)) => (message, Some(hint.trim_end_matches(')').to_owned())),
            None => (said.as_str(), None),
        };
        let mut problem = Problem::new("template", message.to_owned(), span);
        problem.help = hint;
        if matches!(error.kind, TemplateErrorKind::Syntax { .. }) {
            problem.help = Some(
            "expressions are minijinja's: `limit * 2`, `limits.context_tokens`, `repeat('a', 3)`"
                .to_owned(),
        );
        }
        lint.problems.push(problem);
    }
}

fn unknown(lint: &mut Lint<'_>, name: &str, known: &[&str], at: Range<usize>) {
    let near = did_you_mean(name, known.iter().copied());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let problem = Problem::new("unknown-name", format!("there is no `{name}` here"), at);
    lint.problems.push(problem.help(format!("{near}there are: {}", known.join(", "))));
}

/// The bytes of `part` inside a scalar, if they are written there as they are.
fn narrow(text: &str, scalar: &Range<usize>, part: Option<&str>) -> Range<usize> {
    let written = text.get(scalar.clone()).unwrap_or_default();
    let found = part.filter(|part| !part.is_empty()).and_then(|part| {
        written.find(part).map(|at| scalar.start + at..scalar.start + at + part.len())
    });
    found.unwrap_or_else(|| scalar.clone())
}
