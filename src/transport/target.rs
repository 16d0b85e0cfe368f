//! An endpoint: where it is, how it wants to be spoken to, and how long it may take.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use super::auth::Auth;
use crate::transcript::{Headers, Phase};

/// What stands in a request for the target's key; the transport puts the key in its place when
/// the bytes go out, and nothing else ever holds it.
pub const KEY_PLACEHOLDER: &str = "${proofhouse-key}";

/// An endpoint and how to speak to it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Unique in a run.
    pub name: String,
    /// Everything before `/chat/completions`; no trailing slash, no credentials, no query.
    pub base_url: BaseUrl,
    /// The model to ask for; empty until it is known.
    pub model: String,
    /// How requests are authenticated.
    pub auth: Auth,
    /// Headers that every request gets unless it has its own.
    pub headers: Headers,
    /// Certificates.
    pub tls: Tls,
    /// A proxy, if one is to be used.
    pub proxy: Option<BaseUrl>,
    /// Which HTTP.
    pub http: HttpChoice,
    /// Deadlines of every exchange that does not set its own.
    pub timeouts: Deadlines,
}

/// The HTTP version to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpChoice {
    /// What TLS agrees on; HTTP/1.1 without TLS.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, with prior knowledge where there is no TLS.
    Http2,
}

/// Certificates: whom to trust, and who we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM files of certificate authorities, trusted besides the system's.
    pub ca: Vec<PathBuf>,
    /// PEM files of our certificate and its key (mutual TLS).
    pub client: Option<(PathBuf, PathBuf)>,
    /// Trust anyone. For test servers.
    pub insecure: bool,
}

/// Deadlines, by what is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Name resolution and TCP connect.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From the request's last byte to the response's first. Long prompts take long to read.
    pub first_byte: Duration,
    /// Between two reads of a response.
    pub gap: Duration,
    /// The whole exchange, connecting included.
    pub total: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            first_byte: Duration::from_mins(2),
            gap: Duration::from_mins(1),
            total: Duration::from_mins(5),
        }
    }
}

impl Deadlines {
    /// The deadline of a phase.
    pub fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Connect => self.connect,
            Phase::Tls => self.tls,
            Phase::FirstByte => self.first_byte,
            Phase::Gap => self.gap,
            Phase::Total => self.total,
        }
    }
}

/// Why a target cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The URL is no URL.
    #[error("`{url}` is not a URL ({why})")]
    Url {
        /// As given, without credentials.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A URL holds credentials, which would be stored and shown with it.
    #[error(
        "the URL of `{host}` holds a user name or password; name the key's variable instead: --auth-env VAR"
    )]
    Credentials {
        /// The host, which is no secret.
        host: String,
    },
    /// A certificate or key could not be used.
    #[error("`{}` cannot be used as {what}: {why}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// `a CA certificate`, `the client's certificate`, `the client's key`.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// TLS could not be set up.
    #[error("TLS could not be set up: {0}")]
    Tls(String),
    /// The way to a proxy is plain: what it forwards or tunnels has its own TLS, or none.
    #[error("the proxy {proxy} is to be spoken to with TLS; only http:// proxies are supported")]
    Proxy {
        /// Its URL.
        proxy: String,
    },
    /// A header is no header.
    #[error("`{0}` is not a header; expected `name: value`")]
    Header(String),
}

