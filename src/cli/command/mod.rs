//! One file for each command.

mod calibrate;
mod check;
mod completions;
mod demo;
mod explain;
mod init;
mod lens;
mod lint;
mod list;
mod load;
mod mock;
mod plan;
mod report;
mod sagemaker;
mod scan;
mod selection;
mod table;
mod truth;

use super::args::{Cli, Command};
use super::exit::Exit;
use super::failure::Failure;
use super::settings::Settings;

pub use lens::schema as lens_schema;

/// Runs the command.
pub(super) fn run(cli: &Cli, settings: &Settings) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Demo(args) => demo::run(args, settings),
        Command::Check(args) => check::run(args, settings),
        Command::Calibrate(args) => calibrate::run(args, settings),
        Command::Load(args) => load::run(args, settings),
        Command::Mock(args) => mock::run(args, settings),
        Command::Truth => truth::run(),
        Command::Report(args) => report::run(args, settings),
        Command::Explain(args) => explain::run(args, settings),
        Command::Lens(args) => lens::run(args),
        Command::List(args) => list::run(args, settings),
        Command::Lint(args) => lint::run(args, settings),
        Command::Sagemaker(args) => sagemaker::run(&args.command, settings),
        Command::Scan(args) => scan::run(args),
        Command::Init(args) => init::run(args),
        Command::Completions(args) => completions::run(args),
    }
}

/// The runtime of commands that talk to the world.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Inconclusive, format!("no runtime: {error}")))
}
