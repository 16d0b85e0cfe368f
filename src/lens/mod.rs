//! What well-known clients would make of an exchange.
//!
//! A lens reads a transcript the way one client does, with that client's own reading rules, and
//! says what the client would hand to its caller or raise. Comparing that with what the wire meant
//! tells who is hurt, and how. There is one file for each client surface; how bytes become events
//! and values is under `decode`. `tests/clients` holds every lens against the real, pinned client.

mod ai_sdk;
mod ai_sdk_openai;
mod asked;
mod caller;
mod decode;
mod judge;
mod langchain;
mod litellm;
mod openai_node;
mod openai_node_responses;
mod openai_node_stream;
mod openai_python;
mod openai_python_responses;
mod openai_python_stream;
mod response;
mod strands;
mod taken;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use asked::{Api, Asked};
pub use taken::{Answer, Call, Outcome, Taken, Usage};

use crate::transcript::Exchange;

/// One client surface: a package, and one way of calling it.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    /// `openai-python`, as in `check --client openai-python`.
    pub id: &'static str,
    /// For people: the package and the call.
    pub title: &'static str,
    /// The package's name in its registry.
    pub package: &'static str,
    /// The version that the lens was proven against.
    pub version: &'static str,
    /// What suites call the client, and this surface of it.
    names: [&'static str; 2],
    /// Which requests the surface makes.
    surface: Surface,
    read: fn(&Exchange) -> Taken,
}

/// Which requests a client surface makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surface {
    /// Chats, plain ones and streams.
    Both,
    /// Streams of chats only.
    Stream,
    /// Responses, plain ones and streams.
    Responses,
}

impl Surface {
    const fn makes(self, asked: Asked) -> bool {
        match (self, asked.api) {
            (Self::Both, Api::Chat) | (Self::Responses, Api::Responses) => true,
            (Self::Stream, Api::Chat) => asked.stream,
            _ => false,
        }
    }
}

/// Stands for a tool call's id that the client makes up, because the answer had none.
pub const MADE_UP_ID: &str = "(made up by the client)";

/// Stands for a token count that the client makes up, because the answer had none.
pub const MADE_UP_COUNT: &str = "(made up by the client)";

/// Every lens, in the order of reports.
pub const fn all() -> &'static [Lens] {
    &[
        openai_python::LENS,
        openai_python_stream::LENS,
        openai_python_responses::LENS,
        openai_node::LENS,
        openai_node_stream::LENS,
        openai_node_responses::LENS,
        ai_sdk::LENS,
        ai_sdk_openai::LENS,
        langchain::LENS,
        strands::LENS,
        litellm::LENS,
    ]
}

/// Clients that have no way to ask for more than one choice. Their lenses can read such an answer,
/// and are proven on it, but nobody is hurt by what nobody asks.
const ONE_CHOICE: [&str; 4] = ["ai-sdk", "ai-sdk-openai", "langchain", "strands"];

/// The lens with this id.
pub fn find(id: &str) -> Option<&'static Lens> {
    all().iter().find(|lens| lens.id == id)
}

/// What an exchange does to the user of a client. Ordered from harmless to grave: silent damage is
/// graver than an exception, because nobody notices it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The caller gets what the wire meant, or the right exception for an error.
    Ok,
    /// The client raises an exception where it should have had an answer.
    Raises,
    /// The client waits until its own timeout.
    Hangs,
    /// The client returns as if all were well, and what it hands over is wrong.
    SilentlyWrong,
}

impl Effect {
    /// `silently-wrong`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Raises => "raises",
            Self::Hangs => "hangs",
            Self::SilentlyWrong => "silently-wrong",
        }
    }

    /// For people: `silently wrong`.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::SilentlyWrong => "silently wrong",
            other => other.name(),
        }
    }

    /// The effect and its detail in one clause.
    pub fn with(self, detail: &str) -> String {
        match self {
            Self::SilentlyWrong => format!("silently wrong: {detail}"),
            Self::Ok | Self::Raises | Self::Hangs => detail.to_owned(),
        }
    }
}

/// The judgement of a lens on an exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// What it does to the user of the client.
    pub effect: Effect,
    /// One sentence for people.
    pub detail: String,
    /// What the client hands to its caller.
    pub taken: Taken,
}

impl Lens {
    /// Whether a suite speaks of the client by this name, whatever its surface.
    pub fn is_client(&self, name: &str) -> bool {
        self.names.first().is_some_and(|known| *known == name)
    }

    /// Whether a suite speaks of this surface by this name, or of the client as a whole.
    pub fn is_called(&self, name: &str) -> bool {
        self.id == name || self.names.contains(&name)
    }

    /// The API that the surface speaks.
    pub const fn api(&self) -> Api {
        match self.surface {
            Surface::Both | Surface::Stream => Api::Chat,
            Surface::Responses => Api::Responses,
        }
    }

    /// Whether the client would have made this request at all: one of its API, of the kind that the
    /// surface asks for.
    pub fn applies(&self, exchange: &Exchange) -> bool {
        Asked::of(exchange).is_some_and(|asked| self.surface.makes(asked))
    }

    /// What the client would hand to its caller.
    pub fn read(&self, exchange: &Exchange) -> Taken {
        (self.read)(exchange)
    }

    /// What the exchange does to the user of the client; `None` if the client would not have made
    /// the request.
    pub fn look(&self, exchange: &Exchange) -> Option<Sight> {
        let asked = Asked::of(exchange)?;
        if !self.surface.makes(asked) || (asked.several && ONE_CHOICE.contains(&self.id)) {
            return None;
        }
        let taken = self.read(exchange);
        let (effect, detail) = judge::judge(exchange, asked, &taken);
        Some(Sight { effect, detail, taken })
    }
}
