//! Listening, and the life of connections.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::house::House;
use super::line::{Line, LineState};
use super::pacer;
use super::service::respond;
use super::{Captured, Config};
use crate::units::Nanos;

/// Connections of one server; the next waits in the kernel's queue until one ends.
const CONNECTIONS_MAX: usize = 8192;
/// The kernel's queue: a burst of load must not meet a refusal that the mock did not decide on.
const BACKLOG: i32 = 4096;
/// How long a stop waits for responses under way.
const STOP_GRACE: Nanos = Nanos::from_millis(2_000);
/// Threads for all servers of the process. The client under test needs the other cores.
const WORKERS_MAX: usize = 4;

/// One runtime for every mock of the process: a fault matrix starts more than a hundred.
static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(WORKERS_MAX))
        .thread_name("mock")
        .enable_all()
        .build()
});

/// A running mock. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    house: Arc<House>,
    ended: Mutex<Option<mpsc::Receiver<()>>>,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Server {
    /// Starts a mock and returns once it listens. It runs on threads of its own, so this may be
    /// called from anywhere, with or without a runtime.
    pub fn start(config: Config) -> io::Result<Self> {
        let runtime =
            RUNTIME.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        let wanted = SocketAddr::new(config.host, config.port);
        let house = House::new(config)?;
        let listener = {
            let _entered = runtime.enter();
            listen(wanted)?
        };
        let address = listener.local_addr()?;
        let (end, ended) = mpsc::sync_channel(1);
        let served = Arc::clone(&house);
        runtime.spawn(async move {
            serve(listener, served).await;
            // Nobody waits for a server that was dropped.
            end.try_send(()).ok();
        });
        Ok(Self { address, house, ended: Mutex::new(Some(ended)) })
    }

    /// `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request that has come, in order. Secrets are as they came: see
    /// [`Captured::redacted`].
    pub fn captured(&self) -> Vec<Captured> {
        self.house.captured()
    }

    /// Requests at work now.
    pub fn running(&self) -> usize {
        self.house.running()
    }

    /// Stops: no further connection, responses under way may end within two seconds, hanging ones
    /// are cut. Returns when all is over; a second call returns at once.
    pub fn stop(&self) {
        self.house.stop();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            ended.recv_timeout(Duration::from(STOP_GRACE + STOP_GRACE)).ok();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.house.stop();
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    // On Unix a port is free again as soon as its server has stopped.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

async fn serve(listener: TcpListener, house: Arc<House>) {
    let mut stop = house.stop_signal();
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                // A connection that ended before it was accepted is no reason to stop.
                let Ok((stream, _)) = accepted else { continue };
                number += 1;
                let peer_line = LineState::new(number);
                connections.spawn(converse(stream, peer_line, Arc::clone(&house)));
            }
            Some(_) = connections.join_next() => {}
            _ = stop.wait_for(|stopped| *stopped) => break,
        }
    }
    drop(listener);
    let deadline = pacer::now() + STOP_GRACE;
    let all_over = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = all_over => {}
        () = pacer::until(deadline) => {}
    }
    connections.shutdown().await;
}

/// Serves one connection to its end.
async fn converse(stream: TcpStream, state: Arc<LineState>, house: Arc<House>) {
    // A stream's pieces are small: Nagle's algorithm would hold them back. A socket whose peer is
    // gone refuses this, and every read after it.
    stream.set_nodelay(true).ok();
    let mut stop = house.stop_signal();
    let line = Line::new(stream, Arc::clone(&state), house.traits.write_max);
    let service = service_fn(|request| respond(Arc::clone(&house), Arc::clone(&state), request));
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(line), service);
    let mut connection = std::pin::pin!(connection);
    // How a connection ends is the client's business or a fault's; neither is an error here.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    connection.await.ok();
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender lives in the house, which this connection holds.
    stop.wait_for(|stopped| *stopped).await.ok();
}
