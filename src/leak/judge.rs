//! What a text is: a token, a URL, a part of one, or nothing.

use std::cmp::Reverse;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use memchr::memmem;
use sha2::{Digest as _, Sha256};

use super::text::{Text, decoded, is_base64, runs, unescaped};
use super::{Kind, State};
use crate::aws::bearer::Service;

/// Fewer characters behind a prefix are a word about tokens, and no token.
const BODY_MIN: usize = 40;
/// As many different characters as random base64 of that length always has, and placeholders
/// never.
const VARIETY_MIN: usize = 10;
/// Escapes in escapes in escapes.
const LAYERS_MAX: usize = 4;
/// Base64 in base64 in base64.
const DEPTH_MAX: usize = 3;

/// Something that was recognised.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) kind: Kind,
    /// Where it begins and ends in the bytes that were searched.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) says: Says,
    pub(super) fingerprint: String,
}

/// What it says of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Says {
    pub(super) expires: Option<DateTime<Utc>>,
    pub(super) key: Option<String>,
}

impl Says {
    pub(super) fn state(&self, now: DateTime<Utc>) -> State {
        match self.expires {
            Some(expires) if expires > now => State::Valid,
            Some(_) => State::Expired,
            None => State::Unknown,
        }
    }
}

/// The first thing in `text`, whatever its encoding.
pub(super) fn judge(text: &Text) -> Option<Found> {
    deep(text, DEPTH_MAX)
}

fn deep(text: &Text, depth: usize) -> Option<Found> {
    let mut first: Option<Found> = None;
    let mut keep = |found: Option<Found>| {
        if let Some(found) = found {
            // Of two readings of the same, the one that takes in more of it.
            let order = |found: &Found| (found.start, Reverse(found.end), found.kind);
            let is_first = first.as_ref().is_none_or(|known| order(&found) < order(known));
            if is_first {
                first = Some(found);
            }
        }
    };
    let mut layer = text.clone();
    for _ in 0..=LAYERS_MAX {
        keep(token(&layer));
        keep(url(&layer));
        if depth > 0 {
            for (start, len) in runs(&layer, BODY_MIN) {
                for skip in 0..4.min(len) {
                    let inner = decoded(&layer, start + skip, len - skip);
                    keep(inner.and_then(|inner| within(&inner, depth)));
                }
            }
        }
        match unescaped(&layer) {
            Some(next) => layer = next,
            None => break,
        }
    }
    first
}

/// What base64 holds. The body of a token is the token.
fn within(inner: &Text, depth: usize) -> Option<Found> {
    // What is no text of any kind is not looked into.
    let odd = inner.bytes.iter().take(64).filter(|byte| !byte.is_ascii_graphic()).count();
    if odd > 24 && memmem::find(&inner.bytes, b"X-Amz-").is_none() {
        return None;
    }
    let mut found = deep(inner, depth - 1)?;
    if found.kind == Kind::PresignedUrl {
        let host = |service: Service| memmem::find(&inner.bytes, service.host().as_bytes());
        let [sagemaker, bedrock] = Service::ALL.map(host);
        match (sagemaker, bedrock) {
            (Some(_), None) => found.kind = Kind::SagemakerToken,
            (None, Some(_)) => found.kind = Kind::BedrockToken,
            _ => {}
        }
    }
    Some(found)
}

fn token(text: &Text) -> Option<Found> {
    let mut first: Option<Found> = None;
    for service in Service::ALL {
        for at in memmem::find_iter(&text.bytes, service.prefix()) {
            let body = at + service.prefix().len();
            let mut len = text.from(body).iter().take_while(|byte| is_base64(**byte)).count();
            // Another token right behind: lines that hold nothing but tokens.
            for next in Service::ALL.map(Service::prefix) {
                let run = text.bytes.get(body..body + len).unwrap_or_default();
                len = memmem::find(run, next.as_bytes()).unwrap_or(len);
            }
            let run = text.bytes.get(body..body + len).unwrap_or_default();
            if len < BODY_MIN || !is_varied(run) {
                continue;
            }
            let inner = decoded(text, body, len).unwrap_or_default();
            // What was joined behind its end is not part of it.
            let version = memmem::find(&inner.bytes, b"&Version=1");
            let end = version.map_or(body + len, |at| body + (at + 10) * 4 / 3);
            let kind = match service {
                Service::SageMaker => Kind::SagemakerToken,
                Service::Bedrock => Kind::BedrockToken,
            };
            let found = Found {
                kind,
                start: text.place(at),
                end: text.place(end.saturating_sub(1)) + 1,
                says: says(&inner.bytes),
                fingerprint: fingerprint(text.bytes.get(at..end).unwrap_or_default()),
            };
            if first.as_ref().is_none_or(|known| found.start < known.start) {
                first = Some(found);
            }
            break;
        }
    }
    first
}

