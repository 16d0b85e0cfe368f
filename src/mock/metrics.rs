//! What the mock counts of itself, in Prometheus' text format under its persona's names.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::answer::{Answer, Usage};
use super::house::House;

/// Upper ends of the buckets for times to first token, in seconds; vLLM's.
const BUCKETS: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Answers that were given whole, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// What the engine has decided for requests under way, by their number.
    decided: BTreeMap<u64, (Usage, String)>,
    /// By finish reason.
    requests: BTreeMap<String, usize>,
    prompt: usize,
    reply: usize,
    cached: usize,
}

impl Tally {
    /// The engine has decided on an answer.
    pub(crate) fn decided(&mut self, number: u64, answer: &Answer) {
        let reason = answer.choices.first().map(|choice| choice.finish.clone()).unwrap_or_default();
        self.decided.insert(number, (answer.usage, reason));
    }

    /// A request is over, and was answered whole or not.
    pub(crate) fn over(&mut self, number: u64, whole: bool) {
        let Some((usage, reason)) = self.decided.remove(&number).filter(|_| whole) else { return };
        *self.requests.entry(reason).or_default() += 1;
        self.prompt += usage.prompt;
        self.reply += usage.completion;
        self.cached += usage.cached;
    }
}

/// The page.
pub(crate) fn page(house: &House) -> String {
    let (running, served) = (house.running(), house.served());
    let mut page = Page { text: String::new(), labels: String::new() };
    page.gauge("proofhouse_mock_requests_running", "Requests at work now.", running);
    page.counter("proofhouse_mock_requests_total", "Requests that have come.", served);
    let model = house.config.models.first().map_or("", String::as_str);
    page.labels = format!("model_name=\"{model}\"");
    let Some(gauge) = house.config.persona.gauge() else { return page.text };
    page.gauge(gauge, "Requests at work now.", running);
    #[expect(clippy::cast_precision_loss, reason = "slots of one server")]
    let share = running as f64 / house.config.capacity.max(1) as f64;
    let ttft_s = house.config.ttft.as_secs_f64();
    let tally = house.tally();
    let served = tally.requests.values().sum::<usize>();
    match gauge.split(':').next() {
        Some("vllm") => {
            page.gauge("vllm:num_requests_waiting", "Requests that wait.", 0);
            page.gauge("vllm:kv_cache_usage_perc", "Slots taken, 1 is all.", share);
            page.counter("vllm:num_preemptions_total", "Preemptions.", 0);
            page.counter("vllm:prefix_cache_queries_total", "Tokens looked up.", tally.prompt);
            page.counter("vllm:prefix_cache_hits_total", "Tokens found.", tally.cached);
            page.counter("vllm:prompt_tokens_total", "Prompt tokens.", tally.prompt);
            page.counter("vllm:generation_tokens_total", "Tokens generated.", tally.reply);
            page.head("vllm:request_success_total", "counter", "Requests answered whole.");
            for (reason, count) in &tally.requests {
                page.line(
                    "vllm:request_success_total",
                    &format!("finished_reason=\"{reason}\""),
                    count,
                );
            }
            page.histogram("vllm:time_to_first_token_seconds", ttft_s, served);
        }
        Some("sglang") => {
            page.gauge("sglang:num_queue_reqs", "Requests that wait.", 0);
            page.gauge("sglang:token_usage", "Slots taken, 1 is all.", share);
            page.counter("sglang:prompt_tokens_total", "Prompt tokens.", tally.prompt);
            page.counter("sglang:generation_tokens_total", "Tokens generated.", tally.reply);
            page.counter("sglang:cached_tokens_total", "Prompt tokens found.", tally.cached);
            page.counter("sglang:num_requests_total", "Requests answered whole.", served);
            page.histogram("sglang:time_to_first_token_seconds", ttft_s, served);
        }
        _ => {}
    }
    page.text
}

struct Page {
    text: String,
    /// On every line.
    labels: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, label: &str, value: impl std::fmt::Display) {
        let comma = if self.labels.is_empty() || label.is_empty() { "" } else { "," };
        let labels = format!("{}{comma}{label}", self.labels);
        let _ = if labels.is_empty() {
            writeln!(self.text, "{name} {value}")
        } else {
            writeln!(self.text, "{name}{{{labels}}} {value}")
        };
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, "gauge", help);
        self.line(name, "", value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, "counter", help);
        self.line(name, "", value);
    }

    /// So many equal times: the mock keeps its word to a fraction of a millisecond.
    fn histogram(&mut self, name: &str, each_s: f64, count: usize) {
        self.head(name, "histogram", "Time to first token.");
        for upper in BUCKETS {
            let within = if each_s <= upper { count } else { 0 };
            self.line(&format!("{name}_bucket"), &format!("le=\"{upper}\""), within);
        }
        self.line(&format!("{name}_bucket"), "le=\"+Inf\"", count);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 requests")]
        let sum = each_s * count as f64;
        self.line(&format!("{name}_sum"), "", sum);
        self.line(&format!("{name}_count"), "", count);
    }
}
