//! What is wrong with a file, and showing it.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use thiserror::Error;

use super::Spot;
use super::yaml::Lines;
use crate::text::plural;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A stable word for the kind of problem: `unknown-key`, `duplicate-case`.
    pub code: &'static str,
    /// One sentence without a period.
    pub message: String,
    /// The bytes to underline.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: Option<String>,
    /// Another place that belongs to it, and what that is.
    pub also: Option<(Range<usize>, String)>,
}

impl Problem {
    /// A problem of kind `code` at `span`.
    pub fn new(code: &'static str, message: String, span: Range<usize>) -> Self {
        Self { code, message, span, help: None, also: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: String) -> Self {
        self.help = Some(help);
        self
    }

    /// The same with a second place.
    #[must_use]
    pub fn also(mut self, span: Range<usize>, label: &str) -> Self {
        self.also = Some((span, label.to_owned()));
        self
    }
}

/// A file that cannot be used, with everything that is wrong with it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("`{origin}` has {}", plural(problems.len(), "problem"))]
pub struct DocumentError {
    /// The file's path as given, or its name inside the binary.
    pub origin: String,
    /// Its text.
    pub text: String,
    /// In the order of the file; never empty.
    pub problems: Vec<Problem>,
}

impl DocumentError {
    /// An error of these problems, in the order of the file.
    pub fn new(origin: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        // One mistake behind a YAML anchor is met once for each alias.
        problems.dedup_by(|b, a| a.code == b.code && a.message == b.message && a.span == b.span);
        Self { origin: origin.to_owned(), text: text.to_owned(), problems }
    }

    /// Line and column of a problem.
    pub fn spot(&self, problem: &Problem) -> Spot {
        Lines::of(&self.text).spot(&self.text, problem.span.start)
    }

    /// Every problem with its line, a caret and what to do; ends with a line end.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut out = String::new();
        for problem in &self.problems {
            out.push_str(&renderer.render(&self.groups(problem)));
            out.push_str("\n\n");
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }

    fn groups<'a>(&'a self, problem: &'a Problem) -> Vec<Group<'a>> {
        let clip = |span: &Range<usize>| self.shown(span);
        let mut snippet = Snippet::source(self.text.as_str())
            .path(self.origin.as_str())
            .annotation(AnnotationKind::Primary.span(clip(&problem.span)));
        if let Some((span, label)) = &problem.also {
            snippet =
                snippet.annotation(AnnotationKind::Context.span(clip(span)).label(label.as_str()));
        }
        let title = Level::ERROR.primary_title(problem.message.as_str());
        let mut group = title.element(snippet);
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        vec![group]
    }

    /// What a caret can stand under: whole characters of one line, at least one of them.
    fn shown(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end.max(start));
        // A block scalar is shown by its first line.
        let line = self.text.get(start..end).and_then(|part| part.find('\n'));
        let end = line.map_or(end, |line| start + line);
        let one = self.text.get(start..).and_then(|rest| rest.chars().next());
        start..if start == end { start + one.map_or(0, char::len_utf8) } else { end }
    }
}