/// An absolute http or https URL without credentials, query, fragment or trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// The port that goes without saying.
    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl BaseUrl {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
        let wrong = |why: String| TargetError::Url { url: shown.to_owned(), why };
        if !text.contains("://") {
            return Err(wrong("no http:// or https:// in front".to_owned()));
        }
        let uri: Uri = text.parse().map_err(|error| wrong(format!("{error}")))?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            Some(other) => return Err(wrong(format!("scheme `{other}`; expected http or https"))),
            None => return Err(wrong("no scheme; expected http or https".to_owned())),
        };
        let authority = uri.authority().ok_or_else(|| wrong("no host".to_owned()))?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Credentials { host: authority.host().to_owned() });
        }
        if authority.host().is_empty() {
            return Err(wrong("no host".to_owned()));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(wrong("a base URL has no query and no fragment".to_owned()));
        }
        let after_host = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = match after_host.strip_prefix(':') {
            None => scheme.port(),
            // A port that cannot be read must not turn into the scheme's: somebody else is there.
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => {
                    return Err(wrong(format!("port `{port}`; expected a number from 1 to 65535")));
                }
                Ok(port) => port,
            },
        };
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { scheme, host: authority.host().to_owned(), port, path })
    }

    /// Whether TLS is spoken.
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The host: a name or an address; IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, explicit or the scheme's.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `https://host:port`, without a port that the scheme implies.
    pub fn origin(&self) -> String {
        match (self.scheme, self.port) {
            (Scheme::Http, 80) => format!("http://{}", self.host),
            (Scheme::Https, 443) => format!("https://{}", self.host),
            (Scheme::Http, port) => format!("http://{}:{port}", self.host),
            (Scheme::Https, port) => format!("https://{}:{port}", self.host),
        }
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

/// Everything outside RFC 3986's unreserved set, for query parts.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What may not stand in a path as it is; a `%` is taken as already encoded.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

impl Target {
    /// A target without model, key or further headers.
    pub fn new(name: &str, base_url: &str) -> Result<Self, TargetError> {
        Ok(Self {
            name: name.to_owned(),
            base_url: BaseUrl::parse(base_url)?,
            model: String::new(),
            auth: Auth::default(),
            headers: Headers::default(),
            tls: Tls::default(),
            proxy: None,
            http: HttpChoice::default(),
            timeouts: Deadlines::default(),
        })
    }

    /// The URL of `path` below the base URL; `root:/ping` is below the server's root.
    pub fn url(&self, path: &str, query: &[(String, String)]) -> String {
        let (front, path) = match path.strip_prefix("root:") {
            Some(path) => (self.base_url.origin(), path),
            None => (self.base_url.to_string(), path),
        };
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        let path = utf8_percent_encode(path, PATH);
        let mut url = format!("{front}{slash}{path}");
        for (index, (name, value)) in query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.extend(utf8_percent_encode(name, QUERY));
            url.push('=');
            url.extend(utf8_percent_encode(value, QUERY));
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_path_is_kept() {
        let target = Target::new("t", "https://host:8443/endpoints/e/openai/v1/").unwrap();
        assert_eq!(
            target.url("/chat/completions", &[]),
            "https://host:8443/endpoints/e/openai/v1/chat/completions"
        );
        assert_eq!(target.url("root:/ping", &[]), "https://host:8443/ping");
    }

    #[test]
    fn queries_and_odd_paths_are_encoded() {
        let target = Target::new("t", "http://h/v1").unwrap();
        let query = [("api-version".to_owned(), "2024 10&x".to_owned())];
        assert_eq!(
            target.url("/models/a b", &query),
            "http://h/v1/models/a%20b?api-version=2024%2010%26x"
        );
    }

    #[test]
    fn credentials_are_refused_and_not_shown() {
        for url in
            ["https://user:hunter2@host/v1", "https://user:hunter2@x@host/v1", "u:hunter2@host"]
        {
            let error = BaseUrl::parse(url).unwrap_err().to_string();
            assert!(error.contains("host") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_port_is_the_one_named_or_the_schemes() {
        let port = |url| BaseUrl::parse(url).unwrap().port();
        assert_eq!(port("http://h/v1"), 80);
        assert_eq!(port("https://h"), 443);
        assert_eq!(port("http://h:65535/v1"), 65535);
        assert_eq!(port("http://[::1]:8000/v1"), 8000);
        assert_eq!(port("https://[::1]/v1"), 443);
    }

    #[test]
    fn what_is_no_url_says_why() {
        for (text, why) in [
            ("localhost:8000/v1", "http://"),
            ("ftp://h/v1", "ftp"),
            ("http:///v1", ""),
            ("http://h/v1?x=1", "query"),
            ("http://127.0.0.1:99999/v1", "port `99999`"),
            ("http://host:/v1", "port ``"),
            ("https://[::1]:0/v1", "port `0`"),
            ("http://host:80a/v1", "80a"),
        ] {
            let error = BaseUrl::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
