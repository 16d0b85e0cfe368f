//! A raw client: it sends bytes and reads what comes, and knows just enough HTTP/1.1 for that.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use proofhouse::mock::Server;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body came whole by its own framing.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The data of every event.
    pub(crate) fn data(&self) -> Vec<String> {
        self.text()
            .split("\n\n")
            .filter_map(|event| event.strip_prefix("data: ").map(str::to_owned))
            .collect()
    }

    /// The chunks: every event that is JSON.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        self.data().iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
    }

    /// The text of one choice of a stream.
    pub(crate) fn streamed(&self, index: u64) -> String {
        let chunks = self.chunks();
        let choices = chunks.iter().filter_map(|chunk| chunk["choices"].as_array()).flatten();
        choices
            .filter(|choice| choice["index"] == index)
            .filter_map(|choice| choice["delta"]["content"].as_str())
            .collect()
    }

    /// The finish reasons of a stream, in order.
    pub(crate) fn finishes(&self) -> Vec<String> {
        let chunks = self.chunks();
        let choices = chunks.iter().filter_map(|chunk| chunk["choices"].as_array()).flatten();
        choices.filter_map(|c| c["finish_reason"].as_str().map(str::to_owned)).collect()
    }
}

/// A connection that may carry several requests.
pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    pub(crate) fn new(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[&str], body: &[u8]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: mock\r\n");
        if method == "POST" || !body.is_empty() {
            head += "content-length: ";
            head += &body.len().to_string();
            head += "\r\n";
            if !headers.iter().any(|h| h.to_lowercase().starts_with("content-type")) {
                head += "content-type: application/json\r\n";
            }
        }
        for header in headers {
            head += header;
            head += "\r\n";
        }
        head += "\r\n";
        // A peer that has reset the connection is an answer too.
        let _ = self.stream.write_all(&[head.as_bytes(), body].concat());
    }

    /// Reads one response; `None` if not even a head came.
    pub(crate) fn read(&mut self, head_only: bool) -> Option<Answer> {
        let mut bytes = Vec::new();
        self.read_after(&mut bytes, head_only)
    }

    fn read_after(&mut self, bytes: &mut Vec<u8>, head_only: bool) -> Option<Answer> {
        let head_end = loop {
            if let Some(at) = find(bytes, b"\r\n\r\n") {
                break at + 4;
            }
            self.more(bytes)?;
        };
        let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
        let mut rest = bytes.split_off(head_end);
        if head.starts_with("HTTP/1.1 100") {
            return self.read_after(&mut rest, head_only);
        }
        let mut answer = Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: Vec::new(),
            whole: true,
        };
        if head_only || answer.status == 204 {
            return Some(answer);
        }
        if let Some(len) = answer.header("content-length") {
            let len: usize = len.parse().unwrap();
            while rest.len() < len {
                if self.more(&mut rest).is_none() {
                    answer.whole = false;
                    break;
                }
            }
            answer.body = rest;
        } else {
            answer.whole = self.chunked(&mut rest, &mut answer.body);
        }
        Some(answer)
    }

    fn chunked(&mut self, rest: &mut Vec<u8>, body: &mut Vec<u8>) -> bool {
        loop {
            let line = loop {
                if let Some(at) = find(rest, b"\r\n") {
                    break at;
                }
                if self.more(rest).is_none() {
                    return false;
                }
            };
            let Ok(text) = std::str::from_utf8(&rest[..line]) else { return false };
            let Ok(len) = usize::from_str_radix(text, 16) else { return false };
            while rest.len() < line + 2 + len + 2 {
                if self.more(rest).is_none() {
                    body.extend(&rest[(line + 2).min(rest.len())..]);
                    return false;
                }
            }
            body.extend(&rest[line + 2..line + 2 + len]);
            rest.drain(..line + 2 + len + 2);
            if len == 0 {
                return true;
            }
        }
    }

    fn more(&mut self, into: &mut Vec<u8>) -> Option<()> {
        let mut buffer = [0; 16_384];
        match self.stream.read(&mut buffer) {
            Ok(0) | Err(_) => None,
            Ok(read) => {
                into.extend(&buffer[..read]);
                Some(())
            }
        }
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// One request on a connection of its own.
pub(crate) fn ask(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> Answer {
    let mut client = Client::new(server);
    client.send(method, path, headers, body);
    client.read(method == "HEAD").expect("a response")
}

/// A chat request on a connection of its own.
pub(crate) fn chat(server: &Server, body: &Value) -> Answer {
    ask(server, "POST", "/v1/chat/completions", &[], body.to_string().as_bytes())
}
