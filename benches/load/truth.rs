//! A server whose write times are known.
//!
//! One thread that never sleeps (unless told to, for measuring starts on a machine of two cores): due
//! writes are looked for between any two looks at the sockets, so
//! a write is late by microseconds, and by how many is part of what it tells. Each answer has its
//! head and a role at once, the first token after `ttft_us`, the others every `itl_us`; the last one
//! brings the end with it. `pack` tokens go out with one write.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use hdrhistogram::Histogram;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use proofhouse::clock::Clock;
use serde::{Deserialize, Serialize};

const LISTENER: Token = Token(usize::MAX - 1);

/// How long a server that may sleep does: it is as much late to notice a request.
const NAP: Duration = Duration::from_micros(80);

/// What is asked of it, in the request's `truth`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Shape {
    pub(crate) ttft_us: u64,
    pub(crate) itl_us: u64,
    pub(crate) tokens: u32,
    pub(crate) pack: u32,
}

/// What it did, in microseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Truth {
    pub(crate) streams: u64,
    pub(crate) open_max: u64,
    pub(crate) tokens: u64,
    pub(crate) ttft_us: [u64; 2],
    pub(crate) gap_us: [u64; 2],
    pub(crate) late_us: [u64; 2],
    pub(crate) blocked: u64,
}

struct Books {
    ttft: Histogram<u64>,
    gap: Histogram<u64>,
    late: Histogram<u64>,
    truth: Truth,
    open: u64,
}

impl Books {
    fn new() -> Self {
        let histogram = || Histogram::new_with_bounds(1, 600_000_000, 4).unwrap();
        Self {
            ttft: histogram(),
            gap: histogram(),
            late: histogram(),
            truth: Truth::default(),
            open: 0,
        }
    }

    fn told(&self) -> String {
        let pair = |h: &Histogram<u64>| [h.value_at_quantile(0.5), h.value_at_quantile(0.99)];
        let truth = Truth {
            ttft_us: pair(&self.ttft),
            gap_us: pair(&self.gap),
            late_us: pair(&self.late),
            ..self.truth
        };
        serde_json::to_string(&truth).unwrap()
    }
}

struct Line {
    socket: TcpStream,
    inbound: Vec<u8>,
    answer: Option<Answer>,
    /// What the socket did not take.
    rest: Vec<u8>,
}

struct Answer {
    shape: Shape,
    asked_us: u64,
    written: u32,
    last_us: u64,
}

