//! How requests are authenticated. Secrets are named, never given.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::aws::{Minter, MintingError};
use crate::clock::Clock;
use crate::text;
use crate::transcript::{Redactor, SECRET_BYTES_MIN};
use crate::units::Nanos;

/// A command that takes longer hangs, or asks a question that nobody sees.
const COMMAND_MAX: Duration = Duration::from_mins(1);

/// More of a command's complaint is left out of a message.
const COMPLAINT_CHARS_MAX: usize = 300;

/// What a minted token is called in reproducers: `$TOKEN`.
const TOKEN: &str = "TOKEN";

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
        /// The key of the moment, shared by all that speak to the target.
        cache: Arc<KeyCache>,
    },
    /// A bearer token of AWS, minted here and anew before it ends.
    Minted(Arc<Minter>),
}

/// A printed key, and when it was printed. It has a clock of its own: whoever asks, for judged
/// traffic or for a model list, finds the same age.
#[derive(Debug)]
pub struct KeyCache {
    clock: Clock,
    key: Mutex<Option<(Nanos, SecretString)>>,
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
    /// No token could be minted.
    #[error(transparent)]
    Minting(#[from] MintingError),
}

impl Auth {
    /// A bearer key, by its name and value.
    pub fn bearer(name: &str, secret: SecretString) -> Self {
        Self::Key { name: name.to_owned(), secret, place: Place::Bearer }
    }

    /// A command that prints the key.
    pub fn command(argv: Vec<String>, ttl: Duration, place: Place) -> Self {
        Self::command_by(Clock::system(), argv, ttl, place)
    }

    fn command_by(clock: Clock, argv: Vec<String>, ttl: Duration, place: Place) -> Self {
        let cache = Arc::new(KeyCache { clock, key: Mutex::default() });
        Self::Command { argv, ttl, place, cache }
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
            Self::Minted(minter) => format!("bearer minted for {}", minter.describe()),
        }
    }

    /// The environment variable that holds the key; `None` without one.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Key { name, .. } => Some(name),
            Self::Minted(_) => Some(TOKEN),
            Self::None | Self::Command { .. } => None,
        }
    }

    /// The name the secret may be called by in a note about a mask.
    pub fn secret_name(&self) -> &str {
        match self {
            Self::None => "",
            Self::Key { name, .. } => name,
            Self::Command { .. } => "auth command",
            Self::Minted(_) => TOKEN,
        }
    }

    /// The header that carries the key: its name, and what stands before the key.
    pub fn header(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::None => None,
            Self::Minted(_) => Some(("authorization", "Bearer ")),
            Self::Key { place, .. } | Self::Command { place, .. } => Some(match place {
                Place::Bearer => ("authorization", "Bearer "),
                Place::Header(name) => (name, ""),
            }),
        }
    }

    /// Makes sure that there is a key, if one is wanted.
    pub async fn ready(&self) -> Result<(), AuthError> {
        self.secret().await.map(|_| ())
    }

    /// The header line that carries the key of the moment, and the key, for a sender that writes
    /// its own heads.
    pub(crate) async fn line(
        &self,
    ) -> Result<Option<(String, SecretString, SecretString)>, AuthError> {
        let (Some((name, before)), Some(key)) = (self.header(), self.secret().await?) else {
            return Ok(None);
        };
        let value = SecretString::from(format!("{before}{}", key.expose_secret()));
        Ok(Some((name.to_owned(), value, key)))
    }

    /// The key of the moment.
    pub async fn secret(&self) -> Result<Option<SecretString>, AuthError> {
        match self {
            Self::None => Ok(None),
            Self::Minted(minter) => Ok(Some(minter.token().await?)),
            Self::Key { secret, .. } => Ok(Some(secret.clone())),
            Self::Command { argv, ttl, cache, .. } => {
                // One command at a time: the lock is held while it runs, so that a hundred requests
                // do not start a hundred of them.
                let mut cached = cache.key.lock().await;
                if let Some((printed, secret)) = &*cached
                    && cache.clock.now().since(*printed) < Nanos::from(*ttl)
                {
                    return Ok(Some(secret.clone()));
                }
                let secret = run(argv).await?;
                *cached = Some((cache.clock.now(), secret.clone()));
                Ok(Some(secret))
            }
        }
    }
}

