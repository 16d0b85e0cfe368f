//! From `--url` and its company, or from the project file, to targets.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::args::{HttpArg, TargetArgs};
use super::cloud::Cloud;
use super::exit::Exit;
use super::failure::Failure;
use super::settings::{self, Settings};
use crate::profile::{self, Capability, Profile, ProfileError};
use crate::project::{LoadedProject, TargetKind};
use crate::suite::builtin::{self, Named};
use crate::suite::{Loaded, duration};
use crate::transcript::{SECRET_BYTES_MIN, is_secret_header};
use crate::transport::target::{BaseUrl, HttpChoice, Target, TargetError};
use crate::transport::{Auth, Place};

/// A target, and what is known of it.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) target: Target,
    pub(super) profile: Profile,
    /// The environment variable that reproducers name in place of the key.
    pub(super) auth_variable: Option<String>,
    /// No model need be named: an empty one is the endpoint's own.
    pub(super) nameless: bool,
}

/// How long a key that a command printed is used.
const KEY_TTL: Duration = Duration::from_mins(5);

/// The targets that the command line names.
pub(super) fn choose(
    args: &TargetArgs,
    project: Option<&LoadedProject>,
    settings: &Settings,
    suites: &[Loaded],
) -> Result<Vec<Chosen>, Failure> {
    let beside = project.map_or(&[][..], |loaded| &loaded.project.check.suites);
    let cases = Cases { suites, beside };
    if let Some(name) = &args.sagemaker {
        return sagemaker(name, args, settings, cases).map(|chosen| vec![chosen]);
    }
    if args.url.is_empty() {
        return super::project::choose(args, project, settings, cases);
    }
    let mut chosen: Vec<Chosen> = Vec::new();
    for url in &args.url {
        let mut target = Target::new("", url).map_err(|error| wrong(&error))?;
        target.name = unique(&short(&target.base_url), &chosen);
        apply(&mut target, args)?;
        let profile = load_profile(args.profile.as_deref().unwrap_or("generic"), settings, cases)?;
        let auth_variable = args.auth_env.clone();
        chosen.push(Chosen { target, profile, auth_variable, nameless: false });
    }
    Ok(chosen)
}

/// An endpoint of SageMaker that the command line names.
fn sagemaker(
    name: &str,
    args: &TargetArgs,
    settings: &Settings,
    cases: Cases<'_>,
) -> Result<Chosen, Failure> {
    if args.url.len() > 1 {
        return Err(Failure::usage("--sagemaker is one endpoint, and has one --url"));
    }
    let cloud = Cloud {
        kind: TargetKind::Sagemaker,
        url: args.url.first().map(String::as_str),
        region: args.region.as_deref(),
        endpoint: Some(name),
        component: args.component.as_deref(),
        fips: false,
        dual_stack: false,
        expiry: None,
    };
    let mut target = cloud.target(name)?;
    apply(&mut target, args)?;
    let profile = args.profile.as_deref().unwrap_or(cloud.profile());
    let profile = load_profile(profile, settings, cases)?;
    let auth_variable = target.auth.variable().map(str::to_owned);
    Ok(Chosen { target, profile, auth_variable, nameless: true })
}

pub(super) fn wrong(error: &TargetError) -> Failure {
    Failure::from_error(Exit::Usage, error).hint("a base URL looks like http://localhost:8000/v1")
}

/// RFC 9110, 5.6.2.
fn is_header_name(name: &str) -> bool {
    let is_mark = |c: char| "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || is_mark(c))
}

fn no_header(header: &str) -> Failure {
    Failure::usage(format!("--header `{header}` is not a header; expected `name: value`"))
        .hint("for example: --header 'x-team: search'")
        .hint("a key is named by its variable: --auth-env VAR, with --auth-header NAME")
}

/// `localhost:8000`, or the host alone where the port goes without saying.
fn short(url: &BaseUrl) -> String {
    let origin = url.origin();
    origin.split_once("://").map_or(origin.clone(), |(_, host)| host.to_owned())
}

fn unique(name: &str, taken: &[Chosen]) -> String {
    let is_taken = |name: &str| taken.iter().any(|chosen| chosen.target.name == name);
    let mut unique = name.to_owned();
    let mut number = 2;
    while is_taken(&unique) {
        unique = format!("{name}-{number}");
        number += 1;
    }
    unique
}

/// The cases that a profile may speak of, besides those that are built in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cases<'a> {
    /// Suites that were loaded.
    pub(super) suites: &'a [Loaded],
    /// Those that the project file names, whether or not this run takes them.
    pub(super) beside: &'a [String],
}

impl Cases<'_> {
    fn all(self) -> Vec<Loaded> {
        let beside = self.beside.iter().filter_map(|name| match builtin::named(name) {
            Ok(Named::Suite(loaded)) => Some(*loaded),
            // A file that is wrong is told where it is used.
            Ok(Named::Set(_)) | Err(_) => None,
        });
        let built_in = builtin::all().into_iter().flatten();
        built_in.chain(self.suites.iter().cloned()).chain(beside).collect()
    }
}

