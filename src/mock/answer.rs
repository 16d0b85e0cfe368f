//! What the engine decides to say, before anyone gives it a shape.

use fastrand::Rng;

use super::ask::{Ask, Format, ToolChoice};
use super::brain::{self, Said};
use super::house::House;
use super::tokens;

/// A prompt shorter than this is not cached, and what is cached comes in steps (OpenAI:
/// <https://platform.openai.com/docs/guides/prompt-caching>).
const CACHED_TOKENS_MIN: usize = 1024;
const CACHED_TOKENS_STEP: usize = 128;

/// What the engine decides to say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: Usage,
    /// The engine fails after this many pieces.
    pub(crate) fail_after: Option<usize>,
}

/// One answer of several.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Choice {
    /// The text, token by token; `None` where a call stands for it.
    pub(crate) text: Option<Vec<String>>,
    /// Thoughts before the text, token by token; only where they were asked for.
    pub(crate) reasoning: Vec<String>,
    pub(crate) calls: Vec<Call>,
    /// `stop`, `length`, `tool_calls`.
    pub(crate) finish: String,
    /// The stop text that ended it.
    pub(crate) stopped_at: Option<String>,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The arguments' JSON, token by token.
    pub(crate) arguments: Vec<String>,
}

/// Tokens counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) prompt: usize,
    pub(crate) completion: usize,
    pub(crate) total: usize,
    pub(crate) cached: usize,
    pub(crate) reasoning: usize,
}

impl Call {
    /// The arguments joined.
    pub(crate) fn json(&self) -> String {
        self.arguments.concat()
    }

    /// Puts other arguments in their place.
    pub(crate) fn set_json(&mut self, json: &str) {
        self.arguments = tokens::split(json);
    }

    fn tokens(&self) -> usize {
        1 + self.arguments.len()
    }
}

impl Choice {
    /// The text joined.
    pub(crate) fn content(&self) -> String {
        self.text.as_ref().map(|tokens| tokens.concat()).unwrap_or_default()
    }

    /// Puts another text in its place.
    pub(crate) fn set_content(&mut self, text: &str) {
        self.text = Some(tokens::split(text));
    }

    fn tokens(&self) -> usize {
        self.text.as_ref().map_or(0, Vec::len)
            + self.reasoning.len()
            + self.calls.iter().map(Call::tokens).sum::<usize>()
    }
}

