//! Predicates on several values together.

use serde_json::Value;

use super::{Miss, Predicate, Wanted};
use crate::assert::operand::{same, show};
use crate::text::plural;

/// One of several values, with a name for messages: `event 3`.
#[derive(Clone, Debug)]
pub(in crate::assert) struct Member<'a> {
    /// The value.
    pub(in crate::assert) value: &'a Value,
    /// Where it stands, in short.
    pub(in crate::assert) name: String,
}

/// How the values miss: which of them shows it, and how.
pub(in crate::assert) type GroupMiss = (usize, Miss);

impl Predicate {
    /// How `members` together miss it; nothing if it holds.
    pub(in crate::assert) fn misses_together(&self, members: &[Member<'_>]) -> Vec<GroupMiss> {
        match self {
            Self::AllSame(true) => others_than_first(members),
            Self::Distinct(true) => repeated(members),
            Self::Increasing(true) => not_greater(members),
            Self::AllSame(false) => {
                whole(others_than_first(members).is_empty(), members, "one value throughout")
            }
            Self::Distinct(false) => whole(repeated(members).is_empty(), members, "no value twice"),
            Self::Increasing(false) => {
                whole(not_greater(members).is_empty(), members, "increasing values only")
            }
            Self::OneOf(lists) => {
                let all = collect(members);
                whole(!lists.iter().any(|list| same(&all, list)), members, &show(&all))
            }
            Self::SameAs(wanted) => differing(members, wanted),
            _ => Vec::new(),
        }
    }
}

fn collect(members: &[Member<'_>]) -> Value {
    Value::Array(members.iter().map(|member| member.value.clone()).collect())
}

fn whole(misses: bool, members: &[Member<'_>], seen: &str) -> Vec<GroupMiss> {
    if misses { vec![(members.len().saturating_sub(1), Miss::of(seen))] } else { Vec::new() }
}

fn others_than_first(members: &[Member<'_>]) -> Vec<GroupMiss> {
    let Some((first, rest)) = members.split_first() else { return Vec::new() };
    rest.iter()
        .enumerate()
        .filter(|(_, member)| !same(member.value, first.value))
        .map(|(index, member)| {
            let expected = format!("{} as in {}", show(first.value), first.name);
            (index + 1, Miss { expected: Some(expected), ..Miss::value(member.value) })
        })
        .collect()
}

fn repeated(members: &[Member<'_>]) -> Vec<GroupMiss> {
    // Texts are looked up; other values are rare here and compared one by one.
    let mut texts: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    let mut misses = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let earlier = match member.value {
            Value::String(text) => {
                let earlier = texts.get(text.as_str()).copied();
                if earlier.is_none() {
                    texts.insert(text, index);
                }
                earlier
            }
            value => members.iter().take(index).position(|other| same(other.value, value)),
        };
        if let Some(earlier) = earlier.and_then(|earlier| members.get(earlier)) {
            let seen = format!("{} again, as in {}", show(member.value), earlier.name);
            misses.push((index, Miss::of(seen)));
        }
    }
    misses
}

fn not_greater(members: &[Member<'_>]) -> Vec<GroupMiss> {
    members
        .windows(2)
        .enumerate()
        .filter_map(|(index, pair)| {
            let [before, member] = pair else { return None };
            let greater = match (before.value, member.value) {
                (Value::String(a), Value::String(b)) => b > a,
                (a, b) => b.as_f64() > a.as_f64(),
            };
            let seen =
                format!("{} after {} in {}", show(member.value), show(before.value), before.name);
            (!greater).then(|| (index + 1, Miss::of(seen)))
        })
        .collect()
}

fn differing(members: &[Member<'_>], wanted: &Wanted) -> Vec<GroupMiss> {
    let wanted = wanted.items();
    if members.len() != wanted.len() {
        let seen = format!("{} instead of {}", plural(members.len(), "item"), wanted.len());
        return vec![(members.len().saturating_sub(1), Miss::of(seen))];
    }
    members
        .iter()
        .zip(wanted)
        .enumerate()
        .filter(|(_, (member, wanted))| !same(member.value, wanted))
        .map(|(index, (member, wanted))| {
            (index, Miss { expected: Some(show(wanted)), ..Miss::value(member.value) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn misses(name: &str, operand: &Value, values: &[Value]) -> Vec<GroupMiss> {
        let members: Vec<Member<'_>> = values
            .iter()
            .enumerate()
            .map(|(index, value)| Member { value, name: format!("event {index}") })
            .collect();
        Predicate::new(name, operand).unwrap().misses_together(&members)
    }

    #[test]
    fn each_predicate_holds_on_some_values_and_fails_on_others() {
        let table = [
            ("all_same", json!(true), json!(["a", "a"]), json!(["a", "b", "a"]), 1),
            ("all_same", json!(false), json!(["a", "b"]), json!(["a", "a"]), 1),
            ("distinct", json!(true), json!(["a", "b", 1]), json!(["a", 1, "a"]), 2),
            ("distinct", json!(true), json!([1, 2]), json!([1, 1.0]), 1),
            ("distinct", json!(false), json!(["a", "a"]), json!(["a", "b"]), 1),
            ("increasing", json!(true), json!([1, 2, 3.5]), json!([1, 2, 2]), 2),
            ("increasing", json!(true), json!(["a", "b"]), json!(["b", "a"]), 1),
            ("increasing", json!(false), json!([2, 1]), json!([1, 2]), 1),
            ("one_of", json!([[0, 1], [1, 0]]), json!([1, 0]), json!([0, 0]), 1),
            ("same_as", json!(["a", "b"]), json!(["a", "b"]), json!(["a", "c"]), 1),
            ("same_as", json!(["a", "b"]), json!(["a", "b"]), json!(["a"]), 0),
        ];
        for (name, operand, good, bad, at) in table {
            assert_eq!(misses(name, &operand, good.as_array().unwrap()), [], "{name} on {good}");
            let shown = misses(name, &operand, bad.as_array().unwrap());
            assert_eq!(shown.first().map(|miss| miss.0), Some(at), "{name} on {bad}");
        }
    }

    #[test]
    fn a_message_names_the_other_value_and_its_place() {
        let shown = misses("all_same", &json!(true), &[json!("a"), json!("b")]);
        assert_eq!(shown[0].1.expected.as_deref(), Some("`\"a\"` as in event 0"));
        let shown = misses("distinct", &json!(true), &[json!("a"), json!("a")]);
        assert_eq!(shown[0].1.seen, "`\"a\"` again, as in event 0");
    }
}
