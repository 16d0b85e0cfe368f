//! Roles taken by way of the Security Token Service.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use super::http::{Question, ask};
use super::{CredentialsError, Surroundings};
use crate::aws::Credentials;
use crate::aws::endpoint::suffix;
use crate::aws::sigv4::{Request, Scope, encode, sign};
use crate::clock::Clock;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A role that is to be taken.
#[derive(Clone, Debug)]
pub(super) struct Role<'a> {
    pub(super) arn: &'a str,
    pub(super) session: Option<&'a str>,
    pub(super) external_id: Option<&'a str>,
    pub(super) duration: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    /// As errors and the credentials name it.
    pub(super) source: &'a str,
}

/// Takes a role with the credentials of another identity.
pub(super) async fn assume(
    role: &Role<'_>,
    by: &Credentials,
    surroundings: &Surroundings,
    clock: &Clock,
) -> Result<Credentials, CredentialsError> {
    let mut fields = fields(role, "AssumeRole");
    fields.extend(role.external_id.map(|id| ("ExternalId", id.to_owned())));
    call(role, &fields, Some(by), surroundings, clock).await
}

/// Takes a role with the token of an identity provider: GitHub's, a cluster's.
pub(super) async fn assume_with_web_identity(
    role: &Role<'_>,
    token_file: &str,
    surroundings: &Surroundings,
    clock: &Clock,
) -> Result<Credentials, CredentialsError> {
    let wrong = |why: String| CredentialsError::source(role.source, why);
    // Read anew each time: whoever wrote it also renews it.
    let token = std::fs::read_to_string(token_file)
        .map_err(|error| wrong(format!("the token file `{token_file}`: {error}")))?;
    let mut fields = fields(role, "AssumeRoleWithWebIdentity");
    fields.push(("WebIdentityToken", token.trim().to_owned()));
    call(role, &fields, None, surroundings, clock).await
}

fn fields(role: &Role<'_>, action: &str) -> Vec<(&'static str, String)> {
    let session = role.session.unwrap_or("proofhouse");
    let mut fields = vec![
        ("Action", action.to_owned()),
        ("Version", "2011-06-15".to_owned()),
        ("RoleArn", role.arn.to_owned()),
        ("RoleSessionName", session.to_owned()),
    ];
    fields.extend(role.duration.map(|seconds| ("DurationSeconds", seconds.to_owned())));
    fields
}

async fn call(
    role: &Role<'_>,
    fields: &[(&'static str, String)],
    by: Option<&Credentials>,
    surroundings: &Surroundings,
    clock: &Clock,
) -> Result<Credentials, CredentialsError> {
    let wrong = |why: String| CredentialsError::source(role.source, why);
    let region = role.region.unwrap_or("us-east-1");
    let url = match (surroundings.get("AWS_ENDPOINT_URL_STS"), role.region) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, Some(region)) => format!("https://sts.{region}.{}", suffix(region)),
        (None, None) => "https://sts.amazonaws.com".to_owned(),
    };
    let body: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let body = body.join("&");
    let content_type = "application/x-www-form-urlencoded; charset=utf-8";
    let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
    let mut headers = vec![("content-type", SecretString::from(content_type))];
    if let Some(by) = by {
        let signed = [
            ("host".to_owned(), host.to_owned()),
            ("content-type".to_owned(), content_type.to_owned()),
        ];
        let request = Request {
            method: "POST",
            path: "/",
            query: &[],
            headers: &signed,
            body: body.as_bytes(),
        };
        headers.extend(sign(by, &request, &Scope { at: clock.wall(), region, service: "sts" }));
    }
    let question = Question {
        method: "POST",
        url: &format!("{url}/"),
        headers,
        body: Some(body),
        timeout: TIMEOUT,
    };
    let answer =
        ask(question, surroundings).await.map_err(|why| wrong(format!("{host}: {why}")))?;
    let text = answer.body.expose_secret();
    if answer.status != 200 {
        // The code is a word of AWS's; the message may quote what was sent.
        let code = element(text, "Code").unwrap_or("no code");
        return Err(wrong(format!("{host} answered {} ({code})", answer.status)));
    }
    let read = || {
        Some(Credentials {
            access_key_id: element(text, "AccessKeyId")?.to_owned(),
            secret: element(text, "SecretAccessKey")?.to_owned().into(),
            session_token: Some(element(text, "SessionToken")?.to_owned().into()),
            expires: Some(element(text, "Expiration")?.parse::<DateTime<Utc>>().ok()?),
            source: role.source.to_owned(),
        })
    };
    read().ok_or_else(|| wrong(format!("{host} answered without credentials")))
}

/// The text of the first `<name>`: keys and tokens hold nothing that XML escapes.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim())
}
