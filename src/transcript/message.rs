//! Requests and response heads, in wire order with duplicates.

use serde::{Deserialize, Serialize};

use super::Body;

/// One header line. The name keeps the spelling it had on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// As spelled on the wire.
    pub name: String,
    /// Bytes outside UTF-8 are replaced by U+FFFD.
    pub value: String,
}

/// Header lines in wire order; a name may come more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(pub Vec<Header>);

impl Headers {
    /// Adds a line at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push(Header { name: name.into(), value: value.into() });
    }

    /// The first value under `name`, whatever its case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value.as_str())
    }

    /// Every value under `name`, in wire order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value.as_str())
    }

    /// Replaces every line under `name` by one, in the place of the first.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        let at = self.0.iter().position(|h| h.name.eq_ignore_ascii_case(name));
        self.remove(name);
        let line = Header { name: name.to_owned(), value };
        match at {
            Some(at) => self.0.insert(at.min(self.0.len()), line),
            None => self.0.push(line),
        }
    }

    /// Drops every line under `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|h| !h.name.eq_ignore_ascii_case(name));
    }

    /// The lines in wire order.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = std::slice::Iter<'a, Header>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(lines: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in lines {
            headers.push(name, value);
        }
        headers
    }
}

/// A request as it is to be sent.
///
/// `headers` holds exactly the lines that go out, in order: the transport adds only `host`,
/// `content-length` (or `transfer-encoding`) and the target's own headers, and writes them back
/// here, so that a saved exchange shows what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireRequest {
    /// Upper-case method.
    pub method: String,
    /// Absolute URL, without credentials.
    pub url: String,
    /// In wire order.
    pub headers: Headers,
    /// The body's bytes; empty for none.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub body: Body,
}

fn is_empty(body: &Body) -> bool {
    body.is_empty()
}

/// The status line and header lines of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// The reason phrase of HTTP/1.1; empty for HTTP/2.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// In wire order, duplicates kept; names as spelled (lower-case for HTTP/2).
    pub headers: Headers,
}
