//! `proofhouse report`: a saved run, rendered again.

use std::path::{Path, PathBuf};

use crate::cli::args::{FormatArg, OutputArgs, ReportArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::record::{self, Run};
use crate::report::{self, Format, Style};

pub(super) fn run(args: &ReportArgs, settings: &Settings) -> Result<Exit, Failure> {
    probe(&args.output)?;
    let run = record::read(&args.run).map_err(|error| {
        Failure::from_error(Exit::Usage, &error).hint("name the folder of a run record")
    })?;
    Ok(write(&report::as_seen(run), &args.output, settings))
}

/// Makes sure that every asked-for report can be written, each into a file of its own, before the
/// work is done.
pub(super) fn probe(output: &OutputArgs) -> Result<(), Failure> {
    let mut taken: Vec<(PathBuf, &Path)> = Vec::new();
    for (_, path) in &output.report {
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
    output.report.iter().try_for_each(|(_, path)| output::probe(path))
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
    std::iter::once(printed)
        .chain(files)
        .filter_map(Result::err)
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
