//! `proofhouse truth`: the server that `calibrate` holds the load client against. Not for people.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::mock::truth::serve;

/// Serves until standard input ends, so that it does not outlive who started it. The first line of
/// output is the port.
pub(super) fn run() -> Result<Exit, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&stop);
    std::thread::spawn(move || {
        let mut byte = [0];
        while matches!(std::io::stdin().read(&mut byte), Ok(1..)) {}
        over.store(true, Ordering::Relaxed);
    });
    let mut told = Ok(());
    serve(&stop, false, |port| told = output::stdout(&format!("{port}\n"))).map_err(|error| {
        Failure::new(Exit::Inconclusive, format!("the truth server failed: {error}"))
    })?;
    told?;
    Ok(Exit::Held)
}
