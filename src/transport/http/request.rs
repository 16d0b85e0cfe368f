//! A request as hyper wants it.

use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{Empty, Full, StreamBody};
use hyper::body::Frame;
use tokio::time::Instant;

use super::line::OutBody;
use crate::clock::Clock;
use crate::transcript::{HttpVersion, WireRequest};
use crate::transport::Carry;
use crate::transport::target::Deadlines;

/// A request, and how it is to go out.
pub(super) struct Outgoing<'a> {
    pub(super) request: &'a WireRequest,
    pub(super) uri: &'a http::Uri,
    /// The value of `host`.
    pub(super) host: String,
    /// To a proxy, the whole URL stands in the request line.
    pub(super) absolute_form: bool,
    pub(super) carry: &'a Carry,
    pub(super) deadlines: Deadlines,
    pub(super) clock: &'a Clock,
    /// When the exchange began.
    pub(super) began: Instant,
}

/// The request, or why it cannot be made.
pub(super) fn build(
    out: &Outgoing<'_>,
    version: HttpVersion,
) -> Result<http::Request<OutBody>, String> {
    let h2 = version == HttpVersion::Http2;
    let mut builder = http::Request::builder().method(out.request.method.as_str());
    builder = if h2 || out.absolute_form {
        builder.uri(out.uri.clone())
    } else {
        builder.uri(out.uri.path_and_query().map_or("/", |path| path.as_str()))
    };
    if !h2 && out.request.headers.get("host").is_none() {
        builder = builder.header("host", &out.host);
    }
    for line in &out.request.headers {
        builder = builder.header(line.name.as_str(), line.value.as_str());
    }
    builder.body(body(out)?).map_err(|error| error.to_string())
}

fn body(out: &Outgoing<'_>) -> Result<OutBody, String> {
    let bytes = out.request.body.0.clone();
    let promised =
        out.request.headers.get("content-length").and_then(|text| text.trim().parse().ok());
    Ok(match promised {
        // hyper would cut the body to fit, which is not what was asked for.
        Some(promised) if bytes.len() > promised => {
            return Err(format!(
                "its content-length says {promised} and its body has {} bytes",
                bytes.len()
            ));
        }
        // More was promised than there is: the peer is left waiting for it.
        Some(promised) if bytes.len() < promised => BoxBody::new(StreamBody::new(
            stream::iter([Ok(Frame::data(bytes))]).chain(stream::pending()),
        )),
        _ if out.carry.chunked => {
            BoxBody::new(StreamBody::new(stream::iter([Ok(Frame::data(bytes))])))
        }
        _ if bytes.is_empty() => BoxBody::new(Empty::new()),
        _ => BoxBody::new(Full::new(bytes)),
    })
}

/// How many bytes follow the head of an HTTP/1.1 request.
pub(super) fn bytes_after_head(out: &Outgoing<'_>) -> usize {
    let len = out.request.body.len();
    let headers = &out.request.headers;
    let chunked = match headers.get("transfer-encoding") {
        Some(coding) => coding.to_ascii_lowercase().contains("chunked"),
        None => out.carry.chunked && headers.get("content-length").is_none(),
    };
    let last_chunk = b"0\r\n\r\n".len();
    match len {
        _ if !chunked => len,
        0 => last_chunk,
        // The body is one chunk.
        _ => format!("{len:x}\r\n").len() + len + b"\r\n".len() + last_chunk,
    }
}