fn chunk(data: &str) -> Vec<u8> {
    let event = format!("data: {data}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

struct Server {
    clock: Clock,
    poll: Poll,
    lines: Vec<Option<Line>>,
    due: BinaryHeap<Reverse<(u64, usize)>>,
    books: Books,
    opening: Vec<u8>,
    token: Vec<u8>,
}

/// Serves until its standard input closes. The first line of output is the port.
pub(crate) fn serve(sleeps: bool) {
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let poll = Poll::new().unwrap();
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE).unwrap();
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0; 1]);
        std::process::exit(0);
    });
    let base = r#""id":"chatcmpl-truth","object":"chat.completion.chunk","created":1700000000,"model":"truth""#;
    let delta = |delta: &str| {
        chunk(&format!(
            r#"{{{base},"choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}]}}"#
        ))
    };
    let head =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut server = Server {
        clock: Clock::system(),
        poll,
        lines: Vec::new(),
        due: BinaryHeap::new(),
        books: Books::new(),
        opening: [&head[..], &delta(r#"{"role":"assistant","content":""}"#)].concat(),
        token: delta(r#"{"content":" token"}"#),
    };
    let mut events = Events::with_capacity(1024);
    loop {
        server.write_due();
        if sleeps && server.is_early() {
            std::thread::sleep(NAP);
        }
        server.poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
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
}

impl Server {
    fn now_us(&self) -> u64 {
        self.clock.now().0 / 1_000
    }

    /// Nothing is due for longer than a nap.
    fn is_early(&self) -> bool {
        let due = self.due.peek().map_or(u64::MAX, |Reverse((due, _))| *due);
        u128::from(due.saturating_sub(self.now_us())) > 3 * NAP.as_micros()
    }

    fn accept(&mut self, listener: &TcpListener) {
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = socket.set_nodelay(true);
            let free = self.lines.iter().position(Option::is_none);
            let token = free.unwrap_or(self.lines.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Token(token), interest).unwrap();
            let line = Line { socket, inbound: Vec::new(), answer: None, rest: Vec::new() };
            match self.lines.get_mut(token) {
                Some(slot) => *slot = Some(line),
                None => self.lines.push(Some(line)),
            }
        }
    }

    fn read(&mut self, token: usize) {
        let asked_us = self.now_us();
        let Some(line) = self.lines.get_mut(token).and_then(Option::as_mut) else { return };
        let mut buffer = [0; 16 << 10];
        loop {
            match line.socket.read(&mut buffer) {
                Ok(0) => return self.lines[token] = None,
                Ok(len) => line.inbound.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => return self.lines[token] = None,
            }
        }
        if line.inbound.starts_with(b"TRUTH\n") {
            let told = self.books.told();
            self.books = Books::new();
            let line = self.lines[token].as_mut().unwrap();
            let _ = line.socket.write_all(told.as_bytes());
            return self.lines[token] = None;
        }
        let Some(shape) = asked(&mut line.inbound) else { return };
        let first = asked_us + shape.ttft_us;
        line.answer = Some(Answer { shape, asked_us, written: 0, last_us: 0 });
        self.books.open += 1;
        self.books.truth.streams += 1;
        self.books.truth.open_max = self.books.truth.open_max.max(self.books.open);
        self.due.push(Reverse((first, token)));
        let opening = self.opening.clone();
        self.write(token, &opening);
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
        let Some(line) = self.lines.get_mut(token).and_then(Option::as_mut) else { return };
        let Some(answer) = &mut line.answer else { return };
        if !line.rest.is_empty() {
            // The reader is behind: the next write waits for it, as a kernel would.
            self.books.truth.blocked += 1;
            self.due.push(Reverse((now + 50, token)));
            return;
        }
        let Shape { itl_us, tokens, pack, .. } = answer.shape;
        let count = pack.min(tokens - answer.written).max(1);
        let mut bytes = self.token.repeat(count as usize);
        let first = answer.written == 0;
        answer.written += count;
        let done = answer.written >= tokens;
        if done {
            bytes.extend(ending(answer.shape.tokens));
        }
        let (asked, last) = (answer.asked_us, answer.last_us);
        answer.last_us = now;
        if done {
            line.answer = None;
            self.books.open -= 1;
        } else {
            self.due.push(Reverse((due + itl_us, token)));
        }
        let books = &mut self.books;
        books.truth.tokens += u64::from(count);
        books.late.saturating_record((now - due).max(1));
        if first {
            books.ttft.saturating_record((now - asked).max(1));
        } else {
            books.gap.saturating_record((now - last).max(1));
        }
        books.gap.saturating_record_n_zero(count - 1);
        self.write(token, &bytes);
    }

    fn write(&mut self, token: usize, bytes: &[u8]) {
        let Some(line) = self.lines.get_mut(token).and_then(Option::as_mut) else { return };
        let sent = match line.socket.write(bytes) {
            Ok(len) => len,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => 0,
            Err(_) => return self.lines[token] = None,
        };
        line.rest.extend_from_slice(&bytes[sent..]);
    }

    fn flush(&mut self, token: usize) {
        let Some(line) = self.lines.get_mut(token).and_then(Option::as_mut) else { return };
        while !line.rest.is_empty() {
            match line.socket.write(&line.rest) {
                Ok(len) => drop(line.rest.drain(..len)),
                Err(_) => return,
            }
        }
    }
}

/// Gaps inside one write are nothing.
trait Zeros {
    fn saturating_record_n_zero(&mut self, count: u32);
}

impl Zeros for Histogram<u64> {
    fn saturating_record_n_zero(&mut self, count: u32) {
        if count > 0 {
            let _ = self.record_n(1, u64::from(count));
        }
    }
}

fn ending(tokens: u32) -> Vec<u8> {
    let base = r#""id":"chatcmpl-truth","object":"chat.completion.chunk","created":1700000000,"model":"truth""#;
    let finish = format!(
        r#"{{{base},"choices":[{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":"stop"}}]}}"#
    );
    let usage = format!(
        r#"{{{base},"choices":[],"usage":{{"prompt_tokens":10,"completion_tokens":{tokens},"total_tokens":{}}}}}"#,
        tokens + 10
    );
    [chunk(&finish), chunk(&usage), chunk("[DONE]"), b"0\r\n\r\n".to_vec()].concat()
}

/// The shape that a whole request asks for; the request is taken out of `inbound`.
fn asked(inbound: &mut Vec<u8>) -> Option<Shape> {
    let head = inbound.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&inbound[..head]).ok()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let whole = head + length.trim().parse::<usize>().ok()?;
    let body = inbound.get(head..whole)?;
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let shape = serde_json::from_value(body.get("truth")?.clone()).ok()?;
    inbound.drain(..whole);
    Some(shape)
}
