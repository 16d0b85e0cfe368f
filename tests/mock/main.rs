//! The mock, asked over real sockets by a client that shares no code with it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::needless_pass_by_value,
    reason = "a test may fail loudly, and `json!` makes values"
)]

mod chat;
mod client;
mod error;
mod fault;
mod persona;
mod response;
mod stream;
mod thought;
mod tool;
mod wire;

use proofhouse::mock::{Config, Faults, Persona, Server};
use proofhouse::units::Nanos;
use serde_json::{Value, json};

/// A mock without delays.
fn config() -> Config {
    Config { ttft: Nanos(0), itl: Nanos(0), context_tokens: 32_768, ..Config::default() }
}

/// Waits until something holds; a test that waits in vain fails.
fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("{what} never came");
}

fn mock() -> Server {
    Server::start(config()).unwrap()
}

fn faulty(faults: &str) -> Server {
    let faults: Faults = faults.parse().unwrap();
    Server::start(Config { faults, ..config() }).unwrap()
}

fn persona(persona: Persona) -> Server {
    Server::start(Config { persona, ..config() }).unwrap()
}

/// A chat request that says `prompt`, with more fields.
fn says(prompt: &str, more: Value) -> Value {
    let mut body =
        json!({"model": "proofhouse-mock", "messages": [{"role": "user", "content": prompt}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn weather() -> Value {
    json!({"type": "function", "function": {"name": "get_weather", "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["f", "c"]}},
        "required": ["city", "unit"],
        "additionalProperties": false,
    }}})
}
