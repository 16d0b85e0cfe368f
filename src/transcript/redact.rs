//! Masking of secrets, before anything is kept.
//!
//! A secret that was never written cannot leak. Masks have the length of what they hide, so byte
//! offsets in evidence stay true, and each one is noted, so a check can still tell that an
//! endpoint echoed a key.

use memchr::memmem;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Exchange, Frame, Headers};

/// Headers whose whole value is masked, whoever sent them.
const SECRET_HEADERS: [&str; 9] = [
    "authorization",
    "proxy-authorization",
    "api-key",
    "x-api-key",
    "x-amz-security-token",
    "x-goog-api-key",
    "x-auth-token",
    "cookie",
    "set-cookie",
];

/// Whether a header holds a secret by its name alone, whatever its case.
pub fn is_secret_header(name: &str) -> bool {
    SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The fewest bytes of a key. A shorter one could not be masked without masking ordinary words,
/// so whoever takes a key from the user refuses it.
pub const SECRET_BYTES_MIN: usize = 4;

/// Which side of an exchange something stood on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// What we sent.
    Request,
    /// What came back.
    Response,
}

/// A note that something was masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redaction {
    /// Where it stood.
    pub side: Side,
    /// `header authorization`, `body`, `url`.
    pub place: String,
    /// Byte offset in the body or value.
    pub offset: usize,
    /// How many bytes were masked.
    pub len: usize,
    /// Which secret, by name: `PROOFHOUSE_KEY`; never its value.
    pub secret: String,
}

/// Knows the secrets of a run by value and masks them wherever they stand.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<(String, SecretString)>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.secrets.iter().map(|(name, _)| name)).finish()
    }
}

impl Redactor {
    /// Adds a secret under the name it may be called by. Values shorter than [`SECRET_BYTES_MIN`]
    /// are not searched for; their headers are still masked whole.
    pub fn add(&mut self, name: impl Into<String>, value: &SecretString) {
        if value.expose_secret().len() >= SECRET_BYTES_MIN {
            self.secrets.push((name.into(), value.clone()));
        }
    }

    /// Masks every secret in `text`.
    pub fn text(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.mask(&mut bytes, |_, _, _| ());
        // A mask may not split a character: it covers whole occurrences of UTF-8 strings.
        String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(text.len()))
    }

    /// Masks every secret in an exchange, and notes each.
    pub fn exchange(&self, exchange: &mut Exchange) {
        let mut notes = std::mem::take(&mut exchange.redactions);
        self.headers(&mut exchange.request.headers, Side::Request, &mut notes);
        if let Some(head) = &mut exchange.head {
            self.headers(&mut head.headers, Side::Response, &mut notes);
            let mut reason = std::mem::take(&mut head.reason).into_bytes();
            self.mask(&mut reason, |offset, len, secret| {
                notes.push(note(Side::Response, "reason", offset, len, secret));
            });
            head.reason = String::from_utf8(reason).unwrap_or_default();
        }
        // HTTP/2 lets a peer say goodbye in words of its own.
        if let Some(why) = exchange.end.why_mut() {
            *why = self.text(why);
        }
        self.headers(&mut exchange.trailers, Side::Response, &mut notes);
        exchange.request.url = self.text(&exchange.request.url);

        let mut body = exchange.request.body.to_vec();
        let before = notes.len();
        self.mask(&mut body, |offset, len, secret| {
            notes.push(note(Side::Request, "body", offset, len, secret));
        });
        if notes.len() > before {
            exchange.request.body = body.into();
        }
        let before = notes.len();
        self.frames(&mut exchange.frames, &mut notes);
        if notes.len() > before {
            // A secret cannot be masked inside a content coding.
            exchange.encoded.clear();
        }
        exchange.redactions = notes;
    }

    /// A secret may be split over reads, so the body is searched whole.
    fn frames(&self, frames: &mut [Frame], notes: &mut Vec<Redaction>) {
        let mut body: Vec<u8> = frames.iter().flat_map(|f| f.bytes.iter().copied()).collect();
        let before = notes.len();
        self.mask(&mut body, |offset, len, secret| {
            notes.push(note(Side::Response, "body", offset, len, secret));
        });
        if notes.len() == before {
            return;
        }
        let mut rest = body.as_slice();
        for frame in frames {
            let (own, next) = rest.split_at(frame.bytes.len());
            frame.bytes = own.to_vec().into();
            rest = next;
        }
    }

    fn headers(&self, headers: &mut Headers, side: Side, notes: &mut Vec<Redaction>) {
        for header in &mut headers.0 {
            header.name = self.text(&header.name);
            let place = format!("header {}", header.name.to_ascii_lowercase());
            let mut bytes = std::mem::take(&mut header.value).into_bytes();
            let before = notes.len();
            self.mask(&mut bytes, |offset, len, secret| {
                notes.push(note(side, &place, offset, len, secret));
            });
            if is_secret_header(&header.name) && notes.len() == before && !bytes.is_empty() {
                let keep = scheme_len(&bytes);
                notes.push(note(side, &place, keep, bytes.len() - keep, "header"));
                for byte in bytes.iter_mut().skip(keep) {
                    *byte = b'*';
                }
            }
            header.value = String::from_utf8(bytes).unwrap_or_default();
        }
    }

    fn mask(&self, bytes: &mut [u8], mut found: impl FnMut(usize, usize, &str)) {
        for (name, secret) in &self.secrets {
            let needle = secret.expose_secret().as_bytes();
            let hits: Vec<usize> = memmem::find_iter(bytes, needle).collect();
            for at in hits {
                if let Some(hit) = bytes.get_mut(at..at + needle.len()) {
                    hit.fill(b'*');
                }
                found(at, needle.len(), name);
            }
        }
    }
}

