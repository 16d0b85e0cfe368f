//! What is wrong with an assertion, before it is ever judged.

use serde_json::Value;

use super::assertion::{Assertion, PREDICATES};
use super::condition::Condition;
use super::operand::{QUERY, holds_template, is_template};
use super::predicate::Predicate;
use super::query::Query;
use super::stream;
use crate::text::did_you_mean;

impl Assertion {
    /// Every problem, each as a full message; empty if there is none.
    ///
    /// What still holds a template is not looked at: lint again once it is filled in.
    pub fn lint(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match (&self.that, &self.stream) {
            (Some(that), None) => self.lint_query(that, &mut problems),
            (None, Some(spec)) => self.lint_rule(spec, &mut problems),
            (None, None) => {
                problems
                    .push("an assertion needs `that` with a query, or `stream` with a rule".into());
            }
            (Some(_), Some(_)) => {
                problems.push("an assertion has `that` or `stream`, not both".into());
            }
        }
        match &self.condition {
            Some(condition) => lint_condition(condition, &mut problems),
            None if self.holds_when_unmet() => {
                problems
                    .push("`otherwise` says what an unmet `if` means, but there is no `if`".into());
            }
            None => {}
        }
        problems
    }

    fn lint_query(&self, that: &str, problems: &mut Vec<String>) {
        let query = if is_template(that) {
            None
        } else {
            Query::parse(that).map_err(|error| problems.push(error.to_string())).ok()
        };
        let predicates = self.predicates();
        let names: Vec<String> = predicates.iter().map(|(name, _)| format!("`{name}`")).collect();
        match predicates.as_slice() {
            [] if self.count.0.is_none() => problems.push(format!(
                "`that` needs a predicate beside it: one of {}, or `count`",
                PREDICATES.join(", ")
            )),
            [_, _, ..] => problems.push(format!(
                "an assertion has one predicate, and this one has {}: write one assertion for each",
                names.join(" and ")
            )),
            _ => {}
        }
        for (name, operand) in &predicates {
            if !holds_template(operand)
                && let Err(problem) = Predicate::new(name, operand)
            {
                problems.push(problem);
            }
            if is_lost_query(name, operand) {
                problems.push(format!("`{name}` takes a value as written, and no `{QUERY}`"));
            }
        }
        match &self.count.0 {
            Some(count) if !holds_template(count) && count.as_u64().is_none() => {
                problems.push(format!("`count` takes a whole number, not `{count}`"));
            }
            _ => {}
        }
        if self.any && self.count.0.is_some() {
            problems.push("`any` and `count` exclude each other".into());
        }
        let Some(query) = query else { return };
        if !query.is_many() {
            let lists = self.count.0.is_some() && predicates.is_empty();
            for (given, name) in [
                (self.any, "any"),
                (self.allow_empty, "allow_empty"),
                (self.count.0.is_some() && !lists, "count"),
            ] {
                if given {
                    problems.push(format!("`{name}` is about many items, and `{that}` finds one"));
                }
            }
        }
    }

