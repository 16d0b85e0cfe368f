//! Making a connection: name, TCP, proxy, TLS, HTTP version; each with its own time.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls;
use crate::clock::Clock;
use crate::transcript::{End, Phase, Timing, TlsFault};
use crate::transport::target::{BaseUrl, Deadlines};
use crate::units::Nanos;

/// A connected socket, with TLS or without.
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What is known of a new connection.
pub(super) struct Connected {
    pub(super) socket: Socket,
    pub(super) peer: Option<SocketAddr>,
    /// `TLSv1.3`.
    pub(super) tls: Option<String>,
    /// TLS agreed on HTTP/2.
    pub(super) h2: bool,
}

/// What making a connection needs.
pub(super) struct Way<'a> {
    /// The URL's origin.
    pub(super) origin: &'a BaseUrl,
    pub(super) proxy: Option<&'a BaseUrl>,
    pub(super) tls: Option<&'a Arc<ClientConfig>>,
    pub(super) deadlines: Deadlines,
    pub(super) clock: &'a Clock,
    pub(super) started: Nanos,
}

impl Way<'_> {
    /// Connects, noting in `timing` how far it came.
    pub(super) async fn connect(&self, timing: &mut Timing) -> Result<Connected, End> {
        let deadline = Instant::now() + self.deadlines.connect;
        let tcp =
            within(deadline, Phase::Connect, self.deadlines.connect, self.tcp(timing)).await??;
        let peer = tcp.peer_addr().ok();
        let Some(config) = self.tls else {
            return Ok(Connected { socket: Socket::Plain(tcp), peer, tls: None, h2: false });
        };
        let name = ServerName::try_from(bare(self.origin.host()).to_owned()).map_err(|_| {
            End::TlsFailed {
                why: format!("`{}` is no host name", self.origin.host()),
                fault: TlsFault::HostName,
            }
        })?;
        let connector = TlsConnector::from(Arc::clone(config));
        let deadline = Instant::now() + self.deadlines.tls;
        let stream = within(deadline, Phase::Tls, self.deadlines.tls, connector.connect(name, tcp))
            .await?
            .map_err(|error| {
                let (why, fault) = tls::failure(&error);
                End::TlsFailed { why, fault: fault.unwrap_or_default() }
            })?;
        timing.secured = Some(self.now());
        let (_, session) = stream.get_ref();
        let version = session.protocol_version().and_then(|version| version.as_str());
        let h2 = session.alpn_protocol() == Some(b"h2");
        let tls = version.map(|version| version.replace("TLSv1_", "TLSv1."));
        Ok(Connected { socket: Socket::Tls(Box::new(stream)), peer, tls, h2 })
    }

    async fn tcp(&self, timing: &mut Timing) -> Result<TcpStream, End> {
        let next = self.proxy.unwrap_or(self.origin);
        let host = bare(next.host());
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, next.port()))
            .await
            .map_err(|error| End::Unresolved { why: error.to_string() })?
            .collect();
        timing.resolved = Some(self.now());
        let mut refused = End::Unresolved { why: "no address".to_owned() };
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(mut stream) => {
                    timing.connected = Some(self.now());
                    // A delayed small write would be measured as the server's slowness.
                    let _ = stream.set_nodelay(true);
                    if self.proxy.is_some() && self.tls.is_some() {
                        self.tunnel(&mut stream).await?;
                    }
                    return Ok(stream);
                }
                Err(error) => refused = End::Refused { why: format!("{address}: {error}") },
            }
        }
        Err(refused)
    }

    /// Asks the proxy for a tunnel (RFC 9110, 9.3.6).
    async fn tunnel(&self, stream: &mut TcpStream) -> Result<(), End> {
        let refused = |why: String| End::Refused { why: format!("the proxy {why}") };
        let to = format!("{}:{}", self.origin.host(), self.origin.port());
        let ask = format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.map_err(|error| refused(error.to_string()))?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            // Byte by byte: what follows the blank line is TLS's.
            match stream.read_u8().await {
                Ok(byte) if answer.len() < PROXY_HEAD_MAX => answer.push(byte),
                Ok(_) => return Err(refused("answered without end".to_owned())),
                Err(error) => return Err(refused(error.to_string())),
            }
        }
        let line = String::from_utf8_lossy(&answer);
        let line = line.lines().next().unwrap_or_default();
        match line.split(' ').nth(1) {
            Some(status) if status.starts_with('2') => Ok(()),
            _ => Err(refused(format!("answered `{line}`"))),
        }
    }

    fn now(&self) -> Nanos {
        self.clock.now().since(self.started)
    }
}

/// The head of a proxy's answer to CONNECT.
const PROXY_HEAD_MAX: usize = 16 * 1024;

/// IPv6 addresses stand in brackets in URLs and nowhere else.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

async fn within<T>(
    deadline: Instant,
    phase: Phase,
    after: Duration,
    future: impl Future<Output = T>,
) -> Result<T, End> {
    timeout_at(deadline, future)
        .await
        .map_err(|_| End::TimedOut { phase, after: Nanos::from(after) })
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
