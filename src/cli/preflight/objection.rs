//! Why judging a target would be a waste, if it would: in one message, with a way out.

use serde_json::Value;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::targets::Chosen;
use crate::text;
use crate::transcript::{End, Exchange, Phase, TlsFault};

/// What was asked for to meet the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The list of models, because none was named.
    Models,
    /// One short chat completion.
    Chat,
}

const BASE_URL: &str = "the base URL is everything before /chat/completions, usually …/v1";

/// Why judging this target would be a waste, if it would.
pub(super) fn objection(chosen: &Chosen, exchange: &Exchange, asked: Asked) -> Option<Failure> {
    match exchange.status() {
        None => Some(no_answer(chosen, exchange)),
        Some(status) => wrong_answer(chosen, exchange, asked, status),
    }
}

fn lost(message: String) -> Failure {
    Failure::new(Exit::Inconclusive, message)
}

/// Nothing came that HTTP would call an answer.
fn no_answer(chosen: &Chosen, exchange: &Exchange) -> Failure {
    let url = &exchange.request.url;
    let tls = chosen.target.base_url.is_tls();
    if let (End::Refused { why } | End::Unresolved { why }, Some(proxy)) =
        (&exchange.end, &chosen.target.proxy)
    {
        // Behind a proxy nothing else is resolved or connected to.
        return lost(format!("the proxy {proxy} cannot be reached ({why})"))
            .hint("start the proxy, mend --proxy, or leave it out");
    }
    match &exchange.end {
        End::Refused { why } => lost(format!("nobody listens at {url} ({why})"))
            .hint("start the server, or mend the port in --url"),
        End::Unresolved { why } => lost(format!("the host of {url} has no address ({why})"))
            .hint("mend the host name in --url, or the resolver of this machine"),
        End::TlsFailed { why, fault } => {
            tls_hints(chosen, *fault, lost(format!("TLS with {url} failed ({why})")))
        }
        End::TimedOut { phase: Phase::Connect | Phase::Tls, .. } | End::Unsent { .. } => {
            lost(format!("{url} cannot be reached: {}", exchange.end.describe()))
        }
        End::NotHttp { why } => {
            let failure = lost(format!("{url} does not speak HTTP ({why})"));
            if tls {
                failure.hint("is it another port?")
            } else {
                failure.hint("is it https:// instead of http://, or another port?")
            }
        }
        end @ End::TimedOut { .. } => {
            let failure = lost(format!("{url} does not answer: {}", end.describe()))
                .hint("if it needs longer, give it longer: --first-byte-timeout 5m");
            if tls { failure } else { failure.hint("is it https:// instead of http://?") }
        }
        end => {
            let failure = lost(format!("{url} gives no answer: {}", end.describe()));
            if tls {
                failure.hint("look at the server's log, or name another port")
            } else {
                failure.hint("is it https:// instead of http://, or another port?")
            }
        }
    }
}

/// What is to be done about it, by what TLS failed on.
fn tls_hints(chosen: &Chosen, fault: TlsFault, failure: Failure) -> Failure {
    const INSECURE: &str = "for a test server only: --insecure";
    match fault {
        TlsFault::Issuer if chosen.target.tls.ca.is_empty() => {
            failure.hint("trust its certificate authority with --ca FILE").hint(INSECURE)
        }
        TlsFault::Issuer => failure
            .hint("what --ca names did not issue this certificate: name the authority that did")
            .hint(INSECURE),
        TlsFault::Expired => failure.hint("renew the server's certificate").hint(INSECURE),
        TlsFault::NotYetValid => {
            failure.hint("compare the clocks of this machine and of the server").hint(INSECURE)
        }
        TlsFault::HostName => {
            failure.hint("use a host name in --url that the certificate names").hint(INSECURE)
        }
        TlsFault::ClientCertificate => {
            failure.hint("show one that it trusts: --client-cert FILE --client-key FILE")
        }
        TlsFault::NotTls => failure.hint("is it http:// instead of https://, or another port?"),
        TlsFault::Other => {
            failure.hint("look at the TLS settings and the certificate of the server")
        }
    }
}

