//! The load driver: a plan's requests against an endpoint, measured so that the client's own part
//! in the numbers is small, and told.
//!
//! ```text
//! plan ─ source ─ shard (one event loop per thread: start, read, stamp) ─ notes ─ clerk (judge, count, write) ─ report
//! ```
//!
//! - `shard` speaks HTTP/1.1 over its own sockets: one thread, one poll, no task per request.
//! - `gist` keeps of each stream what the rules could care about, and nothing else.
//! - `ruling` runs the shared rules on it, so that "good" means what `check` means.
//! - `clerk` does everything that may take its time.

mod alarm;
mod call;
mod clerk;
mod driver;
mod fluidity;
mod folder;
mod gist;
mod harvest;
mod http;
mod intervals;
mod ledger;
mod line;
mod machine;
mod meter;
mod note;
mod peer;
mod pool;
mod post;
mod reconcile;
mod recount;
mod resume;
mod room;
mod ruling;
mod scrape;
mod server;
mod sessions;
mod setup;
mod shard;
mod source;
mod steady;
mod stock;
mod summary;
mod template;
#[cfg(test)]
mod tests;
mod tokens;
mod work;

pub use clerk::Glance;
pub use driver::{Job, LoadError, Watcher, run};
pub use peer::check_target;
pub use resume::{is_load, plan_of, saved};
