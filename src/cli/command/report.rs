//! `proofhouse report`: a saved run, rendered again.

use std::path::{Path, PathBuf};

use crate::cli::args::{AnyFormatArg, FormatArg, OutputArgs, ReportArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::load;
use crate::record::{self, Run};
use crate::report::{self, Format, Style};

pub(super) fn run(args: &ReportArgs, settings: &Settings) -> Result<Exit, Failure> {
    probe(&args.report)?;
    if load::is_load(&args.run) {
        let report = load::saved(&args.run).map_err(|error| {
            Failure::from_error(Exit::Usage, &error).hint("name the folder of a run record")
        })?;
        let text = |format: AnyFormatArg, colour| {
            super::load::rendered(&report, format.of_load(), settings, colour)
        };
        let printed = output::stdout(&text(args.format, settings.colour));
        let files = args.report.iter();
        let files = files.map(|(format, path)| output::file(path, &text(*format, false)));
        return Ok(written(std::iter::once(printed).chain(files), settings));
    }
    let output = output_of_check(args)?;
    let run = record::read(&args.run).map_err(|error| {
        Failure::from_error(Exit::Usage, &error).hint("name the folder of a run record")
    })?;
    Ok(write(&report::as_seen(run), &output, settings))
}

/// The same arguments for a check, whose reports come in fewer formats.
fn output_of_check(args: &ReportArgs) -> Result<OutputArgs, Failure> {
    let known = |format: AnyFormatArg| {
        format.of_check().ok_or_else(|| {
            Failure::usage("this is the record of a check, and only loads have that format")
                .hint("console, json, junit, markdown and html are for both")
        })
    };
    let report = args.report.iter().map(|(format, path)| Ok((known(*format)?, path.clone())));
    Ok(OutputArgs {
        format: known(args.format)?,
        report: report.collect::<Result<_, _>>()?,
        verbose: args.verbose,
    })
}

/// Makes sure that every asked-for report can be written, each into a file of its own, before the
/// work is done.
pub(super) fn probe<F>(reports: &[(F, PathBuf)]) -> Result<(), Failure> {
    let mut taken: Vec<(PathBuf, &Path)> = Vec::new();
    for (_, path) in reports {
        let identity = output::identity(path);
        if let Some((_, first)) = taken.iter().find(|(known, _)| *known == identity) {
            let message = if *first == path {
                format!("two reports go into `{}`", path.display())
            } else {
                format!("`{}` and `{}` are one file", first.display(), path.display())
            };
            return Err(Failure::usage(message).hint("name a file for each --report"));
        }
        taken.push((identity, path));
    }
    reports.iter().try_for_each(|(_, path)| output::probe(path))
}

/// Prints, and writes every asked-for report, each whatever became of the others. Says what could
/// not be written.
pub(super) fn write(run: &Run, args: &OutputArgs, settings: &Settings) -> Exit {
    let plain = plain(settings, args.verbose);
    let style = Style { colour: settings.colour, ..plain };
    let printed = output::stdout(&rendered(run, args.format, &style));
    let files = args
        .report
        .iter()
        .map(|(format, path)| output::file(path, &rendered(run, *format, &plain)));
    written(std::iter::once(printed).chain(files), settings)
}

/// What could not be written is said, whatever became of the others.
fn written(done: impl Iterator<Item = Result<(), Failure>>, settings: &Settings) -> Exit {
    done.filter_map(Result::err)
        .fold(Exit::Held, |exit, failure| exit.and(failure.report(settings)))
}

fn plain(settings: &Settings, verbose: bool) -> Style {
    Style { colour: false, width: settings.width, verbose, ..Style::default() }
}

pub(super) fn rendered(run: &Run, format: FormatArg, style: &Style) -> String {
    let format = match format {
        FormatArg::Console => Format::Console,
        FormatArg::Json => Format::Json,
        FormatArg::Junit => Format::Junit,
        FormatArg::Markdown => Format::Markdown,
        FormatArg::Html => Format::Html,
    };
    report::render(format, run, style)
}
