//! From an assertion and a scene to a judgement.

use std::borrow::Cow;

use serde_json::Value;

use super::assertion::Assertion;
use super::operand::type_phrase;
use super::predicate::{Member, Miss, Predicate, Wanted};
use super::query::{Answer, At, Item, Query};
use super::scene::{Scene, Seen};
use super::stream;
use crate::text::plural;
use crate::transcript::End;
use crate::verdict::{Evidence, Judgement};

/// How many pieces of evidence one judgement holds; the last one counts the rest.
const EVIDENCE_MAX: usize = 5;

impl Assertion {
    /// Judges it, whatever its `if` says: ask [`condition`](Self::condition) first.
    ///
    /// What is not there to be judged (no stream, no JSON, no response) is not the assertion's
    /// fault: then nothing can be told, so that one fault fails one check and not fifty.
    pub fn judge(&self, scene: &Scene<'_>) -> Judgement {
        let judgement = match (&self.that, &self.stream) {
            (_, Some(spec)) => stream::judge(spec, scene),
            (Some(that), None) => match Query::parse(that) {
                Ok(query) => self.judge_query(&query, scene),
                Err(error) => Judgement::cannot_tell(error.to_string()),
            },
            (None, None) => Judgement::cannot_tell("the assertion asks nothing"),
        };
        self.finish(judgement)
    }

    fn judge_query(&self, query: &Query, scene: &Scene<'_>) -> Judgement {
        let mut predicates = Vec::new();
        for (name, operand) in self.predicates() {
            match Predicate::new(name, operand) {
                Ok(predicate) => predicates.push(predicate),
                Err(problem) => return Judgement::cannot_tell(problem),
            }
        }
        let answer = query.answer(scene, self.allow_empty);
        if let (Some(why), []) = (&answer.untold, answer.items.as_slice()) {
            return Judgement::cannot_tell(why.clone());
        }
        let judgement = match predicates.pop() {
            None => self.judge_count(&answer),
            Some(mut predicate) => match resolve(&mut predicate, scene) {
                Ok(()) => self.judge_predicate(&predicate, &answer),
                Err(judgement) => judgement,
            },
        };
        let judgement = match (judgement, &answer.untold) {
            // The copies that could be judged are in order; of the others nothing is known.
            (Judgement::Holds, Some(why)) => Judgement::cannot_tell(why.clone()),
            (judgement, _) => judgement,
        };
        if query.is_about_the_end() { judgement } else { excuse(judgement, &answer) }
    }

    fn judge_predicate(&self, predicate: &Predicate, answer: &Answer<'_>) -> Judgement {
        let items = &answer.items;
        if items.is_empty() {
            let fine =
                self.allow_empty || predicate.holds_on_no_item() || self.wanted_count() == Some(0);
            if fine {
                return Judgement::Holds;
            }
            let expected = format!("{}, for at least one item", predicate.expected());
            return Judgement::fail(expected, "no item", answer.whole.place("", None, ""));
        }
        if predicate.is_about_all(answer.many) {
            return judge_together(predicate, answer);
        }
        let judged: Vec<Vec<Evidence>> =
            items.iter().map(|item| evidence(predicate, item)).collect();
        let held = judged.iter().filter(|evidence| evidence.is_empty()).count();
        match self.wanted_count() {
            Some(wanted) if held == wanted => return Judgement::Holds,
            Some(wanted) => {
                let expected =
                    format!("{} of which: {}", plural(wanted, "item"), predicate.expected());
                let seen = format!("{held} of {}", plural(items.len(), "item"));
                return Judgement::fail(expected, seen, answer.whole.place("", None, ""));
            }
            None if self.any && held > 0 => return Judgement::Holds,
            None => {}
        }
        let mut evidence: Vec<Evidence> = judged.into_iter().flatten().collect();
        if self.any {
            for piece in &mut evidence {
                piece.expected = format!("{}, for at least one item", piece.expected);
            }
        }
        Judgement::from_evidence(evidence)
    }

    /// `count` alone: so many items, or so many in the one array.
    fn judge_count(&self, answer: &Answer<'_>) -> Judgement {
        let Some(wanted) = self.wanted_count() else {
            return Judgement::cannot_tell("the assertion has no predicate");
        };
        let present = || answer.items.iter().filter(|item| item.value.is_ok());
        let (found, place) = if answer.many {
            (present().count(), present().nth(wanted).map_or(&answer.whole, |item| &item.at))
        } else {
            match present().next() {
                None => (0, &answer.whole),
                Some(item) => match item.value.as_deref() {
                    Ok(Value::Array(items)) => (items.len(), &item.at),
                    Ok(Value::Object(fields)) => (fields.len(), &item.at),
                    Ok(Value::Null) | Err(_) => (0, &item.at),
                    Ok(_) => (1, &item.at),
                },
            }
        };
        if found == wanted {
            return Judgement::Holds;
        }
        Judgement::fail(plural(wanted, "item"), plural(found, "item"), place.place("", None, ""))
    }

