//! What the mock does wrong on request: named, small, and to be combined.

mod agent;
mod batches;
mod chat;
mod chunks;
mod crowd;
#[cfg(test)]
mod effect;
mod errors;
mod errstream;
mod finish;
mod history;
mod http;
mod limits;
mod logprobs;
mod models;
mod reach;
mod reasoning;
mod responses;
mod responses_kept;
mod responses_stream;
mod responses_tools;
mod streaming;
mod structured;
mod tools;
mod toolstream;
mod usage;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use thiserror::Error;

use super::act::Act;
use crate::text::did_you_mean;

/// One thing that the mock does wrong on request.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Its name, as in `--fault sse-no-done`.
    pub name: &'static str,
    /// What it does, in a clause.
    pub does: &'static str,
    /// Whether it is only strange: a conforming reader copes, so no check should fail on it.
    pub legal: bool,
    pub(crate) acts: &'static [Act],
}

impl Fault {
    const fn new(name: &'static str, does: &'static str, acts: &'static [Act]) -> Self {
        Self { name, does, legal: false, acts }
    }

    const fn legal(name: &'static str, does: &'static str, acts: &'static [Act]) -> Self {
        Self { name, does, legal: true, acts }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every fault there is, by area.
pub fn faults() -> &'static [Fault] {
    static ALL: LazyLock<Vec<Fault>> =
        LazyLock::new(|| AREAS.iter().copied().flatten().copied().collect());
    &ALL
}

/// The fault of that name.
pub(crate) fn named(name: &str) -> Option<&'static Fault> {
    faults().iter().find(|fault| fault.name == name)
}

const AREAS: [&[Fault]; 23] = [
    streaming::FAULTS,
    chunks::FAULTS,
    finish::FAULTS,
    chat::FAULTS,
    tools::FAULTS,
    history::FAULTS,
    agent::FAULTS,
    toolstream::FAULTS,
    structured::FAULTS,
    usage::FAULTS,
    limits::FAULTS,
    logprobs::FAULTS,
    reasoning::FAULTS,
    models::FAULTS,
    errors::FAULTS,
    errstream::FAULTS,
    http::FAULTS,
    crowd::FAULTS,
    responses::FAULTS,
    responses_tools::FAULTS,
    responses_kept::FAULTS,
    responses_stream::FAULTS,
    batches::FAULTS,
];

/// Faults at work together; applied in the order in which they are named.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<&'static Fault>);

impl Faults {
    /// The faults.
    pub fn iter(&self) -> impl Iterator<Item = &'static Fault> {
        self.0.iter().copied()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|fault| fault.name).collect();
        f.write_str(&names.join("+"))
    }
}

/// A fault's name that is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no fault `{name}`{}", hint.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default())]
pub struct UnknownFault {
    name: String,
    hint: Option<&'static str>,
}

impl FromStr for Faults {
    type Err = UnknownFault;

    /// Reads `a+b`; an empty text and `none` mean no fault.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let names = text.split('+').map(str::trim).filter(|name| !matches!(*name, "" | "none"));
        let find = |name: &str| {
            faults().iter().find(|fault| fault.name == name).ok_or_else(|| {
                let hint = did_you_mean(name, faults().iter().map(|fault| fault.name));
                UnknownFault { name: name.to_owned(), hint }
            })
        };
        names.map(find).collect::<Result<_, _>>().map(Self)
    }
}
