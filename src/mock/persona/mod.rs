//! Whose behaviour the mock shows.

mod sglang;
mod vllm;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use thiserror::Error;

use super::act::Act;
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
    acts: &'static [Act],
}

impl Habit {
    const fn new(what: &'static str, link: &'static str, acts: &'static [Act]) -> Self {
        Self { deviation: Deviation { what, link }, acts }
    }
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
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::Vllm, Self::Sglang];

    /// Its name: `openai`, `vllm`, `sglang`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Vllm => "vllm",
            Self::Sglang => "sglang",
        }
    }

    fn habits(self) -> &'static [Habit] {
        match self {
            Self::OpenAi => &[],
            Self::Vllm => vllm::HABITS,
            Self::Sglang => sglang::HABITS,
        }
    }

    /// What it does otherwise than OpenAI, each with its source.
    pub fn deviations(self) -> &'static [Deviation] {
        static LISTS: LazyLock<[Vec<Deviation>; 3]> = LazyLock::new(|| {
            Persona::ALL.map(|persona| persona.habits().iter().map(|h| h.deviation).collect())
        });
        let [openai, vllm, sglang] = &*LISTS;
        match self {
            Self::OpenAi => openai,
            Self::Vllm => vllm,
            Self::Sglang => sglang,
        }
    }

    pub(crate) fn acts(self) -> impl Iterator<Item = &'static Act> {
        self.habits().iter().flat_map(|habit| habit.acts)
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
