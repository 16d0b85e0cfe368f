//! Problems within one suite file, told from its tree so that each has its place.

use std::collections::BTreeMap;
use std::ops::Range;

use super::names;
use crate::assert::Assertion;
use crate::document::{Kind, Node, Problem, first_line, from_node};
use crate::suite::{capability, duration};
use crate::text::did_you_mean;

/// The version of the format that this binary reads.
const VERSION: u64 = 1;
/// With a pause of a second that is ten minutes, more than a case may take.
const TRIES_MAX: u64 = 600;
/// Longer conversations are written out, so that they can be read.
const TURNS_MAX: u64 = 16;

/// Every problem beyond `shape`, whether or not the shape is right everywhere.
pub(in crate::suite) fn problems(text: &str, tree: &Node, shape: &[Problem]) -> Vec<Problem> {
    let mut lint = Lint { text, shape, problems: Vec::new() };
    lint.head(tree);
    lint.duplicates(tree);
    let cases = tree.get("cases").map_or(&[][..], Node::items);
    for case in cases {
        lint.case(case);
    }
    lint.problems
}

pub(super) struct Lint<'a> {
    pub(super) text: &'a str,
    shape: &'a [Problem],
    pub(super) problems: Vec<Problem>,
}

impl Lint<'_> {
    pub(super) fn report(&mut self, code: &'static str, message: String, span: Range<usize>) {
        self.problems.push(Problem::new(code, message, span));
    }

    fn helped(&mut self, code: &'static str, message: String, at: Range<usize>, help: &str) {
        self.problems.push(Problem::new(code, message, at).help(help.to_owned()));
    }

    fn head(&mut self, tree: &Node) {
        if let Some(node) = tree.get("proofhouse")
            && let Kind::Number(number) = &node.kind
            && number.as_u64() != Some(VERSION)
        {
            let message = format!("this binary reads suites of version {VERSION}, not {number}");
            self.report("version", message, node.caret());
        }
        if let Some(node) = tree.get("suite")
            && let Some(id) = node.text()
            && !is_slug(id)
        {
            let message = format!("`{id}` is not a suite id");
            let help = "lower-case words and digits, joined by `-`: `chat-streams`";
            self.helped("bad-id", message, node.caret(), help);
        }
        if let Some(entry) = tree.entry("cases")
            && matches!(&entry.value.kind, Kind::List(items) if items.is_empty())
        {
            self.report("empty", "the suite has no cases".to_owned(), entry.key_span.clone());
        }
    }

    fn duplicates(&mut self, tree: &Node) {
        let mut first: BTreeMap<&str, &Node> = BTreeMap::new();
        for case in tree.get("cases").map_or(&[][..], Node::items) {
            let Some(node) = case.get("id") else { continue };
            let Some(id) = node.text() else { continue };
            if let Some(before) = first.get(id) {
                let message = format!(
                    "the case id `{id}` is used on line {} and again on line {}",
                    before.spot.line, node.spot.line
                );
                self.problems.push(
                    Problem::new("duplicate-case", message, node.caret())
                        .also(before.caret(), "first here")
                        .help("ids are never reused; rename one of them".to_owned()),
                );
            } else {
                first.insert(id, node);
            }
        }
    }

    fn case(&mut self, case: &Node) {
        if let Some(node) = case.get("id")
            && let Some(id) = node.text()
            && !id.split_once('.').is_some_and(|(area, slug)| is_slug(area) && is_slug(slug))
        {
            let message = format!("`{id}` is not a case id");
            let help = "an area and a name: `sse.done-sentinel`";
            self.helped("bad-id", message, node.caret(), help);
        }
        for key in ["title", "why"] {
            if let Some(node) = case.get(key)
                && node.text().is_some_and(|text| text.trim().is_empty())
            {
                self.report("empty", format!("`{key}` is empty"), node.caret());
            }
        }
        if let Some(entry) = case.entry("source")
            && matches!(&entry.value.kind, Kind::List(items) if items.is_empty())
        {
            let message = "`source` is empty: a rule that is written nowhere is an opinion";
            self.report("empty", message.to_owned(), entry.key_span.clone());
        }
        for key in ["needs", "without"] {
            for node in case.get(key).map_or(&[][..], Node::items) {
                self.capability(node);
            }
        }
        self.matrix(case);
        if let Some(repeat) = case.get("repeat") {
            self.repeat(repeat);
        }
        self.steps(case);
        if let Some(node) = case.get("precondition") {
            self.assertion(node);
        }
        names::check(self, case);
    }

    fn capability(&mut self, node: &Node) {
        let Some(name) = node.text() else { return };
        if capability::names().any(|known| known == name) {
            return;
        }
        let near = did_you_mean(name, capability::names());
        let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let known: Vec<_> = capability::names().collect();
        let message = format!("unknown capability `{name}`");
        let help = format!("{near}there are: {}", known.join(", "));
        self.helped("unknown-capability", message, node.caret(), &help);
    }

    fn matrix(&mut self, case: &Node) {
        for entry in case.get("matrix").map_or(&[][..], Node::entries) {
            if matches!(&entry.value.kind, Kind::List(values) if values.is_empty()) {
                let message = format!("`{}` has no values, so the case would never run", entry.key);
                self.report("empty", message, entry.key_span.clone());
            }
        }
    }

    fn repeat(&mut self, repeat: &Node) {
        let number = |key| match repeat.get(key).map(|node| &node.kind) {
            Some(Kind::Number(number)) => number.as_f64(),
            _ => None,
        };
        let mut refuse = |key: &str, message: String| {
            if let Some(node) = repeat.get(key) {
                self.report("out-of-range", message, node.caret());
            }
        };
        let attempts = number("attempts");
        if attempts.is_some_and(|attempts| attempts < 1.0) {
            refuse("attempts", "a case runs at least once".to_owned());
        }
        if number("concurrency").is_some_and(|at_once| at_once < 1.0) {
            refuse("concurrency", "at least one attempt runs at a time".to_owned());
        }
        if number("at_least").is_some_and(|share| !(share > 0.0 && share <= 1.0)) {
            refuse("at_least", "a share lies above 0 and at most at 1".to_owned());
        }
        if let (Some(most), Some(attempts)) = (number("max_attempts"), attempts)
            && most < attempts
        {
            refuse("max_attempts", format!("fewer than the {attempts} attempts of the case"));
        }
    }

    fn steps(&mut self, case: &Node) {
        let Some(entry) = case.entry("steps") else { return };
        let steps = entry.value.items();
        if steps.is_empty() {
            self.report("empty", "the case has no steps".to_owned(), entry.key_span.clone());
            return;
        }
        let expectations = |step: &Node| step.get("expect").map_or(0, |list| list.items().len());
        if steps.iter().map(expectations).sum::<usize>() == 0 {
            let at = case.entry("id").map_or_else(|| case.caret(), |id| id.value.caret());
            let message = "the case expects nothing, so it could never fail".to_owned();
            self.helped("vacuous", message, at, "give one of its steps an `expect`");
        }
        let mut seen: Vec<(&str, &Node)> = Vec::new();
        for step in steps {
            let node = step.get("name");
            let name = node.and_then(Node::text).unwrap_or("main");
            let at = node.map_or_else(|| step.caret(), Node::caret);
            if !is_name(name) {
                let help = "letters, digits, `-` and `_`, without dots";
                self.helped("bad-id", format!("`{name}` is not a step name"), at.clone(), help);
            }
            if let Some((_, before)) = seen.iter().find(|(known, _)| *known == name) {
                let message = format!("two steps are called `{name}`");
                let problem = Problem::new("duplicate-step", message, at)
                    .also(before.caret(), "first here")
                    .help("a step without `name` is called `main`".to_owned());
                self.problems.push(problem);
            }
            let earlier: Vec<&str> = seen.iter().map(|(name, _)| *name).collect();
            self.step(step, name, &earlier);
            seen.push((name, step));
        }
    }

    fn step(&mut self, step: &Node, name: &str, earlier: &[&str]) {
        if let Some(node) = step.get("after") {
            self.duration(node);
        }
        for node in step.get("answers").map_or(&[][..], Node::items) {
            if let Kind::Number(number) = &node.kind
                && !number.as_u64().is_some_and(|status| (100..600).contains(&status))
            {
                self.report("out-of-range", format!("{number} is not a status"), node.caret());
            }
        }
        if let Some(until) = step.get("until") {
            self.until(until, step);
        }
        if let Some(converse) = step.get("converse") {
            self.converse(converse, step);
        }
        if let Some(request) = step.get("request") {
            self.request(request);
        }
        for node in step.get("expect").map_or(&[][..], Node::items) {
            self.assertion(node);
        }
        let Some(transport) = step.get("transport") else { return };
        for path in
            [&["timeout"][..], &["split", "gap"], &["read", "every"], &["disconnect", "after"]]
        {
            if let Some(node) = path.iter().try_fold(transport, |node, key| node.get(key)) {
                self.duration(node);
            }
        }
        for part in ["split", "read"] {
            if let Some(node) = transport.get(part).and_then(|part| part.get("bytes"))
                && matches!(&node.kind, Kind::Number(number) if number.as_u64() == Some(0))
            {
                self.report(
                    "out-of-range",
                    "a piece has at least one byte".to_owned(),
                    node.caret(),
                );
            }
        }
        if let Some(disconnect) = transport.entry("disconnect")
            && disconnect.value.entries().len() != 1
        {
            let message = "`disconnect` is either after so many events or after a time".to_owned();
            let help = "`{after_events: 3}` or `{after: 200ms}`";
            self.helped("bad-form", message, disconnect.key_span.clone(), help);
        }
        if let Some(node) = transport.get("parallel") {
            let fits = match &node.kind {
                Kind::Number(number) => number.as_u64().is_some_and(|copies| copies > 0),
                Kind::Text(text) => text.contains("${"),
                Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Map(_) => false,
            };
            if !fits {
                let message = format!("expected a number of copies, found {}", node.describe());
                self.report("wrong-type", message, node.caret());
            }
        }
        if let Some(node) = transport.get("connection")
            && let Some(target) = node.text().and_then(|text| text.strip_prefix("reuse:"))
        {
            self.step_exists(target, earlier, Some(name), node.caret());
        }
    }

    /// `earlier` are the steps that may be named; `current` is named when that is not one of them.
    pub(super) fn step_exists(
        &mut self,
        target: &str,
        earlier: &[&str],
        current: Option<&str>,
        at: Range<usize>,
    ) {
        if earlier.contains(&target) {
            return;
        }
        let message = if current == Some(target) {
            format!("`{target}` is this step itself")
        } else {
            format!("there is no earlier step `{target}`")
        };
        let near = did_you_mean(target, earlier.iter().copied());
        let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let help = match earlier {
            [] => "no step comes before this one".to_owned(),
            _ => format!("{near}earlier steps: {}", earlier.join(", ")),
        };
        self.helped("unknown-step", message, at, &help);
    }

    fn until(&mut self, until: &Node, step: &Node) {
        if let Some(node) = until.get("holds") {
            self.assertion(node);
        }
        if let Some(node) = until.get("every") {
            self.duration(node);
        }
        if let Some(node) = until.get("tries")
            && let Kind::Number(number) = &node.kind
            && !number.as_u64().is_some_and(|tries| (2..=TRIES_MAX).contains(&tries))
        {
            let message = format!("{number} tries; a step is asked from 2 to {TRIES_MAX} times");
            self.report("out-of-range", message, node.caret());
        }
        if let Some(parallel) = step.get("transport").and_then(|node| node.entry("parallel")) {
            let message = "parallel copies cannot be asked again".to_owned();
            self.report("bad-form", message, parallel.key_span.clone());
        }
    }

    fn converse(&mut self, converse: &Node, step: &Node) {
        if let Some(node) = converse.get("turns")
            && let Kind::Number(number) = &node.kind
            && !number.as_u64().is_some_and(|turns| (2..=TURNS_MAX).contains(&turns))
        {
            let message = format!("{number} turns; a conversation has from 2 to {TURNS_MAX}");
            self.report("out-of-range", message, node.caret());
        }
        let body = step.get("request").and_then(|request| request.get("json"));
        if body.and_then(|body| body.get("messages")).is_none() {
            let message = "`converse` goes on with the `messages` of a JSON body".to_owned();
            self.report("bad-form", message, converse.caret());
        }
        let parallel = step.get("transport").and_then(|node| node.entry("parallel"));
        for other in [parallel, step.entry("until")].into_iter().flatten() {
            let message = format!("a conversation cannot have `{}`", other.key);
            self.report("bad-form", message, other.key_span.clone());
        }
    }

    fn duration(&mut self, node: &Node) {
        let Some(text) = node.text() else { return };
        if let (false, Err(message)) = (text.contains("${"), duration(text)) {
            self.report("bad-form", message, node.caret());
        }
    }

    fn request(&mut self, request: &Node) {
        let bodies: Vec<_> =
            ["json", "text", "base64"].iter().filter_map(|key| request.entry(key)).collect();
        if let [first, second, ..] = bodies.as_slice() {
            let message = format!("`{}` and `{}`: a request has one body", first.key, second.key);
            let problem = Problem::new("two-bodies", message, second.key_span.clone());
            self.problems.push(problem.also(first.key_span.clone(), "the other body"));
        }
        if let Some(node) = request.get("path")
            && let Some(path) = node.text()
            && !["/", "root:/", "${"].iter().any(|start| path.starts_with(start))
            && path != "root:"
        {
            let message = format!("the path `{path}` does not start with `/`");
            let help = "paths are below the base URL; `root:/ping` is below the server's root";
            self.helped("bad-form", message, node.caret(), help);
        }
        if let Some(node) = request.get("method")
            && let Some(method) = node.text()
            && !method.contains("${")
            && (method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()))
        {
            let message = format!("`{method}` is not a method");
            self.helped("bad-form", message, node.caret(), "methods are in capitals: `GET`");
        }
        for entry in request.get("headers").map_or(&[][..], Node::entries) {
            if matches!(entry.value.kind, Kind::List(_) | Kind::Map(_) | Kind::Bool(_)) {
                let message = format!(
                    "the header `{}` is {}; expected a string, or null to leave it out",
                    entry.key,
                    entry.value.describe()
                );
                self.report("wrong-type", message, entry.value.caret());
            }
        }
    }

    /// One that the schema complains about is told once.
    fn assertion(&mut self, node: &Node) {
        if self.shape.iter().any(|problem| node.holds(problem.span.start)) {
            return;
        }
        let Ok(assertion) = from_node::<Assertion>(node) else { return };
        for message in assertion.lint() {
            self.report("assertion", message, self.line_of(node));
        }
    }

    /// The whole first line of something, as far as it says anything.
    fn line_of(&self, node: &Node) -> Range<usize> {
        let start = node.caret().start.min(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        start..start + first_line(rest).len()
    }
}

/// `chat`, `done-sentinel`, `n2`.
fn is_slug(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.split('-').all(word)
}

/// What can stand between two dots of a query.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
