//! One exchange on one connection: hyper's work and the response, driven by one task, so that a
//! frame is taken up before the next read can happen and its time is that of its own read.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::{Frame as BodyFrame, Incoming};
use tokio::time::{Instant, Sleep, sleep_until};

use super::head;
use super::line::{Line, OutBody, Sender};
use crate::clock::Clock;
use crate::transcript::{
    BodyFraming, End, Exchange, Frame, HttpVersion, Limit, Phase, WireRequest,
};
use crate::transport::target::Deadlines;
use crate::transport::{Carry, Leave};
use crate::units::Nanos;

/// Bytes of one body that are kept.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

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
}

/// Sends, and fills in `exchange` with what comes. `true` when the connection can be used again.
pub(super) async fn drive(line: &mut Line, out: Outgoing<'_>, exchange: &mut Exchange) -> bool {
    let half_close = out.carry.half_close.then_some(out.request.body.len());
    line.tap.lock().begin(exchange.timing.started, out.carry.pieces, out.carry.pace, half_close);
    let request = match build(&out, line.facts.version) {
        Ok(request) => request,
        Err(why) => {
            exchange.end = End::Unsent { why };
            return true;
        }
    };
    let mut drive = Drive::new(line, &out);
    let end = drive.run(request, exchange).await;
    collect(line, exchange);
    exchange.end = end;
    let whole = exchange.end == End::Complete && exchange.framing != BodyFraming::UntilClose;
    whole && !out.carry.half_close && line.is_alive().await
}

/// What the tap saw, into the exchange.
fn collect(line: &Line, exchange: &mut Exchange) {
    let mut tap = line.tap.lock();
    exchange.timing.sent = tap.last_write;
    exchange.timing.first_byte = tap.reads.first().map(|read| read.at);
    exchange.reads = std::mem::take(&mut tap.reads);
    if line.facts.version != HttpVersion::Http2
        && let Some(lines) = head::request(&tap.outbound)
    {
        exchange.request.headers = lines;
    }
}

fn build(out: &Outgoing<'_>, version: HttpVersion) -> Result<http::Request<OutBody>, String> {
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
    let bytes = out.request.body.0.clone();
    let body = if out.carry.chunked {
        let frame = Ok::<_, Infallible>(BodyFrame::data(bytes));
        StreamBody::new(stream::iter([frame])).boxed()
    } else if bytes.is_empty() {
        Empty::new().boxed()
    } else {
        Full::new(bytes).boxed()
    };
    builder.body(body).map_err(|error| error.to_string())
}

struct Drive<'a> {
    line: &'a mut Line,
    carry: &'a Carry,
    deadlines: Deadlines,
    clock: &'a Clock,
    began: Instant,
    /// Fires at the next deadline or at the time to leave.
    alarm: Pin<Box<Sleep>>,
}

/// What the alarm rang for.
enum Rang {
    Deadline(Phase),
    Leave,
}

impl<'a> Drive<'a> {
    fn new(line: &'a mut Line, out: &Outgoing<'a>) -> Self {
        let began = Instant::now();
        Self {
            line,
            carry: out.carry,
            deadlines: out.deadlines,
            clock: out.clock,
            began,
            alarm: Box::pin(sleep_until(began)),
        }
    }

    async fn run(&mut self, request: http::Request<OutBody>, exchange: &mut Exchange) -> End {
        let response = match self.respond(request, exchange.timing.started).await {
            Ok(response) => response,
            Err(end) => return end,
        };
        exchange.timing.head = Some(self.clock.now().since(exchange.timing.started));
        let (parts, body) = response.into_parts();
        let raw = head::response(&self.line.tap.lock().inbound);
        let h2 = self.line.facts.version == HttpVersion::Http2;
        match raw.filter(|_| !h2) {
            Some((head, version)) => {
                exchange.head = Some(head);
                exchange.connection.version = version;
            }
            None => exchange.head = Some(head::from_map(parts.status, &parts.headers)),
        }
        exchange.framing = framing(exchange, h2);
        self.body(body, exchange).await
    }

