//! `proofhouse sagemaker`: tokens and policies.

mod policy;
mod token;

use crate::cli::args::SagemakerCommand;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::settings::{self, Settings};

pub(super) fn run(command: &SagemakerCommand, settings: &Settings) -> Result<Exit, Failure> {
    match command {
        SagemakerCommand::Token(args) => token::run(args),
        SagemakerCommand::Policy(args) => policy::run(args, settings),
    }
}

/// The region that was named. As with the SDK's generator, neither `AWS_DEFAULT_REGION` nor a
/// profile is asked: a token that is good elsewhere is refused, and nobody says why.
fn region(named: Option<&String>) -> Result<String, Failure> {
    let named = named.cloned().or_else(|| settings::surroundings().get("AWS_REGION"));
    named.filter(|region| !region.is_empty()).ok_or_else(|| {
        Failure::usage("no region was named").hint("name it: --region us-west-2, or set AWS_REGION")
    })
}
