//! What a careless client would get wrong in silence: times, deadlines and ends under odd peers.

use std::sync::Arc;
use std::time::Duration;

use proofhouse::clock::Clock;
use proofhouse::transcript::{BodyFraming, End, Limit, Phase};
use proofhouse::transport::http::HttpTransport;
use proofhouse::transport::target::{BaseUrl, HttpChoice, Target};
use proofhouse::transport::{
    Auth, Carry, ConnectionChoice, Leave, Pace, Place, Timeouts, Transport as _,
};
use proofhouse::units::Nanos;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::peer::{Act, ask, millis, peer, post, transport};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

/// A listener, and the base URL of a server on it.
async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn an_answer_before_the_whole_request_is_read_is_an_answer() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Reads the head only, answers and leaves: what a proxy does with a body that is too big.
        let _ = stream.read(&mut [0; 512]).await;
        stream.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig").await.unwrap();
    });
    let request = post(&url, &"x".repeat(16 * 1024 * 1024));

    let exchange = transport(&url).exchange(&request, &Carry::default()).await;

    assert_eq!(exchange.status(), Some(413), "{:?}", exchange.end);
    assert_eq!(exchange.body().as_ref(), b"big");
    assert_eq!(exchange.timing.sent, None);
}

#[tokio::test]
async fn the_deadlines_of_a_request_reach_connecting() {
    // Listens and never speaks: TCP connects, TLS waits.
    let (listener, url) = listener().await;
    let target = Target::new("t", &url.replace("http:", "https:")).unwrap();
    let secure = post(&target.base_url.to_string(), "{}");
    let transport = HttpTransport::new(target, Clock::system()).unwrap();
    let with = |timeouts| Carry { timeouts, ..Carry::default() };

    let tls = with(Timeouts { tls: Some(millis(50)), ..Timeouts::default() });
    let tls = transport.exchange(&secure, &tls).await.end;
    let total = with(Timeouts { total: Some(millis(50)), ..Timeouts::default() });
    let total = transport.exchange(&secure, &total).await.end;

    assert_eq!(tls, End::TimedOut { phase: Phase::Tls, after: Nanos::from_millis(50) });
    assert_eq!(total, End::TimedOut { phase: Phase::Total, after: Nanos::from_millis(50) });
    drop(listener);
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_a_connect_timeout() {
    let (listener, url) = listener().await;
    let mut target = Target::new("t", "https://upstream.example/v1").unwrap();
    target.proxy = Some(BaseUrl::parse(url.trim_end_matches("/v1")).unwrap());
    let transport = HttpTransport::new(target, Clock::system()).unwrap();
    let timeouts = Timeouts { connect: Some(millis(50)), ..Timeouts::default() };
    let request = post("https://upstream.example/v1", "{}");

    let end = transport.exchange(&request, &Carry { timeouts, ..Carry::default() }).await.end;

    assert_eq!(end, End::TimedOut { phase: Phase::Connect, after: Nanos::from_millis(50) });
    drop(listener);
}

#[tokio::test]
async fn a_slow_reader_is_not_a_silent_peer() {
    let (url, _) = peer(vec![Act::Send(OK)]).await;
    let carry = Carry {
        pace: Some(Pace { bytes: 20, every: Nanos::from_millis(60) }),
        timeouts: Timeouts { gap: Some(millis(30)), ..Timeouts::default() },
        ..Carry::default()
    };
    assert_eq!(ask(&url, &carry).await.end, End::Complete);
}

#[tokio::test]
async fn the_time_of_the_head_is_that_of_its_read() {
    let (url, _) = peer(vec![Act::Send(OK)]).await;
    let exchange = ask(&url, &Carry::default()).await;
    assert_eq!(exchange.reads.len(), 1);
    assert_eq!(exchange.timing.head, Some(exchange.reads[0].at));
    assert_eq!(exchange.frames[0].at, exchange.reads[0].at);
    assert!(exchange.timing.done >= exchange.reads[0].at);
}

#[tokio::test]
async fn asking_for_a_key_takes_no_time_of_the_exchange() {
    let (url, _) = peer(vec![Act::Send(OK)]).await;
    let clock = Clock::system();
    let mut target = Target::new("t", &url).unwrap();
    let argv = ["sh", "-c", "sleep 0.3; echo key-12345"].map(str::to_owned).to_vec();
    target.auth = Auth::command(argv, Duration::from_mins(1), Place::default());
    // The command alone takes longer than the whole exchange may.
    target.timeouts.total = Duration::from_millis(250);
    let transport = HttpTransport::new(target, clock).unwrap();
    let exchange = transport.exchange(&post(&url, "{}"), &Carry::default()).await;
    assert_eq!(exchange.end, End::Complete);
}

#[tokio::test]
async fn the_key_is_masked_in_the_reason_too() {
    let (url, _) = peer(vec![Act::Send(
        b"HTTP/1.1 401 no sk-canary-1 here\r\nx-sk-canary-1: x\r\ncontent-length: 0\r\n\r\n",
    )])
    .await;
    let mut target = Target::new("t", &url).unwrap();
    target.auth = Auth::bearer("KEY", "sk-canary-1".to_owned().into());
    let transport = HttpTransport::new(target, Clock::system()).unwrap();

    let exchange = transport.exchange(&post(&url, "{}"), &Carry::default()).await;

    let kept = serde_json::to_string(&exchange).unwrap();
    assert!(!kept.contains("canary"), "{kept}");
    assert!(exchange.redactions.iter().any(|mask| mask.place == "reason"));
}

#[tokio::test]
async fn a_body_without_end_is_cut_at_the_limit() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let block = vec![b'x'; 1024 * 1024];
        while stream.write_all(&block).await.is_ok() {}
    });
    let exchange = ask(&url, &Carry::default()).await;
    assert_eq!(exchange.end, End::LimitReached { limit: Limit::BodyBytes });
    assert_eq!(exchange.framing, BodyFraming::UntilClose);
    assert_eq!(exchange.body().len(), 64 * 1024 * 1024);
}

