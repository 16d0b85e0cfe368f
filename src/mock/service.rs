//! From HTTP to the desk, and from the script back to HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::Persona;
use super::capture::Captured;
use super::desk::{answer, refuse};
use super::house::{House, Running};
use super::line::LineState;
use super::pacer;
use super::player::{Cut, Player, until_or_stop};
use super::refusal::Refusal;
use super::request::{ORDERS, Request};
use super::script::{Ending, HANG, Script};
use crate::transcript::{Connection, Headers, HttpVersion, WireRequest};
use crate::units::Nanos;

/// A body beyond the limit is read and dropped up to here, so that the client hears the answer
/// before it meets a closed socket.
const DRAIN_BYTES_MAX: usize = 1 << 30;

/// Answers one request of a connection.
pub(crate) async fn respond(
    house: Arc<House>,
    line: Arc<LineState>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Player>, Cut> {
    if house.is_down() {
        line.reset();
        return Err(Cut);
    }
    let number = house.next_number();
    let reused = line.requests.fetch_add(1, Ordering::Relaxed) > 0;
    let (head, body) = request.into_parts();
    let expects = head.headers.contains_key(http::header::EXPECT);
    if expects && house.traits.ignores_expect {
        until_or_stop(pacer::now() + HANG, house.stop_signal()).await;
        return Err(Cut);
    }
    let Ok((bytes, whole)) = read(body, house.config.body_bytes_max).await else {
        return Err(Cut);
    };
    if !whole && house.traits.resets_large {
        line.reset();
        return Err(Cut);
    }
    let start = pacer::now();
    let headers: Headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let path = head.uri.path();
    let captured = Captured {
        number,
        connection: Connection {
            number: line.number,
            reused,
            version: version(head.version),
            peer: None,
            tls: None,
        },
        at: start,
        request: WireRequest {
            method: head.method.to_string(),
            url: url(&head, &headers),
            headers: headers.clone(),
            body: bytes.clone().into(),
        },
        status: None,
        finished: false,
    };
    house.book().enter(captured);
    let mut running = house.enter(number);
    let full = house.running() > house.config.capacity;
    let mut request = Request::new(number, head.method.as_str(), path, headers, bytes);
    if house.config.persona == Persona::SageMaker {
        request = request.below_endpoint();
    }
    let engine = request.route.needs_engine();
    if !engine || full {
        running.idle();
    }
    // Whoever orders an overload gets what an overload gets.
    let beyond = engine && (full || request.orders().overload);
    let in_pieces = line.took_head_in_pieces();
    let script = if in_pieces && house.traits.wants_whole_heads {
        refuse(&house, &request, &Refusal::new(400, "Bad Request"))
    } else if beyond && (full || house.traits.resets_overload) {
        if house.traits.resets_overload {
            line.reset();
            return Err(Cut);
        }
        refuse(&house, &request, &Refusal::rate_limit())
    } else if whole {
        answer(&house, request)
    } else {
        let message = format!(
            "The request body is too large. The limit is {} bytes.",
            house.config.body_bytes_max
        );
        refuse(&house, &request, &Refusal::new(413, message).code("request_too_large"))
    };
    let script = if head.method == http::Method::HEAD { without_body(script) } else { script };
    play(&house, &line, script, running, start).await
}

/// The head that a GET would have got.
fn without_body(mut script: Script) -> Script {
    if script.sized {
        script.head.headers.push("content-length", script.body().len().to_string());
        script.sized = false;
    }
    script.cues.clear();
    script
}

/// Sends the head at its time; the body follows by itself.
async fn play(
    house: &House,
    line: &Arc<LineState>,
    script: Script,
    mut running: Running,
    start: Nanos,
) -> Result<http::Response<Player>, Cut> {
    running.works_on = if script.is_stream() {
        house.traits.ignores_leaving
    } else {
        house.traits.ignores_leaving_plain
    };
    let due = start + script.head.after;
    if due > pacer::now() && !until_or_stop(due, house.stop_signal()).await {
        return Err(Cut);
    }
    if house.is_down() || (script.cues.is_empty() && script.end == Ending::Reset) {
        line.reset();
        return Err(Cut);
    }
    house.book().answered(running.number(), script.head.status);
    let mut response = http::Response::builder().status(script.head.status);
    for header in &script.head.headers {
        response = response.header(&header.name, &header.value);
    }
    if house.config.replay.is_none() {
        // Whoever finds this header may order failures by the same name; a saved answer stays as
        // it was.
        response = response.header(ORDERS, env!("CARGO_PKG_VERSION"));
    }
    let player = Player::new(script, due, Arc::clone(line), house.stop_signal(), running);
    // Only a header that is none makes this fail, and headers come from this crate or from a
    // saved response.
    response.body(player).map_err(|_| Cut)
}

async fn read(mut body: Incoming, max: usize) -> Result<(Bytes, bool), hyper::Error> {
    let mut kept = BytesMut::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen += data.len();
        if seen <= max {
            kept.extend_from_slice(&data);
        } else if seen > DRAIN_BYTES_MAX {
            break;
        }
    }
    Ok((kept.freeze(), seen <= max))
}

fn url(head: &http::request::Parts, headers: &Headers) -> String {
    let host = head.uri.authority().map(http::uri::Authority::as_str).or(headers.get("host"));
    let path = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    format!("http://{}{path}", host.unwrap_or("localhost"))
}

const fn version(version: http::Version) -> HttpVersion {
    match version {
        http::Version::HTTP_10 => HttpVersion::Http10,
        http::Version::HTTP_2 => HttpVersion::Http2,
        _ => HttpVersion::Http11,
    }
}
