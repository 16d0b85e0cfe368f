//! Meeting a target before judging it: is it there, is it the right place, does it know us?
//!
//! One small request, so that a closed port, a wrong base path or a refused key is one clear
//! message and not two hundred failures.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::exit::Exit;
use super::failure::Failure;
use super::targets::Chosen;
use crate::profile::{Capability, Profile};
use crate::record::TargetMeta;
use crate::transcript::{Body, Headers, WireRequest};
use crate::transport::control;
use crate::transport::http::HttpTransport;
use crate::transport::{AuthError, Carry, Timeouts, Transport as _};

use self::objection::{Asked, objection, said};

mod objection;

/// The header by which proofhouse's mock can be told.
const MOCK_HEADER: &str = "x-proofhouse-mock";

/// Finds the model if none was named, and makes sure that somebody answers.
pub(super) async fn meet(
    chosen: &mut Chosen,
    transport: &HttpTransport,
    careful: bool,
) -> Result<TargetMeta, Failure> {
    chosen.target.auth.ready().await.map_err(|error| no_key(&error))?;
    if chosen.target.model.is_empty() && !chosen.nameless {
        chosen.target.model = first_model(chosen, transport).await?;
    }
    if careful {
        let exchange = transport.exchange(&hello(chosen), &Carry::default()).await;
        if let Some(failure) = objection(chosen, &exchange, Asked::Chat) {
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

/// The first model that the endpoint lists. It is asked for as everything else is, so that what
/// stands in the way is told in the same words.
async fn first_model(chosen: &Chosen, transport: &HttpTransport) -> Result<String, Failure> {
    let first_byte = chosen.target.timeouts.first_byte.min(LIST_PATIENCE);
    let timeouts = Timeouts { first_byte: Some(first_byte.into()), ..Timeouts::default() };
    let carry = Carry { timeouts, ..Carry::default() };
    let exchange = transport.exchange(&list(chosen), &carry).await;
    if let Some(failure) = objection(chosen, &exchange, Asked::Models) {
        return Err(failure);
    }
    let url = &exchange.request.url;
    let status = exchange.status().unwrap_or_default();
    let without = |message: String| {
        Failure::new(Exit::Inconclusive, message).hint("name the model: --model NAME")
    };
    match control::model_list(&exchange.body()).filter(|_| status == 200) {
        None => {
            let said = said(&exchange);
            Err(without(format!(
                "no --model was named, and {url} does not list any: {status}, {said}"
            )))
        }
        Some(models) => models.into_iter().next().map(|model| model.id).ok_or_else(|| {
            without(format!("no --model was named, and the list of {url} is empty"))
        }),
    }
}

/// A list of models is at hand; who needs longer has none.
const LIST_PATIENCE: Duration = Duration::from_secs(10);

fn list(chosen: &Chosen) -> WireRequest {
    WireRequest {
        method: "GET".to_owned(),
        url: chosen.target.url("/models", &[]),
        headers: Headers::default(),
        body: Body::default(),
    }
}

fn no_key(error: &AuthError) -> Failure {
    Failure::from_error(Exit::Usage, error)
        .hint("run the command by hand: it has to print the key, and nothing else, to stdout")
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
