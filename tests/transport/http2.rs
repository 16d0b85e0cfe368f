//! HTTP/2, frame by frame, from a server written by hand.

use proofhouse::clock::Clock;
use proofhouse::transcript::{BodyFraming, End, Exchange, HttpVersion, Phase};
use proofhouse::transport::http::HttpTransport;
use proofhouse::transport::target::{HttpChoice, Target};
use proofhouse::transport::{Carry, Timeouts, Transport as _};
use proofhouse::units::Nanos;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::peer::{millis, post};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// HPACK's static entry for `:status: 200`.
const STATUS_200: &[u8] = &[0x88];
const HEAD_BYTES: usize = 9;

/// Whether an end is of a kind.
type Is<'a> = &'a dyn Fn(&End) -> bool;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = len[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A client's connection, seen by the server.
struct Seen {
    stream: TcpStream,
}

impl Seen {
    /// Takes a connection, and says SETTINGS at once, as servers do.
    async fn accept(listener: &TcpListener) -> Self {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.unwrap();
        Self { stream }
    }

    /// Reads frames until one ends a stream: that stream. `None` when the client has gone.
    async fn hear(&mut self) -> Option<u32> {
        loop {
            let (kind, flags, stream, _) = self.hear_frame().await?;
            if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
                return Some(stream);
            }
        }
    }

    async fn hear_frame(&mut self) -> Option<(u8, u8, u32, usize)> {
        let mut head = [0; HEAD_BYTES];
        self.stream.read_exact(&mut head).await.ok()?;
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; len];
        self.stream.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some((head[3], head[4], stream, len))
    }

    async fn say(&mut self, frames: &[Vec<u8>]) {
        let _ = self.stream.write_all(&frames.concat()).await;
    }

    async fn pause(&self) {
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
}

fn head(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, STATUS_200)
}

fn transport(url: &str) -> HttpTransport {
    let mut target = Target::new("t", url).unwrap();
    target.http = HttpChoice::Http2;
    HttpTransport::new(target, Clock::system()).unwrap()
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    (listener, url)
}

/// One exchange with a server that says each group of frames with a pause after it, and then stays.
async fn ask(groups: Vec<Vec<Vec<u8>>>, stay: bool, carry: &Carry) -> Exchange {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let mut seen = Seen::accept(&listener).await;
        seen.hear().await.unwrap();
        for group in groups {
            seen.say(&group).await;
            seen.pause().await;
        }
        if !stay {
            // In good order: bytes left unread would make it a reset.
            seen.stream.shutdown().await.unwrap();
        }
        while seen.hear_frame().await.is_some() {}
    });
    transport(&url).exchange(&post(&url, "{}"), carry).await
}

#[tokio::test]
async fn a_frame_has_the_time_of_its_own_read() {
    let data = |text: &str, flags| frame(DATA, flags, 1, text.as_bytes());
    let groups = vec![
        vec![head(1), data("a", 0)],
        vec![data("b", 0), data("c", 0)],
        vec![data("d", END_STREAM)],
    ];

    let exchange = ask(groups, true, &Carry::default()).await;

    assert_eq!(exchange.end, End::Complete);
    assert_eq!(exchange.connection.version, HttpVersion::Http2);
    assert_eq!(exchange.framing, BodyFraming::Http2);
    let frames: Vec<_> = exchange.frames.iter().map(|f| f.bytes.to_vec()).collect();
    assert_eq!(frames, [b"a".to_vec(), b"bc".to_vec(), b"d".to_vec()]);
    let reads = &exchange.reads[exchange.reads.len() - 3..];
    for (frame, read) in exchange.frames.iter().zip(reads) {
        assert_eq!(frame.at, read.at);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_come_fast_keep_their_times() {
    const FRAMES: usize = 400;
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let mut seen = Seen::accept(&listener).await;
        seen.hear().await.unwrap();
        seen.say(&[head(1)]).await;
        for index in 0..FRAMES {
            let flags = if index + 1 == FRAMES { END_STREAM } else { 0 };
            seen.say(&[frame(DATA, flags, 1, &[b'x'; 40])]).await;
            if index % 7 == 0 {
                tokio::task::yield_now().await;
            }
        }
        while seen.hear_frame().await.is_some() {}
    });

    let exchange = tokio::spawn(async move {
        transport(&url).exchange(&post(&url, "{}"), &Carry::default()).await
    })
    .await
    .unwrap();

    assert_eq!(exchange.end, End::Complete);
    assert_eq!(exchange.body().len(), FRAMES * 40);
    // Where each body byte stood on the wire is known: SETTINGS, HEADERS, then DATA after DATA.
    let mut kept = 0;
    for kept_frame in &exchange.frames {
        kept += kept_frame.bytes.len();
        let frames = kept.div_ceil(40);
        let wire = HEAD_BYTES + (HEAD_BYTES + 1) + frames * HEAD_BYTES + kept;
        let mut arrived = 0;
        let own = exchange.reads.iter().find(|read| {
            arrived += read.len as usize;
            arrived >= wire
        });
        assert_eq!(kept_frame.at, own.unwrap().at, "{kept} bytes of body");
    }
}

#[tokio::test]
async fn settings_are_not_the_first_byte_of_a_response() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let mut seen = Seen::accept(&listener).await;
        let stream = seen.hear().await.unwrap();
        seen.pause().await;
        seen.pause().await;
        seen.say(&[head(stream), frame(DATA, END_STREAM, stream, b"hi")]).await;
        while seen.hear_frame().await.is_some() {}
    });
    // The connection's own frames start no silence: only the first byte is waited for.
    let timeouts =
        Timeouts { gap: Some(millis(20)), first_byte: Some(millis(20_000)), ..Timeouts::default() };

    let exchange =
        transport(&url).exchange(&post(&url, "{}"), &Carry { timeouts, ..Carry::default() }).await;

    assert_eq!(exchange.end, End::Complete);
    let timing = exchange.timing;
    assert_eq!(timing.first_byte, timing.head);
    assert_eq!(timing.head, Some(exchange.reads.last().unwrap().at));
    assert!(exchange.reads[0].at < timing.first_byte.unwrap());
    assert!(timing.sent < timing.first_byte);
}