fn note(side: Side, place: &str, offset: usize, len: usize, secret: &str) -> Redaction {
    Redaction { side, place: place.to_owned(), offset, len, secret: secret.to_owned() }
}

/// The length of `Bearer ` or `Basic ` at the front: the scheme is worth seeing, and no secret.
fn scheme_len(value: &[u8]) -> usize {
    value.iter().take(8).position(|byte| *byte == b' ').map_or(0, |space| space + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{BodyFraming, Connection, End, ResponseHead, Timing, WireRequest};
    use crate::units::Nanos;

    fn leaky() -> (Redactor, Exchange) {
        let mut redactor = Redactor::default();
        redactor.add("KEY", &SecretString::from("sk-canary"));
        let frames = [&b"you sent sk-ca"[..], &b"nary, rejected"[..]];
        let exchange = Exchange {
            id: "x1".into(),
            request: WireRequest {
                method: "GET".into(),
                url: "http://h/v1/models?key=sk-canary".into(),
                headers: [("Authorization", "Bearer sk-canary")].into_iter().collect(),
                body: "".into(),
            },
            connection: Connection::default(),
            head: Some(ResponseHead {
                status: 401,
                reason: "no sk-canary".to_owned(),
                headers: [
                    ("x-echo", "sk-canary"),
                    ("Set-Cookie", "session=1"),
                    ("x-sk-canary", ""),
                ]
                .into_iter()
                .collect(),
            }),
            framing: BodyFraming::Length,
            frames: frames
                .iter()
                .map(|bytes| Frame { at: Nanos(1), bytes: bytes.to_vec().into() })
                .collect(),
            encoded: Vec::new(),
            trailers: Headers::default(),
            end: End::Reset { why: "goodbye, sk-canary".to_owned() },
            timing: Timing::default(),
            reads: Vec::new(),
            redactions: Vec::new(),
        };
        (redactor, exchange)
    }

    #[test]
    fn no_secret_survives_anywhere_even_split_over_two_reads() {
        let (redactor, mut exchange) = leaky();

        redactor.exchange(&mut exchange);

        let kept = serde_json::to_string(&exchange).unwrap();
        assert!(!kept.contains("canary") && !kept.contains("session=1"), "{kept}");
        assert_eq!(exchange.body().as_ref(), b"you sent *********, rejected");
        assert_eq!(exchange.request.headers.get("authorization"), Some("Bearer *********"));
    }

    #[test]
    fn every_mask_is_noted_so_an_echo_can_be_judged() {
        let (redactor, mut exchange) = leaky();

        redactor.exchange(&mut exchange);

        let echoes: Vec<_> = exchange
            .redactions
            .iter()
            .filter(|r| r.side == Side::Response && r.secret == "KEY")
            .map(|r| (r.place.as_str(), r.offset))
            .collect();
        assert_eq!(echoes, [("header x-echo", 0), ("reason", 3), ("body", 9)]);
    }
}
