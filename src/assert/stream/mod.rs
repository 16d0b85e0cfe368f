//! Stream rules: what must hold of an event stream as a whole, by name.
//!
//! One file each. A rule's module docs are its public docs; its name is the file's.

mod call;
mod closing;
mod docs;
mod look;
mod spec;
mod stable;
mod typed;

mod choices_array;
mod closes_within;
mod comment_after_id;
mod created_stable;
mod delta_object;
mod done;
mod each_event_json;
mod empty_choices_only_usage;
mod error_object;
mod error_terminates;
mod event_stream;
mod finish_before_done;
mod finish_delta_empty;
mod finish_once;
mod finish_present;
mod framing;
mod id_stable;
mod incremental;
mod keepalive_comment;
mod model_stable;
mod no_bare_eof;
mod no_data_after_done;
mod no_empty_data;
mod no_stall;
mod not_cumulative;
mod response_closed;
mod response_deltas;
mod response_ends;
mod response_event_names;
mod response_indexes;
mod response_opened;
mod response_output;
mod response_sequence;
mod response_texts;
mod role_first;
mod role_once;
mod second_reader;
mod terminated;
mod thoughts_first;
mod tool_args_json;
mod tool_args_string;
mod tool_id_once;
mod tool_identity_once;
mod tool_incremental;
mod tool_index;
mod tool_index_distinct;
mod tool_index_from_zero;
mod tool_index_present;
mod tool_name_first;
mod tool_name_not_blank;
mod tool_name_once;
mod tool_no_nulls;
mod tool_sequential;
mod tool_type_first;
mod usage_final;
mod usage_last;
mod usage_once;
mod utf8;

use std::sync::LazyLock;

use serde_json::Value;

use super::judge::cut_by_us;
use super::operand::duration;
use super::place::describe_answer;
use super::query::{stream, succeeded};
use super::scene::{Scene, Seen};
use crate::verdict::Judgement;
use docs::docs;
use look::Look;

pub use spec::StreamSpec;

/// The docs of one stream rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleDoc {
    /// The name that suites use.
    pub name: &'static str,
    /// The claim, in one line.
    pub summary: &'static str,
    /// All of it, in Markdown: the claim, why, an example.
    pub docs: &'static str,
}

/// Every stream rule, in the order in which it is best read.
pub fn rules() -> &'static [RuleDoc] {
    static DOCS: LazyLock<Vec<RuleDoc>> = LazyLock::new(|| {
        let doc = |rule: &Rule| {
            // The first line is "`name`: claim".
            let claim = rule.docs.split("\n\n").next().unwrap_or_default();
            let summary = claim.split_once(": ").map_or(claim, |(_, summary)| summary);
            RuleDoc { name: rule.name, summary, docs: rule.docs }
        };
        RULES.iter().map(doc).collect()
    });
    &DOCS
}

/// A rule about an event stream.
pub(super) struct Rule {
    name: &'static str,
    docs: &'static str,
    check: fn(&Value) -> Result<(), String>,
    judge: Judge,
}

