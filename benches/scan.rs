//! How fast `scan` reads: a gigabyte of a gateway's log, plain and compressed.
//!
//! `cargo bench --bench scan` prints the best of three rounds. The log is made here, a few tokens
//! in it; every round must find all of them. Run as a test (`cargo test --benches`), it takes a
//! hundredth of the bytes and measures nothing worth reading.

#![expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]

use std::io::{self, Cursor, Read, Write as _};

use proofhouse::aws::Credentials;
use proofhouse::aws::bearer::{Expiry, Service, mint};
use proofhouse::clock::Clock;
use proofhouse::leak::{scan, unpack};
use proofhouse::units::Nanos;
use secrecy::ExposeSecret as _;

const ROUNDS: usize = 3;
/// The log is repeated from a piece of this size.
const PIECE_BYTES: usize = 16 << 20;
const PIECES: usize = 64;

fn main() {
    let share = if std::env::args().any(|arg| arg == "--bench") { 1 } else { 100 };
    let piece = log(PIECE_BYTES / share);
    let random = base64_lines(PIECE_BYTES / share);
    println!("{:<34} {:>8} {:>10} {:>8}", "what", "MB", "MB/s", "found");
    measure("log of a gateway", &piece, PIECES);
    measure("random base64 in lines of 76", &random, PIECES);
    let packed = gzip(&piece);
    measure("the log, gzip", &packed, PIECES / 8);
    let packed = zstd(&piece);
    measure("the log, zstd", &packed, PIECES / 8);
}

/// A piece again and again, as one stream.
struct Again<'a> {
    piece: &'a [u8],
    at: usize,
    left: usize,
}

impl Read for Again<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            (self.at, self.left) = (0, self.left - 1);
        }
        if self.left == 0 {
            return Ok(0);
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let read = Cursor::new(rest).read(space)?;
        self.at += read;
        Ok(read)
    }
}

fn measure(what: &str, piece: &[u8], pieces: usize) {
    let clock = Clock::system();
    let mut best = Nanos(u64::MAX);
    let (mut bytes, mut found) = (0, 0);
    for _ in 0..ROUNDS {
        found = 0;
        let start = clock.now();
        let stream = Again { piece, at: 0, left: pieces };
        let mut stream = unpack(io::BufReader::with_capacity(1 << 16, stream)).expect("readable");
        let scanned = scan(&mut *stream, clock.wall(), &mut |_| found += 1);
        best = best.min(clock.now().since(start));
        assert!(scanned.broken.is_none(), "{what}: {:?}", scanned.broken);
        bytes = scanned.bytes;
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = bytes as f64 / 1e6 / (best.0 as f64 / 1e9);
    println!("{what:<34} {:>8} {rate:>10.0} {found:>8}", bytes / 1_000_000);
}

/// Lines as a gateway writes them, and one token.
fn log(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut out = Vec::with_capacity(len + 1024);
    while out.len() < len {
        let id: String = (0..24).map(|_| random.alphanumeric()).collect();
        let _ = writeln!(
            out,
            "2026-11-20T10:{:02}:{:02}.{:03}Z INFO gateway::proxy request_id=req_{id} method=POST path=/endpoints/qwen3/openai/v1/chat/completions status=200 upstream=runtime.sagemaker.us-west-2.amazonaws.com latency_ms={} prompt_tokens={} completion_tokens={} {{\"stream\":true,\"authorization\":\"[REDACTED]\"}}",
            random.u32(0..60),
            random.u32(0..60),
            random.u32(0..1000),
            random.u32(20..90_000),
            random.u32(1..32_000),
            random.u32(1..4096),
        );
    }
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned().into(),
        session_token: None,
        expires: None,
        source: "a benchmark".to_owned(),
    };
    let now = Clock::system().wall();
    let token = mint(Service::SageMaker, &credentials, "us-west-2", Expiry::MAX, now);
    let token = token.expect("a token of an example key");
    let _ = writeln!(out, "DEBUG authorization: Bearer {}", token.secret.expose_secret());
    out
}

fn base64_lines(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(2);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(len + 77);
    while out.len() < len {
        out.extend((0..76).map(|_| alphabet.get(random.usize(0..64)).copied().unwrap_or(b'A')));
        out.push(b'\n');
    }
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}
