//! How late the mock's pacer wakes its sleepers, and how evenly a stream arrives.
//!
//! `cargo bench --bench mock_pacing` prints percentiles of the error in microseconds. The first
//! rows ask the pacer itself; the others read streams over a socket and compare the times of their
//! events with the times that the mock was told. Run as a test, it takes a handful of samples and
//! measures nothing worth reading.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use proofhouse::clock::Clock;
use proofhouse::mock::{Config, Server, pacer_lateness};
use proofhouse::units::Nanos;
use tabled::builder::Builder;
use tabled::settings::Style;

const ITL: Nanos = Nanos::from_millis(5);

fn main() {
    let bench = std::env::args().any(|arg| arg == "--bench");
    let samples = if bench { 400 } else { 4 };
    let mut table = Builder::default();
    table.push_record(["what", "samples", "p50 µs", "p90 µs", "p99 µs", "max µs"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (what, ahead) in [
        ("pacer, 0.25 ms ahead", Nanos(250_000)),
        ("pacer, 1 ms ahead", Nanos::from_millis(1)),
        ("pacer, 5 ms ahead", Nanos::from_millis(5)),
    ] {
        // On a worker, as the mock's own tasks are.
        let late = runtime.block_on(runtime.spawn(async move {
            let mut late = Vec::new();
            for _ in 0..samples {
                late.push(pacer_lateness(ahead).await.0);
            }
            late
        }));
        push(&mut table, what, late.unwrap());
    }
    for streams in [1, 8] {
        let readers: Vec<_> = {
            let server = std::sync::Arc::new(server());
            (0..streams)
                .map(|_| {
                    let server = std::sync::Arc::clone(&server);
                    std::thread::spawn(move || gap_errors(&server, samples / streams + 2))
                })
                .collect()
        };
        let errors = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
        push(&mut table, &format!("gap of {ITL} on {streams} streams, |error|"), errors);
    }
    println!("{}", table.build().with(Style::psql()));
}

fn server() -> Server {
    Server::start(Config { ttft: ITL, itl: ITL, ..Config::default() }).unwrap()
}

/// How far each gap between two events was from the one that was told.
fn gap_errors(server: &Server, events: usize) -> Vec<u64> {
    let clock = Clock::system();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let body = format!(
        "{{\"model\":\"proofhouse-mock\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Count from 1 to {events}\"}}]}}"
    );
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut times = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        let seen = buffer.get(..read).unwrap_or_default();
        if read == 0 || seen.windows(6).any(|bytes| bytes == b"[DONE]") {
            break;
        }
        times.push(clock.now());
    }
    // The head, the role and the first token come together; gaps begin after them.
    let gaps = times.windows(2).filter_map(|pair| match pair {
        [before, after] => Some(after.since(*before)),
        _ => None,
    });
    gaps.filter(|gap| *gap > Nanos(ITL.0 / 4)).skip(1).map(|gap| gap.0.abs_diff(ITL.0)).collect()
}

fn push(table: &mut Builder, what: &str, mut errors: Vec<u64>) {
    errors.sort_unstable();
    let at = |share: usize| {
        let index = (errors.len() * share / 100).min(errors.len().saturating_sub(1));
        let nanos = errors.get(index).copied().unwrap_or_default();
        format!("{}.{}", nanos / 1000, nanos % 1000 / 100)
    };
    let count = errors.len().to_string();
    table.push_record([what.to_owned(), count, at(50), at(90), at(99), at(100)]);
}
