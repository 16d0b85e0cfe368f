//! Whose behaviour the mock shows.

mod azure;
mod bedrock;
mod hear;
mod litellm;
mod llamacpp;
mod ollama;
mod openrouter;
mod sagemaker;
mod sglang;
mod tgi;
mod vllm;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::act::Act;
use super::fault;
use crate::text::did_you_mean;

/// Whose behaviour the mock shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persona {
    /// OpenAI's: the reference that the others deviate from.
    #[default]
    OpenAi,
    /// vLLM 0.32.
    Vllm,
    /// SGLang.
    Sglang,
    /// llama.cpp's HTTP server.
    LlamaCpp,
    /// Ollama's OpenAI routes.
    Ollama,
    /// Hugging Face's Text Generation Inference.
    Tgi,
    /// LiteLLM's proxy.
    LiteLlm,
    /// OpenRouter.
    OpenRouter,
    /// Azure OpenAI.
    Azure,
    /// Amazon Bedrock's OpenAI route.
    Bedrock,
    /// The `/openai/v1` route of a SageMaker endpoint, with vLLM in its container.
    SageMaker,
}

/// Something a server does otherwise than OpenAI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What it does, in a clause.
    pub what: &'static str,
    /// Where that is documented or was seen.
    pub link: &'static str,
}

/// A deviation and how it comes about.
pub(crate) struct Habit {
    deviation: Deviation,
    /// Faults that do the same.
    faults: &'static [&'static str],
    acts: &'static [Act],
}

impl Habit {
    const fn new(what: &'static str, link: &'static str, acts: &'static [Act]) -> Self {
        Self { deviation: Deviation { what, link }, faults: &[], acts }
    }

    /// A deviation that is also a fault of its own: by the faults' names.
    const fn faults(
        what: &'static str,
        link: &'static str,
        faults: &'static [&'static str],
    ) -> Self {
        Self { deviation: Deviation { what, link }, faults, acts: &[] }
    }
}

/// What makes a persona.
struct Character {
    name: &'static str,
    /// Which server, and which version of it.
    title: &'static str,
    /// The server's habits, in the order in which they are applied; one list for each layer that a
    /// request passes on its way out.
    layers: &'static [&'static [Habit]],
    /// The gauge of requests at work among its metrics.
    gauge: Option<&'static str>,
}

/// A persona's name that is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no persona `{name}`{}", hint.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default())]
pub struct UnknownPersona {
    name: String,
    hint: Option<&'static str>,
}

impl Persona {
    /// Every persona.
    pub const ALL: [Self; 11] = [
        Self::OpenAi,
        Self::Vllm,
        Self::Sglang,
        Self::LlamaCpp,
        Self::Ollama,
        Self::Tgi,
        Self::LiteLlm,
        Self::OpenRouter,
        Self::Azure,
        Self::Bedrock,
        Self::SageMaker,
    ];

    const fn character(self) -> &'static Character {
        const OPENAI: Character = Character {
            name: "openai",
            title: "OpenAI, the reference that the others deviate from",
            layers: &[],
            gauge: None,
        };
        match self {
            Self::OpenAi => &OPENAI,
            Self::Vllm => &vllm::CHARACTER,
            Self::Sglang => &sglang::CHARACTER,
            Self::LlamaCpp => &llamacpp::CHARACTER,
            Self::Ollama => &ollama::CHARACTER,
            Self::Tgi => &tgi::CHARACTER,
            Self::LiteLlm => &litellm::CHARACTER,
            Self::OpenRouter => &openrouter::CHARACTER,
            Self::Azure => &azure::CHARACTER,
            Self::Bedrock => &bedrock::CHARACTER,
            Self::SageMaker => &sagemaker::CHARACTER,
        }
    }

    /// Its name, as in `--persona vllm`. The built-in profile of the same server has it too.
    pub const fn name(self) -> &'static str {
        self.character().name
    }

    /// Which server it shows, and which version of it.
    pub const fn title(self) -> &'static str {
        self.character().title
    }

    /// The gauge of requests at work among its metrics.
    pub(crate) const fn gauge(self) -> Option<&'static str> {
        self.character().gauge
    }

    fn habits(self) -> impl Iterator<Item = &'static Habit> {
        self.character().layers.iter().copied().flatten()
    }

    /// What it does otherwise than OpenAI, each with its source.
    pub fn deviations(self) -> Vec<Deviation> {
        self.habits().map(|habit| habit.deviation).collect()
    }

    pub(crate) fn acts(self) -> impl Iterator<Item = &'static Act> {
        self.habits().flat_map(|habit| {
            let alike = habit.faults.iter().filter_map(|name| fault::named(name));
            alike.flat_map(|fault| fault.acts).chain(habit.acts)
        })
    }
}

impl fmt::Display for Persona {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Persona {
    type Err = UnknownPersona;

    fn from_str(name: &str) -> Result<Self, UnknownPersona> {
        Self::ALL.into_iter().find(|persona| persona.name() == name).ok_or_else(|| {
            let hint = did_you_mean(name, Self::ALL.iter().map(|persona| persona.name()));
            UnknownPersona { name: name.to_owned(), hint }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_habit_is_shown_by_something_and_names_faults_that_are() {
        for habit in Persona::ALL.into_iter().flat_map(Persona::habits) {
            let what = habit.deviation.what;
            assert!(!habit.acts.is_empty() || !habit.faults.is_empty(), "nothing shows: {what}");
            for name in habit.faults {
                assert!(fault::named(name).is_some(), "there is no fault {name}: {what}");
            }
        }
    }
}