/// An answer came, and says that this is not the place, or not the key.
fn wrong_answer(
    chosen: &Chosen,
    exchange: &Exchange,
    asked: Asked,
    status: u16,
) -> Option<Failure> {
    let url = &exchange.request.url;
    let said = said(exchange);
    let body = exchange.body();
    let is_object = serde_json::from_slice::<Value>(&body).is_ok_and(|body| body.is_object());
    Some(match status {
        401 | 403 if !is_html(exchange) => refused_key(chosen, url, &said),
        300..=399 => {
            let to = exchange.header("location").map(|to| text::printable(to.as_bytes()));
            let to = to.map(|to| format!(" to {}", text::ellipsis(&to, 200))).unwrap_or_default();
            lost(format!("{url} answers {status}, a redirect{to}; redirects are never followed"))
                .hint("name the base URL where the API is; a redirect to a login page wants a key")
        }
        400 if speaks_of_https(&body) && !chosen.target.base_url.is_tls() => {
            lost(format!("{url} answers {status}: {said}"))
                .hint("it is https:// instead of http://")
        }
        404 if !is_object => {
            let failure = lost(format!("there is nothing at {url}: 404, {said}")).hint(BASE_URL);
            match asked {
                Asked::Models => failure.hint("if it only lists no models, name one: --model NAME"),
                Asked::Chat => failure,
            }
        }
        404 | 405 if asked == Asked::Models => {
            lost(format!("no --model was named, and there is no list at {url}: {status}, {said}"))
                .hint("name the model: --model NAME")
                .hint(BASE_URL)
        }
        404 if said.to_lowercase().contains("model") => {
            lost(format!("the model `{}` is not served at {url}: {said}", chosen.target.model))
                .hint("leave --model out to take the first that the endpoint lists")
        }
        404 | 405 => {
            lost(format!("there is no chat route at {url}: {status}, {said}")).hint(BASE_URL)
        }
        500.. if is_html(exchange) => {
            lost(format!("{url} answers {status} with an HTML page: {said}"))
                .hint("a proxy stands there, and what is behind it does not answer; look at both")
        }
        _ if is_html(exchange) => {
            lost(format!("{url} answers {status} with an HTML page, and is no API: {said}"))
                .hint("a proxy, a login page or a web UI stands there; use the API's base URL")
        }
        _ => return None,
    })
}

/// The beginning of what the endpoint said, on one line.
pub(super) fn said(exchange: &Exchange) -> String {
    let body = exchange.body();
    let body = String::from_utf8_lossy(&body);
    let said = text::ellipsis(&text::printable(body.trim().as_bytes()), 160);
    if said.is_empty() { "an empty body".to_owned() } else { said }
}

fn is_html(exchange: &Exchange) -> bool {
    let body = exchange.body();
    exchange.header("content-type").is_some_and(|kind| kind.contains("text/html"))
        && body.trim_ascii_start().first() == Some(&b'<')
}

/// nginx and Go say in plain text, or on a page, that they were spoken to without TLS.
fn speaks_of_https(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body).to_lowercase();
    ["https server", "https port"].iter().any(|words| body.contains(words))
}

fn refused_key(chosen: &Chosen, url: &str, said: &str) -> Failure {
    match &chosen.auth_variable {
        Some(variable) => Failure::new(
            Exit::Inconclusive,
            format!("{url} refused the key from ${variable}: {said}"),
        )
        .hint(format!("put the right key into ${variable}")),
        None if chosen.target.auth.is_none() => Failure::new(
            Exit::Inconclusive,
            format!("{url} wants a key and none was named: {said}"),
        )
        .hint("put the key into an environment variable and name it: --auth-env OPENAI_API_KEY"),
        None => Failure::new(Exit::Inconclusive, format!("{url} refused the key: {said}"))
            .hint("look at what the command of --auth-command prints"),
    }
}
