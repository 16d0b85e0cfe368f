//! What it costs to read server-sent events: our scanner against the crate `eventsource-stream`, on
//! the same bytes in one run.
//!
//! `cargo bench --bench sse` prints the best of three interleaved rounds. Both readers give owned
//! events, which are counted and dropped; the sums of their data lengths must agree. Run as a test
//! (`cargo test --benches`), it takes a hundredth of the bytes and measures nothing worth reading.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::convert::Infallible;
use std::hint::black_box;

use eventsource_stream::Eventsource as _;
use futures_util::{FutureExt as _, StreamExt as _};
use proofhouse::clock::Clock;
use proofhouse::units::Nanos;
use proofhouse::wire::sse::{Scanner, Stream};
use tabled::builder::Builder;
use tabled::settings::Style;

const ROUNDS: usize = 3;
const CORPUS_BYTES: usize = 20_000_000;
const LINE_BYTES: usize = 4 << 20;
const LINE_PIECES: usize = 3_000;

/// How many events there were, and how many bytes of data.
type Sum = (usize, usize);

fn main() {
    let share = if std::env::args().any(|arg| arg == "--bench") { 1 } else { 100 };
    let events = corpus(CORPUS_BYTES / share);
    let body = events.concat();
    let line = [b"data: ", "x".repeat(LINE_BYTES / share).as_bytes(), b"\n\n"].concat();
    let deliveries: [(&str, Vec<&[u8]>); 4] = [
        ("one event per piece", events.iter().map(Vec::as_slice).collect()),
        ("pieces of 1448 B", body.chunks(1448).collect()),
        ("pieces of 16 KiB", body.chunks(16 << 10).collect()),
        ("one 4 MiB line in 3,000 pieces", line.chunks(LINE_BYTES.div_ceil(LINE_PIECES)).collect()),
    ];

    let mut table = Builder::default();
    table.push_record([
        "delivery",
        "pieces",
        "events",
        "proofhouse",
        "eventsource-stream",
        "ratio",
    ]);
    for (title, pieces) in deliveries {
        let (mut ours, mut theirs) = (Nanos(u64::MAX), Nanos(u64::MAX));
        let mut count = 0;
        for _ in 0..ROUNDS {
            let (our_time, our_sum) = timed(|| scan(&pieces));
            let (their_time, their_sum) = timed(|| eventsource(&pieces));
            assert_eq!(our_sum, their_sum, "the readers disagree on {title}");
            (ours, theirs, count) = (ours.min(our_time), theirs.min(their_time), our_sum.0);
        }
        table.push_record([
            title.to_owned(),
            pieces.len().to_string(),
            count.to_string(),
            per_event(ours, count),
            per_event(theirs, count),
            format!("{:.1}", theirs.as_millis_f64() / ours.as_millis_f64()),
        ]);
    }
    println!("Time per event, best of {ROUNDS} rounds, {} bytes of chunks:", body.len());
    println!("{}", table.build().with(Style::sharp()));
}

/// Chunks as a server sends them: one token each, ids and times of one length.
fn corpus(size: usize) -> Vec<Vec<u8>> {
    const WORDS: [&str; 8] = ["Hello", ",", " world", "\\n\\n", " **bold", "**", " 日本", " 🌍"];
    let mut events = Vec::new();
    let mut bytes = 0;
    for word in WORDS.iter().cycle() {
        let event = format!(
            "data: {{\"id\":\"chatcmpl-8f14e45fceea167a5a36dedd4bea2543\",\
             \"object\":\"chat.completion.chunk\",\"created\":1767225600,\
             \"model\":\"meta-llama/Llama-3.3-70B-Instruct\",\"choices\":[{{\"index\":0,\
             \"delta\":{{\"content\":\"{word}\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
        );
        bytes += event.len();
        events.push(event.into_bytes());
        if bytes >= size {
            break;
        }
    }
    events
}

fn scan(pieces: &[&[u8]]) -> Sum {
    let mut sum = (0, 0);
    let mut scanner = Scanner::new();
    let mut stream = Stream::default();
    for piece in pieces {
        scanner.feed(piece, &mut stream);
        for event in stream.events.drain(..) {
            sum = (sum.0 + 1, sum.1 + black_box(event).data.len());
        }
    }
    scanner.finish(&mut stream);
    sum
}

fn eventsource(pieces: &[&[u8]]) -> Sum {
    futures_util::stream::iter(pieces.iter().map(Ok::<_, Infallible>))
        .eventsource()
        .fold((0, 0), async |sum: Sum, event| {
            let event = black_box(event.expect("the corpus is well formed"));
            (sum.0 + 1, sum.1 + event.data.len())
        })
        .now_or_never()
        .expect("a stream over a slice is always ready")
}

fn timed(read: impl FnOnce() -> Sum) -> (Nanos, Sum) {
    let clock = Clock::system();
    let sum = read();
    (clock.now(), sum)
}

fn per_event(time: Nanos, events: usize) -> String {
    Nanos(time.0 / events.max(1) as u64).to_string()
}
