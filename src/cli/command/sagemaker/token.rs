//! `proofhouse sagemaker token`.

use std::io::{IsTerminal as _, Read as _};
use std::process::Command;

use chrono::{DateTime, SecondsFormat, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::region;
use crate::aws::Credentials;
use crate::aws::bearer::{self, Service, Token};
use crate::aws::presigned::{self, Presigned};
use crate::cli::args::{ListFormat, TokenArgs};
use crate::cli::command::list::pretty;
use crate::cli::command::runtime;
use crate::cli::exit::Exit;
use crate::cli::failure::{self, Failure};
use crate::cli::output;
use crate::cli::settings;
use crate::clock::Clock;
use crate::transport::aws::credentials;

/// A token is not longer; one that is was not made by AWS.
const TOKEN_BYTES_MAX: u64 = 64 << 10;

pub(super) fn run(args: &TokenArgs) -> Result<Exit, Failure> {
    let clock = args.frozen_clock.map_or_else(Clock::system, Clock::by_hand);
    if args.inspect {
        return inspect(args, &clock);
    }
    let on_terminal = std::io::stdout().is_terminal();
    if args.exec.is_none() && on_terminal && !args.print {
        return Err(Failure::usage("a token would be shown on the terminal")
            .hint("give it to a command: --exec 'python client.py'")
            .hint("or pipe it; --print shows it all the same"));
    }
    let token = mint(args, &clock)?;
    if let Some(command) = &args.exec {
        return exec(command, &args.exec_env, &token);
    }
    if on_terminal {
        output::note(&format!(
            "warning: whoever sees or scrolls back to this can call until {}",
            shown(token.expires)
        ));
    }
    output::secret(&token.secret)?;
    Ok(Exit::Held)
}

fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn service(args: &TokenArgs) -> Service {
    if args.bedrock { Service::Bedrock } else { Service::SageMaker }
}

fn mint(args: &TokenArgs, clock: &Clock) -> Result<Token, Failure> {
    let region = region(args.region.as_ref())?;
    let credentials = found(clock)?;
    let token = bearer::mint(service(args), &credentials, &region, args.expiry, clock.wall())
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    if token.expiry < args.expiry {
        output::note(&format!(
            "note: the token ends at {}, with the credentials of {}",
            shown(token.expires),
            credentials.source
        ));
    }
    Ok(token)
}

fn found(clock: &Clock) -> Result<Credentials, Failure> {
    let surroundings = settings::surroundings();
    runtime()?.block_on(credentials(&surroundings, clock)).map_err(|error| {
        Failure::new(Exit::Usage, failure::chain(&error))
            .hint("`aws sts get-caller-identity` says whether AWS's own tools find credentials")
    })
}

/// Runs a command that has the token in its environment, where no process list shows it.
fn exec(command: &str, variable: &str, token: &Token) -> Result<Exit, Failure> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let status = Command::new(shell)
        .args([flag, command])
        .env(variable, token.secret.expose_secret())
        .status()
        .map_err(|error| {
            Failure::usage(format!("the command of --exec could not be started: {error}"))
        })?;
    if status.success() {
        return Ok(Exit::Held);
    }
    Err(Failure::new(Exit::Broken, format!("the command of --exec ended with {status}")))
}

fn inspect(args: &TokenArgs, clock: &Clock) -> Result<Exit, Failure> {
    let token = match piped()? {
        Some(token) => token,
        None => mint(args, clock)?.secret,
    };
    let read = presigned::parse_token(token.expose_secret()).map_err(|why| {
        Failure::usage(format!("what was piped in is no bearer token: {why}"))
            .hint("pipe the token alone, without `Bearer`")
    })?;
    let text = describe(&read, args.format, clock.wall())?;
    output::stdout(&text)?;
    Ok(Exit::Held)
}

/// What comes on stdin, if anything does.
fn piped() -> Result<Option<SecretString>, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(None);
    }
    let mut text = String::new();
    stdin
        .lock()
        .take(TOKEN_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("stdin could not be read: {error}")))?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()).map(SecretString::from))
}

fn describe(read: &Presigned, format: ListFormat, now: DateTime<Utc>) -> Result<String, Failure> {
    let kind = match read.service {
        Service::SageMaker => "sagemaker",
        Service::Bedrock => "bedrock",
    };
    let state = match read {
        read if read.has_ended(now) => "expired",
        read if read.issued > now => "not yet valid",
        _ => "valid",
    };
    let temporary = read.session_token.is_some();
    let (issued, expires) = (shown(read.issued), shown(read.expires));
    let left = (read.expires - now).num_seconds();
    match format {
        ListFormat::Json => pretty(&json!({
            "kind": kind,
            "key_id_last4": read.last_four(),
            "temporary_credentials": temporary,
            "region": read.region,
            "issued": issued,
            "expires": expires,
            "state": state,
            "seconds_left": left.max(0),
        })),
        ListFormat::Text => {
            let identity = if temporary { "temporary credentials" } else { "a long-term key" };
            let when = match left {
                left if left > 0 => format!("{state}, {left} s left"),
                left => format!("{state}, {} s ago", -left),
            };
            Ok(format!(
                "kind     {kind} bearer token\nkey id   …{} ({identity})\nregion   {}\nissued   {issued}\nexpires  {expires} ({when})\n",
                read.last_four(),
                read.region,
            ))
        }
    }
}