async fn run(argv: &[String]) -> Result<SecretString, AuthError> {
    let (program, arguments) =
        argv.split_first().map_or((String::new(), &[][..]), |(first, rest)| (first.clone(), rest));
    let nothing = |what: String| AuthError::Nothing { program: program.clone(), what };
    let output = Command::new(&program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(COMMAND_MAX, output)
        .await
        .map_err(|_| nothing(format!("printed nothing within {}", Nanos::from(COMMAND_MAX))))?
        .map_err(|source| AuthError::Start { program: program.clone(), source })?;
    let complaint = complaint(&output.stdout, &output.stderr);
    if !output.status.success() {
        return Err(nothing(format!("ended with {}{complaint}", output.status)));
    }
    let key = SecretString::from(
        String::from_utf8(output.stdout)
            .map_err(|_| nothing("printed bytes that are not text".to_owned()))?,
    );
    let trimmed = SecretString::from(key.expose_secret().trim().to_owned());
    if trimmed.expose_secret().is_empty() {
        return Err(nothing(format!("printed nothing{complaint}")));
    }
    if trimmed.expose_secret().len() < SECRET_BYTES_MIN {
        return Err(nothing(format!(
            "printed a key shorter than {SECRET_BYTES_MIN} characters, which could not be masked"
        )));
    }
    Ok(trimmed)
}

/// What a command without a key wrote to stderr: `: not logged in`. What it printed may be a key,
/// and is masked there.
fn complaint(stdout: &[u8], stderr: &[u8]) -> String {
    let mut redactor = Redactor::default();
    let printed = String::from_utf8_lossy(stdout);
    for word in printed.split_whitespace() {
        redactor.add("auth command", &word.to_owned().into());
    }
    let said = redactor.text(&String::from_utf8_lossy(stderr));
    let said = text::ellipsis(&text::printable(said.trim().as_bytes()), COMPLAINT_CHARS_MAX);
    if said.is_empty() { said } else { format!(": {said}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints another key each time.
    fn counter(folder: &tempfile::TempDir) -> Vec<String> {
        let file = folder.path().join("count");
        let script =
            format!("echo x >> {0}; echo; echo \"  key-$(wc -l < {0})  \"", file.display());
        vec!["sh".to_owned(), "-c".to_owned(), script]
    }

    async fn key(auth: &Auth) -> String {
        auth.secret().await.unwrap().unwrap().expose_secret().to_owned()
    }

    #[tokio::test]
    async fn a_printed_key_is_trimmed_and_used_until_it_has_aged() {
        let folder = tempfile::TempDir::new().unwrap();
        let clock = Clock::by_hand(chrono::DateTime::UNIX_EPOCH);
        let ttl = Duration::from_mins(1);
        let auth = Auth::command_by(clock.clone(), counter(&folder), ttl, Place::Bearer);

        let first = key(&auth).await;
        clock.advance(Nanos::from_millis(59_999));
        let young = key(&auth.clone()).await;
        clock.advance(Nanos::from_millis(1));
        let aged = key(&auth).await;

        assert_eq!((first.as_str(), young.as_str(), aged.as_str()), ("key-1", "key-1", "key-2"));
    }

    #[tokio::test]
    async fn many_askers_start_one_command() {
        let folder = tempfile::TempDir::new().unwrap();
        let auth = Auth::command(counter(&folder), Duration::from_mins(1), Place::Bearer);
        let keys = futures_util::future::join_all((0..8).map(|_| key(&auth))).await;
        assert!(keys.iter().all(|key| key == "key-1"), "{keys:?}");
    }

    #[tokio::test]
    async fn what_gives_no_key_is_said_by_name() {
        let argv = |script: &str| vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        for (argv, said) in [
            (argv("exit 3"), "exit status: 3"),
            (argv("echo not logged in >&2; exit 3"), "exit status: 3: not logged in"),
            (argv("echo expired >&2"), "printed nothing: expired"),
            (argv("echo"), "printed nothing"),
            (argv("echo abc"), "shorter than 4"),
            (argv("printf '\\377'"), "not text"),
            (vec!["/no/such/program".to_owned()], "could not be started"),
        ] {
            let auth = Auth::command(argv, Duration::ZERO, Place::Bearer);
            let error = auth.secret().await.unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[tokio::test]
    async fn a_key_in_a_commands_complaint_is_masked() {
        let script = "echo sk-canary-77; echo sk-canary-77 is old >&2; exit 1";
        let argv = vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        let auth = Auth::command(argv, Duration::ZERO, Place::Bearer);
        let error = auth.secret().await.unwrap_err().to_string();
        assert!(error.contains("is old") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let auth = Auth::bearer("KEY", "hunter2".to_owned().into());
        let shown = format!("{auth:?} {}", auth.describe());
        assert!(shown.contains("$KEY") && !shown.contains("hunter2"), "{shown}");
    }
}
