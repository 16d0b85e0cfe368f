//! Credentials of the machine: of a container (ECS, EKS pod identity), or of an instance (`IMDSv2`).

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::http::{Answer, Question, ask};
use super::process::Printed;
use super::{CredentialsError, Surroundings};
use crate::aws::Credentials;
use crate::transport::target::BaseUrl;

/// A container's agent is on the same machine.
const CONTAINER_TIMEOUT: Duration = Duration::from_secs(5);
/// Where there is no instance, nobody answers.
const INSTANCE_TIMEOUT: Duration = Duration::from_secs(1);
/// Where the agent of ECS listens.
const ECS: &str = "http://169.254.170.2";
/// Hosts that may be spoken to without TLS: this machine and the agents of ECS and EKS.
const NEAR: [&str; 7] = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::23]",
    "169.254.169.254",
];

pub(super) const CONTAINER: &str = "the container's agent";
pub(super) const INSTANCE: &str = "the instance's metadata";

/// The credentials of a container; `None` where the surroundings name no agent.
pub(super) async fn container(
    surroundings: &Surroundings,
) -> Result<Option<Credentials>, CredentialsError> {
    let wrong = |why: String| CredentialsError::source(CONTAINER, why);
    let relative = surroundings.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    let url = match (relative, surroundings.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
        (Some(path), _) => format!("{ECS}{path}"),
        (None, Some(url)) => url,
        (None, None) => return Ok(None),
    };
    let base = url.split(['?', '#']).next().unwrap_or_default();
    let base = BaseUrl::parse(base).map_err(|error| wrong(error.to_string()))?;
    if !base.is_tls() && !NEAR.contains(&base.host()) {
        return Err(wrong(format!("{} is not this machine, and has no TLS", base.host())));
    }
    let token = match surroundings.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        // Read anew each time: the cluster renews it.
        Some(path) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| wrong(format!("the token file `{path}`: {error}")))?;
            Some(SecretString::from(text.trim().to_owned()))
        }
        None => surroundings.secret("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    let question = Question {
        method: "GET",
        url: &url,
        headers: token.map(|token| ("authorization", token)).into_iter().collect(),
        body: None,
        timeout: CONTAINER_TIMEOUT,
    };
    let answer = ask(question, surroundings).await.map_err(wrong)?;
    read(&answer, CONTAINER).map(Some)
}

/// The credentials of an instance's role; `None` where there is no instance, or nobody may ask.
pub(super) async fn instance(
    surroundings: &Surroundings,
) -> Result<Option<Credentials>, CredentialsError> {
    let wrong = |why: String| CredentialsError::source(INSTANCE, why);
    let is_off = surroundings.get("AWS_EC2_METADATA_DISABLED");
    if is_off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let base = surroundings
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let base = base.trim_end_matches('/');
    let ask = |method, path: String, headers| async move {
        let url = format!("{base}/latest/{path}");
        let question =
            Question { method, url: &url, headers, body: None, timeout: INSTANCE_TIMEOUT };
        ask(question, surroundings).await
    };
    let ttl = vec![("x-aws-ec2-metadata-token-ttl-seconds", SecretString::from("21600"))];
    // Version 1, which needs no token, is not spoken: a page that can make us fetch could too.
    let Ok(token) = ask("PUT", "api/token".to_owned(), ttl).await else { return Ok(None) };
    if token.status != 200 {
        return Err(wrong(format!("it gave no session token ({})", token.status)));
    }
    let session = || vec![("x-aws-ec2-metadata-token", token.body.clone())];
    let folder = "meta-data/iam/security-credentials/";
    let roles = ask("GET", folder.to_owned(), session()).await.map_err(wrong)?;
    let role = match roles.status {
        200 => roles.body.expose_secret().lines().next().unwrap_or_default().trim().to_owned(),
        404 => return Err(wrong("the instance has no role".to_owned())),
        status => return Err(wrong(format!("it told no role ({status})"))),
    };
    let answer = ask("GET", format!("{folder}{role}"), session()).await.map_err(wrong)?;
    read(&answer, INSTANCE).map(Some)
}

fn read(answer: &Answer, source: &str) -> Result<Credentials, CredentialsError> {
    let wrong = |why: String| CredentialsError::source(source, why);
    let value = answer.json().map_err(wrong)?;
    let printed: Printed = serde_json::from_value(value)
        .map_err(|_| wrong("the answer holds no credentials".to_owned()))?;
    Ok(printed.credentials(source))
}
