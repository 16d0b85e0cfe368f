//! What the mock says: no model, but one that does as it is plainly told.

mod call;
mod instance;
mod pattern;
mod place;
mod story;
mod text;
mod thought;
mod word;

use fastrand::Rng;
use serde_json::Value;

use super::ask::{Ask, Format};

pub(crate) use call::calls;
pub(crate) use instance::{Hints, write};
pub(crate) use text::{continuation, more};
pub(crate) use thought::thought;

/// What is said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Text(String),
    /// Calls of tools, names and arguments, and what is said before them.
    Calls(Option<String>, Vec<(String, Value)>),
}

/// Says something in answer to `ask`, of at least `budget` tokens where it is asked to go on.
pub(crate) fn say(ask: &Ask, budget: usize, rng: &mut Rng) -> Said {
    let calls = calls(ask, rng);
    if !calls.is_empty() {
        let before = call::announced(ask).then(|| format!("I will call {}.", names(&calls)));
        return Said::Calls(before, calls);
    }
    Said::Text(match &ask.format {
        Format::Text => text::answer(ask, budget, rng),
        Format::Json => text::object(ask, rng).to_string(),
        Format::Schema(schema) => {
            let hints = Hints::of(ask.last_user_text());
            write(schema, &hints, rng).to_string()
        }
    })
}

/// The names of calls, for people.
fn names(calls: &[(String, Value)]) -> String {
    calls.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" and ")
}
