//! Saved exchanges as an endpoint: each request gets the next one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::{Carry, Transport};
use crate::transcript::{BodyFraming, Connection, End, Exchange, Headers, Timing, WireRequest};

/// Answers with saved exchanges, in the order in which they were saved, whatever is asked.
#[derive(Debug)]
pub struct Replay {
    left: Mutex<VecDeque<Exchange>>,
}

impl Replay {
    /// Plays `exchanges` in order.
    pub fn new(exchanges: Vec<Exchange>) -> Self {
        Self { left: Mutex::new(exchanges.into()) }
    }
}

impl Transport for Replay {
    async fn exchange(&self, request: &WireRequest, carry: &Carry) -> Exchange {
        let next = self.left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match next {
            Some(saved) => Exchange { id: carry.id.clone(), ..saved },
            None => Exchange {
                id: carry.id.clone(),
                request: request.clone(),
                connection: Connection::default(),
                head: None,
                framing: BodyFraming::None,
                frames: Vec::new(),
                trailers: Headers::default(),
                end: End::Refused { why: "the saved exchanges ran out".to_owned() },
                timing: Timing::default(),
                reads: Vec::new(),
                redactions: Vec::new(),
            },
        }
    }
}
