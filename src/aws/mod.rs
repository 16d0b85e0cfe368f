//! What is known of AWS without asking it: signatures, bearer tokens, endpoint names and policies.
//!
//! Nothing here touches the network, the environment or a clock: who signs gives the credentials
//! and the time.

pub mod bearer;
mod credentials;
pub mod endpoint;
pub mod policy;
pub mod presigned;
pub mod sigv4;

pub use credentials::Credentials;
