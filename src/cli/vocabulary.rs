//! What the words of prompts count for at an endpoint: learned from it before a load.

use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::targets::Chosen;
use crate::plan::{Kind, LoadedPlan, Tokenizer, Vocabulary};
use crate::transcript::{Exchange, Headers, WireRequest};
use crate::transport::http::HttpTransport;
use crate::transport::{Carry, Transport as _};

/// Words of the longer of the two requests that calibrate.
const CALIBRATION: usize = 256;

/// Gives a plan the words that it asks for, if it asks the endpoint for them.
pub(super) async fn learn(
    plan: &mut LoadedPlan,
    chosen: &Chosen,
    transport: &HttpTransport,
) -> Result<(), Failure> {
    let asker = Asker { chosen, transport };
    let vocabulary = match plan.plan.tokenizer {
        Tokenizer::Words | Tokenizer::File(_) => return Ok(()),
        Tokenizer::Server => asker.server().await?,
        Tokenizer::Calibrated => {
            let kinds = plan.plan.workload.iter().map(|workload| workload.kind);
            let kind = kinds.min_by_key(|kind| *kind as u8).unwrap_or_default();
            asker.calibrated(kind).await?
        }
    };
    plan.count_by(vocabulary);
    Ok(())
}

struct Asker<'a> {
    chosen: &'a Chosen,
    transport: &'a HttpTransport,
}

