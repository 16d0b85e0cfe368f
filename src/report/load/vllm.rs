//! The key names of `vllm bench serve` (`vllm/benchmarks/serve.py`, 0.17), for dashboards that read
//! those. The numbers keep our definitions: failures are failures, `ttft` never counts a role, and
//! what was not measured is null.

use serde_json::{Map, Value, json};

use crate::record::load::{LoadReport, Values};

pub(super) fn render(report: &LoadReport) -> String {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    put("date", json!(report.started.format("%Y%m%d-%H%M%S").to_string()));
    put("endpoint_type", json!("openai-chat"));
    put("backend", json!("openai-chat"));
    put("label", Value::Null);
    put("model_id", json!(report.model));
    put("tokenizer_id", Value::Null);
    put("num_prompts", json!(report.summary.requests));
    put("duration", json!(report.throughput.window_s));
    put("completed", json!(report.summary.good));
    put("failed", json!(report.summary.failed + report.summary.shed));
    put("total_input_tokens", json!(report.tokens.prompt));
    put("total_output_tokens", json!(report.tokens.reply));
    put("request_throughput", json!(report.throughput.requests_per_s));
    put("request_goodput", json!(report.goodput.rate));
    put("output_throughput", json!(report.throughput.output_tokens_per_s));
    let input = report.throughput.input_tokens_per_s;
    let total = report.throughput.output_tokens_per_s.zip(input).map(|(out, input)| out + input);
    put("total_token_throughput", json!(total));
    put("max_concurrent_requests", json!(report.summary.in_flight_max));
    // Theirs is the gap between chunks.
    for (ours, theirs) in [("ttft", "ttft"), ("tpot", "tpot"), ("icl", "itl"), ("e2e", "e2el")] {
        let empty = Values::default();
        let values = report.metrics.get(ours).map_or(&empty, |metric| &metric.values);
        put(&format!("mean_{theirs}_ms"), json!(values.mean));
        put(&format!("median_{theirs}_ms"), json!(values.p50));
        put(&format!("p90_{theirs}_ms"), json!(values.p90));
        put(&format!("p95_{theirs}_ms"), json!(values.p95));
        put(&format!("p99_{theirs}_ms"), json!(values.p99));
    }
    let mut text = serde_json::to_string_pretty(&Value::Object(out)).unwrap_or_default();
    text.push('\n');
    text
}
