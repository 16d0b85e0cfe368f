//! HTTP/1.1, byte by byte.

use proofhouse::clock::Clock;
use proofhouse::transcript::{BodyFraming, End, HttpVersion, Phase};
use proofhouse::transport::http::HttpTransport;
use proofhouse::transport::target::{KEY_PLACEHOLDER, Target};
use proofhouse::transport::{Auth, Place};
use proofhouse::transport::{
    Carry, ConnectionChoice, Leave, Pace, Pieces, Timeouts, Transport as _,
};
use proofhouse::units::Nanos;

use crate::peer::{Act, ask, millis, peer, post, transport};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

#[tokio::test]
async fn header_order_spelling_and_duplicates_are_kept_both_ways() {
    let (url, heard) = peer(vec![Act::Send(
        b"HTTP/1.1 200 Fine\r\nSet-Cookie: a\r\nX-Request-ID: 7\r\nset-cookie: b\r\nContent-Length: 0\r\n\r\n",
    )])
    .await;
    let mut request = post(&url, "{}");
    request.headers.push("x-twice", "1");
    request.headers.push("x-other", "2");
    request.headers.push("x-twice", "3");

    let exchange = transport(&url).exchange(&request, &Carry::default()).await;

    let answer = exchange.head.as_ref().unwrap();
    let names: Vec<_> = answer.headers.iter().map(|h| h.name.as_str()).collect();
    assert_eq!(names, ["Set-Cookie", "X-Request-ID", "set-cookie", "Content-Length"]);
    assert_eq!(answer.reason, "Fine");
    let sent = String::from_utf8(heard.lock().unwrap()[0].concat()).unwrap();
    let on_the_wire: Vec<_> = sent
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let kept: Vec<_> =
        exchange.request.headers.iter().map(|h| (h.name.clone(), h.value.clone())).collect();
    assert_eq!(kept, on_the_wire);
    assert_eq!(exchange.request.headers.all("x-twice").collect::<Vec<_>>(), ["1", "3"]);
}

#[tokio::test]
async fn a_frame_has_the_time_of_the_read_that_completed_it() {
    let (url, _) = peer(vec![
        Act::Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        Act::Pause,
        // One chunk in two segments, then two chunks in one.
        Act::Send(b"6\r\nabc"),
        Act::Pause,
        Act::Send(b"def\r\n"),
        Act::Pause,
        Act::Send(b"1\r\ng\r\n1\r\nh\r\n0\r\n\r\n"),
    ])
    .await;

    let exchange = ask(&url, &Carry::default()).await;

    assert_eq!(exchange.end, End::Complete);
    assert_eq!(exchange.framing, BodyFraming::Chunked);
    assert_eq!(exchange.body().as_ref(), b"abcdefgh");
    let frames: Vec<_> = exchange.frames.iter().map(|f| f.bytes.to_vec()).collect();
    assert_eq!(frames, [b"abc".to_vec(), b"def".to_vec(), b"gh".to_vec()]);
    let read_times: Vec<_> = exchange.reads.iter().map(|read| read.at).collect();
    assert_eq!(read_times.len(), 4);
    for (frame, read) in exchange.frames.iter().zip(&read_times[1..]) {
        assert_eq!(frame.at, *read);
    }
    let timing = exchange.timing;
    assert!(timing.connected <= timing.sent && timing.sent <= timing.first_byte);
    assert!(timing.first_byte <= timing.head && timing.head.unwrap() <= exchange.frames[0].at);
}

#[tokio::test]
async fn nothing_is_ever_sent_twice() {
    // Answers one request with keep-alive, then closes: the race that makes pools send again.
    let (url, heard) = peer(vec![Act::Send(OK), Act::Hear, Act::Close]).await;
    let transport = transport(&url);
    let mut ends = Vec::new();
    for _ in 0..20 {
        ends.push(transport.exchange(&post(&url, "{}"), &Carry::default()).await.end);
    }

    let requests: usize = heard
        .lock()
        .unwrap()
        .iter()
        .map(|reads| String::from_utf8(reads.concat()).unwrap().matches("POST /v1").count())
        .sum();
    assert_eq!(requests, 20, "{ends:?}");
    assert_eq!(ends.iter().filter(|end| **end == End::Complete).count(), 10, "{ends:?}");
    assert_eq!(ends.iter().filter(|end| **end == End::ClosedBeforeResponse).count(), 10);
}

