//! A server whose write times are known: what a load client's numbers are held against.
//!
//! It knows one answer. One thread that never sleeps (unless told to, for measuring starts on a machine
//! of two cores) looks for due writes between any two looks at the sockets, so a write is late by
//! microseconds, and by how many is part of what it tells. Each answer has its head and a role at
//! once, the first token after `ttft_us`, the others every `itl_us`; the last one brings the end with
//! it. `pack` tokens go out with one write.
//!
//! A line `TRUTH` instead of a request is answered with what happened since the last one, as JSON.

mod books;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Clock;
use books::Books;
pub use books::{Told, TrueStream, digest};

const LISTENER: Token = Token(usize::MAX - 1);

/// How long a server that may sleep does: it is as much late to notice a request.
const NAP_US: u64 = 80;
/// A write that its socket does not take waits so long for the reader, as a kernel would.
const WAIT_US: u64 = 50;
/// A longer request is nobody's.
const REQUEST_BYTES_MAX: usize = 16 << 20;

/// What is asked of it, in the request's `truth`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Shape {
    /// From the request read to the first token, in microseconds.
    pub ttft_us: u64,
    /// From one write of tokens to the next, in microseconds.
    pub itl_us: u64,
    /// Tokens of the reply; one event each.
    pub tokens: u32,
    /// Tokens of one write.
    pub pack: u32,
}

#[derive(Debug)]
struct Line {
    socket: TcpStream,
    inbound: Vec<u8>,
    answer: Option<Answer>,
    /// What the socket did not take.
    rest: Vec<u8>,
}

#[derive(Debug)]
struct Answer {
    shape: Shape,
    written: u32,
    last_us: u64,
    stream: TrueStream,
}

#[derive(Debug)]
struct Server {
    clock: Clock,
    poll: Poll,
    lines: Vec<Option<Line>>,
    free: Vec<usize>,
    due: BinaryHeap<Reverse<(u64, usize)>>,
    books: Books,
    opening: Vec<u8>,
    token: Vec<u8>,
}

