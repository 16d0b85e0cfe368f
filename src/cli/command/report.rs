//! `proofhouse report`: a saved run, rendered again.

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
    write(&report::as_seen(run), &args.output, settings)?;
    Ok(Exit::Held)
}

/// Makes sure that every asked-for report can be written, before the work is done.
pub(super) fn probe(output: &OutputArgs) -> Result<(), Failure> {
    output.report.iter().try_for_each(|(_, path)| output::probe(path))
}

/// Writes every asked-for report, then prints.
pub(super) fn write(run: &Run, args: &OutputArgs, settings: &Settings) -> Result<(), Failure> {
    for (format, path) in &args.report {
        output::file(path, &rendered(run, *format, &plain(settings, args.verbose)))?;
    }
    let style = Style { colour: settings.colour, ..plain(settings, args.verbose) };
    output::stdout(&rendered(run, args.format, &style))
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
