//! The check loop: cases in suite order, a few at once, told in order; those that load the server or may take it down
//! last, one by one.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::case;
use super::sender::Sender;
use super::stopper::Stopper;
use crate::clock::Clock;
use crate::profile::Profile;
use crate::record::{CaseRecord, RunEvent, TargetMeta};
use crate::suite::load::Loaded;
use crate::suite::{At, Case};
use crate::transcript::Exchange;
use crate::transport::Transport;
use crate::transport::target::{KEY_PLACEHOLDER, Target};

/// The tag of cases that may take a server down.
const DESTRUCTIVE: &str = "destructive";
/// The capability of a server that takes many requests at once.
const LOAD: &str = "load";

/// Takes what a run brings forth, as it comes.
pub trait Sink {
    /// A case was judged, or there is a doubt about the run.
    fn event(&mut self, event: RunEvent);
    /// An exchange ended. It comes before the first case that was judged on it.
    fn exchange(&mut self, exchange: &Exchange);
}

/// Everything that checking one target needs.
#[derive(Debug)]
pub struct Check<'a, T> {
    /// What carries the requests.
    pub transport: &'a T,
    /// Where they go.
    pub target: &'a Target,
    /// The target as the record names it.
    pub meta: &'a TargetMeta,
    /// What is known of it.
    pub profile: &'a Profile,
    /// The suites and, in each, the selected cases.
    pub plan: Vec<(&'a Loaded, Vec<&'a At<Case>>)>,
    /// For durations in the record.
    pub clock: Clock,
    /// For expiry dates.
    pub today: NaiveDate,
    /// Settings.
    pub options: Options,
}

/// Settings of a check.
#[derive(Clone, Debug)]
pub struct Options {
    /// Cases under way at once.
    pub concurrency: usize,
    /// The seed of nonces.
    pub seed: u64,
    /// Whether identical requests are sent once.
    pub share: bool,
    /// Whether exchange ids carry the target's name, because there are several.
    pub several: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { concurrency: 4, seed: 0, share: true, several: false }
    }
}

/// Runs every planned case; `false` when `stopper` ended it early. Cases that were not run leave
/// no event.
pub async fn check<T: Transport>(
    check: &Check<'_, T>,
    sink: &mut impl Sink,
    stopper: &Stopper,
) -> bool {
    let sender =
        Sender::new(check.transport, &check.meta.name, check.options.several, check.options.share);
    let limits = limits(check.profile);
    let base = base(&check.meta.model, &limits);
    let cases = |turn: Turn| {
        check
            .plan
            .iter()
            .flat_map(|(loaded, cases)| cases.iter().map(move |case| (*loaded, *case)))
            .filter(move |(_, case)| Turn::of(case) == turn)
    };
    let run = |(loaded, case)| case::run(check, &sender, &base, &limits, loaded, case);
    let mut running = stream::iter(cases(Turn::Any))
        .map(run)
        .buffered(check.options.concurrency.max(1))
        .chain(stream::iter(cases(Turn::Alone)).map(run).buffered(1))
        .chain(stream::iter(cases(Turn::Last)).map(run).buffered(1));
    loop {
        let record: Option<CaseRecord> = tokio::select! {
            biased;
            () = stopper.stopped() => {
                drop(running);
                flush(&sender, sink);
                return false;
            }
            record = running.next() => record,
        };
        flush(&sender, sink);
        match record {
            Some(record) => sink.event(RunEvent::Case(Box::new(record))),
            None => return true,
        }
    }
}

/// When a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Beside others.
    Any,
    /// After those, one by one: it fills the server, and what others ask meanwhile would wait.
    Alone,
    /// At the end, one by one: a case that may take the server down takes no other with it.
    Last,
}

impl Turn {
    fn of(case: &Case) -> Self {
        if case.tags.iter().any(|tag| tag == DESTRUCTIVE) {
            Self::Last
        } else if case.needs.iter().any(|need| need.value == LOAD) {
            Self::Alone
        } else {
            Self::Any
        }
    }
}

fn flush<T: Transport>(sender: &Sender<'_, T>, sink: &mut impl Sink) {
    for seen in sender.drain() {
        sink.exchange(&seen.exchange);
    }
    for warning in sender.drain_warnings() {
        sink.event(RunEvent::Warning(warning));
    }
}

/// What templates and assertions can name as `limits`.
pub(super) fn limits(profile: &Profile) -> BTreeMap<String, Value> {
    match serde_json::to_value(&profile.limits) {
        Ok(Value::Object(map)) => map.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

/// What every template can name, besides the attempt's own.
pub(super) fn base(model: &str, limits: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    [
        ("model", model.into()),
        ("limits", limits.clone().into_iter().collect()),
        // The transport puts the secret in its place; here, and in every message, only the mark is.
        ("key", KEY_PLACEHOLDER.into()),
    ]
    .map(|(name, value): (&str, Value)| (name.to_owned(), value))
    .into()
}
