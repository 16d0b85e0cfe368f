//! The shell around the library: arguments, environment, terminal, exit codes.

mod args;
mod argv;
mod cloud;
mod command;
mod exit;
mod failure;
mod output;
mod preflight;
mod progress;
mod project;
mod settings;
mod signals;
mod targets;
mod vocabulary;

use std::process::ExitCode;

use clap::Parser as _;

pub use args::Cli;
pub use command::lens_schema;
pub use exit::Exit;

/// Parses the command line, runs the command, says what went wrong, and gives the exit code.
pub fn main() -> ExitCode {
    let settings = settings::Settings::from_environment();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap's own help and version go to stdout and are no failure.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Held };
            let _ = error.print();
            return code.into();
        }
    };
    match command::run(&cli, &settings) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(&settings).into(),
    }
}
