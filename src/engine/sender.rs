//! Sending: each distinct request once, overload waited out, nothing sent again in silence.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::assert::Seen;
use crate::record::Warning;
use crate::transcript::{End, WireRequest};
use crate::transport::{Carry, ConnectionChoice, Transport};

/// How often an overloaded endpoint (429, 503) is asked again for one exchange.
const OVERLOAD_RETRIES: u32 = 3;
/// A longer `Retry-After` is not waited for: the run would look hung.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);
/// What is waited without a `Retry-After`, doubled each time.
const RETRY_WAIT: Duration = Duration::from_millis(250);

/// What came of one request.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The exchange, and its reading.
    pub seen: Arc<Seen>,
    /// Why it does not count as an answer: unreachable, or overloaded to the end.
    pub fault: Option<String>,
}

/// How a request may be sent.
#[derive(Clone, Debug)]
pub struct Sending<'a> {
    /// An identical request's answer will do.
    pub shared: bool,
    /// The id of an exchange that is not shared.
    pub id: String,
    /// Statuses that are an answer even if they look like overload.
    pub answers: &'a [u16],
}

/// Sends through a transport and remembers what was asked before.
pub(super) struct Sender<'a, T> {
    transport: &'a T,
    prefix: String,
    share: bool,
    asked: Mutex<BTreeMap<[u8; 32], Arc<OnceCell<Sent>>>>,
    unwritten: Mutex<Vec<Arc<Seen>>>,
    warnings: Mutex<Vec<Warning>>,
    target: String,
}

impl<'a, T: Transport> Sender<'a, T> {
    pub(super) fn new(transport: &'a T, target: &str, several: bool, share: bool) -> Self {
        Self {
            transport,
            prefix: if several { format!("{target}:") } else { String::new() },
            share,
            asked: Mutex::default(),
            unwritten: Mutex::default(),
            warnings: Mutex::default(),
            target: target.to_owned(),
        }
    }

    /// Sends `request`, or gives the answer that an identical one got before.
    pub(super) async fn send(
        &self,
        request: &WireRequest,
        carry: &Carry,
        sending: Sending<'_>,
    ) -> Sent {
        if !(sending.shared && self.share) {
            let id = format!("{}{}", self.prefix, sending.id);
            return self.once(request, &Carry { id, ..carry.clone() }, sending.answers).await;
        }
        let key = fingerprint(request, carry, sending.answers);
        let cell = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(asked.entry(key).or_default())
        };
        let name = hex(key.get(..4).unwrap_or_default());
        let id = format!("{}ask-{name}", self.prefix);
        let carry = Carry { id, ..carry.clone() };
        cell.get_or_init(|| self.once(request, &carry, sending.answers)).await.clone()
    }

    async fn once(&self, request: &WireRequest, carry: &Carry, answers: &[u16]) -> Sent {
        let mut carry = carry.clone();
        let first_id = carry.id.clone();
        let mut tried = 0;
        let mut wait = RETRY_WAIT;
        loop {
            let seen = Arc::new(Seen::new(self.transport.exchange(request, &carry).await));
            self.keep(&seen);
            let exchange = &seen.exchange;
            if exchange.end.is_unreachable() {
                let fault = Some(exchange.end.describe());
                return Sent { seen, fault };
            }
            if exchange.end == End::ClosedBeforeResponse
                && carry.connection == ConnectionChoice::Any
            {
                // Never in silence: the first sending stays in the record, and so does this.
                self.warn_closed(&first_id);
                carry.connection = ConnectionChoice::New;
                carry.id = format!("{first_id}+again");
                continue;
            }
            let status = exchange.status().unwrap_or(0);
            if !matches!(status, 429 | 503) || answers.contains(&status) {
                return Sent { seen, fault: None };
            }
            if tried == OVERLOAD_RETRIES {
                let fault = Some(format!(
                    "overloaded: {status} to {} in a row",
                    crate::text::plural(tried as usize + 1, "request")
                ));
                return Sent { seen, fault };
            }
            let asked_for = exchange
                .header("retry-after")
                .and_then(|value| value.trim().parse().ok())
                .map(Duration::from_secs);
            tokio::time::sleep(asked_for.unwrap_or(wait).min(RETRY_AFTER_MAX)).await;
            wait *= 2;
            tried += 1;
            carry.id = format!("{first_id}+{tried}");
        }
    }

    fn keep(&self, seen: &Arc<Seen>) {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(seen));
    }

    fn warn_closed(&self, id: &str) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(Warning {
            target: Some(self.target.clone()),
            seen: format!(
                "the endpoint closed an idle connection it had offered to keep; {id} was sent \
                 again on a new one"
            ),
            meaning: "a client that reuses connections sees some of its requests fail".to_owned(),
            remedy: "let the server send `connection: close`, or keep the connection open for \
                     longer than the client's idle time"
                .to_owned(),
        });
    }

    /// Exchanges that were not handed out yet, in the order in which they ended.
    pub(super) fn drain(&self) -> Vec<Arc<Seen>> {
        std::mem::take(&mut *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Doubts that were not handed out yet.
    pub(super) fn drain_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Two requests are the same when every byte and every way of carrying them is.
pub(super) fn fingerprint(request: &WireRequest, carry: &Carry, answers: &[u16]) -> [u8; 32] {
    let mut hash = Sha256::new();
    // The debug form is unambiguous (strings are quoted) and never leaves this function.
    hash.update(format!("{request:?} {carry:?} {answers:?}"));
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|n| char::from_digit(n.into(), 16))
        .collect()
}