/// The profile of that name or in that file.
pub(super) fn load_profile(
    name: &str,
    settings: &Settings,
    cases: Cases<'_>,
) -> Result<Profile, Failure> {
    let wrong =
        |error: ProfileError| Failure::rendered(Exit::Usage, error.render(settings.colour_stderr));
    let loaded = profile::builtin::resolve(name).map_err(wrong)?;
    // A misspelt entry excuses nothing, and nobody would notice. Built-in profiles are tested.
    if builtin::is_path(name) && !loaded.profile.known.is_empty() {
        loaded.against(&cases.all()).map_err(wrong)?;
    }
    Ok(loaded.profile)
}

/// Applies what the command line says of every target.
pub(super) fn apply(target: &mut Target, args: &TargetArgs) -> Result<(), Failure> {
    if let Some(model) = &args.model {
        target.model.clone_from(model);
    }
    if let Some(auth) = auth(args)? {
        target.auth = auth;
    }
    for header in &args.header {
        let (name, value) = header
            .split_once(':')
            .filter(|(name, _)| is_header_name(name.trim()))
            .ok_or_else(|| no_header(header))?;
        if is_secret_header(name.trim()) {
            // Its value stands in the shell's history already; it must not come into a record too.
            return Err(Failure::usage(format!(
                "--header is not for secrets such as `{}`",
                name.trim()
            ))
            .hint("put the key into an environment variable and name it: --auth-env VAR")
            .hint("another header than `authorization`: --auth-header NAME"));
        }
        target.headers.push(name.trim(), value.trim());
    }
    target.tls.ca.extend(args.ca.iter().cloned());
    if let (Some(certificate), Some(key)) = (&args.client_cert, &args.client_key) {
        target.tls.client = Some((certificate.clone(), key.clone()));
    }
    target.tls.insecure |= args.insecure;
    if let Some(proxy) = &args.proxy {
        target.proxy = Some(BaseUrl::parse(proxy).map_err(|error| wrong(&error))?);
    }
    match args.http {
        HttpArg::Auto => {}
        HttpArg::One => target.http = HttpChoice::Http1,
        HttpArg::Two => target.http = HttpChoice::Http2,
    }
    let spans = [
        ("--timeout", &args.timeout, &mut target.timeouts.total),
        ("--connect-timeout", &args.connect_timeout, &mut target.timeouts.connect),
        ("--first-byte-timeout", &args.first_byte_timeout, &mut target.timeouts.first_byte),
        ("--gap-timeout", &args.gap_timeout, &mut target.timeouts.gap),
    ];
    for (flag, text, deadline) in spans {
        if let Some(text) = text {
            *deadline = span(flag, text)?;
        }
    }
    Ok(())
}

/// A span of time from the command line or the project file.
pub(super) fn span(what: &str, text: &str) -> Result<Duration, Failure> {
    duration(text).map(Into::into).map_err(|error| Failure::usage(format!("{what}: {error}")))
}

fn auth(args: &TargetArgs) -> Result<Option<Auth>, Failure> {
    let place = match &args.auth_header {
        Some(name) => Place::Header(name.clone()),
        None => Place::Bearer,
    };
    if let Some(command) = &args.auth_command {
        return Ok(Some(Auth::command(shell(command), KEY_TTL, place)));
    }
    match &args.auth_env {
        Some(variable) => key(variable, place).map(Some),
        None if args.auth_header.is_some() => {
            Err(Failure::usage("--auth-header says where the key goes, and no key was named")
                .hint("name its variable too: --auth-env VAR"))
        }
        None => Ok(None),
    }
}

/// The key in an environment variable.
pub(super) fn key(variable: &str, place: Place) -> Result<Auth, Failure> {
    let secret = settings::secret(variable).ok_or_else(|| {
        Failure::usage(format!("the environment variable `{variable}` is not set"))
            .hint(format!("put the key into it: export {variable}=…"))
    })?;
    if secret.expose_secret().len() < SECRET_BYTES_MIN {
        return Err(Failure::usage(format!(
            "the key in `{variable}` is shorter than {SECRET_BYTES_MIN} characters, and could not be masked \
             without masking ordinary words"
        ))
        .hint("give the endpoint a longer key; if it wants none, leave --auth-env out"));
    }
    Ok(Auth::Key { name: variable.to_owned(), secret, place })
}

/// A command line is the shell's to read.
fn shell(command: &str) -> Vec<String> {
    if cfg!(windows) {
        vec!["cmd".to_owned(), "/C".to_owned(), command.to_owned()]
    } else {
        vec!["sh".to_owned(), "-c".to_owned(), command.to_owned()]
    }
}

impl Chosen {
    /// Lifts the profile's `no` to these capabilities: whoever runs this has agreed to them.
    pub(super) fn allow(&mut self, capabilities: &[String]) {
        for name in capabilities {
            if self.profile.capability(name) == Capability::No {
                self.profile.capabilities.insert(name.clone(), Capability::Probe);
            }
        }
    }

    /// A target that is our own mock and wants `key`.
    pub(super) fn mock(
        name: &str,
        base_url: &str,
        key: &str,
        profile: Profile,
    ) -> Result<Self, Failure> {
        let mut target = Target::new(name, base_url).map_err(|error| wrong(&error))?;
        target.auth = Auth::bearer("DEMO_KEY", key.to_owned().into());
        Ok(Self { target, profile, auth_variable: Some("DEMO_KEY".to_owned()), nameless: false })
    }
}
