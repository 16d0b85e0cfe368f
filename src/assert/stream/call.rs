//! Tool calls as they come in fragments.

use serde_json::Value;

use super::NO_CALL;
use super::look::{Look, is_text};
use crate::verdict::{Evidence, Judgement, Place};

/// One item of a delta's `tool_calls`.
#[derive(Clone)]
pub(super) struct Fragment<'a> {
    /// Its place among all fragments.
    pub(super) number: usize,
    /// The event's number, from 0.
    pub(super) event: usize,
    /// The choice's index.
    pub(super) choice: u64,
    /// JSON pointer of the fragment in the event's data.
    pub(super) pointer: String,
    /// What it is.
    pub(super) value: &'a Value,
}

impl<'a> Fragment<'a> {
    /// `index`, if it is a whole number.
    pub(super) fn index(&self) -> Option<u64> {
        self.value.get("index").and_then(Value::as_u64)
    }

    /// A value of the fragment, as a place.
    pub(super) fn place(&self, look: &Look<'_>, below: &str, label: &str) -> Place {
        look.place(self.event, &format!("{}{below}", self.pointer), label)
    }

    /// `function.<key>`.
    pub(super) fn function(&self, key: &str) -> Option<&'a Value> {
        self.value.get("function")?.get(key)
    }

    /// `id`, if it is a text with something in it.
    fn id(&self) -> Option<&'a str> {
        self.value.get("id").and_then(Value::as_str).filter(|id| !id.is_empty())
    }
}

/// The fragments of one call.
pub(super) struct Call<'a> {
    /// In order; at least one.
    pub(super) fragments: Vec<Fragment<'a>>,
}

impl<'a> Call<'a> {
    /// The first fragment.
    pub(super) fn first(&self) -> Option<&Fragment<'a>> {
        self.fragments.first()
    }

    /// The fragment that says who the call is: the first with an id or a name.
    pub(super) fn opening(&self) -> Option<&Fragment<'a>> {
        let says = |part: &&Fragment<'_>| part.id().is_some() || is_text(part.function("name"));
        self.fragments.iter().find(says).or_else(|| self.first())
    }

    /// The arguments, joined; other things than texts are left out.
    pub(super) fn arguments(&self) -> String {
        self.fragments.iter().filter_map(|part| part.function("arguments")?.as_str()).collect()
    }

    /// The call's id, from the first fragment that has one.
    pub(super) fn id(&self) -> Option<&'a str> {
        self.fragments.iter().find_map(Fragment::id)
    }
}

/// Every fragment, in order.
pub(super) fn fragments<'a>(look: &Look<'a>) -> Vec<Fragment<'a>> {
    let mut fragments: Vec<Fragment<'a>> = look
        .choices()
        .flat_map(|choice| {
            let calls = choice.delta().and_then(|delta| delta.get("tool_calls")?.as_array());
            calls.into_iter().flatten().enumerate().map(move |(position, value)| Fragment {
                number: 0,
                event: choice.event,
                choice: choice.index(),
                pointer: choice.pointer(&format!("/delta/tool_calls/{position}")),
                value,
            })
        })
        .collect();
    for (number, fragment) in fragments.iter_mut().enumerate() {
        fragment.number = number;
    }
    fragments
}

/// The fragments sorted into calls, as leniently as a reader could: by index, but a fragment that
/// brings another id and a name begins a call even when the index says otherwise. So a wrong index
/// is one fault, and not also broken arguments.
pub(super) fn calls<'a>(look: &Look<'a>) -> Vec<Call<'a>> {
    let mut calls: Vec<Call<'a>> = Vec::new();
    for fragment in fragments(look) {
        let same_index = |call: &&mut Call<'a>| {
            call.first().is_some_and(|first| {
                first.choice == fragment.choice
                    && (fragment.index().is_none() || first.index() == fragment.index())
            })
        };
        let begins = is_text(fragment.function("name"));
        match calls.iter_mut().rev().find(same_index) {
            // A call that has no id yet may still get one.
            Some(call) if !(begins && call.id().is_some_and(|id| is_another(&fragment, id))) => {
                call.fragments.push(fragment);
            }
            _ => calls.push(Call { fragments: vec![fragment] }),
        }
    }
    calls
}

fn is_another(fragment: &Fragment<'_>, id: &str) -> bool {
    fragment.id().is_some_and(|other| other != id)
}

/// Judges every fragment on its own.
pub(super) fn each_fragment(
    look: &Look<'_>,
    judge: impl FnMut(&Fragment<'_>) -> Option<Evidence>,
) -> Judgement {
    let fragments = fragments(look);
    if fragments.is_empty() {
        return Judgement::cannot_tell(NO_CALL);
    }
    Judgement::from_evidence(fragments.iter().filter_map(judge).collect())
}

/// Judges every call on its own.
pub(super) fn each_call(
    look: &Look<'_>,
    judge: impl FnMut(&Call<'_>) -> Vec<Evidence>,
) -> Judgement {
    let calls = calls(look);
    if calls.is_empty() {
        return Judgement::cannot_tell(NO_CALL);
    }
    Judgement::from_evidence(calls.iter().flat_map(judge).collect())
}

/// What several rules say together.
pub(super) fn together(judgements: impl IntoIterator<Item = Judgement>) -> Judgement {
    let mut pieces = Vec::new();
    let mut untold = None;
    for judgement in judgements {
        match judgement {
            Judgement::Holds => {}
            Judgement::Fails(evidence) => pieces.extend(evidence),
            Judgement::CannotTell { why } => {
                untold.get_or_insert(why);
            }
        }
    }
    match untold {
        Some(why) if pieces.is_empty() => Judgement::CannotTell { why },
        _ => Judgement::from_evidence(pieces),
    }
}
