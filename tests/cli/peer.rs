//! Endpoints that do one thing wrong, on a port of their own.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};

/// A server that treats every connection so; the port it listens on.
pub(crate) fn treating(treat: impl Fn(usize, TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            treat(number, stream.unwrap());
        }
    });
    port
}

/// The base URL of a server that answers everything with these bytes.
pub(crate) fn answering(bytes: &'static [u8]) -> String {
    plain(treating(move |_, mut stream| {
        request(&mut stream);
        let _ = stream.write_all(bytes);
    }))
}

/// A port that nobody listens on.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn plain(port: u16) -> String {
    format!("http://127.0.0.1:{port}/v1")
}

pub(crate) fn secure(port: u16) -> String {
    format!("https://localhost:{port}/v1")
}

/// The head of a request, and as much of its body as came along.
pub(crate) fn request(stream: &mut TcpStream) -> String {
    let mut buffer = [0_u8; 8192];
    let len = stream.read(&mut buffer).unwrap_or(0);
    String::from_utf8_lossy(buffer.get(..len).unwrap()).into_owned()
}

/// Closes with bytes unread, which resets the connection.
pub(crate) fn reset(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0_u8; 1]);
}

/// How a certificate is made.
pub(crate) struct Paper {
    pub(crate) host: &'static str,
    pub(crate) expired: bool,
    pub(crate) authority: bool,
}

impl Default for Paper {
    fn default() -> Self {
        Self { host: "localhost", expired: false, authority: false }
    }
}

/// An HTTPS server that shows such a certificate, which it writes to `file`; with `mutual`, it
/// wants one that it has signed.
pub(crate) fn tls(paper: &Paper, file: &Path, mutual: bool) -> u16 {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![paper.host.to_owned()]).unwrap();
    if paper.expired {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    }
    if paper.authority {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    let cert = params.self_signed(&key).unwrap();
    std::fs::write(file, cert.pem()).unwrap();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = if mutual {
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap()
    } else {
        WebPkiClientVerifier::no_client_auth()
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    treating(move |_, mut stream| {
        let mut session = ServerConnection::new(Arc::clone(&config)).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        let mut tls = rustls::Stream::new(&mut session, &mut stream);
        if tls.read(&mut [0_u8; 8192]).is_ok() {
            let _ = tls.write_all(answer);
        }
        // What was said last must not be lost in a reset.
        let _ = stream.shutdown(Shutdown::Write);
        while stream.read(&mut [0_u8; 4096]).is_ok_and(|len| len > 0) {}
    })
}
