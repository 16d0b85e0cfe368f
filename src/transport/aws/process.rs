//! `credential_process`: a program of the user's that prints credentials.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::process::Command;

use super::CredentialsError;
use crate::aws::Credentials;

/// One that takes longer asks a question that nobody sees.
const PROCESS_MAX: Duration = Duration::from_mins(1);

/// What it prints, and what containers and instances answer: the names are AWS's.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Printed {
    version: Option<u32>,
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "Token")]
    session_token: Option<String>,
    expiration: Option<DateTime<Utc>>,
}

impl Printed {
    pub(super) fn credentials(self, source: &str) -> Credentials {
        Credentials {
            access_key_id: self.access_key_id,
            secret: self.secret_access_key.into(),
            session_token: self.session_token.map(SecretString::from),
            expires: self.expiration,
            source: source.to_owned(),
        }
    }
}

/// Runs the program that the profile names.
pub(super) async fn run(command: &str, source: &str) -> Result<Credentials, CredentialsError> {
    let wrong = |why: String| CredentialsError::source(source, why);
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let output = Command::new(shell)
        .args([flag, command])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PROCESS_MAX, output)
        .await
        .map_err(|_| wrong("its credential_process did not end".to_owned()))?
        .map_err(|error| wrong(format!("its credential_process did not start: {error}")))?;
    if !output.status.success() {
        return Err(wrong(format!("its credential_process ended with {}", output.status)));
    }
    // What it printed may be a secret even where it is no JSON.
    let printed: Printed = serde_json::from_slice(&output.stdout)
        .map_err(|_| wrong("its credential_process printed no credentials".to_owned()))?;
    if printed.version != Some(1) {
        return Err(wrong("its credential_process printed another version than 1".to_owned()));
    }
    Ok(printed.credentials(source))
}
