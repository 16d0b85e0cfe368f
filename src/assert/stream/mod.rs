//! Stream rules: what must hold of an event stream as a whole, by name.

mod spec;

use serde_json::Value;

use super::operand::duration;

pub use spec::StreamSpec;

/// A rule about an event stream.
pub(super) struct Rule {
    name: &'static str,
    setting: fn(&Value) -> Result<(), String>,
}

impl Rule {
    /// What is wrong with a setting of this rule.
    pub(super) fn check(&self, setting: &Value) -> Result<(), String> {
        (self.setting)(setting)
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

const fn plain(name: &'static str) -> Rule {
    Rule { name, setting: no_setting }
}

const fn timed(name: &'static str) -> Rule {
    Rule { name, setting: a_span }
}

const fn spread(name: &'static str) -> Rule {
    Rule { name, setting: a_map }
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

fn a_map(setting: &Value) -> Result<(), String> {
    match setting {
        Value::Null | Value::Object(_) => Ok(()),
        other => Err(format!("it takes settings by name, not `{other}`")),
    }
}

static RULES: &[Rule] = &[
    plain("framing"),
    plain("event_stream"),
    plain("terminated"),
    plain("no_empty_data"),
    plain("keepalive_comment"),
    plain("comment_after_id"),
    plain("each_event_json"),
    plain("utf8"),
    plain("second_reader"),
    plain("done"),
    plain("no_data_after_done"),
    timed("closes_within"),
    spread("incremental"),
    timed("no_stall"),
    plain("id_stable"),
    plain("created_stable"),
    plain("model_stable"),
    plain("choices_array"),
    plain("empty_choices_only_usage"),
    plain("delta_object"),
    plain("role_first"),
    plain("role_once"),
    plain("not_cumulative"),
    plain("finish_once"),
    plain("finish_present"),
    plain("finish_before_done"),
    plain("finish_delta_empty"),
    plain("usage_final"),
    plain("usage_last"),
    plain("usage_once"),
    plain("tool_index"),
    plain("tool_index_present"),
    plain("tool_index_from_zero"),
    plain("tool_index_distinct"),
    plain("tool_identity_once"),
    plain("tool_id_once"),
    plain("tool_name_once"),
    plain("tool_name_first"),
    plain("tool_name_not_blank"),
    plain("tool_type_first"),
    plain("tool_no_nulls"),
    plain("tool_args_string"),
    plain("tool_args_json"),
    plain("tool_sequential"),
    spread("tool_incremental"),
    plain("error_object"),
    timed("error_terminates"),
    plain("no_bare_eof"),
];
