//! Values behind their names: `aws_session_token = …`, `"SecretAccessKey": "…"`, a signed header.

use memchr::memmem;

use super::Kind;
use super::anchor::Name;
use super::judge::{Found, Says, fingerprint, is_session, is_varied, says};
use super::text::{Text, around, is_base64, unescaped};

/// A value is not further away from its name.
const GAP_MAX: usize = 16;
/// A signed header is not longer.
const HEADER_MAX: usize = 1 << 10;
/// Characters of a secret access key.
const SECRET_LEN: usize = 40;

/// The value behind a name that ends at `end`.
pub(super) fn value(bytes: &[u8], start: usize, end: usize, name: Name) -> Option<Found> {
    let gap = bytes.get(end..)?.iter().take(GAP_MAX);
    // `="`, `": "`, `\": \"`, ` = `, `>` of XML; `%3D` is an equals sign.
    let gap = gap.take_while(|byte| b"\"'\\ \t:=>".contains(byte)).count();
    let encoded = bytes.get(end..)?.starts_with(b"%3D").then_some(3);
    let gap = encoded.unwrap_or(gap);
    let between = bytes.get(end..end + gap)?;
    if encoded.is_none() && !between.iter().any(|byte| b":=>".contains(byte)) {
        return None;
    }
    let at = end + gap;
    let mut text = around(bytes, at, at);
    while let Some(next) = unescaped(&text) {
        text = next;
    }
    let kind = match name {
        Name::Session => Kind::SessionToken,
        Name::Secret => Kind::SecretAccessKey,
        Name::Signature => Kind::Signature,
    };
    let len = match name {
        Name::Session => session(&text),
        Name::Secret => secret(&text),
        Name::Signature => signature(&text.bytes),
    }?;
    Some(Found {
        kind,
        start,
        end: text.place(len - 1) + 1,
        says: Says::default(),
        fingerprint: fingerprint(text.bytes.get(..len)?),
    })
}

fn run(text: &Text, is: impl Fn(u8) -> bool) -> usize {
    text.bytes.iter().take_while(|byte| is(**byte)).count()
}

fn session(text: &Text) -> Option<usize> {
    let len = run(text, |byte| is_base64(byte) || byte == b'=');
    text.bytes.get(..len).filter(|value| is_session(value)).map(<[u8]>::len)
}

fn secret(text: &Text) -> Option<usize> {
    let len = run(text, |byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
    let value = text.bytes.get(..len)?;
    (len == SECRET_LEN && is_varied(value)).then_some(len)
}

fn signature(value: &[u8]) -> Option<usize> {
    let len = value.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    (len >= 64).then_some(64)
}

/// A header that signs a request: `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
pub(super) fn header(bytes: &[u8], start: usize) -> Option<Found> {
    let line = bytes.get(start..)?;
    let line = line.get(..HEADER_MAX.min(line.len()))?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let at = memmem::find(line, b"Signature=")? + b"Signature=".len();
    let value = line.get(at..)?;
    let len = signature(value)?;
    memmem::find(line.get(..at)?, b"Credential=")?;
    Some(Found {
        kind: Kind::Signature,
        start,
        end: start + at + len,
        says: Says { expires: None, ..says(line) },
        fingerprint: fingerprint(value.get(..len)?),
    })
}

/// A long-term key of Bedrock at `start`: `ABSK` and base64 of 109 to 269 characters.
pub(super) fn long_term(bytes: &[u8], start: usize) -> Option<Found> {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)) {
        return None;
    }
    let text = around(bytes, start, start);
    let is = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let len = text.bytes.iter().take_while(is).count();
    let key = text.bytes.get(..len)?;
    ((4 + 109..=4 + 269).contains(&len) && is_varied(key)).then(|| Found {
        kind: Kind::BedrockLongTermKey,
        start,
        end: text.place(len - 1) + 1,
        says: Says::default(),
        fingerprint: fingerprint(key),
    })
}
