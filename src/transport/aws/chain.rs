//! The order in which credentials are looked for.

use std::collections::BTreeSet;

use super::profile::{Profiles, Section};
use super::sts::{self, Role};
use super::{CredentialsError, Surroundings, metadata, process, sso};
use crate::aws::Credentials;
use crate::clock::Clock;

/// The first credentials there are: of the environment, of a web identity, of a profile, of the
/// container, of the instance. A profile that `AWS_PROFILE` names comes before a web identity.
pub async fn credentials(
    surroundings: &Surroundings,
    clock: &Clock,
) -> Result<Credentials, CredentialsError> {
    if let Some(found) = environment(surroundings)? {
        return Ok(found);
    }
    let named = surroundings.get("AWS_PROFILE").or_else(|| surroundings.get("AWS_DEFAULT_PROFILE"));
    let chain = Chain { surroundings, clock, profiles: Profiles::read(surroundings)? };
    let mut tried = vec!["the environment".to_owned()];
    if let Some(name) = &named {
        return chain.profile(name, &mut BTreeSet::new()).await;
    }
    if let Some(found) = chain.web_identity().await? {
        return Ok(found);
    }
    tried.push("a web identity".to_owned());
    if chain.profiles.get("default").is_some_and(is_source) {
        return chain.profile("default", &mut BTreeSet::new()).await;
    }
    tried.push("the profile \"default\"".to_owned());
    if let Some(found) = metadata::container(surroundings).await? {
        return Ok(found);
    }
    tried.push(metadata::CONTAINER.to_owned());
    if let Some(found) = metadata::instance(surroundings).await? {
        return Ok(found);
    }
    tried.push(metadata::INSTANCE.to_owned());
    Err(CredentialsError::Nothing { tried })
}

/// The credentials in the variables themselves; `None` without any, an error for half of them.
pub fn environment(surroundings: &Surroundings) -> Result<Option<Credentials>, CredentialsError> {
    let source = "the environment";
    let id = surroundings.get("AWS_ACCESS_KEY_ID");
    let secret = surroundings.secret("AWS_SECRET_ACCESS_KEY");
    let missing = |name: &str| CredentialsError::source(source, format!("{name} is not set"));
    match (id, secret) {
        (Some(access_key_id), Some(secret)) => Ok(Some(Credentials {
            access_key_id,
            secret,
            session_token: surroundings.secret("AWS_SESSION_TOKEN"),
            expires: surroundings.get("AWS_CREDENTIAL_EXPIRATION").and_then(|t| t.parse().ok()),
            source: source.to_owned(),
        })),
        (Some(_), None) => Err(missing("AWS_SECRET_ACCESS_KEY")),
        (None, Some(_)) => Err(missing("AWS_ACCESS_KEY_ID")),
        (None, None) => Ok(None),
    }
}

/// Whether a profile says anything of credentials: one with a region alone does not.
fn is_source(profile: &Section) -> bool {
    ["aws_access_key_id", "credential_process", "role_arn"].iter().any(|k| profile.contains_key(*k))
        || sso::is_meant(profile)
}

struct Chain<'a> {
    surroundings: &'a Surroundings,
    clock: &'a Clock,
    profiles: Profiles,
}

impl Chain<'_> {
    fn region<'p>(&'p self, profile: Option<&'p Section>) -> Option<String> {
        let own = || profile?.get("region").cloned();
        let variable = |name| self.surroundings.get(name);
        variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).or_else(own)
    }

    async fn web_identity(&self) -> Result<Option<Credentials>, CredentialsError> {
        let variable = |name| self.surroundings.get(name);
        let (Some(file), Some(arn)) =
            (variable("AWS_WEB_IDENTITY_TOKEN_FILE"), variable("AWS_ROLE_ARN"))
        else {
            return Ok(None);
        };
        let (session, region) = (variable("AWS_ROLE_SESSION_NAME"), self.region(None));
        let role = Role {
            arn: &arn,
            session: session.as_deref(),
            external_id: None,
            duration: None,
            region: region.as_deref(),
            source: "the web identity of AWS_WEB_IDENTITY_TOKEN_FILE",
        };
        let taken = sts::assume_with_web_identity(&role, &file, self.surroundings, self.clock);
        taken.await.map(Some)
    }

    /// The credentials of a profile. `seen` are those whose roles led here.
    async fn profile(
        &self,
        name: &str,
        seen: &mut BTreeSet<String>,
    ) -> Result<Credentials, CredentialsError> {
        let source = format!("the profile \"{name}\"");
        let wrong = |why: &str| CredentialsError::source(&source, why);
        let profile = self.profiles.get(name).ok_or_else(|| wrong("there is no such profile"))?;
        let key = |key: &str| profile.get(key).map(String::as_str);
        // A profile may name itself as the source of its role: its own keys are meant then.
        let is_new = seen.insert(name.to_owned());
        if let Some(arn) = key("role_arn").filter(|_| is_new) {
            let region = self.region(Some(profile));
            let role = Role {
                arn,
                session: key("role_session_name"),
                external_id: key("external_id"),
                duration: key("duration_seconds"),
                region: region.as_deref(),
                source: &source,
            };
            if key("mfa_serial").is_some() {
                return Err(wrong(
                    "its role wants a code (mfa_serial), which cannot be asked for here; use `credential_process = aws configure export-credentials --profile …`",
                ));
            }
            let (surroundings, clock) = (self.surroundings, self.clock);
            if let Some(file) = key("web_identity_token_file") {
                return sts::assume_with_web_identity(&role, file, surroundings, clock).await;
            }
            let by = match (key("source_profile"), key("credential_source")) {
                (Some(next), _) => Box::pin(self.profile(next, seen)).await?,
                (None, Some(of)) => self.machine(of, &source).await?,
                (None, None) => {
                    return Err(wrong(
                        "its role needs `source_profile`, `credential_source` or `web_identity_token_file`",
                    ));
                }
            };
            return sts::assume(&role, &by, surroundings, clock).await;
        }
        if sso::is_meant(profile) {
            let (surroundings, clock) = (self.surroundings, self.clock);
            return sso::role(profile, &self.profiles, &source, surroundings, clock).await;
        }
        if let (Some(id), Some(secret)) = (key("aws_access_key_id"), key("aws_secret_access_key")) {
            return Ok(Credentials {
                access_key_id: id.to_owned(),
                secret: secret.to_owned().into(),
                session_token: key("aws_session_token").map(|token| token.to_owned().into()),
                expires: None,
                source,
            });
        }
        if let Some(command) = key("credential_process") {
            return process::run(command, &source).await;
        }
        Err(wrong(if is_new {
            "it says nothing of credentials"
        } else {
            "its roles go in a circle"
        }))
    }

    async fn machine(&self, of: &str, source: &str) -> Result<Credentials, CredentialsError> {
        let found = match of {
            "Environment" => environment(self.surroundings)?,
            "EcsContainer" => metadata::container(self.surroundings).await?,
            "Ec2InstanceMetadata" => metadata::instance(self.surroundings).await?,
            other => {
                let why = format!("`credential_source = {other}` is none");
                return Err(CredentialsError::source(source, why));
            }
        };
        found.ok_or_else(|| {
            CredentialsError::source(source, format!("`credential_source = {of}` has none"))
        })
    }
}

#[cfg(test)]
mod tests;
