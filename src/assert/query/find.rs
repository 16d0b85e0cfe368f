//! A query at work: from a scene to items.

use serde_json::Value;

use super::apply::Flow;
use super::item::{At, Item, Part};
use super::root::{Base, base};
use super::walk::{position, slice, walk};
use super::{Query, Root, Segment};
use crate::assert::scene::{Scene, Seen};
use crate::text::plural;
use crate::verdict::Place;

/// What a query has found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The values that are there, each with its place. More than one only if
    /// [`Query::is_many`].
    Values(Vec<(Place, Value)>),
    /// What the query starts from is not there.
    CannotTell {
        /// In a clause: `the body is not JSON: …`.
        why: String,
    },
}

/// What a query has found, with what it has not.
#[derive(Debug)]
pub(in crate::assert) struct Answer<'a> {
    /// Every place it came to.
    pub(in crate::assert) items: Vec<Item<'a>>,
    /// Whether it may be any number.
    pub(in crate::assert) many: bool,
    /// Why nothing could be told of some exchange (or of the only one).
    pub(in crate::assert) untold: Option<String>,
    /// Where it looked, as a whole.
    pub(in crate::assert) whole: At<'a>,
    /// The exchanges it looked at.
    pub(in crate::assert) asked: Vec<&'a Seen>,
    /// Whether it looked at the body, which an early end of ours leaves unfinished.
    pub(in crate::assert) reads_body: bool,
}

impl Query {
    /// Looks for it in a scene.
    pub fn find(&self, scene: &Scene<'_>) -> Found {
        let answer = self.answer(scene, false);
        match answer.untold {
            Some(why) => Found::CannotTell { why },
            None => Found::Values(
                answer
                    .items
                    .into_iter()
                    .filter_map(|Item { at, value }| {
                        Some((at.place("", None, ""), value.ok()?.into_owned()))
                    })
                    .collect(),
            ),
        }
    }

    /// Looks for it in a scene, and keeps what is missing.
    pub(in crate::assert) fn answer<'a>(&self, scene: &Scene<'a>, allow_empty: bool) -> Answer<'a> {
        let mut answer = Answer {
            items: Vec::new(),
            many: self.scope.all
                || matches!(self.root, Root::Headers(_))
                || self.path.iter().any(Segment::is_many),
            untold: None,
            whole: At::new(None, "", Part::Named(self.text.clone())),
            asked: Vec::new(),
            reads_body: self.root.reads_body(),
        };
        match self.look_at(scene) {
            Err(why) => answer.untold = Some(why),
            Ok(looks) => {
                for (seen, owner) in looks {
                    answer.asked.extend(seen);
                    match self.look(seen, &owner, scene) {
                        Ok((whole, items)) => {
                            answer.whole = whole;
                            answer.items.extend(items);
                        }
                        Err(why) => {
                            answer.untold.get_or_insert(format!("{owner}{why}"));
                        }
                    }
                }
            }
        }
        // With nothing found anywhere there is nothing to filter: `count` would say 0.
        if answer.untold.is_some() && answer.items.is_empty() {
            return answer;
        }
        let Answer { items, many, whole, .. } = answer;
        let flow = Flow { items, many, whole, allow_empty };
        let flow = self.filters.iter().fold(flow, Flow::apply);
        Answer { items: flow.items, many: flow.many, whole: flow.whole, ..answer }
    }

    /// The exchanges it speaks of, and how to call each.
    fn look_at<'a>(&self, scene: &Scene<'a>) -> Result<Vec<(Option<&'a Seen>, String)>, String> {
        if matches!(self.root, Root::Var(_)) {
            return Ok(vec![(None, String::new())]);
        }
        let current = scene.steps.get(scene.current);
        let (step, owner) = match &self.scope.step {
            None => (current.ok_or("no step has run")?, String::new()),
            Some(name) => {
                let step = scene.step(name).ok_or_else(|| format!("step `{name}` has not run"))?;
                (step, format!("step `{name}`, "))
            }
        };
        if self.scope.all {
            let several = step.copies.len() > 1;
            let name = |number: usize| {
                if several { format!("{owner}copy {number}, ") } else { owner.clone() }
            };
            return Ok(step
                .copies
                .iter()
                .enumerate()
                .map(|(copy, seen)| (Some(*seen), name(copy)))
                .collect());
        }
        let copy =
            if current.is_some_and(|current| std::ptr::eq(current, step)) { scene.copy } else { 0 };
        let seen = step.copies.get(copy).ok_or("the step has no exchange")?;
        Ok(vec![(Some(*seen), owner)])
    }

    fn look<'a>(
        &self,
        seen: Option<&'a Seen>,
        owner: &str,
        scene: &Scene<'a>,
    ) -> Result<(At<'a>, Vec<Item<'a>>), String> {
        match base(&self.root, seen, owner, scene)? {
            Base::One(item) => {
                let whole = item.at.clone();
                Ok((whole, walk(vec![item], &self.path)))
            }
            Base::List { whole, noun, items } => {
                let (first, rest) = match self.path.split_first() {
                    Some((first, rest)) => (Some(first), rest),
                    // `headers.x` names its lines without a bracket.
                    None if matches!(self.root, Root::Headers(_)) => {
                        (Some(&Segment::Every), [].as_slice())
                    }
                    None => (None, [].as_slice()),
                };
                let picked = pick(&whole, noun, items, first);
                Ok((whole, walk(picked, rest)))
            }
        }
    }
}

/// Items of a list that a first segment names; without one, the list as one array.
fn pick<'a>(
    whole: &At<'a>,
    noun: &str,
    items: Vec<Item<'a>>,
    first: Option<&Segment>,
) -> Vec<Item<'a>> {
    match first {
        None => {
            let all = items.into_iter().filter_map(|item| item.value.ok());
            let array = Value::Array(all.map(std::borrow::Cow::into_owned).collect());
            vec![Item { at: whole.clone(), value: Ok(std::borrow::Cow::Owned(array)) }]
        }
        Some(Segment::Index(index)) => {
            let len = items.len();
            let picked = position(len, *index).and_then(|place| items.into_iter().nth(place));
            vec![picked.unwrap_or_else(|| Item {
                at: whole.clone(),
                value: Err(format!("{}, and none at {index}", plural(len, noun))),
            })]
        }
        Some(Segment::Slice(from, to)) => {
            let range = slice(items.len(), *from, *to);
            items.into_iter().skip(range.start).take(range.len()).collect()
        }
        Some(Segment::Every | Segment::Name(_) | Segment::Names(_)) => items,
    }
}
