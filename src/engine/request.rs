//! From a step, its variables and a target to the bytes that go out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::suite::template::{self, Vars};
use crate::suite::{RequestSpec, TransportSpec, duration};
use crate::transcript::{Body, Headers, WireRequest};
use crate::transport::target::Target;
use crate::transport::{Carry, Leave, Pace, Pieces, Timeouts};
use crate::units::Nanos;

/// Fills in a request. The error is for people: it names the key and the template.
pub(super) fn request(
    spec: &RequestSpec,
    vars: &Vars,
    target: &Target,
) -> Result<(WireRequest, Vec<String>), String> {
    let fill = |key: &str, text: &str| {
        template::fill_text(text, vars).map_err(|error| format!("request.{key}: {error}"))
    };
    let mut headers = Headers::default();
    let mut omitted = Vec::new();
    for (name, value) in &spec.headers {
        match value {
            Value::Null => omitted.push(name.clone()),
            Value::String(text) => headers.push(name, fill("headers", text)?),
            other => headers.push(name, other.to_string()),
        }
    }
    let body = body(spec, vars)?;
    if spec.json.is_some()
        && headers.get("content-type").is_none()
        && !is_omitted(&omitted, "content-type")
    {
        headers.push("content-type", "application/json");
    }
    let mut query = Vec::new();
    for (name, value) in &spec.query {
        let value =
            template::fill_value(value, vars).map_err(|error| format!("request.query: {error}"))?;
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        query.push((name.clone(), text));
    }
    let path = fill("path", &spec.path)?;
    let request = WireRequest {
        method: fill("method", &spec.method)?.to_ascii_uppercase(),
        url: target.url(&path, &query),
        headers,
        body,
    };
    Ok((request, omitted))
}

fn is_omitted(omitted: &[String], name: &str) -> bool {
    omitted.iter().any(|omitted| omitted.eq_ignore_ascii_case(name))
}

fn body(spec: &RequestSpec, vars: &Vars) -> Result<Body, String> {
    if let Some(json) = &spec.json {
        let json =
            template::fill_value(json, vars).map_err(|error| format!("request.json: {error}"))?;
        return Ok(json.to_string().into());
    }
    if let Some(text) = &spec.text {
        let text =
            template::fill_text(text, vars).map_err(|error| format!("request.text: {error}"))?;
        return Ok(text.into());
    }
    if let Some(encoded) = &spec.base64 {
        let bytes = STANDARD.decode(encoded).map_err(|error| format!("request.base64: {error}"))?;
        return Ok(bytes.into());
    }
    Ok(Body::default())
}

/// How the step wants to be carried; the connection is filled in by the attempt, which knows the
/// earlier steps.
pub(super) fn carry(spec: &TransportSpec, vars: &Vars) -> Result<Carry, String> {
    let span = |key: &str, text: &str| -> Result<Nanos, String> {
        let text =
            template::fill_text(text, vars).map_err(|error| format!("transport.{key}: {error}"))?;
        duration(&text).map_err(|error| format!("transport.{key}: {error}"))
    };
    let pieces = spec
        .split
        .as_ref()
        .map(|split| {
            let gap = split.gap.as_deref().map_or(Ok(Nanos(0)), |gap| span("split.gap", gap))?;
            Ok::<_, String>(Pieces { bytes: split.bytes, gap })
        })
        .transpose()?;
    let pace = spec
        .read
        .as_ref()
        .map(|read| {
            Ok::<_, String>(Pace { bytes: read.bytes, every: span("read.every", &read.every)? })
        })
        .transpose()?;
    let leave = match &spec.disconnect {
        None => None,
        Some(leave) => match (leave.after_events, &leave.after) {
            (Some(events), _) => Some(Leave::AfterEvents(events)),
            (None, Some(after)) => Some(Leave::After(span("disconnect.after", after)?)),
            (None, None) => {
                return Err("transport.disconnect: needs `after_events` or `after`".to_owned());
            }
        },
    };
    let total = spec.timeout.as_deref().map(|text| span("timeout", text)).transpose()?;
    Ok(Carry {
        pieces,
        pace,
        leave,
        half_close: spec.half_close,
        chunked: spec.chunked,
        timeouts: Timeouts { total, ..Timeouts::default() },
        ..Carry::default()
    })
}

/// How many copies of the request run at once.
pub(super) fn copies(spec: &TransportSpec, vars: &Vars) -> Result<usize, String> {
    let Some(parallel) = &spec.parallel else { return Ok(1) };
    let parallel = template::fill_value(parallel, vars)
        .map_err(|error| format!("transport.parallel: {error}"))?;
    parallel
        .as_u64()
        .and_then(|n| usize::try_from(n).ok())
        .filter(|n| (1..=COPIES_MAX).contains(n))
        .ok_or_else(|| {
            format!("transport.parallel: expected a number from 1 to {COPIES_MAX}, not {parallel}")
        })
}

/// More copies are the load driver's business.
const COPIES_MAX: usize = 256;
