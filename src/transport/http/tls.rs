//! The TLS client's configuration, and TLS failures in words.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
};

use crate::transcript::TlsFault;
use crate::transport::target::{HttpChoice, Target, TargetError};

/// The configuration for a target.
pub(in crate::transport) fn config(target: &Target) -> Result<ClientConfig, TargetError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TargetError::Tls(error.to_string()))?;
    let builder = if target.tls.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    } else {
        builder.with_root_certificates(roots(target)?)
    };
    let mut config = match &target.tls.client {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate, "the client's certificate")?;
            let what = "the client's key";
            let der =
                PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, what, &error))?;
            builder
                .with_client_auth_cert(chain, der)
                .map_err(|error| unusable(key, what, &error))?
        }
    };
    config.alpn_protocols = match target.http {
        HttpChoice::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpChoice::Http1 => vec![b"http/1.1".to_vec()],
        HttpChoice::Http2 => vec![b"h2".to_vec()],
    };
    Ok(config)
}

fn unusable(path: &Path, what: &'static str, why: &dyn std::fmt::Display) -> TargetError {
    TargetError::Certificate { path: path.to_owned(), what, why: why.to_string() }
}

fn certificates(
    path: &Path,
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TargetError> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(path, what, &error))?;
    if chain.is_empty() {
        return Err(unusable(path, what, &"no certificate in it"));
    }
    Ok(chain)
}

/// The system's authorities, Mozilla's where the system has none (scratch containers), and the
/// target's own.
fn roots(target: &Target) -> Result<RootCertStore, TargetError> {
    let mut roots = RootCertStore::empty();
    // A broken certificate among the system's is the system's business.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for path in &target.tls.ca {
        let what = "a CA certificate";
        for certificate in certificates(path, what)? {
            roots.add(certificate).map_err(|error| unusable(path, what, &error))?;
        }
    }
    Ok(roots)
}

/// Why TLS or the socket below it failed, in words that lead somewhere, and what has to change if
/// it was TLS.
pub(in crate::transport) fn failure(error: &io::Error) -> (String, Option<TlsFault>) {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let (why, fault) = match inner {
        Some(rustls::Error::InvalidCertificate(problem)) => certificate(problem),
        Some(rustls::Error::InvalidMessage(_)) => {
            ("the port does not speak TLS".to_owned(), TlsFault::NotTls)
        }
        Some(rustls::Error::AlertReceived(alert)) => refusal(*alert),
        Some(other) => (other.to_string(), TlsFault::Other),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            return ("the server closed the connection during the handshake".to_owned(), None);
        }
        None => return (error.to_string(), None),
    };
    (why, Some(fault))
}

/// What is wrong with the server's certificate.
fn certificate(problem: &CertificateError) -> (String, TlsFault) {
    let said = |why: &str, fault| (why.to_owned(), fault);
    match problem {
        CertificateError::UnknownIssuer => said(
            "the certificate was issued by an authority that is not trusted here",
            TlsFault::Issuer,
        ),
        CertificateError::BadSignature => said(
            "the certificate was not signed by the authority that is trusted here",
            TlsFault::Issuer,
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            said("the certificate has expired", TlsFault::Expired)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            said("the certificate is not valid yet", TlsFault::NotYetValid)
        }
        CertificateError::NotValidForName => {
            said("the certificate is for another host name", TlsFault::HostName)
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| name_of(name)).collect();
            let why = match names.as_slice() {
                [] => "the certificate names no host".to_owned(),
                names => {
                    format!("the certificate is for another host name: {}", names.join(", "))
                }
            };
            (why, TlsFault::HostName)
        }
        other => (format!("the certificate does not hold: {}", in_words(other)), TlsFault::Other),
    }
}

/// `DnsName("a.example")` is rustls's way of writing a name.
fn name_of(presented: &str) -> &str {
    presented.split('"').nth(1).unwrap_or(presented)
}

/// A variant of an error that can only be shown as Rust writes it, as words:
/// `Other(OtherError(CaUsedAsEndEntity))` is `ca used as end entity`.
fn in_words(error: &dyn std::fmt::Debug) -> String {
    let debug = format!("{error:?}");
    // Who made it up themselves stands innermost.
    let inside = debug
        .strip_prefix("Other(")
        .map_or(debug.as_str(), |rest| rest.rsplit('(').next().unwrap_or(rest));
    let mut words = String::new();
    for c in inside.chars().take_while(char::is_ascii_alphanumeric) {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    match words.as_str() {
        "ca used as end entity" => {
            "it is that of an authority, and a server needs one of its own".to_owned()
        }
        _ => words,
    }
}

/// What the server refused us with.
fn refusal(alert: AlertDescription) -> (String, TlsFault) {
    use AlertDescription as Alert;
    let (why, fault) = match alert {
        Alert::CertificateRequired | Alert::NoCertificate => {
            ("the server wants a client certificate", TlsFault::ClientCertificate)
        }
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => {
            let why = format!("the server refused the client certificate ({})", in_words(&alert));
            return (why, TlsFault::ClientCertificate);
        }
        Alert::UnrecognisedName => ("the server knows no host of this name", TlsFault::HostName),
        other => return (format!("the server refused: {}", in_words(&other)), TlsFault::Other),
    };
    (why.to_owned(), fault)
}

/// Accepts any certificate: `--insecure`. Signatures are still checked, so the peer at least holds
/// the key of what it shows.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, schemes)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let schemes = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, schemes)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
