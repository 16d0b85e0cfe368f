//! TLS and HTTP/2.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proofhouse::clock::Clock;
use proofhouse::transcript::{End, Exchange, HttpVersion};
use proofhouse::transport::http::HttpTransport;
use proofhouse::transport::target::{BaseUrl, HttpChoice, Target};
use proofhouse::transport::{Carry, Transport as _};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::peer::post;

/// An HTTPS server for `name`, and the folder with its certificate.
async fn server(name: &str, alpn: &[&[u8]]) -> (u16, TempDir) {
    serve(name, alpn, None).await
}

/// The same; with `client`, it wants that certificate from its clients.
async fn serve(
    name: &str,
    alpn: &[&[u8]],
    client: Option<CertificateDer<'static>>,
) -> (u16, TempDir) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    serve_with(cert, signing_key, alpn, client).await
}

async fn serve_with(
    cert: rcgen::Certificate,
    signing_key: rcgen::KeyPair,
    alpn: &[&[u8]],
    client: Option<CertificateDer<'static>>,
) -> (u16, TempDir) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("ca.pem"), cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = match client {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(certificate) => {
            let mut roots = RootCertStore::empty();
            roots.add(certificate).unwrap();
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap()
        }
    };
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(async |request: hyper::Request<_>| {
                    let _: &hyper::Request<hyper::body::Incoming> = &request;
                    let body = format!("{:?} {}", request.version(), request.uri().path());
                    Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from(body))))
                });
                let _ = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (port, folder)
}

async fn ask(target: Target) -> Exchange {
    let url = target.base_url.to_string();
    let transport = HttpTransport::new(target, Clock::system()).unwrap();
    transport.exchange(&post(&url, "{}"), &Carry::default()).await
}

fn target(port: u16) -> Target {
    Target::new("t", &format!("https://localhost:{port}/v1")).unwrap()
}

#[tokio::test]
async fn a_trusted_server_is_spoken_to_and_its_phases_are_apart() {
    let (port, folder) = server("localhost", &[b"http/1.1"]).await;
    let mut target = target(port);
    target.tls.ca = vec![folder.path().join("ca.pem")];

    let exchange = ask(target).await;

    assert_eq!(exchange.end, End::Complete);
    assert_eq!(exchange.body().as_ref(), b"HTTP/1.1 /v1/chat/completions");
    assert_eq!(exchange.connection.tls.as_deref(), Some("TLSv1.3"));
    let timing = exchange.timing;
    assert!(timing.resolved <= timing.connected && timing.connected < timing.secured);
    assert!(timing.secured < timing.first_byte);
}

#[tokio::test]
async fn http2_is_spoken_where_both_sides_want_it() {
    let (port, folder) = server("localhost", &[b"h2", b"http/1.1"]).await;
    let mut auto = target(port);
    auto.tls.ca = vec![folder.path().join("ca.pem")];
    let mut one = auto.clone();
    one.http = HttpChoice::Http1;

    let auto = ask(auto).await;
    let one = ask(one).await;

    assert_eq!((auto.end, auto.connection.version), (End::Complete, HttpVersion::Http2));
    assert_eq!(one.connection.version, HttpVersion::Http11);
}

#[tokio::test]
async fn an_unknown_authority_is_named() {
    let (port, _) = server("localhost", &[]).await;
    let end = ask(target(port)).await.end;
    assert!(matches!(&end, End::TlsFailed { why, .. } if why.contains("authority")), "{end:?}");
}

#[tokio::test]
async fn another_host_name_is_named() {
    let (port, folder) = server("elsewhere.example", &[]).await;
    let mut target = target(port);
    target.tls.ca = vec![folder.path().join("ca.pem")];
    let end = ask(target).await.end;
    assert!(
        matches!(&end, End::TlsFailed { why, .. } if why.contains("another host name")),
        "{end:?}"
    );
}

#[tokio::test]
async fn insecure_takes_anyone() {
    let (port, _) = server("elsewhere.example", &[]).await;
    let mut target = target(port);
    target.tls.insecure = true;
    assert_eq!(ask(target).await.end, End::Complete);
}

#[tokio::test]
async fn a_certificate_file_that_is_none_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, "not a certificate").unwrap();
    let mut target = target(1);
    target.tls.ca = vec![path];
    let error = HttpTransport::new(target, Clock::system()).unwrap_err().to_string();
    assert!(error.contains("ca.pem") && error.contains("CA certificate"), "{error}");
}

#[tokio::test]
async fn a_server_that_wants_our_certificate_gets_it() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
    let (port, folder) = serve("localhost", &[], Some(cert.der().clone())).await;
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ours = (file("us.pem", cert.pem()), file("us.key", signing_key.serialize_pem()));
    let mut with = target(port);
    with.tls.ca = vec![folder.path().join("ca.pem")];
    let without = with.clone();
    with.tls.client = Some(ours);

    assert_eq!(ask(with).await.end, End::Complete);
    // TLS 1.3 says so only once the request is out: by an alert, or by a reset that overtakes it.
    let end = ask(without).await.end;
    assert!(matches!(end, End::TlsFailed { .. } | End::Reset { .. }), "{end:?}");
}

#[tokio::test]
async fn tls_goes_through_a_proxy_by_a_tunnel() {
    let (port, folder) = server("localhost", &[]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let (told, mut asked) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        told.send(String::from_utf8(head).unwrap()).await.unwrap();
        client.write_all(b"HTTP/1.1 200 Established\r\n\r\n").await.unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = copy_bidirectional(&mut client, &mut server).await;
    });
    let mut target = target(port);
    target.tls.ca = vec![folder.path().join("ca.pem")];
    target.proxy = Some(BaseUrl::parse(&proxy).unwrap());

    assert_eq!(ask(target).await.end, End::Complete);
    let head = asked.recv().await.unwrap();
    assert!(head.starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")), "{head}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
    });
    let mut target = target(1);
    target.proxy = Some(BaseUrl::parse(&proxy).unwrap());
    let end = ask(target).await.end;
    assert!(matches!(&end, End::Refused { why } if why.contains("407")), "{end:?}");
}

/// A TLS server that says `bytes` to the first it hears, and leaves without TLS's goodbye.
async fn abrupt(bytes: &'static [u8]) -> (u16, TempDir) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("ca.pem"), cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
    });
    (port, folder)
}

#[tokio::test]
async fn a_connection_that_ends_without_tls_goodbye_is_cut_short() {
    for (bytes, missing) in [
        (&b""[..], "the whole response"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", "4 of 9 bytes"),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "the terminating chunk",
        ),
        // Where closing is the framing, only the goodbye tells the end from a cut.
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "TLS's closing message"),
    ] {
        let (port, folder) = abrupt(bytes).await;
        let mut target = target(port);
        target.tls.ca = vec![folder.path().join("ca.pem")];
        assert_eq!(ask(target).await.end, End::CutShort { why: missing.to_owned() });
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_named() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let cert = params.self_signed(&key).unwrap();
    let (port, folder) = serve_with(cert, key, &[], None).await;
    let mut target = target(port);
    target.tls.ca = vec![folder.path().join("ca.pem")];
    let end = ask(target).await.end;
    assert!(matches!(&end, End::TlsFailed { why, .. } if why.contains("expired")), "{end:?}");
}

#[tokio::test]
async fn a_port_without_tls_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut [0; 64]).await;
    });
    let end = ask(target(port)).await.end;
    assert!(
        matches!(&end, End::TlsFailed { why, .. } if why.contains("does not speak TLS")),
        "{end:?}"
    );
}
