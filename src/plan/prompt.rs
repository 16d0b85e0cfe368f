//! What each request asks: a function of plan, seed and the request's number.

use std::fmt::Write as _;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::load::{ExactKey, LoadedPlan};
use super::picture::Picture;
use super::{Images, Kind, Lengths, Prefix, Prompt, Session, Workload};
use crate::units::Nanos;

/// Tokens of what a tool gives back, if the plan does not say.
const TOOL_RESULT: Lengths = Lengths::Fixed(50);

/// What the draws of one request are for: each has its own, so that one more draw for one of them
/// does not change the others.
#[derive(Clone, Copy)]
enum Draw {
    Request = 0,
    Turns = 1,
    Think = 2,
    Prefix = 3,
}

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
    /// What it is to be held against when it is over.
    pub marks: Marks,
}

/// What a request is to be held against when it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Tokens that its texts were to have, the conversation before it and what a chat template adds
    /// left out; `None` where texts were given.
    pub prompt_tokens: Option<u32>,
    /// The start that it shares with others.
    pub shared: Option<Shared>,
    /// Its turn, from 0, and how many its session has; 0 turns if it belongs to none.
    pub turn: u32,
    /// See `turn`.
    pub turns: u32,
    /// Texts in it, if it asks for embeddings.
    pub items: Option<u32>,
}

/// The start that a request shares with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Which, from 0; `None` if it is its own.
    pub group: Option<u32>,
    /// How long it is.
    pub tokens: u32,
}

impl Marks {
    /// Whether a turn is to follow.
    pub const fn goes_on(&self) -> bool {
        self.turn + 1 < self.turns
    }
}

/// Makes the requests of a plan.
#[derive(Clone, Debug)]
pub struct Asks {
    loaded: LoadedPlan,
    model: String,
    weights: u64,
    /// By workload.
    pictures: Vec<Option<Picture>>,
}

/// One turn of a conversation, as its user has it.
struct Said {
    /// A text, or parts with pictures; nothing where tools speak instead.
    content: Option<Value>,
    tokens: Option<u32>,
    shared: Option<Shared>,
}

impl Said {
    fn message(&self) -> Option<Value> {
        self.content.as_ref().map(|content| json!({"role": "user", "content": content}))
    }
}

impl Asks {
    /// Requests of `loaded` for `model`.
    pub fn new(loaded: LoadedPlan, model: &str) -> Self {
        let workloads = &loaded.plan.workload;
        let weights = workloads.iter().map(|workload| u64::from(workload.weight)).sum();
        let picture = |images: &Images| Picture::new(images.width, images.height);
        let pictures =
            workloads.iter().map(|workload| workload.images.as_ref().map(picture)).collect();
        Self { loaded, model: model.to_owned(), weights, pictures }
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
        self.turn(number, &[])
    }

    /// The request that comes after `replies` in session `number`: the assistant's messages so far,
    /// as they are sent back. Without any it is the first.
    ///
    /// # Panics
    ///
    /// If the plan has no workload, which none has that was loaded.
    pub fn turn(&self, number: u64, replies: &[Value]) -> Ask {
        let plan = &self.loaded.plan;
        let (index, mut rng) = self.choose(number);
        let workload = plan.workload.get(index).expect("a plan has a workload, as its lint holds");
        let row = usize::try_from(number).ok().and_then(|number| self.loaded.trace.get(number));
        let wanted = row.map(|row| row.prompt);
        let nth = u32::try_from(replies.len()).unwrap_or(u32::MAX);
        let mut marks =
            Marks { turn: nth, turns: self.turns(workload, index, number), ..Marks::default() };
        if workload.kind == Kind::Embeddings {
            return self.embeddings(workload, index, number, wanted, &mut rng);
        }
        let mut said = self.said(workload, index, number, 0, wanted, &mut rng);
        // What a cache has of later turns is their conversation.
        marks.shared = said.shared.filter(|_| nth == 0);
        let mut messages = Vec::new();
        for (turn, reply) in (1..).zip(replies) {
            messages.extend(said.message());
            messages.push(reply.clone());
            rng = self.rng(number, turn, Draw::Request);
            let (results, tokens) = self.results(workload, reply, &mut rng);
            said = if results.is_empty() {
                self.said(workload, index, number, turn, None, &mut rng)
            } else {
                // A model that called tools waits for what they gave back, and for nobody's words.
                messages.extend(results);
                Said { content: None, tokens: Some(tokens), shared: None }
            };
        }
        messages.extend(said.message());
        marks.prompt_tokens = said.tokens;
        let limit = workload.max_tokens.as_ref().map(|lengths| lengths.draw(&mut rng));
        let limit = row.map(|row| row.reply.max(1)).or(limit);
        self.request(workload, index, messages, limit, marks)
    }

