//! Whether what the client saw fits what the server says, and both fit Little's law.

use super::ledger::Ledger;
use super::summary::{Facts, float, ratio};
use crate::record::load::{Little, ServerSide, Whole};
use crate::units::Nanos;

/// A share of the prompts that a cache had, from which on it is worth a word.
const HITS_DOUBT: f64 = 0.01;
/// Counts that differ by more than this share, and by more than one, are worth a word.
const COUNTS_DOUBT: f64 = 0.02;
/// In flight at the server and here: they are looked at at different moments.
const FLIGHT_DOUBT: f64 = 0.25;

/// What the client counted from the first request to the last.
pub(super) fn whole(ledger: &Ledger) -> Whole {
    Whole {
        good: ledger.finished - ledger.failed,
        failed: ledger.failed,
        prompt_tokens: ledger.prompt_whole,
        reply_tokens: ledger.reply_whole,
    }
}

/// Little's law over the measured window.
pub(super) fn little(ledger: &Ledger, facts: &Facts<'_>, window_s: f64) -> Option<Little> {
    let started = float(ledger.sent_measured);
    let rate_per_s = ratio(started, window_s)?;
    let mean_s = ratio(ledger.busy.as_secs_f64(), started)?;
    let from = facts.stages.warm;
    let whole_seconds = |at: Nanos| usize::try_from(at.0 / 1_000_000_000).unwrap_or(usize::MAX);
    let first = whole_seconds(from + Nanos(999_999_999));
    let end = Nanos::from(std::time::Duration::try_from_secs_f64(window_s).unwrap_or_default());
    let last = whole_seconds(from + end).max(first + 1);
    let seconds = ledger.seconds.iter().enumerate();
    let inside = seconds.filter(|(index, _)| (first..last).contains(index));
    let in_flight = mean(inside.map(|(_, second)| second.in_flight))?;
    let between = (from.as_millis_f64(), (from + end).as_millis_f64());
    let servers = facts.servers.iter().map(|server| at_server(server, between));
    let server = servers.flatten().reduce(|a, b| a + b);
    Some(Little { rate_per_s, mean_s, expected: rate_per_s * mean_s, in_flight, server })
}

/// What a server had at work and waiting, on average.
fn at_server(server: &ServerSide, (from, to): (f64, f64)) -> Option<f64> {
    let inside = server.samples.iter().filter(|sample| from < sample.at_ms && sample.at_ms < to);
    mean(inside.filter_map(|sample| Some(sample.running? + sample.queued.unwrap_or(0.0))))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_u32), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

/// Doubts that come of the server's side.
pub(super) fn doubts(ledger: &Ledger, facts: &Facts<'_>, little: Option<&Little>) -> Vec<String> {
    let mut doubts = Vec::new();
    for server in &facts.servers {
        of_server(server, ledger, &mut doubts);
        // Of a run that was continued the server is known for its last part only.
        if facts.breaks.is_empty() {
            counts(server, ledger, &mut doubts);
        }
    }
    if let Some(little) = little
        && let Some(server) = little.server
        && facts.breaks.is_empty()
        && (server - little.in_flight).abs() > (FLIGHT_DOUBT * little.in_flight).max(2.0)
    {
        doubts.push(format!(
            "{:.1} were in flight here and {server:.1} at the server: {}",
            little.in_flight,
            if server > little.in_flight {
                "somebody else uses it too; measure alone"
            } else {
                "requests wait somewhere in between, or it counts otherwise; look at proxies and front ends"
            }
        ));
    }
    doubts
}

fn of_server(server: &ServerSide, ledger: &Ledger, doubts: &mut Vec<String>) {
    let counted = &server.counted;
    let url = &server.url;
    if server.family.is_none() {
        doubts.push(format!(
            "{url} has metrics of no server that is known here: nothing was read from them; vLLM, SGLang, TGI and llama.cpp are known"
        ));
    }
    if server.failed > 0 {
        let why = server.why.as_deref().unwrap_or_default();
        doubts.push(format!("{url} could not be read {} times: {why}", server.failed));
    }
    let hits = counted.cache_hits.zip(counted.cache_queries);
    let share = hits.and_then(|(hits, queries)| ratio(hits, queries));
    // Where the answers say so themselves, it has been said.
    if let Some(share) = share.filter(|share| *share > HITS_DOUBT && ledger.tokens.cached == 0) {
        doubts.push(format!(
            "the server's prefix cache had {:.0} % of what was looked up during the run: latencies are those of that hit rate; `unique: true` prompts, or another seed, lower it",
            share * 100.0
        ));
    }
    if let Some(preemptions) = counted.preemptions.filter(|preemptions| *preemptions > 0.0) {
        doubts.push(format!(
            "the server preempted {preemptions:.0} requests for want of KV cache: it was beyond its memory; lower the rate or the lengths, or give it more"
        ));
    }
}

/// Whether both counted the same.
fn counts(server: &ServerSide, ledger: &Ledger, doubts: &mut Vec<String>) {
    let counted = &server.counted;
    let whole = whole(ledger);
    let pairs = [
        ("requests", whole.good, counted.requests),
        ("reply tokens", whole.reply_tokens, counted.reply_tokens),
        ("prompt tokens", whole.prompt_tokens, counted.prompt_tokens),
    ];
    for (what, here, there) in pairs {
        let Some(there) = there.filter(|_| here > 0) else { continue };
        let here = float(here);
        if (there - here).abs() > (COUNTS_DOUBT * here).max(1.0) {
            doubts.push(format!(
                "the server counted {there:.0} {what} and the good answers here have {here:.0}: {}",
                if there > here {
                    "others use it too, or it worked for requests that failed"
                } else {
                    "part of the load went elsewhere, or it counts otherwise"
                }
            ));
        }
    }
}
