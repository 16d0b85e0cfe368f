//! From `--suite`, `--select` and `--skip` to cases.

use crate::cli::args::SelectionArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::settings::Settings;
use crate::suite::load::Loaded;
use crate::suite::select::{SelectError, Selection};
use crate::suite::{At, Case, builtin, lint};

/// Loads the suites that are asked for, or all that are built in.
pub(super) fn suites(args: &SelectionArgs, settings: &Settings) -> Result<Vec<Loaded>, Failure> {
    let loaded: Result<Vec<Loaded>, _> = if args.suite.is_empty() {
        builtin::all()
    } else {
        args.suite.iter().map(|name| builtin::resolve(name)).collect()
    };
    let loaded = loaded
        .map_err(|error| Failure::rendered(Exit::Usage, error.render(settings.colour_stderr)))?;
    match lint::across(&loaded).into_iter().next() {
        None => Ok(loaded),
        Some(finding) => Err(Failure::usage(said(&finding))
            .hint("ids are never reused; rename one, or name only one of the files")),
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
