//! An endpoint of our own: a conforming simulator of an OpenAI-compatible server, and on demand a
//! broken one.
//!
//! A request is read into an ask, the brain decides on an answer, a persona gives it the shape its
//! server is known for, named faults bend it, and the outcome is a [`Script`]: a head, bytes with
//! their times, and an end. A player sends the script on time. A saved
//! [`Exchange`](crate::transcript::Exchange) is a script too.
//!
//! The mock shares no reading code with the checks that judge it: it may use the transcript's
//! words and nothing above them.
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! use proofhouse::mock::{Config, Server};
//! let server = Server::start(Config { faults: "sse-no-done".parse().unwrap(), ..Config::default() })?;
//! println!("{}", server.base_url());
//! # Ok(())
//! # }
//! ```

mod act;
mod answer;
mod archive;
mod ask;
mod brain;
mod capture;
mod config;
mod desk;
mod event;
mod fault;
mod gate;
mod gzip;
mod house;
mod line;
mod metrics;
mod multipart;
mod pacer;
mod persona;
mod player;
mod refusal;
mod render;
mod replay;
mod reply;
mod request;
mod route;
mod script;
mod server;
mod service;
mod tokens;
pub mod truth;

pub use capture::Captured;
pub use config::Config;
pub use fault::{Fault, Faults, UnknownFault, faults};
pub use gate::Gate;
pub use persona::{Deviation, Persona, UnknownPersona};
pub use script::{Cue, Ending, Head, Script};
pub use server::Server;

/// How late the pacer rings a sleeper that asked to be woken `ahead` from now.
///
/// For the benchmark of the pacer; a test would assert wall time.
#[doc(hidden)]
pub async fn pacer_lateness(ahead: crate::units::Nanos) -> crate::units::Nanos {
    let due = pacer::now() + ahead;
    pacer::until(due).await;
    pacer::now().since(due)
}
