//! openai-python, called plainly: `create(…)`, and `create(…, stream=True)` iterated.
//!
//! The package builds its models without validation and hands over what the wire has. Joining the
//! chunks of a stream is the [caller's](super::caller) work.

use serde_json::Value;

use super::caller::{self, Objects, raw_usage};
use super::decode::python::{Item, Major, Stop, is_valid, lax_index, lax_int, plain, stream};
use super::{Answer, Lens, Surface, Taken, Usage};
use crate::lens::Asked;
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "openai-python",
    title: "openai-python, create() and create(stream=True)",
    package: "openai",
    version: "3.54.0",
    names: ["openai-python", "openai-python raw"],
    surface: Surface::Both,
    read,
};

/// pydantic's models of an answer.
pub(super) static OBJECTS: Objects =
    Objects { usage, choice: |choice| caller::index(choice).to_string(), calls };

fn read(exchange: &Exchange) -> Taken {
    if Asked::of(exchange).is_some_and(|asked| asked.stream) {
        return streamed(exchange);
    }
    match plain(exchange) {
        Ok(completion) => Taken::returns(OBJECTS.answer(&completion)),
        Err(stop) => stopped(stop, Answer::default()),
    }
}

/// How the call ends when reading stops.
pub(super) fn stopped(stop: Stop, answer: Answer) -> Taken {
    match stop {
        Stop::Raises(exception, message, _) => Taken::raises(exception, message, answer),
        Stop::Hangs => Taken::hangs(answer),
    }
}

fn streamed(exchange: &Exchange) -> Taken {
    let items = match stream(exchange, Major::Three) {
        Ok(items) => items,
        Err(stop) => return stopped(stop, Answer::default()),
    };
    let mut joined = OBJECTS.join();
    for item in items {
        match item {
            Item::Data(chunk) => joined.add(&chunk),
            Item::Stops(stop) => return stopped(stop, joined.finish()),
        }
    }
    Taken::returns(joined.finish())
}

/// Token counts. If all three read as whole numbers they are handed over as such, else as they
/// came.
pub(super) fn usage(usage: &Value) -> Option<Usage> {
    let raw = raw_usage(usage)?;
    let counts = [&raw.prompt_tokens, &raw.completion_tokens, &raw.total_tokens];
    let whole: Vec<Value> = counts.into_iter().filter_map(lax_int).map(Value::from).collect();
    let Ok([prompt_tokens, completion_tokens, total_tokens]) = <[Value; 3]>::try_from(whole) else {
        return Some(raw);
    };
    Some(Usage { prompt_tokens, completion_tokens, total_tokens })
}

/// Calls by index. pydantic makes each a number only if it takes all fragments of the delta.
fn calls(fragments: &[&Value]) -> Vec<String> {
    let valid = fragments.iter().all(|fragment| is_valid(fragment));
    let key = |fragment: &&Value| {
        let index = caller::index(fragment);
        if valid { lax_index(&index).to_string() } else { index.to_string() }
    };
    fragments.iter().map(key).collect()
}