    /// The pause before the next turn, after so many replies.
    pub fn pause(&self, number: u64, replies: usize) -> Nanos {
        let (index, _) = self.choose(number);
        let workload = self.loaded.plan.workload.get(index);
        let session = workload.and_then(|workload| workload.session.as_ref());
        let turn = u32::try_from(replies).unwrap_or(u32::MAX);
        let mut rng = self.rng(number, turn, Draw::Think);
        session.map_or(Nanos(0), |session| session.think.draw(&mut rng))
    }

    /// A request of one workload, to learn from it what all of them ask for.
    ///
    /// # Panics
    ///
    /// If the plan has no such workload.
    pub fn sample(&self, index: usize) -> Ask {
        let workload = self.loaded.plan.workload.get(index);
        let workload = workload.expect("it is one of the plan's workloads");
        self.request(workload, index, Vec::new(), Some(1), Marks::default())
    }

    /// The draws for one purpose of one turn.
    fn rng(&self, number: u64, turn: u32, what: Draw) -> Rng {
        let apart = (u64::from(turn) << 8) | what as u64;
        // Numbers one apart must not be seeds one apart: the generator's first draws would be alike.
        let seed = self.loaded.plan.seed
            ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ apart.wrapping_mul(0xd6e8_feb8_6659_fd93);
        Rng::with_seed(seed)
    }

    /// The workload of a number, and the draws that go on from there.
    fn choose(&self, number: u64) -> (usize, Rng) {
        let mut rng = self.rng(number, 0, Draw::Request);
        let mut pick = rng.u64(0..self.weights.max(1));
        let chosen = self.loaded.plan.workload.iter().position(|workload| {
            let weight = u64::from(workload.weight);
            let here = pick < weight;
            pick = pick.saturating_sub(weight);
            here
        });
        (chosen.unwrap_or_default(), rng)
    }

    /// What people asked in the conversation of a number.
    fn conversation(&self, index: usize, number: u64) -> &[String] {
        let all = self.loaded.conversations.get(index).map_or(&[][..], |all| all.as_slice());
        let nth = usize::try_from(number % all.len().max(1) as u64).unwrap_or_default();
        all.get(nth).map_or(&[][..], Vec::as_slice)
    }

    fn turns(&self, workload: &Workload, index: usize, number: u64) -> u32 {
        let Some(Session { turns, .. }) = &workload.session else { return 0 };
        let mut rng = self.rng(number, 0, Draw::Turns);
        let drawn = turns.as_ref().map(|turns| turns.draw(&mut rng));
        let there = match workload.prompt {
            Prompt::Sharegpt(_) => u32::try_from(self.conversation(index, number).len()).ok(),
            _ => None,
        };
        drawn.into_iter().chain(there).min().unwrap_or(1)
    }

