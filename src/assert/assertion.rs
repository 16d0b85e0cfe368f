//! The shape of an assertion in a suite file.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::condition::{Condition, Otherwise};
use super::operand::{Operand, flag, is_template, list, number, show, texts, types};
use super::stream::StreamSpec;
use super::{Query, operand};
use crate::verdict::Level;

/// Declares [`Assertion`] with its predicates, and the list of their names, from one table.
macro_rules! assertion {
    ($(
        $(#[doc = $doc:literal])+
        $(#[schemars($($schema:tt)+)])?
        $field:ident = $name:literal;
    )+) => {
        /// One thing that must hold: a query with one predicate, or a stream rule.
        ///
        /// In YAML: `{that: "chunks[*].id", all_same: true, level: should}`, `{stream: done}`.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct Assertion {
            /// Where to look: `root.path | filter | filter`.
            pub(super) that: Option<String>,
            /// A named rule about the event stream: `done`, `{closes_within: 2s}`.
            pub(super) stream: Option<StreamSpec>,
            /// The level, where it is not the case's.
            pub(super) level: Option<Level>,
            /// It applies only when this template is true or this assertion holds; or each of a list.
            #[serde(rename = "if")]
            pub(super) condition: Option<Condition>,
            /// What an unmet `if` means for the case: `inconclusive`, or `holds`.
            pub(super) otherwise: Otherwise,
            /// What is expected, in words, instead of the generated phrase.
            pub(super) label: Option<String>,
            /// One item is enough.
            pub(super) any: bool,
            /// Exactly so many items must hold; without a predicate, so many must be there.
            #[schemars(schema_with = "number")]
            pub(super) count: Operand,
            /// No item at all is fine.
            pub(super) allow_empty: bool,
            $(
                $(#[doc = $doc])+
                #[serde(rename = $name)]
                $(#[schemars($($schema)+)])?
                pub(super) $field: Operand,
            )+
        }

        /// The names of all predicates.
        pub(super) const PREDICATES: &[&str] = &[$($name),+];

        impl Assertion {
            /// The predicates that are given, with their operands.
            pub(super) fn predicates(&self) -> Vec<(&'static str, &Value)> {
                let all = [$(($name, &self.$field)),+];
                all.into_iter().filter_map(|(name, given)| Some((name, given.0.as_ref()?))).collect()
            }

            fn predicates_mut(&mut self) -> Vec<&mut Value> {
                let all = [$(&mut self.$field),+];
                all.into_iter().filter_map(|given| given.0.as_mut()).collect()
            }
        }
    };
}

assertion! {
    /// Is exactly this value.
    is = "is";
    /// Is any other value.
    not = "not";
    /// Is one of these.
    among = "in";
    /// Is none of these.
    not_among = "not_in";
    /// Has this JSON type, or one of these.
    #[schemars(schema_with = "types")]
    kind = "type";
    /// Is null or absent.
    #[schemars(schema_with = "flag")]
    null = "null";
    /// Is there, null included.
    #[schemars(schema_with = "flag")]
    exists = "exists";
    /// Is not there.
    #[schemars(schema_with = "flag")]
    absent = "absent";
    /// Has no characters, items or keys.
    #[schemars(schema_with = "flag")]
    empty = "empty";
    /// Is greater.
    #[schemars(schema_with = "number")]
    gt = "gt";
    /// Is greater or equal.
    #[schemars(schema_with = "number")]
    ge = "ge";
    /// Is less.
    #[schemars(schema_with = "number")]
    lt = "lt";
    /// Is less or equal.
    #[schemars(schema_with = "number")]
    le = "le";
    /// Lies between these two, ends included.
    #[schemars(schema_with = "list")]
    between = "between";
    /// Is this number or array of numbers, within a tolerance: `{value: 1.5, within: 0.001}`.
    approx = "approx";
    /// Matches this regular expression somewhere.
    #[schemars(with = "String")]
    matches = "matches";
    /// Matches this regular expression nowhere.
    #[schemars(with = "String")]
    not_matches = "not_matches";
    /// Contains this text, item or key; or all of these.
    contains = "contains";
    /// Contains none of these.
    not_contains = "not_contains";
    /// Starts with this, or with one of these.
    #[schemars(schema_with = "texts")]
    starts_with = "starts_with";
    /// Ends with this, or with one of these.
    #[schemars(schema_with = "texts")]
    ends_with = "ends_with";
    /// Is valid against this JSON Schema (draft 2020-12 unless it says otherwise).
    schema = "schema";
    /// Every item, or key of an object, is one of these.
    #[schemars(schema_with = "list")]
    subset_of = "subset_of";
    /// Is the same as this value, or as what `query:…` finds.
    same_as = "same_as";
    /// All items are the same.
    #[schemars(schema_with = "flag")]
    all_same = "all_same";
    /// No two items are the same.
    #[schemars(schema_with = "flag")]
    distinct = "distinct";
    /// Every item is greater than the one before it.
    #[schemars(schema_with = "flag")]
    increasing = "increasing";
    /// A header value of this media type, parameters aside.
    #[schemars(schema_with = "texts")]
    media_type = "media_type";
    /// An HTTP date, or a whole number of seconds (`retry-after`).
    #[schemars(schema_with = "flag")]
    http_date_or_int = "http_date_or_int";
    /// All items together are one of these lists.
    #[schemars(schema_with = "list")]
    one_of = "one_of";
}

impl Assertion {
    /// The assertion's own level, if it has one.
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    /// When it applies; [`judge`](Self::judge) does not look at this.
    pub fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// What is expected, in words, where the suite says so.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Whether an unmet condition leaves the rule kept, instead of its case undecided.
    pub fn holds_when_unmet(&self) -> bool {
        self.otherwise == Otherwise::Holds
    }

    /// Calls `f` on every operand, so that templates can be filled in: those of the predicate,
    /// `count`, the stream rule's setting, the query and the label (where they hold a template),
    /// and those of an assertion that is the condition.
    pub fn for_each_operand(&mut self, f: &mut dyn FnMut(&mut Value)) {
        for text in [&mut self.that, &mut self.label].into_iter().flatten() {
            fill_in(text, f);
        }
        if let Some(spec) = &mut self.stream {
            f(&mut spec.setting);
        }
        if let Some(count) = &mut self.count.0 {
            f(count);
        }
        for operand in self.predicates_mut() {
            f(operand);
        }
        for condition in self.condition.iter_mut().flat_map(Condition::assertions_mut) {
            condition.for_each_operand(f);
        }
    }

    /// The steps that its queries name, conditions and `query:` operands included.
    pub fn steps(&self) -> Vec<String> {
        let operands = self.predicates().into_iter().filter_map(|(_, value)| {
            value.as_str().and_then(|text| text.strip_prefix(operand::QUERY))
        });
        let mut steps: Vec<String> = self
            .that
            .as_deref()
            .into_iter()
            .chain(operands)
            .filter_map(|text| Query::parse(text).ok()?.step().map(str::to_owned))
            .collect();
        for condition in self.condition.iter().flat_map(Condition::assertions) {
            steps.extend(condition.steps());
        }
        steps.sort();
        steps.dedup();
        steps
    }

    /// The assertion in one line: `that: chunks[*].id | unique, all_same`, `stream: done`.
    pub fn describe(&self) -> String {
        if let Some(spec) = &self.stream {
            return match &spec.setting {
                Value::Null => format!("stream: {}", spec.rule),
                setting => format!("stream: {{{}: {}}}", spec.rule, plain(setting)),
            };
        }
        let mut text = format!("that: {}", self.that.as_deref().unwrap_or("nothing"));
        for (name, value) in self.predicates() {
            text += ", ";
            text += name;
            if *value != Value::Bool(true) {
                text += ": ";
                text += &plain(value);
            }
        }
        if let Some(count) = &self.count.0 {
            text += ", count: ";
            text += &count.to_string();
        }
        if self.any {
            text += ", any";
        }
        text
    }
}

/// As a suite would write it: texts without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => show(other).trim_matches('`').to_owned(),
    }
}

fn fill_in(text: &mut String, f: &mut dyn FnMut(&mut Value)) {
    if !is_template(text) {
        return;
    }
    let mut value = Value::String(std::mem::take(text));
    f(&mut value);
    *text = match value {
        Value::String(filled) => filled,
        other => other.to_string(),
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(yaml: &str) -> Assertion {
        serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"))
    }

    #[test]
    fn null_as_an_operand_is_kept_apart_from_no_operand() {
        assert_eq!(read("{that: body.x, is: null}").predicates(), [("is", &Value::Null)]);
        assert_eq!(read("{that: body.x}").predicates(), []);
    }

    #[test]
    fn the_key_null_is_quoted_because_yaml_reads_the_bare_word_as_a_value() {
        assert_eq!(read("{that: body.x, \"null\": true}").predicates(), [("null", &json!(true))]);
        assert!(serde_saphyr::from_str::<Assertion>("{that: body.x, null: true}").is_err());
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line_and_column() {
        let error = serde_saphyr::from_str::<Assertion>("that: body.x\nisnt: 3\n").unwrap_err();
        let place = error.location().unwrap();
        assert_eq!((place.line(), place.column()), (2, 1), "{error}");
        assert!(error.to_string().contains("isnt"), "{error}");
    }

    #[test]
    fn a_condition_is_a_template_or_an_assertion() {
        let condition = |yaml| read(yaml).condition.unwrap();

        let yaml = "{that: status, is: 200, if: \"${stream}\"}";
        assert_eq!(condition(yaml), Condition::Template("${stream}".into()));
        let yaml =
            "{that: status, is: 200, if: {that: body.error, exists: false}, otherwise: holds}";
        let Condition::Assertion(inner) = condition(yaml) else { panic!("{yaml}") };
        assert_eq!(inner.describe(), "that: body.error, exists: false");
        assert!(read(yaml).holds_when_unmet());
    }

    #[test]
    fn several_conditions_stand_in_a_list() {
        let yaml = "
            {that: status, is: 200, if: ['${stream}', {that: step.a.status, is: 201}, {stream: done}]}";
        let assertion = read(yaml);

        assert_eq!(assertion.condition().unwrap().assertions().len(), 2);
        assert_eq!(assertion.steps(), ["a"]);
        assert_eq!(assertion.lint(), [""; 0]);
        assert_eq!(read("{that: status, is: 200, if: []}").lint(), ["`if` is empty"]);
        let problems = read("{that: status, is: 200, if: [{that: nonsense, is: 1}]}").lint();
        assert!(problems[0].starts_with("`if`: "), "{problems:?}");
    }

    #[test]
    fn a_stream_rule_comes_alone_or_with_its_setting() {
        assert_eq!(read("{stream: done}").describe(), "stream: done");
        assert_eq!(read("{stream: {closes_within: 2s}}").describe(), "stream: {closes_within: 2s}");
        assert_eq!(
            read("{stream: {incremental: {min_reads: 4, spread: 0.3}}}").describe(),
            "stream: {incremental: {\"min_reads\":4,\"spread\":0.3}}"
        );
        assert!(serde_saphyr::from_str::<Assertion>("stream: {done: , framing: }").is_err());
    }

    #[test]
    fn it_describes_itself_in_one_line() {
        for (yaml, described) in [
            (
                "{that: \"chunks[*].id | unique\", all_same: true}",
                "that: chunks[*].id | unique, all_same",
            ),
            ("{that: status, in: [200, 400]}", "that: status, in: [200,400]"),
            ("{that: raw, not_contains: \"\\r\", any: true}", "that: raw, not_contains: \r, any"),
            ("{that: \"chunks[*]\", count: 2}", "that: chunks[*], count: 2"),
        ] {
            assert_eq!(read(yaml).describe(), described);
        }
    }

    #[test]
    fn templates_are_filled_in_everywhere_conditions_included() {
        let yaml = "
            that: 'body.data[${n}].id'
            le: '${limit}'
            count: '${n}'
            if: {that: status, is: '${status}'}";
        let mut assertion = read(yaml);

        assertion.for_each_operand(&mut |value| {
            *value = match value.as_str() {
                Some("${limit}") => json!(5),
                Some("${status}") => json!(200),
                Some("${n}") => json!(2),
                Some("body.data[${n}].id") => json!("body.data[2].id"),
                other => panic!("{other:?}"),
            };
        });

        assert_eq!(assertion.describe(), "that: body.data[2].id, le: 5, count: 2");
        let Some(Condition::Assertion(condition)) = assertion.condition() else { panic!() };
        assert_eq!(condition.describe(), "that: status, is: 200");
    }

    #[test]
    fn it_names_the_steps_it_looks_at() {
        let yaml = "
            that: step.call.status
            same_as: 'query:step.plain.status'
            if: {that: step.first.status, is: 200}";
        assert_eq!(read(yaml).steps(), ["call", "first", "plain"]);
    }

    #[test]
    fn a_predicate_s_name_is_in_the_schema_with_its_meaning() {
        let schema = serde_json::to_value(schemars::schema_for!(Assertion)).unwrap();
        for name in PREDICATES {
            let description = &schema["properties"][name]["description"];
            assert!(description.as_str().is_some_and(|text| text.len() > 5), "{name}: {schema}");
        }
        assert_eq!(schema["additionalProperties"], json!(false));
    }
}