/// What a rule needs to be there.
enum Judge {
    /// A response.
    Response(fn(&Seen, &Value) -> Judgement),
    /// A response with a status of success.
    Answer(fn(&Seen, &Value) -> Judgement),
    /// A line of an event stream, be it cut.
    Lines(fn(&Look<'_>, &Value) -> Judgement),
    /// A complete event.
    Events(fn(&Look<'_>, &Value) -> Judgement),
}

impl Rule {
    /// What is wrong with a setting of this rule.
    pub(super) fn check(&self, setting: &Value) -> Result<(), String> {
        (self.check)(setting)
    }
}

/// The rule called `name`.
pub(super) fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// The names of all rules.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}

/// Rules that judge when and how a stream ended, so that a deadline of ours is an answer.
const ABOUT_THE_END: [&str; 3] = ["closes_within", "no_stall", "error_terminates"];

/// Judges the current exchange of a scene.
pub(super) fn judge(spec: &StreamSpec, scene: &Scene<'_>) -> Judgement {
    let Some(rule) = find(&spec.rule) else {
        return Judgement::cannot_tell(format!("there is no stream rule `{}`", spec.rule));
    };
    let Some(seen) = scene.seen() else { return Judgement::cannot_tell("no step has run") };
    let setting = match &spec.setting {
        Value::Bool(true) => &Value::Null,
        setting => setting,
    };
    if let Err(problem) = rule.check(setting) {
        return Judgement::cannot_tell(format!("stream rule `{}`: {problem}", rule.name));
    }
    let judgement = match run(rule, seen, setting, scene) {
        Ok(judgement) => judgement,
        Err(why) => return Judgement::cannot_tell(why),
    };
    match (&judgement, cut_by_us(seen, true)) {
        (Judgement::Fails(_), Some(why)) if !ABOUT_THE_END.contains(&rule.name) => {
            Judgement::cannot_tell(why)
        }
        _ => judgement,
    }
}

fn run(rule: &Rule, seen: &Seen, setting: &Value, scene: &Scene<'_>) -> Result<Judgement, String> {
    if seen.exchange.head.is_none() {
        return Err(format!("no response: {}", seen.exchange.end.describe()));
    }
    match rule.judge {
        Judge::Response(judge) => Ok(judge(seen, setting)),
        Judge::Answer(judge) => succeeded(seen).map(|()| judge(seen, setting)),
        Judge::Lines(judge) => {
            succeeded(seen)?;
            let stream = seen.reading().sse.as_ref().ok_or_else(|| {
                format!("the answer is not an event stream: {}", describe_answer(seen))
            })?;
            Ok(judge(&Look { seen, stream, limits: scene.limits }, setting))
        }
        Judge::Events(judge) => {
            Ok(judge(&Look { seen, stream: stream(seen)?, limits: scene.limits }, setting))
        }
    }
}

fn no_setting(setting: &Value) -> Result<(), String> {
    match setting {
        Value::Null | Value::Bool(true) => Ok(()),
        other => Err(format!("it takes no setting, not `{other}`")),
    }
}

fn a_span(setting: &Value) -> Result<(), String> {
    if setting.is_null() { Ok(()) } else { duration(setting).map(drop) }
}

/// One row of the table: the rule's name, what it needs, and how its setting is checked.
macro_rules! rule {
    ($name:ident, $needs:ident) => {
        rule!($name, $needs, no_setting)
    };
    ($name:ident, $needs:ident, $check:expr) => {
        Rule {
            name: stringify!($name),
            docs: docs!(concat!(stringify!($name), ".rs")),
            check: $check,
            judge: Judge::$needs($name::judge),
        }
    };
}

static RULES: &[Rule] = &[
    rule!(framing, Answer),
    rule!(event_stream, Answer),
    rule!(terminated, Lines),
    rule!(no_empty_data, Lines),
    rule!(keepalive_comment, Events),
    rule!(comment_after_id, Events),
    rule!(each_event_json, Events),
    rule!(utf8, Response),
    rule!(second_reader, Events),
    rule!(done, Lines),
    rule!(no_data_after_done, Events),
    rule!(closes_within, Events, a_span),
    rule!(incremental, Events, incremental::check),
    rule!(no_stall, Lines, a_span),
    rule!(id_stable, Events),
    rule!(created_stable, Events),
    rule!(model_stable, Events),
    rule!(choices_array, Events),
    rule!(empty_choices_only_usage, Events),
    rule!(delta_object, Events),
    rule!(role_first, Events),
    rule!(role_once, Events),
    rule!(not_cumulative, Events),
    rule!(thoughts_first, Events),
    rule!(finish_present, Events),
    rule!(finish_once, Events),
    rule!(finish_before_done, Events),
    rule!(finish_delta_empty, Events),
    rule!(usage_final, Events),
    rule!(usage_last, Events),
    rule!(usage_once, Events),
    rule!(tool_index, Events),
    rule!(tool_index_present, Events),
    rule!(tool_index_from_zero, Events),
    rule!(tool_index_distinct, Events),
    rule!(tool_identity_once, Events),
    rule!(tool_id_once, Events),
    rule!(tool_name_once, Events),
    rule!(tool_name_first, Events),
    rule!(tool_name_not_blank, Events),
    rule!(tool_type_first, Events),
    rule!(tool_no_nulls, Events),
    rule!(tool_args_string, Events),
    rule!(tool_args_json, Events),
    rule!(tool_sequential, Events),
    rule!(tool_incremental, Events, tool_incremental::check),
    rule!(error_object, Events),
    rule!(error_terminates, Events, a_span),
    rule!(no_bare_eof, Events),
    rule!(response_sequence, Events),
    rule!(response_event_names, Events),
    rule!(response_opened, Events),
    rule!(response_closed, Events),
    rule!(response_indexes, Events),
    rule!(response_deltas, Events),
    rule!(response_texts, Events),
    rule!(response_output, Events),
    rule!(response_ends, Events),
];

/// What to say when a rule about tool calls meets none.
const NO_CALL: &str = "no tool call was streamed";
/// What to say when a rule about the Responses API meets another stream.
const NO_RESPONSE: &str = "no event of the Responses API was streamed";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert::kit;

    #[test]
    fn the_docs_of_every_rule_have_a_claim_a_why_and_an_example_that_is_sound() {
        for rule in rules() {
            let RuleDoc { name, summary, docs } = rule;
            assert!(docs.starts_with(&format!("`{name}`: ")), "{docs}");
            assert!(summary.ends_with('.') && summary.len() < 160, "{name}: {summary}");
            assert!(docs.contains("\n# Why\n") && docs.contains("\n# Example\n"), "{docs}");
            let yaml = docs.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
            let example: Vec<crate::assert::Assertion> =
                serde_saphyr::from_str(yaml.unwrap().trim_start_matches("expect:\n")).unwrap();
            for assertion in example {
                assert_eq!(assertion.lint(), [""; 0], "{name}");
                assert!(assertion.describe().contains(name), "{name}");
            }
        }
    }

    #[test]
    fn a_sound_stream_breaks_no_rule() {
        for name in names() {
            let judgement = kit::judge(&format!("{{stream: {name}}}"), kit::chunks(&kit::sound()));
            assert!(!matches!(judgement, Judgement::Fails(_)), "{name}: {judgement:?}");
            let about_something_else =
                ["tool_", "response_", "thoughts_"].iter().any(|kind| name.starts_with(kind))
                    || name.contains("error");
            if !about_something_else {
                assert_eq!(judgement, Judgement::Holds, "{name}");
            }
        }
    }
}
