//! What the metrics of well-known servers mean.

use crate::record::load::{ServerCounts, ServerTimes};
use crate::wire::prometheus::{Buckets, Metrics};

/// The names that one server has for what is of interest; the first that is there counts.
struct Family {
    name: &'static str,
    /// All of its names begin so.
    prefix: &'static str,
    running: &'static [&'static str],
    queued: &'static [&'static str],
    kv_use: &'static [&'static str],
    preemptions: &'static [&'static str],
    requests: &'static [&'static str],
    prompt_tokens: &'static [&'static str],
    reply_tokens: &'static [&'static str],
    cache_queries: &'static [&'static str],
    cache_hits: &'static [&'static str],
    ttft: &'static [&'static str],
}

/// - vLLM: `vllm/v1/metrics/loggers.py`; the names with `gpu_` are those before 0.10.
/// - SGLang: <https://docs.sglang.io/references/production_metrics.html>, with `--enable-metrics`.
/// - TGI: <https://huggingface.co/docs/text-generation-inference/reference/metrics>; it has no time
///   to first token.
/// - llama.cpp: `tools/server/README.md`, with `--metrics`; its cache counts nothing.
const FAMILIES: [Family; 4] = [
    Family {
        name: "vLLM",
        prefix: "vllm:",
        running: &["vllm:num_requests_running"],
        queued: &["vllm:num_requests_waiting"],
        kv_use: &["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"],
        preemptions: &["vllm:num_preemptions_total"],
        requests: &["vllm:request_success_total"],
        prompt_tokens: &["vllm:prompt_tokens_total"],
        reply_tokens: &["vllm:generation_tokens_total"],
        cache_queries: &["vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"],
        cache_hits: &["vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"],
        ttft: &["vllm:time_to_first_token_seconds"],
    },
    Family {
        name: "SGLang",
        prefix: "sglang:",
        running: &["sglang:num_running_reqs"],
        queued: &["sglang:num_queue_reqs"],
        kv_use: &["sglang:token_usage"],
        preemptions: &["sglang:num_retracted_requests_total"],
        requests: &["sglang:num_requests_total"],
        prompt_tokens: &["sglang:prompt_tokens_total"],
        reply_tokens: &["sglang:generation_tokens_total"],
        cache_queries: &["sglang:prompt_tokens_total"],
        cache_hits: &["sglang:cached_tokens_total"],
        ttft: &["sglang:time_to_first_token_seconds"],
    },
    Family {
        name: "TGI",
        prefix: "tgi_",
        running: &["tgi_batch_current_size"],
        queued: &["tgi_queue_size"],
        kv_use: &[],
        preemptions: &[],
        requests: &["tgi_request_success"],
        prompt_tokens: &["tgi_request_input_length_sum"],
        reply_tokens: &["tgi_request_generated_tokens_sum"],
        cache_queries: &[],
        cache_hits: &[],
        ttft: &[],
    },
    Family {
        name: "llama.cpp",
        prefix: "llamacpp:",
        running: &["llamacpp:requests_processing"],
        queued: &["llamacpp:requests_deferred"],
        kv_use: &["llamacpp:kv_cache_usage_ratio"],
        preemptions: &[],
        requests: &[],
        prompt_tokens: &["llamacpp:prompt_tokens_total"],
        reply_tokens: &["llamacpp:tokens_predicted_total"],
        cache_queries: &[],
        cache_hits: &[],
        ttft: &[],
    },
];

/// One reading of a server's metrics. What it does not have is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) family: Option<&'static str>,
    pub(super) running: Option<f64>,
    pub(super) queued: Option<f64>,
    pub(super) kv_use: Option<f64>,
    /// Since the server's start.
    pub(super) counts: ServerCounts,
    ttft: Option<Buckets>,
}

impl Reading {
    pub(super) fn of(metrics: &Metrics) -> Self {
        let family = FAMILIES.iter().find(|family| {
            metrics.samples.iter().any(|sample| sample.name.starts_with(family.prefix))
        });
        let Some(family) = family else { return Self::default() };
        let sum = |names: &[&str]| names.iter().find_map(|name| metrics.sum(name));
        Self {
            family: Some(family.name),
            running: sum(family.running),
            queued: sum(family.queued),
            // Of several engines, the one that will run out first.
            kv_use: family.kv_use.iter().find_map(|name| metrics.largest(name)),
            counts: ServerCounts {
                requests: sum(family.requests),
                prompt_tokens: sum(family.prompt_tokens),
                reply_tokens: sum(family.reply_tokens),
                cache_queries: sum(family.cache_queries),
                cache_hits: sum(family.cache_hits),
                preemptions: sum(family.preemptions),
            },
            ttft: family.ttft.iter().find_map(|name| metrics.histogram(name)),
        }
    }

