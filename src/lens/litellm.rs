//! The LiteLLM SDK: `completion(model="openai/…")`, and `completion(…, stream=True)` iterated.
//!
//! It sits on openai-python (version 2) and makes an answer of its own from what that hands on,
//! with validation, so that much of what openai-python passes on is an exception here, most often
//! `InternalServerError`. It also fills in what is missing: a finish reason (`stop`), a call's id,
//! and in a stream the token counts, by a tokenizer of its own. Other words for the finish reason
//! become those of the dialect, and any unknown one becomes `stop`.
//!
//! Of a stream its guide prints the chunks as they come; they are joined as a
//! [caller](super::caller) joins openai-python's. (`stream_chunk_builder`, which the package has
//! besides, rebuilds a completion from the same chunks.)

mod model;
mod plain;
mod raised;
mod stream;
#[cfg(test)]
mod tests;

use super::{Asked, Lens, Surface, Taken};
use crate::transcript::Exchange;

pub(super) const LENS: Lens = Lens {
    id: "litellm",
    title: "LiteLLM SDK, completion() and completion(stream=True)",
    package: "litellm",
    version: "1.106.2",
    names: ["LiteLLM", "LiteLLM SDK"],
    surface: Surface::Both,
    read,
};

fn read(exchange: &Exchange) -> Taken {
    if Asked::of(exchange).is_some_and(|asked| asked.stream) {
        stream::read(exchange)
    } else {
        plain::read(exchange)
    }
}