fn url(text: &Text) -> Option<Found> {
    const SIGNATURE: &[u8] = b"X-Amz-Signature=";
    const SESSION: &[u8] = b"X-Amz-Security-Token=";
    let bytes = &text.bytes;
    let is_hex = |run: &[u8]| run.iter().take(64).filter(|b| b.is_ascii_hexdigit()).count() == 64;
    let signature =
        memmem::find_iter(bytes, SIGNATURE).find(|at| is_hex(text.from(at + SIGNATURE.len())));
    let session = memmem::find_iter(bytes, SESSION).find(|at| {
        let value = text.from(at + SESSION.len());
        let len = value.iter().take_while(|byte| is_base64(**byte) || b"=%".contains(byte)).count();
        value.get(..len).is_some_and(is_session)
    });
    let (start, mut end) = match (signature, session) {
        (Some(signature), session) => {
            let start = session.unwrap_or(signature).min(signature);
            (start, signature + SIGNATURE.len() + 64)
        }
        (None, Some(session)) => (session, session + SESSION.len()),
        (None, None) => return None,
    };
    let host = Service::ALL
        .into_iter()
        .find_map(|service| memmem::rfind(bytes.get(..start)?, service.host().as_bytes()));
    let kind = match (signature, host, session) {
        (Some(_), Some(_), _) => Kind::PresignedUrl,
        (_, _, Some(_)) => Kind::SessionToken,
        _ => Kind::Signature,
    };
    // Whatever else the URL says belongs to it.
    let behind = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-._~%=&+/".contains(byte);
    let rest = text.from(end);
    let tail = match memmem::find(rest, b"&Version=1") {
        Some(at) => at + 10,
        None => rest.iter().take_while(behind).count(),
    };
    end += tail;
    let start = host.unwrap_or(start);
    Some(Found {
        kind,
        start: text.place(start),
        end: text.place(end.saturating_sub(1)) + 1,
        says: says(bytes.get(start..end).unwrap_or_default()),
        fingerprint: fingerprint(bytes.get(start..end).unwrap_or_default()),
    })
}

/// What a presigned URL says of itself, as far as it is there.
pub(super) fn says(url: &[u8]) -> Says {
    let value = |name: &[u8]| -> Option<String> {
        let at = memmem::find(url, name)? + name.len();
        let rest = url.get(at..)?;
        let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        Some(String::from_utf8_lossy(rest.get(..len)?).into_owned())
    };
    let issued = value(b"X-Amz-Date=")
        .and_then(|text| NaiveDateTime::parse_from_str(&text, "%Y%m%dT%H%M%SZ").ok());
    let life = value(b"X-Amz-Expires=").and_then(|text| text.parse::<u32>().ok());
    let expires = issued.zip(life).and_then(|(issued, life)| {
        issued.and_utc().checked_add_signed(TimeDelta::seconds(life.into()))
    });
    let key = value(b"X-Amz-Credential=").or_else(|| value(b"Credential="));
    let key = key.and_then(|key| Some(key.get(key.len().checked_sub(4)?..)?.to_owned()));
    Says { expires, key: key.filter(|key| key.len() == 4) }
}

/// Whether `run` is no placeholder such as `XXXX…`.
pub(super) fn is_varied(run: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in run {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    seen.iter().filter(|seen| **seen).count() >= VARIETY_MIN
}

/// Whether a value may be a session token: long, and of every class of characters.
pub(super) fn is_session(value: &[u8]) -> bool {
    const LEN_MIN: usize = 24;
    let has = |is: fn(&u8) -> bool| value.iter().any(is);
    value.len() >= LEN_MIN
        && is_varied(value)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

pub(super) fn fingerprint(bytes: &[u8]) -> String {
    crate::aws::sigv4::hex(Sha256::digest(bytes).get(..4).unwrap_or_default())
}
