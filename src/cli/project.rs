//! The project file: targets by name, and what `check` does when the command line does not say.

use std::path::Path;
use std::time::Duration;

use super::args::{CheckArgs, TargetArgs};
use super::cloud::Cloud;
use super::exit::Exit;
use super::failure::Failure;
use super::settings::Settings;
use super::targets::{self, Cases, Chosen};
use crate::project::{self, HttpVersion, LoadedProject, TargetEntry, TargetKind};
use crate::text;
use crate::transport::target::{BaseUrl, HttpChoice, Target};
use crate::transport::{Auth, Place};

/// How long a key that a command printed is used, unless `auth-ttl` says.
const KEY_TTL: Duration = Duration::from_mins(5);

/// The project file that the command line names, or the nearest one; `None` where there is none,
/// or where targets are named by URL.
pub(super) fn find(
    args: &TargetArgs,
    settings: &Settings,
) -> Result<Option<LoadedProject>, Failure> {
    let path = match &args.config {
        Some(path) => Some(path.clone()),
        None if args.url.is_empty() => {
            let here = std::env::current_dir().unwrap_or_default();
            // Shown and opened as the user would name it.
            if Path::new(project::FILE_NAME).is_file() {
                Some(project::FILE_NAME.into())
            } else {
                project::find(&here)
            }
        }
        None => None,
    };
    path.map(|path| {
        project::load(&path)
            .map_err(|error| Failure::rendered(Exit::Usage, error.render(settings.colour_stderr)))
    })
    .transpose()
}

/// What the project file says of `check`, where the command line is silent.
pub(super) fn complete(args: &mut CheckArgs, project: Option<&LoadedProject>) {
    let Some(check) = project.map(|loaded| &loaded.project.check) else { return };
    let or = |own: &mut Vec<String>, theirs: &[String]| {
        if own.is_empty() {
            theirs.clone_into(own);
        }
    };
    or(&mut args.selection.suite, &check.suites);
    or(&mut args.selection.select, &check.select);
    or(&mut args.selection.skip, &check.skip);
    if args.selection.level.is_empty() {
        args.selection.level = check.levels.iter().map(|level| (*level).into()).collect();
    }
    args.strict_known |= check.strict_known;
    args.budget_tokens = args.budget_tokens.or(check.budget_tokens);
    if args.concurrency.is_none() {
        args.concurrency = check.concurrency.and_then(|n| u16::try_from(n).ok());
    }
}

/// The targets that the project file names, or those of them that `--target` picks.
pub(super) fn choose(
    args: &TargetArgs,
    project: Option<&LoadedProject>,
    settings: &Settings,
    cases: Cases<'_>,
) -> Result<Vec<Chosen>, Failure> {
    let entries = project.map(|loaded| &loaded.project.targets);
    let Some(entries) = entries.filter(|entries| !entries.is_empty()) else {
        return Err(Failure::usage("no target was named")
            .hint("name an endpoint: --url http://localhost:8000/v1")
            .hint("or write a project file: proofhouse init"));
    };
    let names: Vec<&str> = if args.target.is_empty() {
        entries.keys().map(String::as_str).collect()
    } else {
        args.target.iter().map(String::as_str).collect()
    };
    names
        .into_iter()
        .map(|name| match entries.get(name) {
            Some(entry) => chosen(name, entry, args, settings, cases),
            None => Err(unknown(name, entries.keys().map(String::as_str))),
        })
        .collect()
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Failure {
    let failure = Failure::usage(format!("the project file names no target `{name}`"));
    match text::did_you_mean(name, known.clone()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!("it names {}", known.collect::<Vec<_>>().join(", "))),
    }
}

fn chosen(
    name: &str,
    entry: &TargetEntry,
    args: &TargetArgs,
    settings: &Settings,
    cases: Cases<'_>,
) -> Result<Chosen, Failure> {
    let cloud = Cloud::of(entry);
    let mut target = match cloud {
        Some(cloud) => cloud.target(name)?,
        None => Target::new(name, entry.url.as_deref().unwrap_or_default())
            .map_err(|error| targets::wrong(&error))?,
    };
    target.model = entry.model.clone().unwrap_or_default();
    if let Some(auth) = auth(name, entry)? {
        target.auth = auth;
    }
    for (header, value) in &entry.headers {
        target.headers.push(header, value);
    }
    target.tls.ca = entry.ca.0.iter().map(Into::into).collect();
    target.tls.client = entry
        .client_cert
        .as_ref()
        .zip(entry.client_key.as_ref())
        .map(|(c, k)| (c.into(), k.into()));
    target.tls.insecure = entry.insecure;
    if let Some(proxy) = &entry.proxy {
        target.proxy = Some(BaseUrl::parse(proxy).map_err(|error| targets::wrong(&error))?);
    }
    target.http = match entry.http {
        None => HttpChoice::Auto,
        Some(HttpVersion::Http1) => HttpChoice::Http1,
        Some(HttpVersion::Http2) => HttpChoice::Http2,
    };
    let deadlines = &mut target.timeouts;
    for (text, deadline) in [
        (&entry.timeouts.connect, &mut deadlines.connect),
        (&entry.timeouts.tls, &mut deadlines.tls),
        (&entry.timeouts.first_byte, &mut deadlines.first_byte),
        (&entry.timeouts.gap, &mut deadlines.gap),
        (&entry.timeouts.total, &mut deadlines.total),
    ] {
        if let Some(text) = text {
            *deadline = targets::span(&format!("timeouts of target `{name}`"), text)?;
        }
    }
    // The command line has the last word.
    targets::apply(&mut target, args)?;
    let profile = args.profile.as_deref().or(entry.profile.as_deref());
    let profile = profile.unwrap_or_else(|| cloud.map_or("generic", Cloud::profile));
    let minted = target.auth.variable().map(str::to_owned);
    Ok(Chosen {
        target,
        profile: targets::load_profile(profile, settings, cases)?,
        auth_variable: args.auth_env.clone().or_else(|| entry.auth_env.clone()).or(minted),
        nameless: entry.kind == Some(TargetKind::Sagemaker),
    })
}

fn auth(name: &str, entry: &TargetEntry) -> Result<Option<Auth>, Failure> {
    let place = entry.auth_header.clone().map_or(Place::Bearer, Place::Header);
    if let Some(argv) = &entry.auth_command {
        let ttl = match &entry.auth_ttl {
            Some(text) => targets::span(&format!("auth-ttl of target `{name}`"), text)?,
            None => KEY_TTL,
        };
        return Ok(Some(Auth::command(argv.clone(), ttl, place)));
    }
    entry.auth_env.as_ref().map(|variable| targets::key(variable, place)).transpose()
}
