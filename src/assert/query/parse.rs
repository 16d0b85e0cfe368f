//! The grammar of queries.
//!
//! ```text
//! query   = { scope "." } root { segment } { "|" filter }
//! scope   = "all" | "step." name
//! segment = "." name | ".*" | "[" ( int | "*" | slice | string { "," string } ) "]"
//! slice   = [ int ] ":" [ int ]
//! filter  = name [ "(" [ literal { "," literal } ] ")" ]
//! ```

use serde_json::Value;

use super::below::{check_below, known, unknown};
use super::{Filter, Query, QueryError, Root, Scope, Segment, filter};

/// The words a query may start with.
const ROOTS: [&str; 22] = [
    "status",
    "http",
    "header",
    "headers",
    "body",
    "raw",
    "events",
    "comments",
    "oddities",
    "chunks",
    "assembled",
    "timing",
    "reads",
    "end",
    "connection",
    "redactions",
    "framing",
    "second_reader",
    "request",
    "var",
    "step",
    "all",
];

/// A character of the query, from 0, and what is wrong there.
pub(super) type Fault = (usize, String);

/// Reads a whole query.
pub(super) fn query(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0 };
    parser.query(text).map_err(|(at, message)| QueryError {
        query: text.to_owned(),
        column: at + 1,
        message,
    })
}

struct Parser {
    chars: Vec<char>,
    at: usize,
}

impl Parser {
    fn query(&mut self, text: &str) -> Result<Query, Fault> {
        let mut scope = Scope::default();
        let root = loop {
            self.spaces();
            let start = self.at;
            let word = self.word().ok_or_else(|| {
                (start, "a query starts with a word such as `status` or `chunks`".to_owned())
            })?;
            match word.as_str() {
                "all" => {
                    scope.all = true;
                    self.expect_dot("`all` needs a query after it: `all.status`")?;
                }
                "step" => {
                    let hint = "`step` needs a step's name and a query: `step.call.status`";
                    scope.step = Some(self.name(hint)?);
                    self.expect_dot(hint)?;
                }
                other => break self.root(other, start)?,
            }
        };
        let path = self.path(&root)?;
        let filters = self.filters()?;
        Ok(Query { text: text.to_owned(), scope, root, path, filters })
    }

    fn root(&mut self, word: &str, start: usize) -> Result<Root, Fault> {
        Ok(match word {
            "status" => Root::Status,
            "http" => {
                let name = self.name("`http` has only `version` below it: `http.version`")?;
                known(&name, &["version"], self.at - name.chars().count(), "`http`")?;
                Root::HttpVersion
            }
            "header" => Root::Header(self.name("`header` needs a name: `header.content-type`")?),
            "headers" => Root::Headers(self.name("`headers` needs a name: `headers.set-cookie`")?),
            "body" => Root::Body,
            "raw" => Root::Raw,
            "events" => Root::Events,
            "comments" => Root::Comments,
            "oddities" => Root::Oddities,
            "chunks" => Root::Chunks,
            "assembled" => Root::Assembled,
            "timing" => Root::Timing,
            "reads" => Root::Reads,
            "end" => Root::End,
            "connection" => Root::Connection,
            "redactions" => Root::Redactions,
            "framing" => Root::Framing,
            "second_reader" => Root::SecondReader,
            "request" => Root::Request,
            "var" => Root::Var(self.name("`var` needs a name: `var.call_id`")?),
            _ => return Err((start, unknown("root", word, &ROOTS))),
        })
    }

    fn path(&mut self, root: &Root) -> Result<Vec<Segment>, Fault> {
        let mut path = Vec::new();
        let mut starts = Vec::new();
        loop {
            self.spaces();
            let start = self.at;
            match self.peek() {
                Some('.') => {
                    self.at += 1;
                    path.push(if self.eat('*') {
                        Segment::Every
                    } else {
                        let word = self.word().ok_or_else(|| {
                            (self.at, "a name was due after the dot; odd names go in brackets: `[\"a name\"]`".to_owned())
                        })?;
                        Segment::Name(word)
                    });
                }
                Some('[') => path.push(self.bracket()?),
                _ => break,
            }
            starts.push(start);
        }
        check_below(root, &path, &starts, self.at)?;
        Ok(path)
    }