    fn lint_rule(&self, spec: &stream::StreamSpec, problems: &mut Vec<String>) {
        let rule = spec.rule.as_str();
        if let Some(found) = stream::find(rule) {
            if !holds_template(&spec.setting)
                && let Err(problem) = found.check(&spec.setting)
            {
                problems.push(format!("stream rule `{rule}`: {problem}"));
            }
        } else {
            let names: Vec<&str> = stream::names().collect();
            let hint = did_you_mean(rule, names.iter().copied()).map_or_else(
                || format!("there are {}", names.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            problems.push(format!("there is no stream rule `{rule}`; {hint}"));
        }
        let predicates = self.predicates();
        let unused = predicates
            .iter()
            .map(|(name, _)| *name)
            .chain(self.any.then_some("any"))
            .chain(self.allow_empty.then_some("allow_empty"))
            .chain(self.count.0.is_some().then_some("count"));
        for name in unused {
            problems.push(format!("a stream rule takes no `{name}`"));
        }
    }
}

fn lint_condition(condition: &Condition, problems: &mut Vec<String>) {
    match condition {
        Condition::Assertion(assertion) => {
            problems.extend(assertion.lint().iter().map(|problem| format!("`if`: {problem}")));
            if assertion.condition.is_some() {
                problems.push("`if`: a condition has no `if` of its own".into());
            }
        }
        Condition::Template(text) if text.trim().is_empty() => {
            problems.push("`if` is empty".into());
        }
        Condition::All(all) if all.is_empty() => problems.push("`if` is empty".into()),
        Condition::All(all) => all.iter().for_each(|each| lint_condition(each, problems)),
        Condition::Template(_) => {}
    }
}

/// `is: "query:…"` would compare with the text itself.
fn is_lost_query(name: &str, operand: &Value) -> bool {
    matches!(name, "is" | "not") && operand.as_str().is_some_and(|text| text.starts_with(QUERY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(yaml: &str) -> String {
        let assertion: Assertion = serde_saphyr::from_str(yaml).unwrap();
        assertion.lint().join("\n")
    }

    #[test]
    fn a_sound_assertion_has_no_problems() {
        for yaml in [
            "{that: status, is: 200}",
            "{that: 'chunks[*].usage', 'null': true, allow_empty: true, level: should}",
            "{that: 'chunks[*].id', count: 3}",
            "{that: 'body.data', count: '${n}'}",
            "{that: 'assembled.usage.completion_tokens', le: '${limit}'}",
            "{that: 'body.x', same_as: 'query:step.a.body.x', if: '${both}', otherwise: holds}",
            "{stream: framing}",
            "{stream: {closes_within: '${limits.close_after_done_s}'}}",
            "{stream: {no_stall: 30}}",
            "{that: 'body.${x}', exists: true}",
        ] {
            assert_eq!(problems(yaml), "", "{yaml}");
        }
    }

    #[test]
    fn every_problem_is_a_full_message() {
        insta::assert_snapshot!(problems("{level: must}"), @"an assertion needs `that` with a query, or `stream` with a rule");
        insta::assert_snapshot!(problems("{that: status, stream: done, is: 1}"), @"an assertion has `that` or `stream`, not both");
        insta::assert_snapshot!(problems("{that: body.x, type: array, empty: false}"), @"an assertion has one predicate, and this one has `type` and `empty`: write one assertion for each");
        insta::assert_snapshot!(problems("{that: 'body.x | lenght', is: 1}"), @"query `body.x | lenght`, column 10: there is no filter `lenght`; did you mean `len`?");
        insta::assert_snapshot!(problems("{stream: framng}"), @"there is no stream rule `framng`; did you mean `framing`?");
        insta::assert_snapshot!(problems("{stream: {closes_within: soon}}"), @r#"stream rule `closes_within`: expected a span such as `2s` or `500ms`, found `"soon"`"#);
        insta::assert_snapshot!(problems("{stream: done, is: 3, any: true}"), @r#"
        a stream rule takes no `is`
        a stream rule takes no `any`
        "#);
        insta::assert_snapshot!(problems("{that: status, is: 200, any: true}"), @"`any` is about many items, and `status` finds one");
        insta::assert_snapshot!(problems("{that: status, is: 'query:body.x'}"), @"`is` takes a value as written, and no `query:`");
        insta::assert_snapshot!(problems("{that: status, is: 200, if: {that: bdy, is: 1}}"), @"`if`: query `bdy`, column 1: there is no root `bdy`; did you mean `body`?");
        insta::assert_snapshot!(problems("{that: status, is: 200, otherwise: holds}"), @"`otherwise` says what an unmet `if` means, but there is no `if`");
        insta::assert_snapshot!(problems("{that: body, schema: {type: strin}}"), @r#"`schema` does not compile, at /type: "strin" is not valid under any of the schemas listed in the 'anyOf' keyword"#);
        insta::assert_snapshot!(problems("{that: 'body[*]', is: 1, count: -1}"), @"`count` takes a whole number, not `-1`");
    }

    #[test]
    fn a_missing_predicate_is_named_with_all_there_are() {
        let said = problems("{that: status}");
        assert!(said.contains("needs a predicate") && said.contains("http_date_or_int"), "{said}");
    }
}