#[tokio::test]
async fn a_connection_known_to_be_closed_is_not_used() {
    let (url, _) = peer(vec![Act::Send(OK), Act::Close]).await;
    let transport = transport(&url);
    for _ in 0..5 {
        let exchange = transport.exchange(&post(&url, "{}"), &Carry::default()).await;
        assert_eq!(exchange.end, End::Complete);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_reused_connection_says_so_and_a_reserved_one_is_not_handed_out() {
    let (url, heard) = peer(vec![Act::Send(OK), Act::Hear, Act::Send(OK), Act::Hear]).await;
    let transport = transport(&url);
    let new = Carry { connection: ConnectionChoice::New, ..Carry::default() };

    let first = transport.exchange(&post(&url, "{}"), &new).await;
    let other = transport.exchange(&post(&url, "{}"), &Carry::default()).await;
    let number = ConnectionChoice::Number(first.connection.number);
    let again = transport
        .exchange(&post(&url, "{}"), &Carry { connection: number, ..Carry::default() })
        .await;

    assert!(!first.connection.reused && !other.connection.reused && again.connection.reused);
    assert_ne!(first.connection.number, other.connection.number);
    assert_eq!(first.connection.number, again.connection.number);
    assert_eq!(again.timing.connected, None);
    assert_eq!(heard.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_number_that_is_gone_ends_visibly() {
    let (url, _) = peer(vec![Act::Send(OK)]).await;
    let carry = Carry { connection: ConnectionChoice::Number(99), ..Carry::default() };
    assert_eq!(ask(&url, &carry).await.end, End::ClosedBeforeResponse);
}

#[tokio::test]
async fn ends_are_told_apart() {
    let chunked: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let cut = |why: &str| End::CutShort { why: why.to_owned() };
    let cases: Vec<(Vec<Act>, End)> = vec![
        (vec![Act::Send(OK)], End::Complete),
        (vec![Act::Send(b"HTTP/1.1 200 OK\r\n\r\nall"), Act::Close], End::Complete),
        (vec![Act::Send(chunked), Act::Close], cut("the terminating chunk")),
        (
            vec![Act::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"), Act::Close],
            cut("4 of 9 bytes"),
        ),
        (vec![Act::Close], cut("the whole response")),
        (vec![Act::Send(b"HTTP/1.1 200 OK\r\ncont"), Act::Close], cut("the rest of the head")),
    ];
    for (acts, end) in cases {
        let (url, _) = peer(acts).await;
        assert_eq!(ask(&url, &Carry::default()).await.end, end);
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_before_and_inside_the_body() {
    let start: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    for acts in [vec![Act::Reset], vec![Act::Send(start), Act::Pause, Act::Reset]] {
        let (url, _) = peer(acts).await;
        let end = ask(&url, &Carry::default()).await.end;
        assert!(matches!(end, End::Reset { .. }), "{end:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_said() {
    let bad_chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n";
    for bytes in [&b"220 mail.example.com ESMTP\r\n"[..], &bad_chunk[..]] {
        let bytes: &'static [u8] = Box::leak(bytes.to_vec().into_boxed_slice());
        let (url, _) = peer(vec![Act::Send(bytes), Act::Hang]).await;
        let end = ask(&url, &Carry::default()).await.end;
        assert!(matches!(end, End::NotHttp { .. }), "{end:?}");
    }
}

#[tokio::test]
async fn each_deadline_has_its_phase() {
    let head: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi";
    let timeouts = [
        (
            vec![Act::Hang],
            Timeouts { first_byte: Some(millis(60)), ..Timeouts::default() },
            Phase::FirstByte,
        ),
        (
            vec![Act::Send(head), Act::Hang],
            Timeouts { gap: Some(millis(60)), ..Timeouts::default() },
            Phase::Gap,
        ),
        (
            vec![Act::Send(head), Act::Hang],
            Timeouts { total: Some(millis(90)), ..Timeouts::default() },
            Phase::Total,
        ),
    ];
    for (acts, timeouts, phase) in timeouts {
        let (url, _) = peer(acts).await;
        let end = ask(&url, &Carry { timeouts, ..Carry::default() }).await.end;
        assert!(matches!(end, End::TimedOut { phase: seen, .. } if seen == phase), "{end:?}");
    }
}

#[tokio::test]
async fn nobody_and_nowhere_are_told_apart() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let end = ask(&format!("http://127.0.0.1:{port}/v1"), &Carry::default()).await.end;
    assert!(matches!(end, End::Refused { .. }), "{end:?}");
    let end = ask("http://proofhouse.invalid/v1", &Carry::default()).await.end;
    assert!(matches!(end, End::Unresolved { .. }), "{end:?}");
}

#[tokio::test]
async fn a_request_can_go_out_in_pieces() {
    let (url, heard) = peer(vec![Act::Send(OK)]).await;
    let pieces = Some(Pieces { bytes: 40, gap: Nanos::from_millis(2) });

    let exchange = ask(&url, &Carry { pieces, ..Carry::default() }).await;

    assert_eq!(exchange.end, End::Complete);
    let heard = heard.lock().unwrap();
    assert!(heard[0].len() >= 3, "{} reads", heard[0].len());
    assert!(heard[0].iter().all(|read| read.len() <= 80), "pieces were joined");
}

#[tokio::test]
async fn a_chunked_request_has_no_length() {
    let (url, heard) = peer(vec![Act::Send(OK)]).await;
    let exchange = ask(&url, &Carry { chunked: true, ..Carry::default() }).await;
    assert_eq!(exchange.end, End::Complete);
    let sent = String::from_utf8(heard.lock().unwrap()[0].concat()).unwrap().to_lowercase();
    assert!(
        sent.contains("transfer-encoding: chunked") && !sent.contains("content-length"),
        "{sent}"
    );
    assert_eq!(exchange.request.headers.get("transfer-encoding"), Some("chunked"));
}

#[tokio::test]
async fn a_half_closed_request_still_gets_its_answer() {
    let (url, _) = peer(vec![Act::HearToTheEnd, Act::Send(OK)]).await;
    // The peer answers only once it has seen our side close.
    let exchange = ask(&url, &Carry { half_close: true, ..Carry::default() }).await;
    assert_eq!(exchange.status(), Some(200));
    assert_eq!(exchange.end, End::Complete);
}

#[tokio::test]
async fn a_slow_reader_reads_slowly_and_loses_nothing() {
    let (url, _) = peer(vec![Act::Send(OK)]).await;
    let pace = Some(Pace { bytes: 5, every: Nanos(1_000) });
    let exchange = ask(&url, &Carry { pace, ..Carry::default() }).await;
    assert_eq!(exchange.body().as_ref(), b"hi");
    assert!(exchange.reads.iter().all(|read| read.len <= 5));
}

#[tokio::test]
async fn leaving_early_is_seen_by_the_peer() {
    let (url, heard) = peer(vec![
        Act::Send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        Act::Send(b"9\r\ndata: a\n\n\r\n"),
        Act::Pause,
        Act::Send(b"9\r\ndata: b\n\n\r\n"),
        Act::HearToTheEnd,
        Act::Send(b"x"),
    ])
    .await;
    let leave = Some(Leave::AfterEvents(2));

    let exchange = ask(&url, &Carry { leave, ..Carry::default() }).await;

    assert_eq!(exchange.end, End::Left);
    assert_eq!(exchange.body().as_ref(), b"data: a\n\ndata: b\n\n");
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_interim_answer_is_not_the_answer() {
    let (url, _) = peer(vec![
        Act::Send(b"HTTP/1.1 100 Continue\r\n\r\n"),
        Act::Send(b"HTTP/1.0 201 Made\r\nX-One: 1\r\ncontent-length: 0\r\n\r\n"),
    ])
    .await;
    let exchange = ask(&url, &Carry::default()).await;
    assert_eq!(exchange.status(), Some(201));
    assert_eq!(exchange.header("x-one"), Some("1"));
    assert_eq!(exchange.connection.version, HttpVersion::Http10);
}

#[tokio::test]
async fn the_key_goes_out_and_never_comes_back() {
    let echo =
        b"HTTP/1.1 401 No\r\nx-echo: sk-canary-1\r\ncontent-length: 19\r\n\r\nbad key sk-canary-1";
    let (url, heard) = peer(vec![Act::Send(echo)]).await;
    let mut target = Target::new("t", &url).unwrap();
    target.auth = Auth::bearer("KEY", "sk-canary-1".to_owned().into());
    let transport = HttpTransport::new(target, Clock::system()).unwrap();
    let mut lower = post(&url, "{}");
    lower.headers.push("authorization", format!("bearer {KEY_PLACEHOLDER}"));
    let without = Carry { omit_headers: vec!["Authorization".to_owned()], ..Carry::default() };

    let plain = transport.exchange(&post(&url, "{}"), &Carry::default()).await;
    let lower = transport.exchange(&lower, &Carry::default()).await;
    let none = transport.exchange(&post(&url, "{}"), &without).await;

    let sent: Vec<_> =
        heard.lock().unwrap().iter().map(|r| String::from_utf8(r.concat()).unwrap()).collect();
    let sent = sent.join("");
    assert!(sent.contains("authorization: Bearer sk-canary-1"));
    assert!(sent.contains("authorization: bearer sk-canary-1"));
    assert_eq!(sent.matches("authorization").count(), 2);
    for exchange in [plain, lower, none] {
        let kept = serde_json::to_string(&exchange).unwrap();
        assert!(!kept.contains("canary"), "{kept}");
        assert_eq!(
            exchange.redactions.iter().filter(|r| r.place != "header authorization").count(),
            2
        );
    }
}

#[tokio::test]
async fn a_key_command_runs_once_and_its_failure_sends_nothing() {
    let (url, heard) = peer(vec![Act::Send(OK), Act::Hear, Act::Send(OK)]).await;
    let mut target = Target::new("t", &url).unwrap();
    let argv = |script: &str| vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
    let hour = std::time::Duration::from_hours(1);
    target.auth = Auth::command(argv("echo key-$$"), hour, Place::default());
    let transport = HttpTransport::new(target.clone(), Clock::system()).unwrap();
    for _ in 0..2 {
        let end = transport.exchange(&post(&url, "{}"), &Carry::default()).await.end;
        assert_eq!(end, End::Complete);
    }
    let sent = String::from_utf8(heard.lock().unwrap()[0].concat()).unwrap();
    let keys: Vec<_> = sent.lines().filter(|line| line.starts_with("authorization")).collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);

    target.auth = Auth::command(argv("exit 3"), hour, Place::default());
    let transport = HttpTransport::new(target, Clock::system()).unwrap();
    let end = transport.exchange(&post(&url, "{}"), &Carry::default()).await.end;
    assert!(matches!(&end, End::Unsent { why } if why.contains("sh")), "{end:?}");
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_plain_proxy_gets_the_whole_url() {
    let (proxy, heard) = peer(vec![Act::Send(OK)]).await;
    let mut target = Target::new("t", "http://upstream.example/v1").unwrap();
    target.proxy = Some(proofhouse::transport::target::BaseUrl::parse(&proxy).unwrap());
    let transport = HttpTransport::new(target, Clock::system()).unwrap();
    let request = post("http://upstream.example/v1", "{}");
    assert_eq!(transport.exchange(&request, &Carry::default()).await.status(), Some(200));
    let sent = String::from_utf8(heard.lock().unwrap()[0].concat()).unwrap();
    assert!(
        sent.starts_with("POST http://upstream.example/v1/chat/completions HTTP/1.1"),
        "{sent}"
    );
}
