//! IAM Identity Center: a session that `aws sso login` left in its cache.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;

use super::http::{Question, ask};
use super::profile::{Profiles, Section};
use super::{CredentialsError, Surroundings};
use crate::aws::Credentials;
use crate::aws::endpoint::suffix;
use crate::aws::sigv4::encode;
use crate::clock::Clock;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A file of the cache. Its name is a digest; what it is for stands in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cached {
    start_url: String,
    access_token: String,
    expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleCredentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    /// Milliseconds since 1970.
    expiration: i64,
}

/// Whether a profile is one of Identity Center.
pub(super) fn is_meant(profile: &Section) -> bool {
    profile.contains_key("sso_account_id")
        && (profile.contains_key("sso_session") || profile.contains_key("sso_start_url"))
}

/// The credentials of the role that a profile names.
pub(super) async fn role(
    profile: &Section,
    profiles: &Profiles,
    source: &str,
    surroundings: &Surroundings,
    clock: &Clock,
) -> Result<Credentials, CredentialsError> {
    let wrong = |why: String| CredentialsError::source(source, why);
    let session = match profile.get("sso_session") {
        Some(name) => profiles
            .session(name)
            .ok_or_else(|| wrong(format!("there is no [sso-session {name}]")))?,
        None => profile,
    };
    let key = |section: &Section, key: &str| {
        section.get(key).cloned().ok_or_else(|| wrong(format!("it has no `{key}`")))
    };
    let (start_url, region) = (key(session, "sso_start_url")?, key(session, "sso_region")?);
    let (account, role) = (key(profile, "sso_account_id")?, key(profile, "sso_role_name")?);
    let folder = surroundings.below_home(".aws/sso/cache");
    let cached = folder.as_deref().and_then(|folder| newest(folder, &start_url));
    let cached = cached.filter(|cached| cached.expires_at > clock.wall());
    let cached = cached.ok_or_else(|| {
        wrong("there is no session of Identity Center, or it ended: run `aws sso login`".to_owned())
    })?;
    let host = surroundings
        .get("AWS_ENDPOINT_URL_SSO")
        .unwrap_or_else(|| format!("https://portal.sso.{region}.{}", suffix(&region)));
    let question = Question {
        method: "GET",
        url: &format!(
            "{}/federation/credentials?role_name={}&account_id={}",
            host.trim_end_matches('/'),
            encode(&role),
            encode(&account)
        ),
        headers: vec![("x-amz-sso_bearer_token", SecretString::from(cached.access_token))],
        body: None,
        timeout: TIMEOUT,
    };
    let answer = ask(question, surroundings).await.map_err(wrong)?;
    let mut value = answer.json().map_err(wrong)?;
    let inner = value.get_mut("roleCredentials").map(serde_json::Value::take).unwrap_or_default();
    let given: RoleCredentials = serde_json::from_value(inner)
        .map_err(|_| wrong("the answer holds no credentials".to_owned()))?;
    Ok(Credentials {
        access_key_id: given.access_key_id,
        secret: given.secret_access_key.into(),
        session_token: Some(given.session_token.into()),
        expires: DateTime::from_timestamp_millis(given.expiration),
        source: source.to_owned(),
    })
}

/// The session of `start_url` that ends last.
fn newest(folder: &Path, start_url: &str) -> Option<Cached> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    files
        .filter_map(|file| {
            let text = std::fs::read_to_string(file.path()).ok()?;
            serde_json::from_str::<Cached>(&text).ok()
        })
        .filter(|cached| cached.start_url == start_url)
        .max_by_key(|cached| cached.expires_at)
}
