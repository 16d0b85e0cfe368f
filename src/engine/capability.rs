//! What an endpoint does not offer: by what is known of it, and by what it says.
//!
//! An endpoint that does not offer a feature may say so: with a client error that names the
//! parameter, or with 404, 405 or 501 on the route. That is `unsupported`, and neutral. A 200 that
//! ignores the feature is not a refusal, nor is a time-out, nor a 5xx.

use crate::assert::Seen;
use crate::profile::{Capability, Profile};
use crate::suite::{Case, capability};
use crate::transcript::End;

/// Why the case does not apply, as far as that is known beforehand.
pub(super) fn not_offered(profile: &Profile, has_key: bool, case: &Case) -> Option<String> {
    let said = |name: &str, word| format!("profile `{}` says `{name}: {word}`", profile.name);
    let missing = case.needs.iter().find_map(|need| match profile.capability(need) {
        Capability::No => Some(not_offered_by(profile, need)),
        // Without a key of ours nothing can be said about keys.
        Capability::Probe if need.as_str() == "auth" && !has_key => {
            Some("no key was named, so the endpoint is taken to want none".to_owned())
        }
        // To be probed it would have to be tried, and on a live server that proves nothing.
        Capability::Probe if need.as_str() == "inject_errors" => {
            Some("nothing says that this endpoint fails on request".to_owned())
        }
        Capability::Probe | Capability::Yes => None,
    });
    missing.or_else(|| {
        case.without.iter().find_map(|name| match profile.capability(name) {
            Capability::No => None,
            Capability::Yes => Some(said(name, "yes")),
            Capability::Probe => Some(format!("nothing says that it is without `{}`", name.value)),
        })
    })
}

/// In whose words a capability is not offered: the profile's, or the capability's own.
fn not_offered_by(profile: &Profile, need: &str) -> String {
    let name = &profile.name;
    match capability::named(need).and_then(|word| word.opt_in) {
        Some(why) if !profile.capabilities.contains_key(need) => {
            format!("`{need}` is opted in to ({why}), and profile `{name}` does not name it")
        }
        _ => format!("profile `{name}` says `{need}: no`"),
    }
}

/// Words that a refusal of a capability names.
fn words(capability: &str) -> &'static [&'static str] {
    match capability {
        "stream" => &["stream"],
        "usage_stream" => &["stream_options", "include_usage"],
        "tools" => &["tool", "function"],
        "tools_strict" => &["strict"],
        "parallel_tools" => &["parallel_tool_calls", "tool"],
        "json_object" | "json_schema" => {
            &["response_format", "json_schema", "json_object", "structured", "grammar", "guided"]
        }
        "logprobs" => &["logprob"],
        "n" => &["`n`", "'n'", "\"n\"", "n >", "multiple choices", "best_of"],
        "seed" => &["seed"],
        "vision" => &["image", "vision", "multimodal", "content part", "multi-modal"],
        "reasoning" => &["reasoning", "thinking"],
        "max_completion_tokens" => &["max_completion_tokens"],
        "developer_role" => &["developer", "role"],
        "logit_bias" => &["logit_bias"],
        "embeddings" => &["embedding"],
        "responses_store" => &["store", "previous_response"],
        _ => &[],
    }
}

/// Capabilities that are a route of their own.
fn is_route(capability: &str) -> bool {
    matches!(
        capability,
        "models" | "embeddings" | "completions" | "responses" | "responses_store" | "batches"
    )
}

/// Whether the request went to the route and not to something that it keeps: a response that is
/// not found does not mean that none can be made.
fn is_the_route_itself(seen: &Seen) -> bool {
    let url = seen.exchange.request.url.as_str();
    url.split('?').next().is_some_and(|path| path.ends_with("/responses"))
}

/// What `seen` says if it is a clean refusal of one of `needs`: the capability and the words.
pub(super) fn refusal(needs: &[&str], seen: &Seen) -> Option<(String, String)> {
    if seen.exchange.end != End::Complete {
        return None;
    }
    let status = seen.exchange.status()?;
    if !matches!(status, 400 | 404 | 405 | 415 | 422 | 501) {
        return None;
    }
    let body = String::from_utf8_lossy(&seen.exchange.body()).into_owned();
    let lower = body.to_lowercase();
    let refused = needs.iter().find(|capability| {
        let named = words(capability).iter().any(|word| lower.contains(word));
        let no_route = is_route(capability)
            && matches!(status, 404 | 405 | 501)
            && (**capability != "responses" || is_the_route_itself(seen));
        // A refusal is a message, not a page or an empty body; a missing route may be either.
        no_route || (named && seen.reading().json.is_ok())
    })?;
    let said = crate::text::ellipsis(body.trim(), 200);
    Some(((*refused).to_owned(), format!("refused with {status}: {said}")))
}
