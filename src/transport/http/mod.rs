//! HTTP/1.1 and HTTP/2 for traffic that is judged or timed.
//!
//! hyper's connection API over a tapped socket. Every read is seen with its time, connections are
//! ours and numbered, and a request is sent exactly once: hyper's pooled client (and reqwest above
//! it) sends a request again when a reused connection turns out closed, which a judge must never
//! do. A connection is driven by the exchange that uses it and by nobody between exchanges: hyper's
//! helper tasks stay beside it, and one socket read is allowed at a time, so that whatever arrives
//! has the time of its own read. Each exchange is a task of its own, so that what arrives is read
//! when it arrives, whatever the caller is busy with.

mod connect;
mod drive;
mod ending;
mod frames;
mod head;
mod inflate;
mod line;
mod outbound;
mod request;
mod tap;
mod tasks;
pub(super) mod tls;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use self::connect::Way;
use self::line::Line;
use self::request::Outgoing;
use super::target::{BaseUrl, Deadlines, HttpChoice, KEY_PLACEHOLDER, Target, TargetError};
use super::{AuthError, Carry, ConnectionChoice, Transport};
use crate::clock::Clock;
use crate::transcript::{
    BodyFraming, Connection, End, Exchange, Headers, HttpVersion, Phase, Redactor, Timing,
    WireRequest,
};
use crate::units::Nanos;

/// Idle connections that are kept; the oldest go first.
const IDLE_MAX: usize = 64;

/// Sends to one target, over connections of its own.
pub struct HttpTransport {
    client: Arc<Client>,
}

/// What the tasks of a transport share.
struct Client {
    target: Target,
    clock: Clock,
    tls: Option<Arc<ClientConfig>>,
    idle: Mutex<Vec<Line>>,
    numbers: AtomicU64,
}

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = &self.client.target.name;
        f.debug_struct("HttpTransport").field("target", name).finish_non_exhaustive()
    }
}

impl HttpTransport {
    /// Gets ready to send to `target`; reads certificates, connects to nobody.
    pub fn new(target: Target, clock: Clock) -> Result<Self, TargetError> {
        if let Some(proxy) = target.proxy.as_ref().filter(|proxy| proxy.is_tls()) {
            return Err(TargetError::Proxy { proxy: proxy.to_string() });
        }
        let tls =
            if target.base_url.is_tls() { Some(Arc::new(tls::config(&target)?)) } else { None };
        let (idle, numbers) = (Mutex::default(), AtomicU64::new(1));
        Ok(Self { client: Arc::new(Client { target, clock, tls, idle, numbers }) })
    }
}

