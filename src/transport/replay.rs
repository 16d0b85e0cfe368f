//! Saved exchanges as an endpoint: each request gets its own, or the next one.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::{Carry, Transport};
use crate::transcript::{BodyFraming, Connection, End, Exchange, Headers, Timing, WireRequest};

/// Answers with saved exchanges, whatever is asked: with the one of the same id, or else with the
/// first that is left. Copies that were sent side by side were saved in the order of their ends.
#[derive(Debug)]
pub struct Replay {
    left: Mutex<VecDeque<Exchange>>,
}

impl Replay {
    /// Plays `exchanges`, each once.
    pub fn new(exchanges: Vec<Exchange>) -> Self {
        Self { left: Mutex::new(exchanges.into()) }
    }
}

impl Transport for Replay {
    async fn exchange(&self, request: &WireRequest, carry: &Carry) -> Exchange {
        let next = {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            let own = left.iter().position(|saved| saved.id == carry.id);
            left.remove(own.unwrap_or(0))
        };
        match next {
            Some(saved) => Exchange { id: carry.id.clone(), ..saved },
            None => Exchange {
                id: carry.id.clone(),
                request: request.clone(),
                connection: Connection::default(),
                head: None,
                framing: BodyFraming::None,
                frames: Vec::new(),
                encoded: Vec::new(),
                trailers: Headers::default(),
                end: End::Refused { why: "the saved exchanges ran out".to_owned() },
                timing: Timing::default(),
                reads: Vec::new(),
                redactions: Vec::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::ResponseHead;

    fn request() -> WireRequest {
        WireRequest {
            method: "GET".to_owned(),
            url: "http://h/v1/models".to_owned(),
            headers: Headers::default(),
            body: "".into(),
        }
    }

    async fn next(replay: &Replay, id: &str) -> Exchange {
        replay.exchange(&request(), &Carry { id: id.to_owned(), ..Carry::default() }).await
    }

    #[tokio::test]
    async fn saved_exchanges_come_in_order_under_the_id_that_was_asked() {
        let empty = next(&Replay::new(Vec::new()), "x").await;
        let saved = |status| Exchange {
            id: "old".to_owned(),
            head: Some(ResponseHead { status, reason: String::new(), headers: Headers::default() }),
            end: End::Complete,
            ..empty.clone()
        };
        let replay = Replay::new(vec![saved(200), saved(404)]);

        let played = [next(&replay, "x1").await, next(&replay, "x2").await];

        let seen: Vec<_> = played.iter().map(|x| (x.id.as_str(), x.status())).collect();
        assert_eq!(seen, [("x1", Some(200)), ("x2", Some(404))]);
    }

    #[tokio::test]
    async fn copies_that_ended_in_another_order_get_their_own() {
        let empty = next(&Replay::new(Vec::new()), "x").await;
        let saved = |id: &str, end| Exchange { id: id.to_owned(), end, ..empty.clone() };
        let replay = Replay::new(vec![saved("b", End::Left), saved("a", End::Complete)]);

        assert_eq!(next(&replay, "a").await.end, End::Complete);
        assert_eq!(next(&replay, "b").await.end, End::Left);
    }

    #[tokio::test]
    async fn a_replay_that_has_run_dry_says_so() {
        let exchange = next(&Replay::new(Vec::new()), "x9").await;
        assert_eq!((exchange.id.as_str(), &exchange.request), ("x9", &request()));
        assert!(matches!(&exchange.end, End::Refused { why } if why.contains("ran out")));
    }
}
