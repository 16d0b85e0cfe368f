//! Where AWS credentials come from, and tokens minted from them.
//!
//! Written here rather than taken from `aws-config`, which brings a hundred crates and an HTTP
//! client of its own. The order is that of AWS's SDKs; what fails is named by its source, never by
//! a value.

mod chain;
mod error;
mod http;
mod metadata;
mod minter;
mod process;
mod profile;
mod sso;
mod sts;
mod surroundings;

pub use chain::{credentials, environment};
pub use error::CredentialsError;
pub use minter::{Minter, MintingError};
pub use surroundings::Surroundings;
