//! `proofhouse lint`: are these files right? Nothing is sent.

use std::path::{Path, PathBuf};

use super::selection::said;
use crate::cli::args::LintArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::profile;
use crate::project;
use crate::suite::load::Loaded;
use crate::suite::{builtin, lint, load, set};
use crate::text::plural;

pub(super) fn run(args: &LintArgs, settings: &Settings) -> Result<Exit, Failure> {
    let mut suites = Vec::new();
    let mut problems = Vec::new();
    let mut profiles = Vec::new();
    let mut projects = 0;
    let mut sets = Vec::new();
    if args.paths.is_empty() {
        match builtin::all() {
            Ok(all) => suites = all,
            Err(error) => problems.push(error.render(settings.colour_stderr)),
        }
    }
    for path in files(&args.paths)? {
        if is_toml(&path) {
            match project::load(&path) {
                Ok(_) => projects += 1,
                Err(error) => problems.push(error.render(settings.colour_stderr)),
            }
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Failure::usage(format!("`{}` could not be read: {error}", path.display()))
        })?;
        let name = path.display().to_string();
        if is_profile(&text) {
            match profile::load::parse(&name, &text) {
                Ok(profile) => profiles.push(profile),
                Err(error) => problems.push(error.render(settings.colour_stderr)),
            }
        } else if set::is_set(&text) {
            match set::parse(&name, &text) {
                Ok(set) => sets.push(set),
                Err(error) => problems.push(error.render(settings.colour_stderr)),
            }
        } else {
            match load::parse(&name, &text) {
                // In proofhouse's own folder, `suites` holds what is built in.
                Ok(loaded) if suites.iter().any(|known| known.sha256 == loaded.sha256) => {}
                Ok(loaded) => suites.push(loaded),
                Err(error) => problems.push(error.render(settings.colour_stderr)),
            }
        }
    }
    problems
        .extend(lint::across(&suites).iter().map(|finding| format!("error: {}", said(finding))));
    if args.paths.is_empty() {
        for name in profile::builtin::names() {
            match profile::builtin::resolve(&name) {
                Ok(profile) => profiles.push(profile),
                Err(error) => problems.push(error.render(settings.colour_stderr)),
            }
        }
    }
    if args.paths.is_empty() {
        match set::all() {
            Ok(all) => sets.extend(all),
            Err(error) => problems.push(error.render(settings.colour_stderr)),
        }
    }
    // A profile may speak of built-in cases and of those beside it.
    let known: Vec<Loaded> =
        builtin::all().into_iter().flatten().chain(suites.iter().cloned()).collect();
    for profile in &profiles {
        if let Err(error) = profile.against(&known) {
            problems.push(error.render(settings.colour_stderr));
        }
    }
    let built_in = builtin::all().unwrap_or_default();
    for set in &sets {
        if let Err(error) = set.of(built_in.clone()) {
            problems.push(format!("error: set `{}`: {error}", *set.set));
        }
    }
    let others = [(profiles.len(), "profile"), (sets.len(), "set"), (projects, "project file")];
    report(&problems, &suites, &others)
}

fn report(
    problems: &[String],
    suites: &[Loaded],
    others: &[(usize, &str)],
) -> Result<Exit, Failure> {
    let cases: usize = suites.iter().map(|loaded| loaded.suite.cases.len()).sum();
    for problem in problems {
        output::note(problem.trim_end());
        output::note("");
    }
    let seen = format!(
        "{} in {}{}",
        plural(cases, "case"),
        plural(suites.len(), "suite"),
        others.iter().map(|(count, noun)| besides(*count, noun)).collect::<String>()
    );
    if problems.is_empty() {
        output::stdout(&format!("ok: {seen}\n"))?;
        return Ok(Exit::Held);
    }
    Err(Failure::usage(format!("{} with problems, besides {seen}", plural(problems.len(), "file"))))
}

fn besides(count: usize, noun: &str) -> String {
    if count > 0 { format!(", {}", plural(count, noun)) } else { String::new() }
}

/// What `init` writes, where it is: linted along where nothing is named.
const USUAL: [&str; 2] = [project::FILE_NAME, "suites"];

/// The files named, and the YAML files of the folders named, in order of name.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let usual = USUAL.map(PathBuf::from).into_iter().filter(|path| path.exists());
    let paths: Vec<PathBuf> = if named.is_empty() { usual.collect() } else { named.to_vec() };
    let mut files = Vec::new();
    for path in &paths {
        if path.is_dir() {
            let mut inside: Vec<PathBuf> = std::fs::read_dir(path)
                .map_err(|error| {
                    Failure::usage(format!("`{}` could not be read: {error}", path.display()))
                })?
                .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                .filter(|path| is_yaml(path))
                .collect();
            inside.sort();
            if inside.is_empty() && !named.is_empty() {
                return Err(Failure::usage(format!("no YAML file in `{}`", path.display())));
            }
            files.extend(inside);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

/// A profile says so with its first key; a file that says nothing is linted as a suite.
fn is_profile(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("proofhouse_profile"))
}