#[tokio::test]
async fn a_thousand_chunks_in_one_read_are_one_frame() {
    let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..1000 {
        answer.extend_from_slice(b"1\r\nx\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    let (url, _) = peer(vec![Act::Send(answer.leak())]).await;
    let exchange = ask(&url, &Carry::default()).await;
    assert_eq!(exchange.body().len(), 1000);
    // hyper's buffer holds 8 KiB at first, so the segment may take two reads.
    assert!(exchange.frames.len() <= exchange.reads.len());
    for frame in &exchange.frames {
        assert!(exchange.reads.iter().any(|read| read.at == frame.at));
    }
}

#[tokio::test]
async fn a_body_that_says_more_than_it_holds_is_sent_as_it_says() {
    // The peer answers what it got; the client goes on owing bytes.
    let (listener, url) = listener().await;
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        while !all.ends_with(b"{}") {
            let mut buffer = [0; 4096];
            let len = stream.read(&mut buffer).await.unwrap();
            assert!(len > 0);
            all.extend_from_slice(&buffer[..len]);
        }
        tell.send(String::from_utf8(all).unwrap()).unwrap();
        stream
            .write_all(b"HTTP/1.1 408 Late\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
    });
    let mut request = post(&url, "{}");
    request.headers.push("content-length", "9");

    let exchange = transport(&url).exchange(&request, &Carry::default()).await;

    assert_eq!(exchange.status(), Some(408), "{:?}", exchange.end);
    assert!(told.await.unwrap().contains("content-length: 9\r\n"));
}

#[tokio::test]
async fn a_body_that_holds_more_than_it_says_is_not_sent() {
    let (url, heard) = peer(vec![Act::Send(OK)]).await;
    let mut request = post(&url, "{}");
    request.headers.push("content-length", "1");
    let end = transport(&url).exchange(&request, &Carry::default()).await.end;
    assert!(matches!(&end, End::Unsent { why } if why.contains("content-length")), "{end:?}");
    // It was connected to, and heard nothing.
    assert!(heard.lock().unwrap().iter().all(Vec::is_empty));
}

#[tokio::test]
async fn a_chunked_request_is_whole_before_our_side_closes() {
    for body in ["", "{}", &"x".repeat(100_000)] {
        let (listener, url) = listener().await;
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.unwrap();
            stream.write_all(OK).await.unwrap();
            tell.send(all).unwrap();
        });
        let carry = Carry { half_close: true, chunked: true, ..Carry::default() };

        let exchange = transport(&url).exchange(&post(&url, body), &carry).await;

        assert_eq!(exchange.end, End::Complete);
        assert!(told.await.unwrap().ends_with(b"0\r\n\r\n"));
    }
}

