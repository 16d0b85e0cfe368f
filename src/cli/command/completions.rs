//! `proofhouse completions`: a completion script on stdout.

use clap::CommandFactory as _;

use crate::cli::args::{Cli, CompletionsArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "proofhouse", &mut script);
    output::stdout(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Held)
}