#[tokio::test]
async fn a_server_that_says_settings_and_no_more_is_late_with_its_first_byte() {
    let timeouts = Timeouts { first_byte: Some(millis(60)), ..Timeouts::default() };
    let end = ask(vec![], true, &Carry { timeouts, ..Carry::default() }).await.end;
    let after = Nanos::from_millis(60);
    assert_eq!(end, End::TimedOut { phase: Phase::FirstByte, after });
}

#[tokio::test]
async fn a_request_is_sent_when_its_last_byte_is() {
    // Larger than the window that every stream starts with: the rest waits for the server.
    let body = "x".repeat(100_000);
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let mut seen = Seen::accept(&listener).await;
        let mut heard = 0;
        while heard < 65_535 {
            let (kind, _, _, len) = seen.hear_frame().await.unwrap();
            heard += if kind == DATA { len } else { 0 };
        }
        seen.pause().await;
        let more = 1_000_000_u32.to_be_bytes();
        seen.say(&[frame(WINDOW_UPDATE, 0, 0, &more), frame(WINDOW_UPDATE, 0, 1, &more)]).await;
        seen.hear().await.unwrap();
        seen.pause().await;
        seen.say(&[head(1), frame(DATA, END_STREAM, 1, b"hi")]).await;
        // The acknowledgement of this is a write, and none of the request's.
        seen.say(&[frame(SETTINGS, 0, 0, &[])]).await;
        while seen.hear_frame().await.is_some() {}
    });

    let exchange = transport(&url).exchange(&post(&url, &body), &Carry::default()).await;

    assert_eq!(exchange.end, End::Complete);
    let window_came = exchange.reads[exchange.reads.len() - 2].at;
    let (sent, first_byte) = (exchange.timing.sent.unwrap(), exchange.timing.first_byte.unwrap());
    assert!(window_came <= sent && sent < first_byte, "{:?}", exchange.timing);
}

#[tokio::test]
async fn ends_are_told_apart() {
    let enhance_your_calm = 11_u32.to_be_bytes();
    let reset = frame(RST_STREAM, 0, 1, &enhance_your_calm);
    let part = frame(DATA, 0, 1, b"part");
    let goaway = frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 11]);
    // DATA belongs to a stream; zero is none.
    let nonsense = frame(DATA, 0, 0, b"x");
    let goaway_all = frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11]);
    let is_reset = |end: &End| matches!(end, End::Reset { .. });
    let is_cut = |end: &End| matches!(end, End::CutShort { .. });
    let is_not_http = |end: &End| matches!(end, End::NotHttp { .. });
    let cases: Vec<(&str, Vec<Vec<u8>>, bool, Is<'_>)> = vec![
        ("reset before the head", vec![reset.clone()], true, &is_reset),
        ("reset inside the body", vec![head(1), part.clone(), reset], true, &is_reset),
        // The goodbye lets this stream go on; it is the close that cuts it.
        ("goodbye inside the body", vec![head(1), part.clone(), goaway.clone()], false, &is_cut),
        ("goodbye to this request", vec![goaway_all], false, &is_reset),
        ("gone before the head", vec![], false, &is_cut),
        ("gone inside the body", vec![head(1), part.clone()], false, &is_cut),
        ("nonsense before the head", vec![nonsense.clone()], true, &is_not_http),
        ("nonsense inside the body", vec![head(1), part, nonsense], true, &is_not_http),
    ];
    for (what, frames, stay, is) in cases {
        let end = ask(vec![frames], stay, &Carry::default()).await.end;
        assert!(is(&end), "{what}: {end:?}");
    }
}

#[tokio::test]
async fn a_stream_outlives_a_goodbye_that_lets_it() {
    let goaway = frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]);
    let groups = vec![
        vec![head(1), frame(DATA, 0, 1, b"a"), goaway],
        vec![frame(DATA, END_STREAM, 1, b"b")],
    ];
    let exchange = ask(groups, true, &Carry::default()).await;
    assert_eq!(exchange.end, End::Complete);
    assert_eq!(exchange.body().as_ref(), b"ab");
}

#[tokio::test]
async fn nothing_is_ever_sent_twice() {
    let (listener, url) = listener().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let mut seen = Seen::accept(&listener).await;
            let tell = tell.clone();
            tokio::spawn(async move {
                // Answers once, and goes away on hearing the next request.
                let stream = seen.hear().await.unwrap();
                tell.send(stream).unwrap();
                seen.say(&[head(stream), frame(DATA, END_STREAM, stream, b"hi")]).await;
                if let Some(stream) = seen.hear().await {
                    tell.send(stream).unwrap();
                    if stream % 4 == 3 {
                        seen.say(&[frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0])]).await;
                    }
                }
            });
        }
    });
    let transport = transport(&url);
    let mut ends = Vec::new();
    for _ in 0..20 {
        ends.push(transport.exchange(&post(&url, "{}"), &Carry::default()).await.end);
    }

    let mut requests = 0;
    while told.try_recv().is_ok() {
        requests += 1;
    }
    assert_eq!(requests, 20, "{ends:?}");
    let (whole, gone): (Vec<_>, Vec<_>) = ends.into_iter().partition(|end| *end == End::Complete);
    assert_eq!(whole.len(), 10);
    assert!(gone.iter().all(|end| *end == End::ClosedBeforeResponse), "{gone:?}");
}