/// A way to have a text tokenized: where, and the key of the text.
type Way = (String, &'static str);

impl Asker<'_> {
    async fn ask(&self, url: String, body: &Value) -> Exchange {
        let mut headers = Headers::default();
        headers.push("content-type", "application/json");
        let request =
            WireRequest { method: "POST".to_owned(), url, headers, body: body.to_string().into() };
        self.transport.exchange(&request, &Carry::default()).await
    }

    /// The words that the endpoint's own tokenizer takes for one token.
    async fn server(&self) -> Result<Vocabulary, Failure> {
        let way = self.way().await?;
        let candidates = Vocabulary::candidates();
        let first = candidates.first().copied().unwrap_or_default();
        let alone = self.count(&way, first).await?;
        let mut costs = Vec::new();
        for word in candidates {
            // Behind another word: that is how it stands in a prompt.
            let both = self.count(&way, &format!("{first} {word}")).await?;
            costs.push((*word, both.saturating_sub(alone)));
        }
        let source = format!("{}, asked word by word", way.0);
        let vocabulary = Vocabulary::of_costs(&costs, source);
        if !vocabulary.is_exact() {
            return Ok(vocabulary);
        }
        // Together they must cost what they cost alone.
        let single: Vec<&str> =
            costs.iter().filter(|(_, cost)| *cost == 1).map(|(word, _)| *word).collect();
        let together = self.count(&way, &format!("{first} {}", single.join(" "))).await?;
        let seen = together.saturating_sub(alone);
        if seen == single.len() as u64 {
            return Ok(vocabulary);
        }
        #[expect(clippy::cast_precision_loss, reason = "a few words")]
        let mean = seen as f64 / single.len().max(1) as f64;
        Ok(Vocabulary::measured(mean, format!("{}, words in a row", way.0)))
    }

    /// The way that this endpoint knows.
    async fn way(&self) -> Result<Way, Failure> {
        let base = self.chosen.target.url("", &[]);
        let base = base.trim_end_matches('/');
        let root = base.strip_suffix("/v1").unwrap_or(base);
        let own = self.chosen.profile.load.tokenize.as_deref();
        let places: Vec<String> = match own {
            Some(path) => vec![format!("{root}/{}", path.trim_start_matches('/'))],
            None => vec![format!("{root}/tokenize"), format!("{base}/tokenize")],
        };
        let mut said = Vec::new();
        for place in places {
            for key in ["prompt", "content", "inputs"] {
                let way = (place.clone(), key);
                let exchange = self.tokenize(&way, "time").await;
                if tokens_in(&exchange).is_some() {
                    return Ok(way);
                }
                let status = exchange.status();
                said.push(match status {
                    Some(status) => format!("{place}: {status}"),
                    None => format!("{place}: {}", exchange.end.describe()),
                });
                if !matches!(status, Some(400 | 422)) {
                    // It is not the key that it does not know.
                    break;
                }
            }
        }
        said.dedup();
        let message = format!(
            "the plan counts tokens by the endpoint's tokenizer, and it has none ({})",
            said.join(", ")
        );
        Err(ways_out(message))
    }

    async fn tokenize(&self, (url, key): &Way, text: &str) -> Exchange {
        let model = &self.chosen.target.model;
        self.ask(url.clone(), &json!({"model": model, *key: text})).await
    }

    async fn count(&self, way: &Way, text: &str) -> Result<u64, Failure> {
        let exchange = self.tokenize(way, text).await;
        tokens_in(&exchange).ok_or_else(|| {
            ways_out(format!("{} stopped counting: {}", way.0, exchange.end.describe()))
        })
    }

    /// What words cost by usage: two requests, so that what a template adds falls out.
    async fn calibrated(&self, kind: Kind) -> Result<Vocabulary, Failure> {
        let words = Vocabulary::candidates();
        let few = self.usage(kind, &words.join(" ")).await?;
        let cycle: Vec<&str> =
            words.iter().copied().cycle().take(words.len() + CALIBRATION).collect();
        let many = self.usage(kind, &cycle.join(" ")).await?;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred tokens")]
        let each = many.saturating_sub(few) as f64 / CALIBRATION as f64;
        let letters: usize = cycle.iter().skip(words.len()).map(|word| word.len() + 1).sum();
        #[expect(clippy::cast_precision_loss, reason = "a few thousand letters")]
        let letters = letters as f64 / (each * CALIBRATION as f64).max(1.0);
        let source = format!(
            "usage of two requests: {each:.3} tokens a word, {letters:.2} characters a token"
        );
        Ok(Vocabulary::measured(each, source))
    }

    async fn usage(&self, kind: Kind, text: &str) -> Result<u64, Failure> {
        let model = &self.chosen.target.model;
        let (path, body) = match kind {
            Kind::Chat => (
                "/chat/completions",
                json!({"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": text}]}),
            ),
            Kind::Completions => {
                ("/completions", json!({"model": model, "max_tokens": 1, "prompt": text}))
            }
            Kind::Embeddings => ("/embeddings", json!({"model": model, "input": text})),
        };
        let exchange = self.ask(self.chosen.target.url(path, &[]), &body).await;
        let answer: Option<Value> = serde_json::from_slice(&exchange.body()).ok();
        let tokens = answer.and_then(|answer| answer.pointer("/usage/prompt_tokens")?.as_u64());
        tokens.ok_or_else(|| {
            let status = exchange.status();
            let said = status.map_or_else(|| exchange.end.describe(), |status| status.to_string());
            ways_out(format!(
                "the plan learns from usage what words cost, and the answer has none ({path}: {said})"
            ))
        })
    }
}

fn ways_out(message: String) -> Failure {
    Failure::new(Exit::Usage, message)
        .hint("by a file that lies beside the model's weights: `tokenizer: {file: tokenizer.json}`")
        .hint("by usage: `tokenizer: calibrated`")
        .hint("by a rule of thumb, which is told as one: `tokenizer: words`")
}

/// The number of tokens in an answer: `{count}` (vLLM, SGLang), `{tokens: […]}` (llama.cpp) or a
/// list of them (TGI).
fn tokens_in(exchange: &Exchange) -> Option<u64> {
    let good = exchange.status().is_some_and(|status| (200..300).contains(&status));
    let answer: Value = serde_json::from_slice(&exchange.body()).ok().filter(|_| good)?;
    let list = |value: &Value| value.as_array().map(|tokens| tokens.len() as u64);
    answer
        .get("count")
        .and_then(Value::as_u64)
        .or_else(|| answer.get("tokens").and_then(list))
        .or_else(|| list(&answer))
        .filter(|count| *count > 0)
}
