//! Whether the load was what the plan wanted: lengths of prompts, and what a cache had of them.

use std::collections::BTreeSet;

use super::call::Finished;
use super::ruling::Ruling;
use crate::plan::LoadPlan;
use crate::plan::LoadedPlan;
use crate::record::load::{Cache, Prompts, Sessions, Stage, Tokens};

/// A share of cached tokens that is no accident.
const CACHED_SHARE: f64 = 0.01;
/// How far a share of cached tokens may be from what was wanted.
const SHARE_OFF: f64 = 0.1;
/// How far the length of prompts may be off before it is told: a share, and what a chat template
/// may add.
const LENGTH_OFF: f64 = 0.05;
const TEMPLATE: f64 = 64.0;

/// What was counted of it.
#[derive(Debug, Default)]
pub(super) struct Work {
    prompts: Prompts,
    asked: u64,
    seen: u64,
    /// Groups whose start a server has had, by workload.
    groups: BTreeSet<(usize, u32)>,
    cache: Cache,
    /// Prompt tokens, cached ones and those that could be, of requests with a wanted start.
    shared: (u64, u64, u64),
    pub(super) sessions: Option<Sessions>,
}

impl Work {
    /// Counts a good request.
    pub(super) fn count(&mut self, finished: &Finished, ruling: &Ruling) {
        let marks = finished.marks;
        let group = marks.shared.and_then(|shared| shared.group);
        let had = group.is_some_and(|group| !self.groups.insert((finished.workload, group)));
        let measured = finished.due.stage == Stage::Measured && ruling.class.is_none();
        let Some(usage) = ruling.usage.filter(|_| measured) else { return };
        self.cache.prompt += usage.prompt;
        self.cache.cached += usage.cached.unwrap_or(0);
        self.cache.told += u64::from(usage.cached.is_some());
        if let Some(shared) = marks.shared {
            let (prompt, cached, could) = &mut self.shared;
            *prompt += usage.prompt;
            *cached += usage.cached.unwrap_or(0);
            *could += if had { u64::from(shared.tokens).min(usage.prompt) } else { 0 };
        }
        // Later turns have the conversation in them.
        if let (Some(asked), 0) = (marks.prompt_tokens, marks.turn) {
            let off = i64::try_from(usage.prompt).unwrap_or(i64::MAX) - i64::from(asked);
            let prompts = &mut self.prompts;
            let first = prompts.n == 0;
            prompts.difference_min = if first { off } else { prompts.difference_min.min(off) };
            prompts.difference_max = if first { off } else { prompts.difference_max.max(off) };
            prompts.n += 1;
            self.asked += u64::from(asked);
            self.seen += usage.prompt;
        }
    }

    /// Turns that followed others, sent or shed.
    pub(super) fn later_turns(&self) -> u64 {
        let turns = self.sessions.as_ref().map_or(&[][..], |sessions| sessions.turns.as_slice());
        turns.iter().skip(1).map(|turn| turn.requests + turn.shed).sum()
    }

    /// Lengths of prompts; `None` if no length was asked for.
    pub(super) fn prompts(&self, loaded: &LoadedPlan) -> Option<Prompts> {
        let n = self.prompts.n;
        let mean = |sum: u64| share(sum, n).unwrap_or_default();
        (n > 0).then(|| Prompts {
            source: loaded.vocabulary.source().to_owned(),
            exact: loaded.vocabulary.is_exact(),
            asked_mean: mean(self.asked),
            seen_mean: mean(self.seen),
            ..self.prompts.clone()
        })
    }

    /// What a cache had; `None` if nothing was wanted of one and none was told of.
    pub(super) fn cache(&self) -> Option<Cache> {
        let (prompt, cached, could) = self.shared;
        let cache = Cache {
            share: share(self.cache.cached, self.cache.prompt).filter(|_| self.cache.told > 0),
            wanted_share: share(could, prompt),
            shared_share: share(cached, prompt).filter(|_| self.cache.told > 0),
            ..self.cache
        };
        (cache.told > 0 || prompt > 0).then_some(cache)
    }

    /// Doubts about it: seen, meaning, remedy.
    pub(super) fn doubts(&self, loaded: &LoadedPlan, tokens: &Tokens) -> Vec<String> {
        let plan = &loaded.plan;
        let mut doubts: Vec<String> = self.length_doubt(loaded).into_iter().collect();
        doubts.extend(self.cache_doubts(plan));
        let insisted = plan.workload.iter().any(|workload| workload.exact_output);
        if insisted && loaded.manners.exact_output.is_empty() {
            doubts.push(format!(
                "the profile names no key that insists on a reply's length, so only `max_tokens` was sent: {} of {} replies had another length",
                tokens.length_missed, tokens.with_usage
            ));
        }
        if let Some(sessions) = self.sessions.as_ref().filter(|sessions| sessions.broken > 0) {
            doubts.push(format!(
                "{} of {} sessions broke off because a turn failed or was shed: the turns after it were never asked",
                sessions.broken, sessions.started
            ));
        }
        doubts
    }

    fn length_doubt(&self, loaded: &LoadedPlan) -> Option<String> {
        let prompts = self.prompts(loaded)?;
        let off = prompts.seen_mean - prompts.asked_mean;
        #[expect(clippy::cast_precision_loss, reason = "tokens of one prompt")]
        let spread = (prompts.difference_max - prompts.difference_min) as f64;
        let bound = LENGTH_OFF * prompts.asked_mean;
        let counted = loaded.plan.tokenizer != crate::plan::Tokenizer::Words;
        // What words are taken for is a guess, and said to be one.
        let bound_mean = if counted { bound + TEMPLATE } else { prompts.asked_mean.max(TEMPLATE) };
        if off.abs() <= bound_mean && (!prompts.exact || spread <= bound.max(1.0)) {
            return None;
        }
        Some(format!(
            "prompts had {:.0} tokens by usage where {:.0} were asked for (from {:+} to {:+} each): {}",
            prompts.seen_mean,
            prompts.asked_mean,
            prompts.difference_min,
            prompts.difference_max,
            if counted {
                "a template, a system message or tools add as much to each; what varies is the tokenizer's"
            } else {
                "`tokenizer: server`, `calibrated` or a file counts them truly"
            }
        ))
    }

    fn cache_doubts(&self, plan: &LoadPlan) -> Vec<String> {
        let mut doubts = Vec::new();
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let Some(cache) = self.cache() else { return doubts };
        let meant = |workload: &crate::plan::Workload| {
            workload.prefix.is_some() || workload.session.is_some()
        };
        match (cache.wanted_share, cache.shared_share) {
            (Some(wanted), Some(seen)) if (wanted - seen).abs() > SHARE_OFF => doubts.push(format!(
                "a prefix cache had {} of the prompt tokens where the plan's prefixes make {}: the cache is off, too small or shared by several servers, or had them from before",
                percent(seen),
                percent(wanted)
            )),
            (Some(wanted), None) => doubts.push(format!(
                "the plan's prefixes make {} of the prompt tokens ones that a cache can have, and no answer told of `cached_tokens`: whether it had them is not known",
                percent(wanted)
            )),
            _ => {}
        }
        let share = cache.share.filter(|share| *share > CACHED_SHARE);
        if let Some(share) = share.filter(|_| !plan.workload.iter().any(meant)) {
            doubts.push(format!(
                "a prefix cache had {} of the prompt tokens: latencies are those of that hit rate; `unique: true` prompts, or another seed, make it 0",
                percent(share)
            ));
        }
        doubts
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 tokens are enough")]
    let share = (whole > 0).then(|| part as f64 / whole as f64);
    share
}
