//! Everything read from one exchange.

use bytes::Bytes;
use serde_json::Value;

use super::assemble::{Assembly, assemble};
use super::fault::{AssemblyFault, Kind, Problem};
use super::response;
use crate::transcript::Exchange;
use crate::units::Nanos;
use crate::wire::json::{self, JsonFault};
use crate::wire::sse::{Event, Scanner, Stream};

/// The data of the event that ends a stream.
pub const DONE: &str = "[DONE]";

/// Everything read from one exchange, made once.
///
/// The reading goes by the bytes alone: status, content type and the request have no say, so that
/// a check of those and a check of the body fail apart. A `content-encoding` is not undone
/// here; the transport has undone what was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The body's bytes, joined.
    pub body: Bytes,
    /// The body as one JSON document.
    pub json: Result<Value, JsonFault>,
    /// The body as server-sent events; `None` if it is JSON or has no `data` line at all.
    pub sse: Option<Stream>,
    /// One for each event of `sse`: the read that completed it.
    pub arrivals: Vec<Arrival>,
    /// Every event whose data is a JSON object, in order; those after `[DONE]` too.
    pub chunks: Vec<Chunk>,
    /// The completion: of a stream as [`assemble`] rebuilds it, of a plain answer the JSON itself.
    /// `None` if there is neither.
    pub assembled: Option<Value>,
    /// What of a stream could not be put together, in order.
    pub faults: Vec<AssemblyFault>,
}

/// An event whose data is a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Its index among the events of the stream.
    pub event: usize,
    /// The object.
    pub value: Value,
}

/// The read that completed an event: the one that brought the last byte needed to dispatch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Index among the frames of the exchange.
    pub frame: usize,
    /// From the start of the exchange.
    pub at: Nanos,
}

impl Reading {
    /// Reads an exchange. Never fails: what cannot be read is part of the reading.
    pub fn of(exchange: &Exchange) -> Self {
        let body = exchange.body();
        let json = json::parse(&body);
        if let Ok(value) = &json {
            // No line of a JSON document can be a `data` field, so there is no stream to look for.
            return Self {
                assembled: Some(value.clone()),
                body,
                json,
                sse: None,
                arrivals: Vec::new(),
                chunks: Vec::new(),
                faults: Vec::new(),
            };
        }
        let (stream, arrivals) = scan(exchange);
        let (chunks, mut faults) = chunks(&stream);
        let done = stream.events.iter().position(|event| event.data == DONE);
        let (before, after): (Vec<_>, Vec<_>) =
            chunks.iter().partition(|chunk| done.is_none_or(|done| chunk.event < done));
        let Assembly { value, faults: found } = if response::is_response(&before) {
            // Its last event carries the whole.
            Assembly { value: response::assembled(&before), faults: Vec::new() }
        } else {
            assemble(before)
        };
        faults.extend(found);
        faults.extend(after.iter().map(|chunk| Problem::AfterDone.at(chunk.event, "")));
        faults.sort_by_key(|fault| fault.event);
        let sse = (stream.data_lines > 0).then_some(stream);
        Self { body, json, sse, arrivals, chunks, assembled: value, faults }
    }

    /// The events of the stream; none if there is no stream.
    pub fn events(&self) -> &[Event] {
        self.sse.as_ref().map_or(&[], |stream| &stream.events)
    }
}

/// Feeds the frames one by one, to learn which of them completed each event.
fn scan(exchange: &Exchange) -> (Stream, Vec<Arrival>) {
    let mut stream = Stream::default();
    let mut arrivals = Vec::new();
    let mut scanner = Scanner::new();
    for (index, frame) in exchange.frames.iter().enumerate() {
        scanner.feed(&frame.bytes, &mut stream);
        arrivals.resize(stream.events.len(), Arrival { frame: index, at: frame.at });
    }
    scanner.finish(&mut stream);
    (stream, arrivals)
}

fn chunks(stream: &Stream) -> (Vec<Chunk>, Vec<AssemblyFault>) {
    let mut chunks = Vec::new();
    let mut faults = Vec::new();
    for (event, data) in stream.events.iter().map(|event| event.data.as_str()).enumerate() {
        match json::parse(data.as_bytes()) {
            Ok(value) if value.is_object() => chunks.push(Chunk { event, value }),
            Ok(value) => faults.push(Problem::NotAnObject(Kind::of(Some(&value))).at(event, "")),
            Err(_) if data == DONE => {}
            Err(fault) => faults.push(Problem::NotJson(fault).at(event, "")),
        }
    }
    (chunks, faults)
}