impl Client {
    fn take(&self, number: Option<u64>) -> Option<Line> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match number {
            Some(number) => idle.iter().position(|line| line.number == number),
            // A connection that somebody asked for by name is not for everyone.
            None => idle.iter().rposition(|line| !line.reserved),
        }?;
        Some(idle.remove(at))
    }

    fn give_back(&self, line: Line) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() == IDLE_MAX {
            // One that a step will ask for by number goes last: missing it would look like a close.
            let oldest = idle.iter().position(|line| !line.reserved).unwrap_or(0);
            idle.remove(oldest);
        }
        idle.push(line);
    }

    /// The connection for an exchange: its own choice, one that is idle and alive, or a new one.
    async fn line(
        &self,
        carry: &Carry,
        origin: &BaseUrl,
        deadlines: Deadlines,
        timing: &mut Timing,
    ) -> Result<Line, End> {
        match carry.connection {
            ConnectionChoice::Number(number) => {
                return self.take(Some(number)).ok_or(End::ClosedBeforeResponse);
            }
            ConnectionChoice::Any => {
                while let Some(mut line) = self.take(None) {
                    // One that is known to be closed is no connection; nothing was sent on it.
                    if line.is_alive().await {
                        return Ok(line);
                    }
                }
            }
            ConnectionChoice::New => {}
        }
        let way = Way {
            origin,
            proxy: self.target.proxy.as_ref(),
            tls: self.tls.as_ref(),
            deadlines,
            clock: &self.clock,
            started: timing.started,
        };
        let connected = way.connect(timing).await?;
        let h2 = connected.h2 || (self.tls.is_none() && self.target.http == HttpChoice::Http2);
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let reserved = carry.connection == ConnectionChoice::New;
        Line::open(connected, h2, number, reserved, self.clock.clone()).await
    }

    /// The header lines that go out: the request's own, then the target's that it does not have.
    fn headers(
        &self,
        request: &WireRequest,
        carry: &Carry,
        secret: Option<&SecretString>,
    ) -> Headers {
        let mut headers = Headers::default();
        let omitted = |name: &str| {
            carry.omit_headers.iter().any(|omitted| omitted.eq_ignore_ascii_case(name))
        };
        if let (Some((name, prefix)), Some(secret)) = (self.target.auth.header(), secret)
            && request.headers.get(name).is_none()
            && !omitted(name)
        {
            headers.push(name, format!("{prefix}{}", secret.expose_secret()));
        }
        for line in &request.headers {
            let value = match secret {
                Some(secret) => line.value.replace(KEY_PLACEHOLDER, secret.expose_secret()),
                None => line.value.clone(),
            };
            headers.push(&line.name, value);
        }
        for line in &self.target.headers {
            if request.headers.get(&line.name).is_none() && !omitted(&line.name) {
                headers.push(&line.name, &line.value);
            }
        }
        for (name, value) in [("accept", "*/*"), ("user-agent", USER_AGENT)] {
            if headers.get(name).is_none() && !omitted(name) {
                headers.push(name, value);
            }
        }
        headers
    }

    async fn run(
        &self,
        exchange: &mut Exchange,
        carry: &Carry,
        secret: Result<Option<SecretString>, AuthError>,
    ) -> Result<(), End> {
        let began = Instant::now();
        let secret = secret.map_err(|error| End::Unsent { why: error.to_string() })?;
        exchange.request.headers = self.headers(&exchange.request, carry, secret.as_ref());
        let unsent = |why: String| End::Unsent { why };
        let uri: http::Uri =
            exchange.request.url.parse().map_err(|error| unsent(format!("its URL: {error}")))?;
        let origin = BaseUrl::parse(&origin_of(&uri)).map_err(|error| unsent(error.to_string()))?;
        if origin.origin() != self.target.base_url.origin() {
            return Err(unsent(format!("{} is not the target", origin.origin())));
        }
        let deadlines = deadlines(&self.target, carry);
        let total = began + deadlines.total;
        let line = self.line(carry, &origin, deadlines, &mut exchange.timing);
        let mut line = timeout_at(total, line)
            .await
            .map_err(|_| End::TimedOut { phase: Phase::Total, after: deadlines.total.into() })??;
        exchange.connection = line.facts.clone();
        exchange.connection.reused = line.used;
        let outgoing = Outgoing {
            request: &exchange.request.clone(),
            uri: &uri,
            host: host_line(&origin),
            absolute_form: self.target.proxy.is_some() && self.tls.is_none(),
            carry,
            deadlines,
            clock: &self.clock,
            began,
        };
        let reusable = drive::drive(&mut line, outgoing, exchange).await;
        line.used = true;
        if reusable {
            self.give_back(line);
        }
        Ok(())
    }
}

/// What we call ourselves.
const USER_AGENT: &str = concat!("proofhouse/", env!("CARGO_PKG_VERSION"));

fn origin_of(uri: &http::Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    format!("{scheme}://{authority}")
}

fn host_line(origin: &BaseUrl) -> String {
    let whole = origin.origin();
    whole.split_once("://").map_or(whole.clone(), |(_, host)| host.to_owned())
}

fn deadlines(target: &Target, carry: &Carry) -> Deadlines {
    let own = carry.timeouts;
    let or = |own: Option<Nanos>, default| own.map_or(default, Into::into);
    Deadlines {
        connect: or(own.connect, target.timeouts.connect),
        tls: or(own.tls, target.timeouts.tls),
        first_byte: or(own.first_byte, target.timeouts.first_byte),
        gap: or(own.gap, target.timeouts.gap),
        total: or(own.total, target.timeouts.total),
    }
}

impl Transport for HttpTransport {
    async fn exchange(&self, request: &WireRequest, carry: &Carry) -> Exchange {
        let client = Arc::clone(&self.client);
        let (request, carry) = (request.clone(), carry.clone());
        let mut task = Task(tokio::spawn(async move { client.exchange(request, &carry).await }));
        match (&mut task.0).await {
            Ok(exchange) => exchange,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down, and this future will not be asked again.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Client {
    async fn exchange(&self, request: WireRequest, carry: &Carry) -> Exchange {
        // A command that prints the key may take its time; it is no part of the exchange.
        let secret = self.target.auth.secret().await;
        let mut redactor = Redactor::default();
        if let Ok(Some(secret)) = &secret {
            redactor.add(self.target.auth.secret_name(), secret);
        }
        let started = self.clock.now();
        let mut exchange = Exchange {
            id: carry.id.clone(),
            request,
            connection: Connection { version: HttpVersion::Http11, ..Connection::default() },
            head: None,
            framing: BodyFraming::None,
            frames: Vec::new(),
            encoded: Vec::new(),
            trailers: Headers::default(),
            end: End::Complete,
            timing: Timing { started, ..Timing::default() },
            reads: Vec::new(),
            redactions: Vec::new(),
        };
        if let Err(end) = self.run(&mut exchange, carry, secret).await {
            exchange.end = end;
            exchange.timing.done = self.clock.now().since(started);
        }
        redactor.exchange(&mut exchange);
        exchange
    }
}
