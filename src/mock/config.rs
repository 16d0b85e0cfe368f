//! What a mock is to be.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::{Faults, Gate, Persona};
use crate::transcript::Exchange;
use crate::units::Nanos;

/// What a mock is to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose behaviour it shows.
    pub persona: Persona,
    /// What it does wrong on purpose.
    pub faults: Faults,
    /// The same seed and the same requests in the same order give the same bytes.
    pub seed: u64,
    /// The key that must come as `Authorization: Bearer …`; without one any key, or none, will do.
    pub api_key: Option<String>,
    /// The front door that verifies AWS bearer tokens, in the place of a key.
    pub gate: Option<Gate>,
    /// The models it serves; the first is the one a client that asks for nothing special gets.
    pub models: Vec<String>,
    /// Those of them that see no images.
    pub blind: Vec<String>,
    /// From the request's last byte to the first token.
    pub ttft: Nanos,
    /// Between two tokens.
    pub itl: Nanos,
    /// Prompt and answer together may have this many tokens.
    pub context_tokens: usize,
    /// Requests at work at once; one more is answered 429.
    pub capacity: usize,
    /// A longer request body is answered 413.
    pub body_bytes_max: usize,
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// Saved exchanges to play instead of answering.
    pub replay: Option<Vec<Exchange>>,
    /// A file to which every request is appended as one line of JSON, its secrets masked.
    pub capture: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            persona: Persona::default(),
            faults: Faults::default(),
            seed: 0,
            api_key: None,
            gate: None,
            models: ["proofhouse-mock", "proofhouse-mock-small"].map(str::to_owned).into(),
            blind: vec!["proofhouse-mock-small".to_owned()],
            ttft: Nanos::from_millis(2),
            itl: Nanos::from_millis(1),
            context_tokens: 4096,
            capacity: 1024,
            body_bytes_max: 32 << 20,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            replay: None,
            capture: None,
        }
    }
}
