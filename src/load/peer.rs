//! Whom the load goes to: addresses, and TLS.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;

use super::driver::{LoadError, WARM};
use crate::transport::target::{HttpChoice, Target};

/// Whether the load path can do what the target asks for: HTTP/1.1, straight to the endpoint.
///
/// # Errors
///
/// [`LoadError::Unsupported`], with the reason.
pub fn check_target(target: &Target) -> Result<(), LoadError> {
    if target.proxy.is_some() {
        let why = "load does not go through a proxy: it would be measured with the endpoint";
        return Err(LoadError::Unsupported(why.to_owned()));
    }
    if target.http == HttpChoice::Http2 {
        let why = "load speaks HTTP/1.1: on one HTTP/2 connection streams wait for each other";
        return Err(LoadError::Unsupported(why.to_owned()));
    }
    Ok(())
}

/// The addresses of the target that answer.
pub(super) fn resolve(target: &Target) -> Result<Vec<SocketAddr>, LoadError> {
    let host = bare(target.base_url.host());
    let unresolved = |why: String| LoadError::Unresolved { host: host.to_owned(), why };
    let found = (host, target.base_url.port()).to_socket_addrs();
    let mut addresses: Vec<_> = found.map_err(|error| unresolved(error.to_string()))?.collect();
    // `localhost` is two addresses, and servers tend to listen on one: take those that answer.
    if addresses.len() > 1 {
        let timeout = target.timeouts.connect;
        let answers = |address: &SocketAddr| {
            std::net::TcpStream::connect_timeout(address, timeout.min(WARM.into())).is_ok()
        };
        let first = addresses.iter().copied().find(answers);
        if let Some(first) = first {
            addresses.retain(|address| address.is_ipv4() == first.is_ipv4());
        }
    }
    if addresses.is_empty() { Err(unresolved("no address".to_owned())) } else { Ok(addresses) }
}

/// IPv6 addresses stand in brackets in URLs and nowhere else.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// How to secure a connection, and by which name.
pub(super) type TlsSetup = (Arc<rustls::ClientConfig>, ServerName<'static>);

/// The TLS setup of a target.
pub(super) fn tls(target: &Target) -> Result<TlsSetup, LoadError> {
    let mut target = target.clone();
    target.http = HttpChoice::Http1;
    let config = crate::transport::tls_config(&target)?;
    let host = bare(target.base_url.host()).to_owned();
    let name = ServerName::try_from(host.clone())
        .map_err(|_| LoadError::Unsupported(format!("`{host}` is no host name")))?;
    Ok((Arc::new(config), name))
}
