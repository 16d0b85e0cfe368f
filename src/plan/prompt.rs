//! What each request asks: a function of plan, seed and the request's number.

use std::fmt::Write as _;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::load::LoadedPlan;
use super::{Kind, Prompt, Workload};

/// Common words; each is one token to the tokenizers in use.
const WORDS: [&str; 64] = [
    "time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world",
    "school", "state", "family", "student", "group", "country", "problem", "hand", "part", "place",
    "case", "week", "company", "system", "program", "question", "work", "number", "night", "point",
    "home", "water", "room", "mother", "area", "money", "story", "fact", "month", "lot", "right",
    "study", "book", "eye", "job", "word", "business", "issue", "side", "kind", "head", "house",
    "service", "friend", "father", "power", "hour", "game", "line", "end", "member", "law", "car",
];

/// A request to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Below the base URL: `/chat/completions`.
    pub path: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// Which workload, from 0.
    pub workload: usize,
    /// Whether the reply is to be a stream.
    pub stream: bool,
    /// Whether usage was asked for in the stream.
    pub usage_asked: bool,
    /// The JSON Schema that the reply's text must fit, as the request gives it.
    pub schema: Option<Value>,
    /// The reply's exact length in tokens, where the request insists on one.
    pub reply_tokens: Option<u32>,
}

/// Makes the requests of a plan.
#[derive(Clone, Debug)]
pub struct Asks {
    loaded: LoadedPlan,
    model: String,
    weights: u64,
}

impl Asks {
    /// Requests of `loaded` for `model`.
    pub fn new(loaded: LoadedPlan, model: &str) -> Self {
        let weights = loaded.plan.workload.iter().map(|workload| u64::from(workload.weight)).sum();
        Self { loaded, model: model.to_owned(), weights }
    }

    /// The plan.
    pub fn plan(&self) -> &LoadedPlan {
        &self.loaded
    }

    /// Request `number`, from 0. The same number is the same request, whoever asks and when.
    ///
    /// # Panics
    ///
    /// If the plan has no workload, which none has that was loaded.
    pub fn ask(&self, number: u64) -> Ask {
        let plan = &self.loaded.plan;
        // Numbers one apart must not be seeds one apart: the generator's first draws would be alike.
        let mut rng = Rng::with_seed(plan.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut pick = rng.u64(0..self.weights.max(1));
        let chosen = plan.workload.iter().position(|workload| {
            let weight = u64::from(workload.weight);
            let here = pick < weight;
            pick = pick.saturating_sub(weight);
            here
        });
        let index = chosen.unwrap_or_default();
        let workload = plan.workload.get(index).expect("a plan has a workload, as its lint holds");
        let row = usize::try_from(number).ok().and_then(|number| self.loaded.trace.get(number));
        let text = self.text(workload, number, row.map(|row| row.prompt), &mut rng);
        let limit = workload.max_tokens.as_ref().map(|lengths| lengths.draw(&mut rng));
        let limit = row.map(|row| row.reply.max(1)).or(limit);
        self.request(workload, index, &text, limit)
    }

    /// A request of one workload, to learn from it what all of them ask for.
    ///
    /// # Panics
    ///
    /// If the plan has no such workload.
    pub fn sample(&self, index: usize) -> Ask {
        let workload = self.loaded.plan.workload.get(index);
        let workload = workload.expect("it is one of the plan's workloads");
        self.request(workload, index, "", Some(1))
    }

    fn text(&self, workload: &Workload, number: u64, tokens: Option<u32>, rng: &mut Rng) -> String {
        let mut text = String::new();
        if workload.unique {
            // In front: a prefix cache compares from the start.
            let nonce = rng.u64(..) ^ self.loaded.plan.seed;
            let _ = write!(text, "[{nonce:016x}] ");
        }
        match (&workload.prompt, tokens) {
            (Prompt::Text(given), None) => text.push_str(given),
            (Prompt::Texts(given), None) => {
                let count = given.len().max(1) as u64;
                let nth = usize::try_from(number % count).unwrap_or_default();
                text.push_str(given.get(nth).map_or("", String::as_str));
            }
            (Prompt::Tokens(lengths), None) => words(lengths.draw(rng), rng, &mut text),
            (_, Some(tokens)) => words(tokens.max(1), rng, &mut text),
        }
        text
    }

    fn request(&self, workload: &Workload, index: usize, text: &str, limit: Option<u32>) -> Ask {
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(self.model));
        let path = match workload.kind {
            Kind::Chat => {
                let system = workload.system.as_ref();
                let system = system.map(|text| json!({"role": "system", "content": text}));
                let user = json!({"role": "user", "content": text});
                let messages = system.into_iter().chain([user]).collect();
                body.insert("messages".to_owned(), Value::Array(messages));
                "/chat/completions"
            }
            Kind::Completions => {
                let system = workload.system.as_deref().unwrap_or_default();
                body.insert("prompt".to_owned(), json!(format!("{system}{text}")));
                "/completions"
            }
            Kind::Embeddings => {
                body.insert("input".to_owned(), json!(text));
                "/embeddings"
            }
        };
        if workload.kind != Kind::Embeddings {
            if let Some(limit) = limit {
                body.insert("max_tokens".to_owned(), json!(limit));
                if workload.exact_output {
                    body.insert("min_tokens".to_owned(), json!(limit));
                    body.insert("ignore_eos".to_owned(), json!(true));
                }
            }
            if workload.stream {
                body.insert("stream".to_owned(), json!(true));
                body.insert("stream_options".to_owned(), json!({"include_usage": true}));
            }
        }
        for (key, value) in &workload.body {
            body.insert(key.clone(), value.clone());
        }
        let said = |pointer: &str| body_at(&body, pointer);
        let stream = said("stream").and_then(Value::as_bool).unwrap_or(false);
        let usage_asked =
            stream && said("stream_options/include_usage") == Some(&Value::Bool(true));
        let schema = said("response_format/json_schema/schema").cloned();
        let reply_tokens = limit.filter(|_| workload.exact_output);
        let body = serde_json::to_vec(&body).expect("a map of JSON values is JSON");
        Ask { path, body, workload: index, stream, usage_asked, schema, reply_tokens }
    }
}

