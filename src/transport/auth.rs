//! How requests are authenticated. Secrets are named, never given.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::units::Nanos;

/// How requests are authenticated.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// A key that does not change.
    Key {
        /// What it may be called by: the environment variable's name.
        name: String,
        /// The key.
        secret: SecretString,
        /// Where it goes.
        place: Place,
    },
    /// A key that a command prints, asked again when it has aged.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
        /// How long a key is used.
        ttl: Duration,
        /// Where it goes.
        place: Place,
        /// The key of the moment, and when it was printed.
        cache: Arc<Mutex<Option<(Nanos, SecretString)>>>,
    },
}

/// Where a key goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// `authorization: Bearer KEY`.
    #[default]
    Bearer,
    /// A header of its own, whole: `api-key: KEY`.
    Header(String),
}

/// Why there is no key.
#[derive(Debug, Error)]
pub enum AuthError {
    /// The command could not be started.
    #[error("the key command `{program}` could not be started: {source}")]
    Start {
        /// Its first word.
        program: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The command failed, or printed nothing.
    #[error("the key command `{program}` {what}")]
    Nothing {
        /// Its first word.
        program: String,
        /// `ended with exit status 1`, `printed nothing`.
        what: String,
    },
}

impl Auth {
    /// A bearer key, by its name and value.
    pub fn bearer(name: &str, secret: SecretString) -> Self {
        Self::Key { name: name.to_owned(), secret, place: Place::Bearer }
    }

    /// A command that prints the key.
    pub fn command(argv: Vec<String>, ttl: Duration, place: Place) -> Self {
        Self::Command { argv, ttl, place, cache: Arc::default() }
    }

    /// Whether there is no key at all.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// For records: `bearer from $OPENAI_API_KEY`; never a value.
    pub fn describe(&self) -> String {
        let place = |place: &Place| match place {
            Place::Bearer => "bearer".to_owned(),
            Place::Header(name) => format!("header {name}"),
        };
        match self {
            Self::None => "none".to_owned(),
            Self::Key { name, place: at, .. } => format!("{} from ${name}", place(at)),
            Self::Command { argv, place: at, .. } => {
                format!("{} from command `{}`", place(at), argv.first().map_or("", String::as_str))
            }
        }
    }

    /// The name the secret may be called by in a note about a mask.
    pub(super) fn secret_name(&self) -> &str {
        match self {
            Self::None => "",
            Self::Key { name, .. } => name,
            Self::Command { .. } => "auth command",
        }
    }

    /// The header that carries the key: its name, and what stands before the key.
    pub(super) fn header(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::None => None,
            Self::Key { place, .. } | Self::Command { place, .. } => Some(match place {
                Place::Bearer => ("authorization", "Bearer "),
                Place::Header(name) => (name, ""),
            }),
        }
    }

    /// The key of the moment.
    pub(super) async fn secret(&self, clock: &Clock) -> Result<Option<SecretString>, AuthError> {
        match self {
            Self::None => Ok(None),
            Self::Key { secret, .. } => Ok(Some(secret.clone())),
            Self::Command { argv, ttl, cache, .. } => {
                // One command at a time: the lock is held while it runs, so that a hundred requests
                // do not start a hundred of them.
                let mut cached = cache.lock().await;
                if let Some((printed, secret)) = &*cached
                    && clock.now().since(*printed) < Nanos::from(*ttl)
                {
                    return Ok(Some(secret.clone()));
                }
                let secret = run(argv).await?;
                *cached = Some((clock.now(), secret.clone()));
                Ok(Some(secret))
            }
        }
    }
}

async fn run(argv: &[String]) -> Result<SecretString, AuthError> {
    let (program, arguments) =
        argv.split_first().map_or((String::new(), &[][..]), |(first, rest)| (first.clone(), rest));
    let output = Command::new(&program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        // Its complaints go to the user; what it prints is the key and goes nowhere.
        .stderr(std::process::Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| AuthError::Start { program: program.clone(), source })?;
    let nothing = |what: String| AuthError::Nothing { program: program.clone(), what };
    if !output.status.success() {
        return Err(nothing(format!("ended with {}", output.status)));
    }
    let key = SecretString::from(
        String::from_utf8(output.stdout)
            .map_err(|_| nothing("printed bytes that are not text".to_owned()))?,
    );
    let trimmed = SecretString::from(key.expose_secret().trim().to_owned());
    if trimmed.expose_secret().is_empty() {
        return Err(nothing("printed nothing".to_owned()));
    }
    Ok(trimmed)
}