    /// Waits for the head while hyper works.
    async fn respond(
        &mut self,
        request: http::Request<OutBody>,
        started: Nanos,
    ) -> Result<http::Response<Incoming>, End> {
        let mut response: Pin<Box<dyn Future<Output = _> + Send>> = match &mut self.line.sender {
            Sender::H1(sender) => Box::pin(sender.send_request(request)),
            Sender::H2(sender) => {
                // HTTP/2 wants to hear of the connection's capacity first.
                Box::pin(sender.send_request(request))
            }
        };
        loop {
            self.set_alarm(started);
            let (work, alarm) = (&mut self.line.work, &mut self.alarm);
            let step = poll_fn(|cx: &mut Context<'_>| {
                if let Poll::Ready(result) = response.as_mut().poll(cx) {
                    return Poll::Ready(Some(result));
                }
                let moved = work.poll(cx);
                if let Poll::Ready(result) = response.as_mut().poll(cx) {
                    return Poll::Ready(Some(result));
                }
                // A finished connection resolves the response; there is nothing else to wait for.
                if alarm.as_mut().poll(cx).is_ready() && moved.is_pending() {
                    return Poll::Ready(None);
                }
                Poll::Pending
            })
            .await;
            match step {
                Some(Ok(response)) => return Ok(response),
                Some(Err(error)) => return Err(self.no_head(&error)),
                None => {
                    if let Some(rang) = self.rang(started) {
                        return Err(self.ended(&rang));
                    }
                }
            }
        }
    }

    async fn body(&mut self, mut body: Incoming, exchange: &mut Exchange) -> End {
        let started = exchange.timing.started;
        let mut kept = 0;
        let mut blank = BlankLines::default();
        loop {
            self.set_alarm(started);
            let (work, alarm) = (&mut self.line.work, &mut self.alarm);
            let step = poll_fn(|cx: &mut Context<'_>| {
                for _ in 0..2 {
                    if let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(cx) {
                        return Poll::Ready(Some(frame));
                    }
                    let _ = work.poll(cx);
                }
                if alarm.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                Poll::Pending
            })
            .await;
            match step {
                None => {
                    if let Some(rang) = self.rang(started) {
                        return self.ended(&rang);
                    }
                }
                Some(None) => return End::Complete,
                Some(Some(Err(error))) => return self.cut(&error, exchange, kept),
                Some(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => {
                        kept += bytes.len();
                        if kept > BODY_BYTES_MAX {
                            return End::LimitReached { limit: Limit::BodyBytes };
                        }
                        blank.see(&bytes);
                        self.keep(bytes, exchange);
                        if let Some(Leave::AfterEvents(events)) = self.carry.leave
                            && blank.count >= events
                        {
                            return End::Left;
                        }
                    }
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            exchange.trailers = head::lines(&trailers);
                        }
                    }
                },
            }
        }
    }

    /// Keeps a piece of the body; pieces of one read are one frame.
    fn keep(&self, bytes: Bytes, exchange: &mut Exchange) {
        if bytes.is_empty() {
            return;
        }
        let at = self.line.tap.lock().last_read();
        match exchange.frames.last_mut() {
            Some(frame) if frame.at == at => {
                let mut joined = frame.bytes.to_vec();
                joined.extend_from_slice(&bytes);
                frame.bytes = joined.into();
            }
            _ => exchange.frames.push(Frame { at, bytes: bytes.into() }),
        }
    }

    /// Sets the alarm to whatever comes next.
    fn set_alarm(&mut self, started: Nanos) {
        let next = [
            Some(self.began + self.deadlines.total),
            Some(self.silence_ends(started).0),
            match self.carry.leave {
                Some(Leave::After(span)) => Some(self.began + span.into()),
                _ => None,
            },
        ];
        if let Some(next) = next.into_iter().flatten().min() {
            self.alarm.as_mut().reset(next);
        }
    }

    /// When the present silence has lasted too long, and what it is called.
    fn silence_ends(&self, started: Nanos) -> (Instant, Phase) {
        let tap = self.line.tap.lock();
        let since = |at: Nanos| {
            let ago = self.clock.now().since(started).since(at);
            Instant::now() - Duration::from(ago)
        };
        match (tap.reads.last(), tap.last_write) {
            (Some(read), _) => (since(read.at) + self.deadlines.gap, Phase::Gap),
            (None, Some(write)) => (since(write) + self.deadlines.first_byte, Phase::FirstByte),
            (None, None) => (self.began + self.deadlines.first_byte, Phase::FirstByte),
        }
    }

    /// What the alarm rang for, if it still holds: a read may have come meanwhile.
    fn rang(&self, started: Nanos) -> Option<Rang> {
        let now = Instant::now();
        if let Some(Leave::After(span)) = self.carry.leave
            && now >= self.began + span.into()
        {
            return Some(Rang::Leave);
        }
        if now >= self.began + self.deadlines.total {
            return Some(Rang::Deadline(Phase::Total));
        }
        let (ends, phase) = self.silence_ends(started);
        (now >= ends).then_some(Rang::Deadline(phase))
    }

    fn ended(&self, rang: &Rang) -> End {
        match rang {
            Rang::Leave => End::Left,
            Rang::Deadline(phase) => {
                let after = match phase {
                    Phase::Connect => self.deadlines.connect,
                    Phase::Tls => self.deadlines.tls,
                    Phase::FirstByte => self.deadlines.first_byte,
                    Phase::Gap => self.deadlines.gap,
                    Phase::Total => self.deadlines.total,
                };
                End::TimedOut { phase: *phase, after: after.into() }
            }
        }
    }

    /// Why no head came.
    fn no_head(&self, error: &hyper::Error) -> End {
        let tap = self.line.tap.lock();
        if tap.reads.is_empty() && self.line.used {
            return End::ClosedBeforeResponse;
        }
        match &tap.error {
            Some((kind, why)) if is_reset(*kind) => End::Reset { why: why.clone() },
            _ if error.is_parse() => End::NotHttp { why: chain(error) },
            _ if tap.eof && tap.reads.is_empty() => {
                End::CutShort { why: "the whole response".to_owned() }
            }
            _ if tap.eof => End::CutShort { why: "the rest of the head".to_owned() },
            _ => End::Reset { why: chain(error) },
        }
    }

    /// Why the body did not come to its end.
    fn cut(&self, error: &hyper::Error, exchange: &Exchange, kept: usize) -> End {
        let tap = self.line.tap.lock();
        if let Some((kind, why)) = &tap.error
            && is_reset(*kind)
        {
            return End::Reset { why: why.clone() };
        }
        if exchange.framing == BodyFraming::Http2 && !tap.eof {
            return End::Reset { why: chain(error) };
        }
        if !tap.eof {
            return End::NotHttp { why: chain(error) };
        }
        let why = match exchange.framing {
            BodyFraming::Length => {
                let whole: usize = exchange
                    .header("content-length")
                    .and_then(|length| length.trim().parse().ok())
                    .unwrap_or(0);
                format!("{} of {whole} bytes", whole.saturating_sub(kept))
            }
            BodyFraming::Chunked => "the terminating chunk".to_owned(),
            BodyFraming::Http2 | BodyFraming::UntilClose | BodyFraming::None => {
                "the end of the stream".to_owned()
            }
        };
        End::CutShort { why }
    }
}