    fn bracket(&mut self) -> Result<Segment, Fault> {
        let open = self.at;
        self.at += 1;
        self.spaces();
        let segment = match self.peek() {
            Some('*') => {
                self.at += 1;
                Segment::Every
            }
            Some('"' | '\'') => {
                let mut names = vec![self.string()?];
                self.spaces();
                while self.eat(',') {
                    self.spaces();
                    names.push(self.string()?);
                    self.spaces();
                }
                if names.len() == 1 {
                    Segment::Name(names.remove(0))
                } else {
                    Segment::Names(names)
                }
            }
            _ => {
                let from = self.int()?;
                self.spaces();
                if self.eat(':') {
                    self.spaces();
                    Segment::Slice(from, self.int()?)
                } else {
                    Segment::Index(from.ok_or_else(|| {
                        (
                            self.at,
                            "a number, `*`, a slice such as `1:` or a quoted name was due"
                                .to_owned(),
                        )
                    })?)
                }
            }
        };
        self.spaces();
        if self.eat(']') {
            Ok(segment)
        } else {
            Err((
                self.at,
                format!("`]` was due here, for the bracket opened at column {}", open + 1),
            ))
        }
    }

    fn filters(&mut self) -> Result<Vec<Filter>, Fault> {
        let mut filters = Vec::new();
        loop {
            self.spaces();
            match self.peek() {
                None => return Ok(filters),
                Some('|') => self.at += 1,
                Some(other) => {
                    let due = if filters.is_empty() { "`.`, `[` or `|`" } else { "`|`" };
                    return Err((self.at, format!("{due} was due, not `{other}`")));
                }
            }
            self.spaces();
            let start = self.at;
            let word = self
                .word()
                .ok_or_else(|| (start, "a filter's name was due after `|`".to_owned()))?;
            let arguments = self.arguments()?;
            if !filter::NAMES.contains(&word.as_str()) {
                return Err((start, unknown("filter", &word, &filter::NAMES)));
            }
            filters.push(Filter::new(&word, &arguments).map_err(|message| (start, message))?);
        }
    }

    fn arguments(&mut self) -> Result<Vec<Value>, Fault> {
        let mut arguments = Vec::new();
        if !self.eat('(') {
            return Ok(arguments);
        }
        self.spaces();
        if self.eat(')') {
            return Ok(arguments);
        }
        loop {
            self.spaces();
            arguments.push(self.literal()?);
            self.spaces();
            if self.eat(')') {
                return Ok(arguments);
            }
            if !self.eat(',') {
                return Err((self.at, "`,` or `)` was due".to_owned()));
            }
        }
    }

