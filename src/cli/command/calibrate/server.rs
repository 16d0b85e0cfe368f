//! The truth server, in a process of its own: its processor time is not the client's, and its thread
//! never waits for ours.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::mock::truth::Told;

pub(super) struct TruthServer {
    child: Child,
    port: u16,
}

fn broken(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Inconclusive, format!("the truth server could not be used: {error}"))
}

impl TruthServer {
    pub(super) fn start() -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| broken(&error))?;
        let mut child = Command::new(program)
            .arg("truth")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| broken(&error))?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|error| broken(&error))?;
        }
        let mut server = Self { child, port: 0 };
        server.port = line.trim().parse().map_err(|error| broken(&error))?;
        Ok(server)
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// What it did so far.
    pub(super) fn told(&self) -> Result<Told, Failure> {
        let ask = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.write_all(b"TRUTH\n")?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line)?;
            Ok::<_, std::io::Error>(serde_json::from_str(&line)?)
        };
        ask().map_err(|error| broken(&error))
    }
}

impl Drop for TruthServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