fn body_at<'a>(body: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('/');
    let first = body.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

fn words(count: u32, rng: &mut Rng, text: &mut String) {
    for nth in 0..count {
        if nth > 0 {
            text.push(' ');
        }
        text.push_str(rng.choice(WORDS).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plan::load::parse;

    fn asks(workload: &str) -> Asks {
        let text = format!(
            "proofhouse_plan: 1\nseed: 4\narrival: {{constant: {{rate: 1}}}}\nrequests: 9\nworkload:\n{workload}"
        );
        Asks::new(parse("p.yaml", &text, Path::new(".")).unwrap(), "m")
    }

    fn body(ask: &Ask) -> Value {
        serde_json::from_slice(&ask.body).unwrap()
    }

    #[test]
    fn a_request_is_a_function_of_its_number_and_prompts_begin_differently() {
        let asks = asks("  - {prompt: {tokens: {uniform: {min: 5, max: 50}}}, max_tokens: 8}\n");
        assert_eq!(asks.ask(3), asks.ask(3));
        let start = |number| {
            let body = body(&asks.ask(number));
            body["messages"][0]["content"].as_str().unwrap().chars().take(19).collect::<String>()
        };
        let mut starts: Vec<_> = (0..500).map(start).collect();
        starts.sort();
        starts.dedup();
        assert_eq!(starts.len(), 500);
        let first = body(&asks.ask(0));
        assert_eq!(first["max_tokens"], 8);
        assert_eq!(first["stream_options"]["include_usage"], true);
    }

    #[test]
    fn weights_are_kept_and_further_keys_go_before_ours() {
        let asks = asks(
            "  - {prompt: {text: a}, weight: 3, unique: false, body: {stream: false, temperature: 0}}\n  \
               - {prompt: {text: b}, exact_output: true, max_tokens: 7, kind: completions, system: 's '}\n",
        );
        let all: Vec<Ask> = (0..2_000).map(|number| asks.ask(number)).collect();
        let first = all.iter().filter(|ask| ask.workload == 0).count();
        assert!((1_420..1_580).contains(&first), "{first}");
        let plain = all.iter().find(|ask| ask.workload == 0).unwrap();
        assert!(!plain.stream && !plain.usage_asked);
        assert_eq!(body(plain)["messages"][0]["content"], "a");
        let exact = all.iter().find(|ask| ask.workload == 1).unwrap();
        assert_eq!((exact.path, exact.reply_tokens), ("/completions", Some(7)));
        assert_eq!(body(exact)["ignore_eos"], true);
        assert!(body(exact)["prompt"].as_str().unwrap().starts_with("s ["));
    }

    #[test]
    fn a_schema_that_is_asked_for_is_what_replies_must_fit() {
        let asks = asks(
            "  - prompt: {text: a}\n    body: {response_format: {type: json_schema, json_schema: {name: n, schema: {type: object}}}}\n",
        );
        assert_eq!(asks.ask(0).schema, Some(json!({"type": "object"})));
    }
}
