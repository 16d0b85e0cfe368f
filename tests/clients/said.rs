//! What a real client handed over or raised, and how that is held against a lens.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use proofhouse::lens::{Answer, Call, Lens, MADE_UP_COUNT, MADE_UP_ID, Outcome, Taken, Usage};
use serde::{Deserialize, Serialize};

use crate::play::Play;

/// A driver's answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Said {
    #[serde(default, skip_serializing)]
    pub(crate) id: String,
    /// `returns`, `raises` or `hangs`.
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exception: Option<String>,
    #[serde(default, skip_serializing)]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finish_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    /// Further choices, where the driver tells of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    others: Option<Vec<Other>>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Other {
    text: Option<String>,
    #[serde(default)]
    tool_calls: Vec<Call>,
    finish_reason: Option<String>,
}

/// What a client said the last time it was asked.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Kept {
    fault: String,
    scenario: String,
    pub(crate) digest: String,
    pub(crate) said: Said,
}

/// Where a lens and its client part, each in a clause.
pub(crate) fn differences(taken: &Taken, said: &Said) -> Vec<String> {
    let mut found = Vec::new();
    let mut hold = |what: &str, lens: String, client: String| {
        if lens != client {
            found.push(format!("{what}: the lens says {lens}, the client {client}"));
        }
    };
    let (outcome, exception) = match &taken.outcome {
        Outcome::Returns => ("returns", None),
        Outcome::Raises { exception, .. } => ("raises", Some(exception.clone())),
        Outcome::Hangs => ("hangs", None),
    };
    let outcomes = (outcome.to_owned(), said.outcome.clone());
    let class = |name: Option<String>| name.unwrap_or_else(|| "nothing".to_owned());
    let message = said.message.as_deref().unwrap_or_default();
    hold("outcome", outcomes.0.clone(), outcomes.1.clone());
    if outcome == "raises" || (outcomes.0 != outcomes.1 && said.outcome == "raises") {
        let client = class(said.exception.clone());
        let lens = class(exception);
        if lens != client {
            hold("exception", lens, format!("{client} ({message})"));
        }
    }
    let answer = &taken.answer;
    hold("text", text(answer.text.as_deref()), text(said.text.as_deref()));
    if outcome == "returns" && said.outcome == "returns" {
        hold("reasoning", text(answer.reasoning.as_deref()), text(said.reasoning.as_deref()));
        hold("tool calls", json(&calls(answer, said)), json(&said.tool_calls));
        hold("finish_reason", json(&answer.finish_reason), json(&said.finish_reason));
        hold("usage", json(&usage(answer, said)), json(&said.usage));
        if let Some(others) = &said.others {
            hold("further choices", json(&others_of(answer)), json(others));
        }
    }
    found
}

/// The calls of a lens, with the client's own id where the lens can only say that there is one.
fn calls(answer: &Answer, said: &Said) -> Vec<Call> {
    let mut calls = answer.tool_calls.clone();
    for (call, told) in calls.iter_mut().zip(&said.tool_calls) {
        if call.id.as_deref() == Some(MADE_UP_ID) && told.id.is_some() {
            call.id.clone_from(&told.id);
        }
    }
    calls
}

/// The token counts of a lens, with the client's own where the lens can only say that it makes some
/// up.
fn usage(answer: &Answer, said: &Said) -> Option<Usage> {
    let mut usage = answer.usage.clone()?;
    if let Some(told) = &said.usage {
        for (count, told) in [
            (&mut usage.prompt_tokens, &told.prompt_tokens),
            (&mut usage.completion_tokens, &told.completion_tokens),
            (&mut usage.total_tokens, &told.total_tokens),
        ] {
            if *count == MADE_UP_COUNT && told.is_u64() {
                count.clone_from(told);
            }
        }
    }
    Some(usage)
}

fn others_of(answer: &Answer) -> Vec<Other> {
    let other = |answer: &Answer| Other {
        text: answer.text.clone(),
        tool_calls: answer.tool_calls.clone(),
        finish_reason: answer.finish_reason.clone(),
    };
    answer.others.iter().map(other).collect()
}

/// No text and an empty one are the same to a caller.
fn text(text: Option<&str>) -> String {
    format!("{:?}", text.unwrap_or_default())
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn path(lens: &Lens) -> PathBuf {
    format!("{}/fixtures/lens/{}.jsonl", env!("CARGO_MANIFEST_DIR"), lens.id).into()
}

/// What is kept of a client, by fault and scenario; nothing if it was never asked.
pub(crate) fn kept(lens: &Lens) -> BTreeMap<(String, String), Kept> {
    let text = fs::read_to_string(path(lens)).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str::<Kept>(line).unwrap())
        .map(|kept| ((kept.fault.clone(), kept.scenario.clone()), kept))
        .collect()
}

/// Keeps what a client said.
pub(crate) fn keep(lens: &Lens, plays: &[&Play], said: &BTreeMap<String, Said>) {
    let mut text = String::new();
    for play in plays {
        let Some(said) = said.get(&play.id) else { continue };
        let kept = Kept {
            fault: play.fault.clone(),
            scenario: play.scenario.clone(),
            digest: play.digest.clone(),
            said: said.clone(),
        };
        let _ = writeln!(text, "{}", serde_json::to_string(&kept).unwrap());
    }
    let path = path(lens);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
