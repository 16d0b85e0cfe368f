//! One case: all cells of its matrix, all attempts, one record.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::attempt::{Attempt, Context};
use super::capability;
use super::cells::{Cell, cells};
use super::check::Check;
use super::sender::Sender;
use super::verdicts::{self, Decision};
use crate::profile::Capability;
use crate::record::{CaseRecord, Key, curl};
use crate::suite::load::Loaded;
use crate::suite::{At, Case, Repeat};
use crate::transport::Transport;
use crate::transport::target::KEY_PLACEHOLDER;
use crate::verdict::Verdict;

/// Runs one case and says what became of it.
pub(super) async fn run<T: Transport>(
    check: &Check<'_, T>,
    sender: &Sender<'_, T>,
    base: &BTreeMap<String, Value>,
    limits: &BTreeMap<String, Value>,
    loaded: &Loaded,
    case: &At<Case>,
) -> CaseRecord {
    let started = check.clock.now();
    let mut record = blank(check, loaded, case);
    let has_key = !check.target.auth.is_none();
    if let Some(why) = capability::not_offered(check.profile, has_key, case) {
        record.verdict = Verdict::Skipped;
        record.reason = Some(why);
        return record;
    }
    let excusable: Vec<&str> = case
        .needs
        .iter()
        .map(|need| need.as_str())
        .filter(|need| check.profile.capability(need) != Capability::Yes)
        .collect();
    let context = Context {
        loaded,
        case,
        sender,
        target: check.target,
        seed: check.options.seed,
        base,
        limits,
        excusable: &excusable,
    };
    let (attempts, decision) = match &case.repeat {
        None => once(&context).await,
        Some(repeat) => repeated(&context, repeat).await,
    };
    fill(&mut record, &attempts, decision, check);
    record.took = check.clock.now().since(started);
    record
}

async fn once<T: Transport>(context: &Context<'_, T>) -> (Vec<Attempt>, Decision) {
    let mut attempts = Vec::new();
    for cell in cells(&context.case.matrix) {
        attempts.push(context.attempt(&cell, 1).await);
    }
    let decision = verdicts::once(&attempts, &never_applied(&attempts));
    (attempts, decision)
}

/// Why assertions whose condition was met in no cell were not judged, in the order of the file.
fn never_applied(attempts: &[Attempt]) -> Vec<String> {
    let applied: BTreeSet<_> = attempts.iter().flat_map(|a| &a.applied).collect();
    let not_applied: BTreeMap<_, _> = attempts.iter().flat_map(|a| &a.not_applied).collect();
    not_applied
        .into_iter()
        .filter(|(place, _)| !applied.contains(place))
        .map(|(_, why)| why.clone())
        .collect()
}

async fn repeated<T: Transport>(
    context: &Context<'_, T>,
    repeat: &Repeat,
) -> (Vec<Attempt>, Decision) {
    let mut all = Vec::new();
    let mut worst: Option<Decision> = None;
    for cell in cells(&context.case.matrix) {
        let (attempts, decision) = repeated_cell(context, repeat, &cell).await;
        all.extend(attempts);
        // Verdicts are ordered gravest first; the worst cell speaks for the case.
        if worst.as_ref().is_none_or(|worst| decision.verdict < worst.verdict) {
            worst = Some(decision);
        }
    }
    let count = verdicts::count(&[], context.case.level);
    let decision = worst.unwrap_or_else(|| verdicts::repeated(repeat, count, context.case.level));
    (all, decision)
}

async fn repeated_cell<T: Transport>(
    context: &Context<'_, T>,
    repeat: &Repeat,
    cell: &Cell,
) -> (Vec<Attempt>, Decision) {
    let level = context.case.level;
    let mut attempts = run_some(context, repeat, cell, 1..=repeat.attempts).await;
    let most = repeat.max_attempts.unwrap_or(repeat.attempts);
    let mut next = repeat.attempts + 1;
    while next <= most && verdicts::is_open(repeat, verdicts::count(&attempts, level)) {
        let last = next.saturating_add(repeat.concurrency.max(1) - 1).min(most);
        attempts.extend(run_some(context, repeat, cell, next..=last).await);
        next = last + 1;
    }
    let decision = verdicts::repeated(repeat, verdicts::count(&attempts, level), level);
    (attempts, decision)
}

async fn run_some<T: Transport>(
    context: &Context<'_, T>,
    repeat: &Repeat,
    cell: &Cell,
    numbers: std::ops::RangeInclusive<u32>,
) -> Vec<Attempt> {
    let at_once = usize::try_from(repeat.concurrency.max(1)).unwrap_or(1);
    let attempts: Vec<_> = numbers.map(|number| context.attempt(cell, number)).collect();
    stream::iter(attempts).buffered(at_once).collect().await
}

fn blank<T>(check: &Check<'_, T>, loaded: &Loaded, case: &At<Case>) -> CaseRecord {
    CaseRecord {
        target: check.meta.name.clone(),
        id: case.id.value.clone(),
        suite: loaded.suite.suite.value.clone(),
        title: case.title.clone(),
        level: case.level,
        verdict: Verdict::Error,
        reason: None,
        findings: Vec::new(),
        why: case.why.clone(),
        source: case.source.clone(),
        hurts: case.hurts.clone(),
        provisional: case.provisional,
        file: loaded.origin.clone(),
        spot: case.spot,
        exchanges: Vec::new(),
        attempts: None,
        known: None,
        curl: None,
        took: crate::units::Nanos(0),
    }
}

fn fill<T>(
    record: &mut CaseRecord,
    attempts: &[Attempt],
    decision: Decision,
    check: &Check<'_, T>,
) {
    record.reason = decision.reason;
    record.attempts = decision.attempts;
    for attempt in attempts {
        for finding in &attempt.findings {
            if !record.findings.contains(finding) {
                record.findings.push(finding.clone());
            }
        }
        for id in &attempt.exchanges {
            if !record.exchanges.contains(id) {
                record.exchanges.push(id.clone());
            }
        }
    }
    let shown = attempts
        .iter()
        .find(|attempt| !attempt.findings.is_empty())
        .or(attempts.first())
        .and_then(|attempt| attempt.shown.as_ref());
    let auth = &check.target.auth;
    let key = Key { mark: KEY_PLACEHOLDER, variable: auth.variable() };
    record.curl = shown.map(|request| curl(request, (!auth.is_none()).then_some(key)));
    let refusal = attempts.iter().find_map(|attempt| attempt.refusal.as_ref());
    let (verdict, known) =
        verdicts::with_known(&record.id, decision.verdict, check.profile, check.today);
    record.verdict = verdict;
    record.known = known;
    if let Some((capability, words)) = refusal
        && matches!(
            decision.verdict,
            Verdict::Fail | Verdict::Warn | Verdict::Info | Verdict::Inconclusive
        )
    {
        record.verdict = Verdict::Unsupported;
        record.reason = Some(format!("`{capability}` {words}"));
        record.known = None;
    }
}
