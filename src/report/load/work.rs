//! Whether the load was what the plan wanted, for a terminal: prompts, cache, sessions.

use std::fmt::Write as _;

use super::{number, or_dash, percent};
use crate::record::load::{LoadReport, Sessions};

/// More turns than these are left to the JSON.
const TURNS: usize = 12;

/// Label and value of each line.
pub(super) fn lines(report: &LoadReport) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(prompts) = &report.prompts {
        lines.push((
            "prompt tokens",
            format!(
                "{} by usage, {} asked for; {:+} to {:+} each",
                number(prompts.seen_mean),
                number(prompts.asked_mean),
                prompts.difference_min,
                prompts.difference_max
            ),
        ));
    }
    if let Some(cache) = &report.cache {
        let seen = cache.share.map_or_else(|| "not told".to_owned(), percent);
        let shared = cache.wanted_share.map(|wanted| {
            let had = cache.shared_share.map_or_else(|| "not told".to_owned(), percent);
            format!("; with the plan's prefixes {had}, of {} there were", percent(wanted))
        });
        let text = format!("{seen} of the prompt tokens{}", shared.unwrap_or_default());
        lines.push(("prefix cache", text));
    }
    if let Some(sessions) = &report.sessions {
        let Sessions { started, completed, broken, unfinished, .. } = sessions;
        lines.push((
            "sessions",
            format!(
                "{started} begun: {completed} whole, {broken} broken off, {unfinished} under way"
            ),
        ));
    }
    lines
}

/// The turns of sessions, one a row.
pub(super) fn turns(report: &LoadReport) -> String {
    let mut out = String::new();
    let Some(sessions) = report.sessions.as_ref().filter(|sessions| !sessions.turns.is_empty())
    else {
        return out;
    };
    let _ = writeln!(
        out,
        "{:>6}{:>10}{:>8}{:>8}{:>12}{:>12}{:>10}{:>9}",
        "turn", "requests", "good", "failed", "ttft p50", "ttft p90", "prompt", "cached"
    );
    for turn in sessions.turns.iter().take(TURNS) {
        let cached = turn.cached_share.map_or_else(|| "–".to_owned(), percent);
        let _ = writeln!(
            out,
            "{:>6}{:>10}{:>8}{:>8}{:>12}{:>12}{:>10}{cached:>9}",
            turn.turn + 1,
            turn.requests,
            turn.good,
            turn.failed,
            or_dash(turn.ttft_ms_p50),
            or_dash(turn.ttft_ms_p90),
            or_dash(turn.prompt_tokens)
        );
    }
    if sessions.turns.len() > TURNS {
        let _ = writeln!(out, "… and {} more turns in the JSON", sessions.turns.len() - TURNS);
    }
    out.push('\n');
    out
}
