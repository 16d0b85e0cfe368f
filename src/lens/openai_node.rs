//! openai-node, called plainly: `create(…)`, and `create({stream: true})` iterated.
//!
//! The package hands over what the wire has, without a look at it. Joining the chunks of a stream
//! is the [caller's](super::caller) work.

use serde_json::Value;

use super::caller::{self, Objects, raw_usage};
use super::decode::js::{self, Stop};
use super::decode::node::{Item, plain, stream};
use super::{Answer, Asked, Lens, Surface, Taken};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "openai-node",
    title: "openai-node, create() and create({stream: true})",
    package: "openai",
    version: "6.49.0",
    names: ["openai-node", "openai-node raw"],
    surface: Surface::Both,
    read,
};

/// An answer's plain objects.
pub(super) static OBJECTS: Objects = Objects {
    usage: raw_usage,
    choice: key,
    calls: |list| list.iter().map(|call| key(call)).collect(),
};

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
        Stop::Raises(class, message) => Taken::raises(class, message, answer),
        Stop::Hangs => Taken::hangs(answer),
    }
}

fn streamed(exchange: &Exchange) -> Taken {
    let items = match stream(exchange) {
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

/// The index of a choice or a call, whatever it is.
fn key(value: &Value) -> String {
    js::stringify(&caller::index(value))
}