fn is_reset(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

fn chain(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn framing(exchange: &Exchange, h2: bool) -> BodyFraming {
    let status = exchange.status().unwrap_or(0);
    let bodiless = exchange.request.method == "HEAD" || matches!(status, 204 | 304);
    match exchange.header("transfer-encoding") {
        _ if bodiless => BodyFraming::None,
        _ if h2 => BodyFraming::Http2,
        Some(coding) if coding.to_ascii_lowercase().contains("chunked") => BodyFraming::Chunked,
        _ if exchange.header("content-length").is_some() => BodyFraming::Length,
        _ => BodyFraming::UntilClose,
    }
}

/// Counts blank lines, whichever line ends are used; each ends an event.
#[derive(Default)]
struct BlankLines {
    count: usize,
    line_empty: bool,
    after_cr: bool,
}

impl BlankLines {
    fn see(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' | b'\r' => {
                    if self.line_empty {
                        self.count += 1;
                    }
                    self.line_empty = true;
                    self.after_cr = *byte == b'\r';
                }
                _ => {
                    self.line_empty = false;
                    self.after_cr = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_counted_with_any_line_end() {
        for text in
            ["data: a\n\ndata: b\n\n", "data: a\r\n\r\ndata: b\r\n\r\n", "data: a\r\rdata: b\r\r"]
        {
            let mut blank = BlankLines::default();
            for piece in text.as_bytes().chunks(3) {
                blank.see(piece);
            }
            assert_eq!(blank.count, 2, "{text:?}");
        }
    }
}