    fn wanted_count(&self) -> Option<usize> {
        self.count.0.as_ref().and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok())
    }

    /// The label in place of what was generated, and no more evidence than anyone reads.
    fn finish(&self, judgement: Judgement) -> Judgement {
        let Judgement::Fails(mut evidence) = judgement else { return judgement };
        if let Some(label) = &self.label {
            for piece in &mut evidence {
                piece.expected.clone_from(label);
            }
        }
        let rest = evidence.len().saturating_sub(EVIDENCE_MAX);
        evidence.truncate(EVIDENCE_MAX);
        if let (true, Some(last)) = (rest > 0, evidence.last_mut()) {
            last.seen = format!("{} (and {} more like these)", last.seen, plural(rest, "place"));
        }
        Judgement::Fails(evidence)
    }
}

/// Asks the queries that stand as operands.
fn resolve(predicate: &mut Predicate, scene: &Scene<'_>) -> Result<(), Judgement> {
    let Some(wanted) = predicate.wanted_mut() else { return Ok(()) };
    let Wanted::Query(query) = wanted else { return Ok(()) };
    let answer = query.answer(scene, true);
    if let Some(why) = answer.untold {
        return Err(Judgement::cannot_tell(why));
    }
    let text = query.to_string();
    let mut values = Vec::new();
    for Item { at, value } in answer.items {
        match value {
            Ok(value) => values.push(value.into_owned()),
            Err(seen) => {
                let expected = format!("a value at `{text}` to compare with");
                return Err(Judgement::fail(expected, seen, at.place("", None, "")));
            }
        }
    }
    let value = if answer.many {
        Value::Array(values)
    } else {
        values.into_iter().next().unwrap_or_default()
    };
    *wanted = Wanted::Found { value, many: answer.many, query: text };
    Ok(())
}

fn evidence(predicate: &Predicate, item: &Item<'_>) -> Vec<Evidence> {
    match &item.value {
        Ok(value) => predicate
            .misses(value)
            .into_iter()
            .map(|miss| piece(predicate, miss, &item.at))
            .collect(),
        Err(_) if predicate.holds_on_nothing() => Vec::new(),
        Err(why) => vec![Evidence {
            expected: predicate.expected(),
            seen: why.clone(),
            place: item.at.place("", None, ""),
        }],
    }
}

fn piece(predicate: &Predicate, miss: Miss, at: &At<'_>) -> Evidence {
    Evidence {
        expected: miss.expected.unwrap_or_else(|| predicate.expected()),
        seen: miss.seen,
        place: at.place(&miss.below, miss.offset, ""),
    }
}

/// Predicates about several values: the items, or what is in the one array.
fn judge_together(predicate: &Predicate, answer: &Answer<'_>) -> Judgement {
    let absent: Vec<Evidence> = answer
        .items
        .iter()
        .filter(|item| item.value.is_err())
        .flat_map(|item| evidence(predicate, item))
        .collect();
    if !absent.is_empty() {
        return Judgement::Fails(absent);
    }
    let places: Vec<(&At<'_>, String)>;
    let members: Vec<Member<'_>>;
    if answer.many {
        let present =
            || answer.items.iter().filter_map(|item| Some((item, item.value.as_deref().ok()?)));
        places = present().map(|(item, _)| (&item.at, String::new())).collect();
        members = present().map(|(item, value)| Member { value, name: item.at.name() }).collect();
    } else {
        let Some(Item { at, value: Ok(value) }) = answer.items.first() else {
            return Judgement::cannot_tell("there is nothing to compare");
        };
        let Value::Array(values) = Cow::as_ref(value) else {
            let seen = format!("{}, not several values", type_phrase(value));
            return Judgement::fail(predicate.expected(), seen, at.place("", None, ""));
        };
        places = (0..values.len()).map(|index| (at, format!("/{index}"))).collect();
        members = values
            .iter()
            .enumerate()
            .map(|(index, value)| Member { value, name: format!("item {index}") })
            .collect();
    }
    let misses = predicate.misses_together(&members);
    let evidence = misses.into_iter().map(|(index, mut miss)| match places.get(index) {
        Some((at, below)) => {
            miss.below = format!("{below}{}", miss.below);
            piece(predicate, miss, at)
        }
        None => Evidence {
            expected: predicate.expected(),
            seen: miss.seen,
            place: answer.whole.place("", None, ""),
        },
    });
    Judgement::from_evidence(evidence.collect())
}

/// A failure on an exchange that we cut ourselves may be the cut's doing and not the endpoint's.
fn excuse(judgement: Judgement, answer: &Answer<'_>) -> Judgement {
    if !matches!(judgement, Judgement::Fails(_)) {
        return judgement;
    }
    match answer.asked.iter().find_map(|seen| cut_by_us(seen, answer.reads_body)) {
        Some(why) => Judgement::cannot_tell(why),
        None => judgement,
    }
}

/// Why a failure on this exchange may be our own doing. An early leave or a full buffer excuses
/// only what is read from the body; a deadline or an interrupt excuses everything.
pub(super) fn cut_by_us(seen: &Seen, reads_body: bool) -> Option<String> {
    let end = &seen.exchange.end;
    let ours = match end {
        End::TimedOut { .. } | End::Interrupted => true,
        End::Left | End::LimitReached { .. } => reads_body,
        _ => false,
    };
    ours.then(|| format!("the exchange was cut on our side: {}", end.describe()))
}

#[cfg(test)]
mod tests;