    /// What a user says in a turn.
    fn said(
        &self,
        workload: &Workload,
        index: usize,
        number: u64,
        turn: u32,
        wanted: Option<u32>,
        rng: &mut Rng,
    ) -> Said {
        let (mut text, shared) = match workload.prefix.as_ref().filter(|_| turn == 0) {
            Some(prefix) => {
                let (text, shared) = self.prefix(prefix, index, number);
                (text, Some(shared))
            }
            None => (String::new(), None),
        };
        let words = &self.loaded.vocabulary;
        let drawn = match (&workload.prompt, wanted) {
            (_, Some(tokens)) => Some(tokens.max(1)),
            (Prompt::Tokens(lengths), None) => Some(lengths.draw(rng)),
            _ => None,
        };
        // In front: a prefix cache compares from the start. Random words of one token each are a
        // nonce themselves, and more would make the prompt too long.
        if workload.unique && turn == 0 && !(words.is_exact() && drawn.is_some()) {
            let nonce = rng.u64(..) ^ self.loaded.plan.seed;
            let _ = write!(text, "{}[{nonce:016x}] ", if text.is_empty() { "" } else { " " });
        } else if drawn.is_none() && !text.is_empty() {
            text.push(' ');
        }
        let of_prefix = shared.map_or(0, |shared| shared.tokens);
        let tokens = drawn.map(|drawn| drawn + of_prefix);
        match (drawn, &workload.prompt) {
            (Some(drawn), _) => words.write(drawn, rng, &mut text),
            (None, Prompt::Text(given)) => text.push_str(given),
            (None, Prompt::Texts(given)) => {
                let count = given.len().max(1) as u64;
                let nth = usize::try_from((number + u64::from(turn)) % count).unwrap_or_default();
                text.push_str(given.get(nth).map_or("", String::as_str));
            }
            (None, _) => {
                let given = self.conversation(index, number).get(turn as usize);
                text.push_str(given.map_or("", String::as_str));
            }
        }
        Said { content: Some(self.pictured(workload, index, &text, rng)), tokens, shared }
    }

    /// The text with the workload's pictures.
    fn pictured(&self, workload: &Workload, index: usize, text: &str, rng: &mut Rng) -> Value {
        let picture = self.pictures.get(index).and_then(Option::as_ref);
        let (Some(images), Some(picture)) = (&workload.images, picture) else { return json!(text) };
        let count = images.count.as_ref().map_or(1, |count| count.draw(rng));
        let mut parts = vec![json!({"type": "text", "text": text})];
        for nth in 0..count {
            // As with the nonce: a picture that was seen before may be in a cache.
            let colour = if workload.unique { rng.u32(..) } else { nth.wrapping_mul(0x9e_3779) };
            let [red, green, blue, _] = colour.to_le_bytes();
            let url = picture.uri([red, green, blue]);
            parts.push(json!({"type": "image_url", "image_url": {"url": url}}));
        }
        Value::Array(parts)
    }

    /// The start that a request shares with others of its group, or one of that length of its own.
    fn prefix(&self, prefix: &Prefix, index: usize, number: u64) -> (String, Shared) {
        let mut rng = self.rng(number, 0, Draw::Prefix);
        let group = (rng.f64() < prefix.share).then(|| rng.u32(0..prefix.groups.max(1)));
        let mut rng = match group {
            // Far from the numbers of requests.
            Some(group) => self.rng(
                u64::MAX - u64::from(group),
                u32::try_from(index).unwrap_or(0),
                Draw::Prefix,
            ),
            None => rng,
        };
        let mut text = String::new();
        self.loaded.vocabulary.write(prefix.tokens, &mut rng, &mut text);
        (text, Shared { group, tokens: prefix.tokens })
    }

    /// What the tools that a reply calls give back, and how many tokens that is.
    fn results(&self, workload: &Workload, reply: &Value, rng: &mut Rng) -> (Vec<Value>, u32) {
        let length = workload.session.as_ref().and_then(|session| session.tool_result.as_ref());
        let calls = reply.get("tool_calls").and_then(Value::as_array);
        let mut tokens = 0;
        let results = calls.map_or(&[][..], Vec::as_slice).iter().map(|call| {
            let mut text = String::new();
            let drawn = length.unwrap_or(&TOOL_RESULT).draw(rng);
            tokens += drawn;
            self.loaded.vocabulary.write(drawn, rng, &mut text);
            json!({"role": "tool", "tool_call_id": call.get("id"), "content": text})
        });
        (results.collect(), tokens)
    }

