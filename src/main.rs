//! The `proofhouse` binary: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    proofhouse::cli::main()
}