    fn literal(&mut self) -> Result<Value, Fault> {
        if matches!(self.peek(), Some('"' | '\'')) {
            return self.string().map(Value::String);
        }
        let start = self.at;
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c))
        {
            word.push(c);
            self.at += 1;
        }
        serde_json::from_str(&word).map_err(|_| {
            (start, "a quoted text, a number, `true`, `false` or `null` was due".into())
        })
    }

    /// A quoted text. `\"`, `\\`, `\n` and `\t` are escapes; any other backslash stays, so that
    /// patterns need no doubling.
    fn string(&mut self) -> Result<String, Fault> {
        let start = self.at;
        let Some(quote @ ('"' | '\'')) = self.peek() else {
            return Err((start, "a quoted text was due".to_owned()));
        };
        self.at += 1;
        let mut text = String::new();
        loop {
            let c = self.next().ok_or_else(|| (start, "this quote is never closed".to_owned()))?;
            if c == quote {
                return Ok(text);
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            match self.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(escaped) if escaped == quote || escaped == '\\' => text.push(escaped),
                Some(other) => text.extend(['\\', other]),
                None => return Err((start, "this quote is never closed".to_owned())),
            }
        }
    }

    fn int(&mut self) -> Result<Option<i64>, Fault> {
        let start = self.at;
        let mut digits = String::new();
        while let Some(c) =
            self.peek().filter(|c| c.is_ascii_digit() || (*c == '-' && digits.is_empty()))
        {
            digits.push(c);
            self.at += 1;
        }
        if digits.is_empty() {
            return Ok(None);
        }
        digits.parse().map(Some).map_err(|_| (start, format!("`{digits}` is not an index")))
    }

    /// `.name` or `["name"]`, after a word that needs one.
    fn name(&mut self, hint: &str) -> Result<String, Fault> {
        match self.peek() {
            Some('.') => {
                self.at += 1;
                self.word().ok_or_else(|| (self.at, hint.to_owned()))
            }
            Some('[') => match self.bracket()? {
                Segment::Name(name) => Ok(name),
                _ => Err((self.at, hint.to_owned())),
            },
            _ => Err((self.at, hint.to_owned())),
        }
    }

    fn expect_dot(&mut self, hint: &str) -> Result<(), Fault> {
        if self.eat('.') { Ok(()) } else { Err((self.at, hint.to_owned())) }
    }

    fn word(&mut self) -> Option<String> {
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || "_-$".contains(*c)) {
            word.push(c);
            self.at += 1;
        }
        (!word.is_empty()).then_some(word)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        query(text).unwrap_err().to_string()
    }

    #[test]
    fn a_path_may_hold_names_indices_slices_wildcards_and_odd_names() {
        let query =
            query(r#"step.call.all.chunks[*].a-b[-1][1:]["odd . name"].*["p","q"]"#).unwrap();

        assert_eq!(query.scope, Scope { step: Some("call".into()), all: true });
        assert_eq!(query.root, Root::Chunks);
        assert_eq!(
            query.path,
            [
                Segment::Every,
                Segment::Name("a-b".into()),
                Segment::Index(-1),
                Segment::Slice(Some(1), None),
                Segment::Name("odd . name".into()),
                Segment::Every,
                Segment::Names(vec!["p".into(), "q".into()]),
            ]
        );
    }

    #[test]
    fn a_pattern_keeps_its_backslashes() {
        let query = query(r#"raw | regex("(?m)^\d+ \"x\"", 0) | len"#).unwrap();
        assert_eq!(query.filters.len(), 2);
        assert!(format!("{:?}", query.filters).contains(r#"(?m)^\\d+ \"x\""#));
    }

    #[test]
    fn one_value_or_many_is_known_from_the_text() {
        for (text, many) in [
            ("status", false),
            ("chunks[*].id", true),
            ("chunks[-1].id", false),
            ("chunks[*].id | unique", false),
            ("headers.set-cookie", true),
            ("all.status", true),
            ("all.status | first", false),
            ("body.data[*].id | len", true),
        ] {
            assert_eq!(query(text).unwrap().is_many(), many, "{text}");
        }
    }

    #[test]
    fn every_fault_names_its_column_and_a_remedy() {
        insta::assert_snapshot!(fault("stauts"), @"query `stauts`, column 1: there is no root `stauts`; did you mean `status`?");
        insta::assert_snapshot!(fault("chunks[*].id | uniq"), @"query `chunks[*].id | uniq`, column 16: there is no filter `uniq`; did you mean `unique`?");
        insta::assert_snapshot!(fault("chunks.id"), @"query `chunks.id`, column 7: `chunks` is a list: `chunks[*].id` for every item, `chunks[0].id` for the first");
        insta::assert_snapshot!(fault("events[*].dta"), @"query `events[*].dta`, column 11: an event has no `dta`; did you mean `data`?");
        insta::assert_snapshot!(fault("timing.tfft"), @"query `timing.tfft`, column 8: `timing` has no `tfft`; did you mean `ttft`?");
        insta::assert_snapshot!(fault("timing"), @"query `timing`, column 7: `timing` needs one of `connect`, `ttfb`, `ttft`, `total`, `gap_max`");
        insta::assert_snapshot!(fault("body.data[*"), @"query `body.data[*`, column 12: `]` was due here, for the bracket opened at column 10");
        insta::assert_snapshot!(fault("body..x"), @r#"query `body..x`, column 6: a name was due after the dot; odd names go in brackets: `["a name"]`"#);
        insta::assert_snapshot!(fault("status.code"), @"query `status.code`, column 7: there is nothing below a plain value");
        insta::assert_snapshot!(fault("raw | regex(\"(\")"), @r#"query `raw | regex("(")`, column 7: the pattern is wrong: unclosed group"#);
        insta::assert_snapshot!(fault("raw | regex"), @r#"query `raw | regex`, column 7: `regex` takes a pattern and a group: `regex("v(.*)", 1)`"#);
        insta::assert_snapshot!(fault("raw | len(3)"), @"query `raw | len(3)`, column 7: `len` takes no arguments");
        insta::assert_snapshot!(fault("body.a b"), @"query `body.a b`, column 8: `.`, `[` or `|` was due, not `b`");
        insta::assert_snapshot!(fault("header"), @"query `header`, column 7: `header` needs a name: `header.content-type`");
        insta::assert_snapshot!(fault("step.call"), @"query `step.call`, column 10: `step` needs a step's name and a query: `step.call.status`");
        insta::assert_snapshot!(fault("body[\"a"), @r#"query `body["a`, column 6: this quote is never closed"#);
        insta::assert_snapshot!(fault(""), @"query ``, column 1: a query starts with a word such as `status` or `chunks`");
    }
}