impl Answer {
    /// Decides on the answer to an ask.
    pub(crate) fn to(ask: &Ask, house: &House, number: u64) -> Self {
        let prompt = ask.prompt_text();
        let hash = tokens::hash(prompt.as_bytes());
        let mut seed = hash ^ house.config.seed.rotate_left(17);
        if let Some(own) = ask.seed {
            seed ^= own.cast_unsigned().rotate_left(31);
        }
        if !ask.is_determined() {
            seed ^= number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        let budget = house.config.context_tokens.saturating_sub(ask.prompt_tokens);
        let budget = ask.limit.map_or(budget, |limit| limit.min(budget));
        let speak = |(index, prompt): (usize, Option<&str>)| {
            let seed = seed.wrapping_add(index as u64);
            choice(ask, prompt, budget, seed, number, index)
        };
        let prompts: Vec<Option<&str>> = if ask.prompts.is_empty() {
            vec![None]
        } else {
            ask.prompts.iter().map(|prompt| Some(prompt.as_str())).collect()
        };
        let slots = prompts.iter().flat_map(|prompt| std::iter::repeat_n(*prompt, ask.n));
        let cached = if ask.prompt_tokens >= CACHED_TOKENS_MIN && house.saw_prompt(hash) {
            ask.prompt_tokens / CACHED_TOKENS_STEP * CACHED_TOKENS_STEP
        } else {
            0
        };
        let mut answer = Self {
            choices: slots.enumerate().map(speak).collect(),
            usage: Usage { prompt: ask.prompt_tokens, cached, ..Usage::default() },
            fail_after: ask.fail_after,
        };
        answer.recount();
        answer
    }

    /// Counts the tokens anew, after a change of texts.
    pub(crate) fn recount(&mut self) {
        self.usage.completion = self.choices.iter().map(Choice::tokens).sum();
        self.usage.reasoning = self.choices.iter().map(|choice| choice.reasoning.len()).sum();
        self.usage.total = self.usage.prompt + self.usage.completion;
    }
}

fn choice(
    ask: &Ask,
    prompt: Option<&str>,
    budget: usize,
    seed: u64,
    number: u64,
    index: usize,
) -> Choice {
    // Thoughts count against the limit as everything does, and what is said does not depend on them.
    let mut reasoning = thoughts(ask, seed);
    let cut = reasoning.len() > budget;
    reasoning.truncate(budget);
    let budget = budget - reasoning.len();
    let mut rng = Rng::with_seed(seed);
    let said = match prompt {
        Some(prompt) => Said::Text(brain::continuation(prompt, budget, &mut rng)),
        None => brain::say(ask, budget, &mut rng),
    };
    let mut choice = match said {
        Said::Text(text) => {
            let mut choice = text_choice(ask, &text, budget, &mut rng);
            if let (true, Some(prompt)) = (ask.echo, prompt) {
                let tokens = choice.text.get_or_insert_default();
                tokens.splice(0..0, tokens::split(prompt));
            }
            choice
        }
        Said::Calls(before, calls) => {
            let calls = calls.into_iter().enumerate().map(|(at, (name, arguments))| Call {
                id: call_id(number, index, at),
                name,
                arguments: tokens::split(&arguments.to_string()),
            });
            let mut text = before.map(|text| tokens::split(&text));
            if let Some(text) = &mut text {
                text.truncate(budget);
            }
            let left = budget - text.as_ref().map_or(0, Vec::len);
            Choice { text, ..call_choice(ask, calls.collect(), left) }
        }
    };
    if cut {
        "length".clone_into(&mut choice.finish);
    }
    Choice { reasoning, ..choice }
}

/// What the model thinks first.
fn thoughts(ask: &Ask, seed: u64) -> Vec<String> {
    let Some(effort) = ask.effort else { return Vec::new() };
    tokens::split(&brain::thought(effort, &mut Rng::with_seed(seed.rotate_left(7))))
}

fn text_choice(ask: &Ask, text: &str, budget: usize, rng: &mut Rng) -> Choice {
    let mut tokens = tokens::split(text);
    if ask.ignore_eos {
        while tokens.len() < budget && ask.limit.is_some() {
            tokens.extend(tokens::split(&brain::more(rng)));
        }
    }
    if !ask.bias.is_empty() {
        // Half the greatest bias is more than any score here has over the next.
        let banned =
            |token: &str| ask.bias.get(&tokens::id(token)).is_some_and(|bias| *bias <= -50.0);
        tokens.retain(|token| !banned(token));
    }
    let found = ask.stop.iter().filter_map(|stop| find(&tokens, stop).map(|at| (at, stop))).min();
    let mut finish = "stop";
    let mut stopped_at = None;
    if let Some((bytes, stop)) = found {
        cut(&mut tokens, bytes);
        stopped_at = Some(stop.clone());
    }
    if tokens.len() > budget {
        tokens.truncate(budget);
        finish = "length";
        stopped_at = None;
    }
    Choice { text: Some(tokens), finish: finish.to_owned(), stopped_at, ..Choice::default() }
}

/// Where a stop text begins, in bytes of the joined tokens.
fn find(tokens: &[String], stop: &str) -> Option<usize> {
    tokens.concat().find(stop)
}

/// Keeps the first `bytes` of the joined tokens; the token at the cut is shortened.
fn cut(tokens: &mut Vec<String>, bytes: usize) {
    let mut left = bytes;
    let mut keep = 0;
    for token in tokens.iter_mut() {
        if left == 0 {
            break;
        }
        if token.len() > left {
            token.truncate(left);
        }
        left -= token.len();
        keep += 1;
    }
    tokens.truncate(keep);
}

fn call_choice(ask: &Ask, mut calls: Vec<Call>, budget: usize) -> Choice {
    let mut left = budget;
    let mut truncated = false;
    calls.retain_mut(|call| {
        if left == 0 {
            truncated = true;
            return false;
        }
        left -= 1;
        if call.arguments.len() > left {
            call.arguments.truncate(left);
            truncated = true;
        }
        left -= call.arguments.len();
        true
    });
    // For a named choice OpenAI itself ends with `stop`, for the others with `tool_calls`: table in
    // https://github.com/vllm-project/vllm/pull/25054
    let finish = match &ask.choice {
        _ if truncated => "length",
        ToolChoice::Named(_) => "stop",
        _ => "tool_calls",
    };
    Choice { calls, finish: finish.to_owned(), ..Choice::default() }
}

/// Unique within a server, of the form of OpenAI's.
pub(crate) fn call_id(number: u64, choice: usize, call: usize) -> String {
    let salt = tokens::hash(format!("{number}/{choice}/{call}").as_bytes());
    format!(
        "call_{}{}",
        base62(salt, 11),
        base62(number << 16 | (choice as u64) << 8 | call as u64, 13)
    )
}

/// `value` in digits and letters, exactly `len` of them.
pub(crate) fn base62(mut value: u64, len: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = vec![b'0'; len];
    for digit in out.iter_mut().rev() {
        let at = usize::try_from(value % 62).unwrap_or_default();
        *digit = DIGITS.get(at).copied().unwrap_or(b'0');
        value /= 62;
    }
    out.into_iter().map(char::from).collect()
}

/// Whether the text must be JSON.
pub(crate) fn is_structured(ask: &Ask) -> bool {
    ask.format != Format::Text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_text_is_cut_wherever_it_begins_inside_a_token() {
        let mut tokens = tokens::split("ABCDEFGHIJKLM");
        let at = find(&tokens, "DEFGHIJ").unwrap();

        cut(&mut tokens, at);

        assert_eq!(tokens, ["ABC"]);
    }

    #[test]
    fn ids_of_calls_differ_and_look_like_openais() {
        let ids = [call_id(1, 0, 0), call_id(1, 0, 1), call_id(1, 1, 0), call_id(2, 0, 0)];

        assert!(ids.iter().all(|id| id.len() == 29 && id.starts_with("call_")));
        assert_eq!(std::collections::BTreeSet::from(ids).len(), 4);
    }
}
