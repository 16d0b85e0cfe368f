//! What all event loops of a run share.

use std::net::SocketAddr;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::call::Prepared;
use super::note::Gauges;
use super::peer::TlsSetup;
use super::post::Post;
use super::stock::Prepare;
use crate::clock::Clock;
use crate::plan::Asks;
use crate::transport::target::{Deadlines, Target};
use crate::units::Nanos;

/// What all event loops of a run share.
pub(super) struct Setup {
    pub(super) clock: Clock,
    /// Where to connect; in turn.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) tls: Option<TlsSetup>,
    pub(super) deadlines: Deadlines,
    /// The window, from the start of the load.
    pub(super) window: (Nanos, Nanos),
    /// How long requests may take after the last start.
    pub(super) drain: Nanos,
    /// Measured requests to start at most.
    pub(super) requests: Option<u64>,
    /// Makes a request ready.
    pub(super) prepare: Prepare,
    pub(super) gauges: Arc<Gauges>,
    /// By event loop; none where no workload has sessions.
    pub(super) posts: Vec<Post>,
}

/// What makes a plan's requests ready. Their heads are the same but for path and length.
pub(super) fn prepare(
    asks: &Arc<Asks>,
    target: &Target,
    auth: Option<&(String, SecretString, SecretString)>,
) -> Prepare {
    let url = &target.base_url;
    let origin = url.origin();
    let base = url.to_string();
    let base = base.strip_prefix(&origin).unwrap_or_default().to_owned();
    let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host).to_owned();
    let mut lines = format!("host: {host}\r\n");
    let mut own = target.headers.clone();
    if let Some((name, value, _)) = auth {
        own.remove(name);
        own.push(name.clone(), value.expose_secret());
    }
    for (name, value) in [
        ("content-type", "application/json"),
        ("accept", "text/event-stream, application/json"),
        ("user-agent", concat!("proofhouse/", env!("CARGO_PKG_VERSION"))),
    ] {
        if own.get(name).is_none() {
            own.push(name, value);
        }
    }
    for line in &own {
        // A line end in a value would be a line of its own.
        let clean = |text: &str| text.replace(['\r', '\n'], " ");
        lines.push_str(&clean(&line.name));
        lines.push_str(": ");
        lines.push_str(&clean(&line.value));
        lines.push_str("\r\n");
    }
    let asks = Arc::clone(asks);
    Box::new(move |number, replies| {
        let ask = asks.turn(number, replies);
        let head = format!(
            "POST {base}{} HTTP/1.1\r\n{lines}content-length: {}\r\n\r\n",
            ask.path,
            ask.body.len()
        );
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&ask.body);
        Prepared {
            bytes,
            workload: ask.workload,
            stream: ask.stream,
            whole: ask.schema.is_some() || ask.marks.goes_on(),
            reply_tokens: ask.reply_tokens,
            marks: ask.marks,
        }
    })
}
