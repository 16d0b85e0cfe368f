//! A reader that parses nothing: what the same bytes cost at least.

use std::io::{Read as _, Write as _};
use std::process::Command;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use proofhouse::mock::truth::Shape;

/// Processor microseconds for each token event, in a process of its own; `None` where it failed.
pub(crate) fn measure(shape: &Shape, streams: u64, port: u16) -> Option<f64> {
    let shape = serde_json::to_string(shape).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--bare", &port.to_string(), &streams.to_string(), &shape])
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Reads one answer on each of so many connections and prints what it cost.
pub(crate) fn read(port: u16, streams: u64, shape: &str) {
    let shape: Shape = serde_json::from_str(shape).unwrap();
    let body = json!({"stream": true, "truth": shape}).to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut poll = Poll::new().unwrap();
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let mut sockets: Vec<TcpStream> = Vec::new();
    for token in 0..usize::try_from(streams).unwrap() {
        // As the load's users start: streams in step would be read many at a time.
        std::thread::sleep(std::time::Duration::from_micros(if streams > 1 { 150 } else { 0 }));
        let mut socket = TcpStream::connect(address).unwrap();
        let interest = Interest::READABLE;
        poll.registry().register(&mut socket, Token(token), interest).unwrap();
        // To the same machine: it is connected before the next line.
        while let Err(error) = socket.write_all(request.as_bytes()) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotConnected, "{error}");
        }
        sockets.push(socket);
    }
    let mut events = Events::with_capacity(1024);
    let mut left = sockets.len();
    let mut buffer = vec![0; 64 << 10];
    let start = cpu();
    while left > 0 {
        poll.poll(&mut events, None).unwrap();
        for event in &events {
            let Token(token) = event.token();
            if !event.is_readable() {
                continue;
            }
            loop {
                match sockets[token].read(&mut buffer) {
                    Ok(len) => {
                        left -= usize::from(buffer[..len].ends_with(b"0\r\n\r\n"));
                        if len < buffer.len() {
                            break;
                        }
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "events of a benchmark")]
    let tokens = streams as f64 * f64::from(shape.tokens);
    println!("{:.3}", (cpu() - start) * 1e6 / tokens);
}

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a benchmark")]
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    seconds
}
