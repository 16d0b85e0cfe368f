//! What a client asks for, understood and checked.

mod effort;
mod fields;
mod message;
mod read;
mod response;
mod tool;

use std::collections::BTreeMap;

pub(crate) use effort::Effort;
pub(crate) use fields::Fields;
pub(crate) use message::{Message, Role};
pub(crate) use read::{body, chat, check_model, completion};
pub(crate) use response::{ResponseAsk, response};
pub(crate) use tool::{Format, Tool, ToolChoice};

/// What a client asks for, understood and checked.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the request's own")]
pub(crate) struct Ask {
    pub(crate) model: String,
    /// The conversation; empty for a legacy completion.
    pub(crate) messages: Vec<Message>,
    /// The prompts of a legacy completion.
    pub(crate) prompts: Vec<String>,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) tools: Vec<Tool>,
    pub(crate) choice: ToolChoice,
    pub(crate) parallel: bool,
    pub(crate) format: Format,
    pub(crate) stop: Vec<String>,
    /// Tokens of one answer.
    pub(crate) limit: Option<usize>,
    /// Answers to each prompt.
    pub(crate) n: usize,
    pub(crate) seed: Option<i64>,
    pub(crate) temperature: f64,
    /// Whether log probabilities are wanted, and how many alternatives to each token.
    pub(crate) logprobs: Option<usize>,
    /// What is added to the score of a token, by its id.
    pub(crate) bias: BTreeMap<u64, f64>,
    /// vLLM's and SGLang's `ignore_eos`: go on until the limit.
    pub(crate) ignore_eos: bool,
    /// Legacy: begin the answer with the prompt.
    pub(crate) echo: bool,
    /// How hard the model is to think first; `None` if it is not to.
    pub(crate) effort: Option<Effort>,
    pub(crate) prompt_tokens: usize,
    /// The engine is to fail after this many pieces of content.
    pub(crate) fail_after: Option<usize>,
}

impl Ask {
    /// Whether the same ask must get the same answer.
    pub(crate) fn is_determined(&self) -> bool {
        self.seed.is_some() || self.temperature == 0.0
    }

    /// Everything the prompt says, for hashes.
    pub(crate) fn prompt_text(&self) -> String {
        let messages = self.messages.iter().map(|message| message.text.as_str());
        let prompts = self.prompts.iter().map(String::as_str);
        messages.chain(prompts).collect::<Vec<_>>().join("\u{1}")
    }

    /// What the user said last; empty if the user said nothing.
    pub(crate) fn last_user_text(&self) -> &str {
        let last = self.messages.iter().rev().find(|message| message.role == Role::User);
        last.map_or("", |message| message.text.as_str())
    }
}
