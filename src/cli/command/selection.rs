//! From `--suite`, `--select` and `--skip` to cases.

use crate::cli::args::SelectionArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::suite::builtin::{self, Named};
use crate::suite::load::Loaded;
use crate::suite::select::{SelectError, Selection};
use crate::suite::{At, Case, SuiteError, lint};

/// The cases to choose from, and what naming them agrees to.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Suites, with only those cases that a set picks where one was named.
    pub(super) suites: Vec<Loaded>,
    /// Capabilities to which a profile's `no` does not count.
    pub(super) allow: Vec<String>,
}

/// Loads the suites and sets that are asked for, or all suites that are built in.
pub(super) fn wanted(args: &SelectionArgs, settings: &Settings) -> Result<Wanted, Failure> {
    let wrong =
        |error: SuiteError| Failure::rendered(Exit::Usage, error.render(settings.colour_stderr));
    let mut wanted = Wanted::default();
    if args.suite.is_empty() {
        wanted.suites = builtin::all().map_err(wrong)?;
    }
    for name in &args.suite {
        let loaded = match builtin::named(name).map_err(wrong)? {
            Named::Suite(loaded) => vec![*loaded],
            Named::Set(set) => {
                wanted.allow.extend(set.allow.iter().map(|word| word.value.clone()));
                let all = builtin::all().map_err(wrong)?;
                set.of(all).map_err(|error| nothing(&error))?
            }
        };
        for loaded in loaded {
            add(&mut wanted.suites, loaded);
        }
    }
    match lint::across(&wanted.suites).into_iter().next() {
        None => Ok(wanted),
        Some(finding) => Err(Failure::usage(said(&finding))
            .hint("ids are never reused; rename one, or name only one of the files")),
    }
}

/// Adds a suite, or what is not there yet of one that two names share.
fn add(suites: &mut Vec<Loaded>, loaded: Loaded) {
    match suites.iter_mut().find(|known| known.origin == loaded.origin) {
        None => suites.push(loaded),
        Some(known) => {
            let cases = &mut known.suite.cases;
            for case in loaded.suite.cases {
                if cases.iter().all(|known| known.id.value != case.id.value) {
                    cases.push(case);
                }
            }
            cases.sort_by_key(|case| case.spot.line);
        }
    }
}

/// A finding with its place.
pub(super) fn said(finding: &lint::Finding) -> String {
    let lint::Finding { origin, spot, message, .. } = finding;
    format!("{origin}:{}:{}: {message}", spot.line, spot.column)
}

/// A suite and its selected cases.
pub(super) type Planned<'a> = (&'a Loaded, Vec<&'a At<Case>>);

/// Picks the cases; nothing selected is a failure of its own.
pub(super) fn plan<'a>(
    suites: &'a [Loaded],
    args: &SelectionArgs,
) -> Result<Vec<Planned<'a>>, Failure> {
    let selection = Selection {
        select: args.select.clone(),
        skip: args.skip.clone(),
        levels: args.level.iter().map(|level| level.level()).collect(),
    };
    let chosen = selection.apply(suites).map_err(|error| nothing(&error))?;
    let planned = suites.iter().enumerate().map(|(suite, loaded)| {
        let here = chosen.iter().filter(|chosen| chosen.suite == suite);
        (loaded, here.filter_map(|chosen| loaded.suite.cases.get(chosen.case)).collect::<Vec<_>>())
    });
    Ok(planned.filter(|(_, cases)| !cases.is_empty()).collect())
}

fn nothing(error: &SelectError) -> Failure {
    Failure::new(Exit::NothingSelected, error).hint("`proofhouse list` shows every check")
}