#[tokio::test]
async fn the_peer_sees_an_early_leaver_go() {
    for leave in [Leave::AfterEvents(1), Leave::After(Nanos::from_millis(30))] {
        let (listener, url) = listener().await;
        let (gone, seen) = oneshot::channel();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let head = b"HTTP/1.1 200 OK\r\n\r\ndata: a\n\n";
            stream.write_all(head).await.unwrap();
            // Silence from here; nothing but the client's going ends this read.
            let end = stream.read(&mut [0; 64]).await;
            gone.send(end.map_or(0, |len| len)).unwrap();
        });

        let exchange = ask(&url, &Carry { leave: Some(leave), ..Carry::default() }).await;

        assert_eq!(exchange.end, End::Left);
        assert_eq!(seen.await.unwrap(), 0);
    }
}

#[tokio::test]
async fn leaving_after_a_time_does_not_wait_for_the_head() {
    let (url, heard) = peer(vec![Act::Hang]).await;
    let leave = Some(Leave::After(Nanos::from_millis(20)));

    let exchange =
        transport(&url).exchange(&post(&url, "{}"), &Carry { leave, ..Carry::default() }).await;

    assert_eq!(exchange.end, End::Left);
    assert!(exchange.head.is_none());
    assert!(heard.lock().unwrap()[0][0].ends_with(b"{}"), "the request went out first");
}

#[tokio::test]
async fn leaving_after_a_time_leaves_a_stream_that_never_pauses() {
    let (listener, url) = listener().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        // Small pieces, so that the body's limit is far away.
        while stream.write_all(b"data: a\n\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let leave = Some(Leave::After(Nanos::from_millis(20)));
    assert_eq!(ask(&url, &Carry { leave, ..Carry::default() }).await.end, End::Left);
}

#[tokio::test]
async fn a_reserved_connection_outlives_a_crowd() {
    let (url, _) = peer(vec![Act::Send(OK), Act::Hear, Act::Send(OK), Act::Hear]).await;
    let transport = Arc::new(transport(&url));
    let new = Carry { connection: ConnectionChoice::New, ..Carry::default() };
    let reserved = transport.exchange(&post(&url, "{}"), &new).await.connection.number;

    // More than are kept, at once, so that none can use another's connection.
    let crowd = (0..80).map(|_| {
        let (transport, request) = (Arc::clone(&transport), post(&url, "{}"));
        async move { transport.exchange(&request, &Carry::default()).await }
    });
    futures_util::future::join_all(crowd).await;

    let again = Carry { connection: ConnectionChoice::Number(reserved), ..Carry::default() };
    let again = transport.exchange(&post(&url, "{}"), &again).await;
    assert_eq!((again.end, again.connection.number), (End::Complete, reserved));
}

#[tokio::test]
async fn a_proxy_over_tls_is_refused_by_name() {
    let mut target = Target::new("t", "http://upstream.example/v1").unwrap();
    target.proxy = Some(BaseUrl::parse("https://proxy.example:3128").unwrap());
    let error = HttpTransport::new(target, Clock::system()).unwrap_err().to_string();
    assert!(error.contains("proxy.example") && error.contains("http://"), "{error}");
}

#[tokio::test]
async fn http2_spoken_to_a_server_that_cannot_is_not_http() {
    let (url, _) = peer_that_says(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let mut target = Target::new("t", &url).unwrap();
    target.http = HttpChoice::Http2;
    let transport = HttpTransport::new(target, Clock::system()).unwrap();
    let end = transport.exchange(&post(&url, "{}"), &Carry::default()).await.end;
    assert!(matches!(end, End::NotHttp { .. }), "{end:?}");
}

/// A peer that says `bytes` to whatever it hears first, and stays.
async fn peer_that_says(bytes: &'static [u8]) -> (String, tokio::task::JoinHandle<()>) {
    let (listener, url) = listener().await;
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(bytes).await;
        while stream.read(&mut [0; 4096]).await.is_ok_and(|len| len > 0) {}
    });
    (url, task)
}
