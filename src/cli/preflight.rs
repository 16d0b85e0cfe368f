//! Meeting a target before judging it: is it there, is it the right place, does it know us?
//!
//! One small request, so that a closed port, a wrong base path or a refused key is one clear
//! message and not two hundred failures.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::targets::Chosen;
use crate::profile::{Capability, Profile};
use crate::record::TargetMeta;
use crate::text;
use crate::transcript::{End, Exchange, Headers, WireRequest};
use crate::transport::control;
use crate::transport::http::HttpTransport;
use crate::transport::{Carry, Transport as _};

/// The header by which proofhouse's mock can be told.
const MOCK_HEADER: &str = "x-proofhouse-mock";

/// Finds the model if none was named, and makes sure that somebody answers.
pub(super) async fn meet(
    chosen: &mut Chosen,
    transport: &HttpTransport,
    careful: bool,
) -> Result<TargetMeta, Failure> {
    if chosen.target.model.is_empty() {
        chosen.target.model = first_model(chosen).await?;
    }
    if careful {
        let exchange = transport.exchange(&hello(chosen), &Carry::default()).await;
        if let Some(failure) = objection(chosen, &exchange) {
            return Err(failure);
        }
        if exchange.header(MOCK_HEADER).is_some() {
            // Our own mock says so itself, whatever the profile took for granted.
            chosen.profile.capabilities.insert("inject_errors".to_owned(), Capability::Yes);
        }
    }
    Ok(TargetMeta {
        name: chosen.target.name.clone(),
        base_url: chosen.target.base_url.to_string(),
        model: chosen.target.model.clone(),
        profile: chosen.profile.name.clone(),
        auth: chosen.target.auth.describe(),
        capabilities: declared(&chosen.profile),
        server: if careful { control::server_facts(&chosen.target).await } else { BTreeMap::new() },
        planned: None,
    })
}

/// What the profile says outright; what is to be probed shows in the cases.
fn declared(profile: &Profile) -> BTreeMap<String, String> {
    let words = profile.capabilities.iter().filter_map(|(name, capability)| {
        let word = match capability {
            Capability::Yes => "yes",
            Capability::No => "no",
            Capability::Probe => return None,
        };
        Some((name.clone(), word.to_owned()))
    });
    words.collect()
}

async fn first_model(chosen: &Chosen) -> Result<String, Failure> {
    let url = chosen.target.url("/models", &[]);
    let models = control::models(&chosen.target).await.map_err(|error| {
        Failure::new(
            Exit::Inconclusive,
            format!(
                "no --model was named and {url} did not list any: {}",
                super::failure::chain(&error)
            ),
        )
        .hint("is the server running, and does the base URL end in /v1?")
        .hint("name the model: --model NAME")
    })?;
    models.into_iter().next().map(|model| model.id).ok_or_else(|| {
        Failure::new(Exit::Inconclusive, format!("no --model was named and {url} lists none"))
            .hint("name the model: --model NAME")
    })
}

fn hello(chosen: &Chosen) -> WireRequest {
    let mut headers = Headers::default();
    headers.push("content-type", "application/json");
    let body = json!({
        "model": chosen.target.model,
        "messages": [{"role": "user", "content": "Say hi"}],
        "max_tokens": 1,
    });
    WireRequest {
        method: "POST".to_owned(),
        url: chosen.target.url("/chat/completions", &[]),
        headers,
        body: body.to_string().into(),
    }
}

/// Why judging this target would be a waste, if it would.
fn objection(chosen: &Chosen, exchange: &Exchange) -> Option<Failure> {
    let url = &exchange.request.url;
    let lost = |message: String| Failure::new(Exit::Inconclusive, message);
    let body = String::from_utf8_lossy(&exchange.body()).into_owned();
    let said = text::ellipsis(&text::printable(body.trim().as_bytes()), 160);
    let html = is_html(exchange, &body);
    let error_is_json = serde_json::from_str::<Value>(&body).is_ok_and(|body| body.is_object());
    match &exchange.end {
        End::Refused { why } => Some(
            lost(format!("nobody listens at {url} ({why})"))
                .hint("start the server, or mend the port in --url"),
        ),
        End::Unresolved { why } => Some(
            lost(format!("the host of {url} has no address ({why})"))
                .hint("mend the host name in --url, or the resolver of this machine"),
        ),
        End::TlsFailed { why } => Some(
            lost(format!("TLS with {url} failed ({why})"))
                .hint("trust its certificate authority with --ca FILE")
                .hint("for a test server only: --insecure"),
        ),
        end if end.is_unreachable() => {
            Some(lost(format!("{url} cannot be reached: {}", end.describe())))
        }
        End::NotHttp { why } => Some(
            lost(format!("{url} does not speak HTTP ({why})"))
                .hint("is it https:// instead of http://, or another port?"),
        ),
        _ => match exchange.status()? {
            401 | 403 => Some(refused_key(chosen, url, &said)),
            404 if !error_is_json => Some(
                lost(format!("there is nothing at {url}: 404, {said}"))
                    .hint("the base URL is everything before /chat/completions, usually …/v1"),
            ),
            404 if said.to_lowercase().contains("model") => Some(
                lost(format!("the model `{}` is not served at {url}: {said}", chosen.target.model))
                    .hint("leave --model out to take the first that the endpoint lists"),
            ),
            404 | 405 => Some(
                lost(format!("there is no chat route at {url}: {said}"))
                    .hint("the base URL is everything before /chat/completions, usually …/v1"),
            ),
            _ if html => Some(
                lost(format!("{url} answered with an HTML page, not with an API: {said}"))
                    .hint("a proxy, a login page or a web UI stands there; use the API's base URL"),
            ),
            _ => None,
        },
    }
}

fn is_html(exchange: &Exchange, body: &str) -> bool {
    let start = body.trim_start().get(..14).unwrap_or_default().to_lowercase();
    exchange.header("content-type").is_some_and(|kind| kind.contains("text/html"))
        && (start.starts_with("<!doctype html")
            || start.starts_with("<html")
            || start.starts_with('<'))
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