    fn embeddings(
        &self,
        workload: &Workload,
        index: usize,
        number: u64,
        wanted: Option<u32>,
        rng: &mut Rng,
    ) -> Ask {
        let count = workload.batch.as_ref().map(|batch| batch.draw(rng));
        let mut marks = Marks { items: Some(count.unwrap_or(1)), ..Marks::default() };
        let mut tokens = Some(0);
        let mut texts: Vec<Value> = Vec::new();
        for _ in 0..count.unwrap_or(1) {
            let said = self.said(workload, index, number, 0, wanted, rng);
            tokens = tokens.zip(said.tokens).map(|(sum, tokens)| sum + tokens);
            marks.shared = said.shared;
            texts.extend(said.content);
        }
        marks.prompt_tokens = tokens;
        // One text goes as itself, as most callers send it.
        let input = match (count, texts.pop()) {
            (None, Some(only)) => only,
            (_, last) => texts.into_iter().chain(last).collect(),
        };
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(self.model));
        body.insert("input".to_owned(), input);
        Self::finished(workload, index, "/embeddings", body, None, marks)
    }

    fn request(
        &self,
        workload: &Workload,
        index: usize,
        said: Vec<Value>,
        limit: Option<u32>,
        marks: Marks,
    ) -> Ask {
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(self.model));
        let path = match workload.kind {
            Kind::Chat => {
                let system = workload.system.as_ref();
                let system = system.map(|text| json!({"role": "system", "content": text}));
                body.insert("messages".to_owned(), system.into_iter().chain(said).collect());
                "/chat/completions"
            }
            Kind::Completions => {
                let system = workload.system.as_deref().unwrap_or_default();
                let text = said.first().and_then(|said| said.get("content"));
                let text = text.and_then(Value::as_str).unwrap_or_default();
                body.insert("prompt".to_owned(), json!(format!("{system}{text}")));
                "/completions"
            }
            Kind::Embeddings => "/embeddings",
        };
        if workload.kind != Kind::Embeddings {
            if let Some(limit) = limit {
                body.insert("max_tokens".to_owned(), json!(limit));
                let keys = &self.loaded.manners.exact_output;
                for key in keys.iter().filter(|_| workload.exact_output) {
                    let value = match key {
                        ExactKey::IgnoreEos => json!(true),
                        ExactKey::MinTokens | ExactKey::MinNewTokens => json!(limit),
                    };
                    body.insert(key.name().to_owned(), value);
                }
            }
            if workload.stream {
                body.insert("stream".to_owned(), json!(true));
                body.insert("stream_options".to_owned(), json!({"include_usage": true}));
            }
        }
        Self::finished(workload, index, path, body, limit, marks)
    }

    fn finished(
        workload: &Workload,
        index: usize,
        path: &'static str,
        mut body: Map<String, Value>,
        limit: Option<u32>,
        marks: Marks,
    ) -> Ask {
        if !workload.tools.is_empty() {
            body.insert("tools".to_owned(), json!(workload.tools));
        }
        if let Some(choice) = &workload.tool_choice {
            body.insert("tool_choice".to_owned(), choice.clone());
        }
        if let Some(format) = &workload.response_format {
            body.insert("response_format".to_owned(), json!(format));
        }
        for (key, value) in &workload.body {
            body.insert(key.clone(), value.clone());
        }
        let said = |pointer: &str| body_at(&body, pointer);
        let stream = said("stream").and_then(Value::as_bool).unwrap_or(false);
        let usage_asked =
            stream && said("stream_options/include_usage") == Some(&Value::Bool(true));
        let any_object = json!({"type": "object"});
        let schema = match said("response_format/type").and_then(Value::as_str) {
            Some("json_object") => Some(&any_object),
            _ => said("response_format/json_schema/schema"),
        };
        let schema = schema.cloned();
        let reply_tokens = limit.filter(|_| workload.exact_output);
        let body = serde_json::to_vec(&body).expect("a map of JSON values is JSON");
        Ask { path, body, workload: index, stream, usage_asked, schema, reply_tokens, marks }
    }
}

fn body_at<'a>(body: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('/');
    let first = body.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

#[cfg(test)]
mod tests;