    /// What was counted since `before`. A counter that appeared meanwhile began at zero: servers
    /// show some of them only once there is something to count.
    pub(super) fn counted_since(&self, before: &Self) -> ServerCounts {
        let (now, then) = (&self.counts, &before.counts);
        let since = |now: Option<f64>, then: Option<f64>| now.map(|now| now - then.unwrap_or(0.0));
        ServerCounts {
            requests: since(now.requests, then.requests),
            prompt_tokens: since(now.prompt_tokens, then.prompt_tokens),
            reply_tokens: since(now.reply_tokens, then.reply_tokens),
            cache_queries: since(now.cache_queries, then.cache_queries),
            cache_hits: since(now.cache_hits, then.cache_hits),
            preemptions: since(now.preemptions, then.preemptions),
        }
    }

    /// The times to first token since `before`.
    pub(super) fn ttft_since(&self, before: &Self) -> Option<ServerTimes> {
        let now = self.ttft.as_ref()?;
        let since = before.ttft.as_ref().map_or_else(|| now.clone(), |before| now.since(before));
        let ms = |(low, high): (f64, f64)| (low * 1e3, high * 1e3);
        Some(ServerTimes {
            n: since.count,
            mean_ms: since.mean().map(|mean| mean * 1e3),
            p50_ms: since.bucket_of(0.5).map(ms),
            p99_ms: since.bucket_of(0.99).map(ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::prometheus::read;

    #[test]
    fn two_readings_of_vllm_give_what_came_between() {
        let at = |requests: u32, hits: u32| {
            Reading::of(&read(&format!(
                "vllm:num_requests_running{{engine=\"0\"}} 3\nvllm:num_requests_running{{engine=\"1\"}} 2\n\
                 vllm:num_requests_waiting{{engine=\"0\"}} 1\n\
                 vllm:kv_cache_usage_perc{{engine=\"0\"}} 0.25\nvllm:kv_cache_usage_perc{{engine=\"1\"}} 0.5\n\
                 vllm:request_success_total{{finished_reason=\"stop\"}} {requests}\n\
                 vllm:request_success_total{{finished_reason=\"length\"}} 4\n\
                 vllm:prefix_cache_queries_total 100\nvllm:prefix_cache_hits_total {hits}\n\
                 vllm:time_to_first_token_seconds_bucket{{le=\"0.1\"}} {requests}\n\
                 vllm:time_to_first_token_seconds_bucket{{le=\"+Inf\"}} {requests}\n\
                 vllm:time_to_first_token_seconds_sum {requests}\n\
                 vllm:time_to_first_token_seconds_count {requests}\n"
            )))
        };
        let (before, after) = (at(10, 0), at(30, 48));
        assert_eq!(
            (after.family, after.running, after.queued),
            (Some("vLLM"), Some(5.0), Some(1.0))
        );
        assert_eq!(after.kv_use, Some(0.5));
        let counted = after.counted_since(&before);
        assert_eq!((counted.requests, counted.cache_hits), (Some(20.0), Some(48.0)));
        assert_eq!((counted.cache_queries, counted.preemptions), (Some(0.0), None));
        let ttft = after.ttft_since(&before).unwrap();
        assert_eq!((ttft.n, ttft.mean_ms, ttft.p50_ms), (20.0, Some(1000.0), Some((0.0, 100.0))));
        assert_eq!(Reading::of(&read("up 1\n")).family, None);
    }

    #[test]
    fn a_counter_that_appears_during_the_run_began_at_zero() {
        let before = Reading::of(&read("sglang:num_running_reqs 0\n"));
        let after = Reading::of(&read(
            "sglang:num_running_reqs 1\nsglang:cached_tokens_total{cache_source=\"device\"} 7\n",
        ));
        assert_eq!(after.counted_since(&before).cache_hits, Some(7.0));
    }
}
