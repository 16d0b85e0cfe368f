//! Raw peers on loopback.

use std::sync::{Arc, Mutex};

use proofhouse::clock::Clock;
use proofhouse::transcript::{Exchange, WireRequest};
use proofhouse::transport::http::HttpTransport;
use proofhouse::transport::target::Target;
use proofhouse::transport::{Carry, Transport as _};
use proofhouse::units::Nanos;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a peer heard: for each connection, the bytes of each read.
pub(crate) type Heard = Arc<Mutex<Vec<Vec<Vec<u8>>>>>;

/// What a peer does on a connection after a request was read.
#[derive(Clone)]
pub(crate) enum Act {
    Send(&'static [u8]),
    Pause,
    Close,
    Reset,
    /// Read one more request.
    Hear,
    /// Read until the client leaves.
    HearToTheEnd,
    Hang,
}

/// A peer that plays `acts` on every connection, starting with hearing a request.
pub(crate) async fn peer(acts: Vec<Act>) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let heard = Heard::default();
    let shared = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(play(stream, acts.clone(), Arc::clone(&shared)));
        }
    });
    (url, heard)
}

async fn play(mut stream: TcpStream, acts: Vec<Act>, heard: Heard) {
    stream.set_nodelay(true).unwrap();
    let index = {
        let mut heard = heard.lock().unwrap();
        heard.push(Vec::new());
        heard.len() - 1
    };
    if !hear(&mut stream, &heard, index).await {
        return;
    }
    for act in acts {
        match act {
            Act::Send(bytes) => {
                let _ = stream.write_all(bytes).await;
                let _ = stream.flush().await;
            }
            Act::Pause => tokio::time::sleep(std::time::Duration::from_millis(25)).await,
            Act::Close => return,
            Act::Reset => {
                socket2::SockRef::from(&stream)
                    .set_linger(Some(std::time::Duration::ZERO))
                    .unwrap();
                return;
            }
            Act::Hear => {
                if !hear(&mut stream, &heard, index).await {
                    return;
                }
            }
            Act::HearToTheEnd => while read(&mut stream, &heard, index).await > 0 {},
            Act::Hang => tokio::time::sleep(std::time::Duration::from_secs(30)).await,
        }
    }
}

/// Reads one request, its body by content length or last chunk.
async fn hear(stream: &mut TcpStream, heard: &Heard, index: usize) -> bool {
    let from = heard.lock().unwrap()[index].concat().len();
    loop {
        if read(stream, heard, index).await == 0 {
            return false;
        }
        let all = heard.lock().unwrap()[index].concat();
        let text = String::from_utf8_lossy(&all[from..]).into_owned();
        let Some((lines, body)) = text.split_once("\r\n\r\n") else { continue };
        let lines = lines.to_lowercase();
        let length: usize = lines
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let whole = if lines.contains("transfer-encoding: chunked") {
            body.ends_with("0\r\n\r\n")
        } else {
            body.len() >= length
        };
        if whole {
            return true;
        }
    }
}

async fn read(stream: &mut TcpStream, heard: &Heard, index: usize) -> usize {
    let mut buffer = vec![0; 65_536];
    let len = stream.read(&mut buffer).await.unwrap_or(0);
    buffer.truncate(len);
    if len > 0 {
        heard.lock().unwrap()[index].push(buffer);
    }
    len
}

pub(crate) fn transport(url: &str) -> HttpTransport {
    HttpTransport::new(Target::new("t", url).unwrap(), Clock::system()).unwrap()
}

pub(crate) fn post(url: &str, body: &str) -> WireRequest {
    WireRequest {
        method: "POST".to_owned(),
        url: format!("{url}/chat/completions"),
        headers: [("content-type", "application/json")].into_iter().collect(),
        body: body.to_owned().into(),
    }
}

pub(crate) async fn ask(url: &str, carry: &Carry) -> Exchange {
    transport(url).exchange(&post(url, "{}"), carry).await
}

pub(crate) fn millis(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}