/// Serves on a free port of this machine, which `ready` is told, until `stop`. `naps`: it sleeps while
/// nothing is due, and is that much later to notice a request.
pub fn serve(stop: &AtomicBool, naps: bool, ready: impl FnOnce(u16)) -> io::Result<()> {
    let mut listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    ready(listener.local_addr()?.port());
    let head =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut server = Server {
        clock: Clock::system(),
        poll,
        lines: Vec::new(),
        free: Vec::new(),
        due: BinaryHeap::new(),
        books: Books::new(),
        opening: [&head[..], &delta(r#"{"role":"assistant","content":""}"#)].concat(),
        token: delta(r#"{"content":" token"}"#),
    };
    let mut events = Events::with_capacity(1024);
    while !stop.load(Ordering::Relaxed) {
        server.write_due();
        if naps && server.is_early() {
            std::thread::sleep(Duration::from_micros(NAP_US));
        }
        match server.poll.poll(&mut events, Some(Duration::ZERO)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &events {
            match event.token() {
                LISTENER => server.accept(&listener),
                Token(token) => {
                    if event.is_writable() {
                        server.flush(token);
                    }
                    if event.is_readable() {
                        server.read(token);
                    }
                }
            }
            server.write_due();
        }
    }
    Ok(())
}

impl Server {
    fn now_us(&self) -> u64 {
        self.clock.now().0 / 1_000
    }

    /// Nothing is due for longer than a nap.
    fn is_early(&self) -> bool {
        let due = self.due.peek().map_or(u64::MAX, |Reverse((due, _))| *due);
        due.saturating_sub(self.now_us()) > 3 * NAP_US
    }

    fn line(&mut self, token: usize) -> Option<&mut Line> {
        self.lines.get_mut(token)?.as_mut()
    }

    fn close(&mut self, token: usize) {
        if let Some(line) = self.lines.get_mut(token).and_then(Option::take) {
            self.books.left(line.answer.is_some());
        }
    }

    fn accept(&mut self, listener: &TcpListener) {
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = socket.set_nodelay(true);
            // A slot is used again once nothing is due for it.
            let token = self.free.pop().unwrap_or(self.lines.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            if self.poll.registry().register(&mut socket, Token(token), interest).is_err() {
                continue;
            }
            let line = Line { socket, inbound: Vec::new(), answer: None, rest: Vec::new() };
            match self.lines.get_mut(token) {
                Some(slot) => *slot = Some(line),
                None => self.lines.push(Some(line)),
            }
        }
    }

    fn read(&mut self, token: usize) {
        let asked_us = self.now_us();
        let Some(line) = self.line(token) else { return };
        let mut buffer = [0; 16 << 10];
        loop {
            match line.socket.read(&mut buffer) {
                Ok(len) if len > 0 && line.inbound.len() <= REQUEST_BYTES_MAX => {
                    line.inbound.extend_from_slice(buffer.get(..len).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                _ => return self.hang_up(token),
            }
        }
        if line.inbound.starts_with(b"TRUTH\n") {
            let told = self.books.told();
            if let Some(line) = self.line(token) {
                line.inbound.clear();
                line.rest = told.into_bytes();
            }
            return self.flush(token);
        }
        let (shape, digest) = match asked(&mut line.inbound) {
            Asked::Nothing => return,
            Asked::Other => return self.write(token, NOT_HERE),
            Asked::Stream(shape, digest) => (shape, digest),
        };
        let first = asked_us + shape.ttft_us;
        self.due.push(Reverse((first, token)));
        let opening = self.opening.clone();
        self.write(token, &opening);
        let opened_us = self.now_us() - asked_us;
        let stream = TrueStream { digest, asked_us, opened_us, ..TrueStream::default() };
        if let Some(line) = self.line(token) {
            line.answer = Some(Answer { shape, written: 0, last_us: asked_us, stream });
            self.books.asked(asked_us);
        }
    }

    /// The client has left.
    fn hang_up(&mut self, token: usize) {
        let answering = self.line(token).is_some_and(|line| line.answer.is_some());
        self.close(token);
        if !answering {
            self.free.push(token);
        }
    }

    fn write_due(&mut self) {
        while let Some(Reverse((due, token))) = self.due.peek().copied() {
            let now = self.now_us();
            if due > now {
                return;
            }
            self.due.pop();
            self.step(token, due, now);
        }
    }

    fn step(&mut self, token: usize, due: u64, now: u64) {
        let Some(line) = self.lines.get_mut(token) else { return };
        let Some(line) = line else {
            // Its client left; nothing else is due here.
            return self.free.push(token);
        };
        let Some(answer) = &mut line.answer else { return };
        if !line.rest.is_empty() {
            self.books.blocked();
            self.due.push(Reverse((now + WAIT_US, token)));
            return;
        }
        let Shape { itl_us, tokens, pack, .. } = answer.shape;
        let count = pack.min(tokens.saturating_sub(answer.written)).max(1);
        let mut bytes = self.token.repeat(count as usize);
        let first = answer.written == 0;
        answer.written += count;
        let done = answer.written >= tokens;
        if done {
            bytes.extend(ending(tokens));
        }
        let since = now.saturating_sub(answer.stream.asked_us);
        let gap = now.saturating_sub(answer.last_us);
        answer.last_us = now;
        if first {
            answer.stream.first_us = since;
        } else {
            answer.stream.gap_max_us = answer.stream.gap_max_us.max(gap);
        }
        answer.stream.last_us = since;
        answer.stream.tokens = answer.written;
        self.books.wrote(now, count, first.then_some(since), (!first).then_some(gap), now - due);
        if done {
            if let Some(answer) = line.answer.take() {
                self.books.ended(answer.stream);
            }
        } else {
            self.due.push(Reverse((due + itl_us, token)));
        }
        self.write(token, &bytes);
    }

    fn write(&mut self, token: usize, bytes: &[u8]) {
        let Some(line) = self.line(token) else { return };
        let sent = match line.socket.write(bytes) {
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            // The next read says that it has left.
            Err(_) => return,
        };
        line.rest.extend_from_slice(bytes.get(sent..).unwrap_or_default());
    }

    fn flush(&mut self, token: usize) {
        let Some(line) = self.line(token) else { return };
        while !line.rest.is_empty() {
            match line.socket.write(&line.rest) {
                Ok(len) => drop(line.rest.drain(..len)),
                Err(_) => return,
            }
        }
    }
}

const BASE: &str = r#""id":"chatcmpl-truth","object":"chat.completion.chunk","created":1700000000,"model":"truth""#;

fn chunk(data: &str) -> Vec<u8> {
    let event = format!("data: {data}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

fn delta(delta: &str) -> Vec<u8> {
    let choice = format!(r#"{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}"#);
    chunk(&format!(r#"{{{BASE},"choices":[{choice}]}}"#))
}

fn ending(tokens: u32) -> Vec<u8> {
    let finish = format!(
        r#"{{{BASE},"choices":[{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":"stop"}}]}}"#
    );
    let usage = format!(
        r#"{{{BASE},"choices":[],"usage":{{"prompt_tokens":10,"completion_tokens":{tokens},"total_tokens":{}}}}}"#,
        u64::from(tokens) + 10
    );
    [chunk(&finish), chunk(&usage), chunk("[DONE]"), b"0\r\n\r\n".to_vec()].concat()
}

const NOT_HERE: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";

/// What is asked for.
#[derive(Debug)]
enum Asked {
    /// Nothing yet: the request is not whole.
    Nothing,
    /// Something that is not to be had here: clients look for metrics and models.
    Other,
    /// A stream of a shape; and the digest of the request's body.
    Stream(Shape, u64),
}

/// Reads a request and takes it out of `inbound` when it is whole.
fn asked(inbound: &mut Vec<u8>) -> Asked {
    let Some(whole) = whole(inbound) else { return Asked::Nothing };
    let request: Vec<u8> = inbound.drain(..whole).collect();
    stream(&request).unwrap_or(Asked::Other)
}

/// The length of the request at the front, once it is whole.
fn whole(inbound: &[u8]) -> Option<usize> {
    let head = memchr::memmem::find(inbound, b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(inbound.get(..head)?);
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, length)| length.trim().parse::<usize>().ok());
    let whole = head.saturating_add(length.unwrap_or(0));
    (inbound.len() >= whole).then_some(whole)
}

fn stream(request: &[u8]) -> Option<Asked> {
    let head = memchr::memmem::find(request, b"\r\n\r\n")? + 4;
    let bytes = request.get(head..)?;
    let body: Value = serde_json::from_slice(bytes).ok()?;
    let shape = serde_json::from_value(body.get("truth")?.clone()).ok()?;
    Some(Asked::Stream(shape, digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_when_it_is_whole_and_asks_for_a_stream() {
        let body = r#"{"truth":{"ttft_us":1,"itl_us":2,"tokens":3,"pack":1}}"#;
        let post = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let mut inbound = post.clone().into_bytes();
        inbound.truncate(post.len() - 1);
        assert!(matches!(asked(&mut inbound), Asked::Nothing) && inbound.len() == post.len() - 1);
        let mut inbound = format!("{post}GET /metrics HTTP/1.1\r\nhost: t\r\n\r\nGE").into_bytes();
        let Asked::Stream(shape, of) = asked(&mut inbound) else { panic!("it is a stream") };
        assert_eq!((shape.tokens, of), (3, digest(body.as_bytes())));
        assert!(matches!(asked(&mut inbound), Asked::Other));
        assert!(matches!(asked(&mut inbound), Asked::Nothing) && inbound == b"GE");
    }
}
