//! Profiles: what is known of a server before it is asked. Its capabilities, its limits, and the
//! deviations that are known, with a reason and an expiry.
//!
//! A profile never changes an assertion. It gates, it sets parameters, and it lists what is
//! expected to fail.

pub mod builtin;
mod known;
pub mod load;
mod model;

pub use known::KnownMatch;
pub use load::{LoadedProfile, ProfileError};
pub use model::{Capability, Known, Limits, Profile};

/// The JSON Schema of profile files, for editors.
pub fn schema() -> serde_json::Value {
    crate::suite::schema::titled(
        crate::document::shape::schema_of::<Profile>(),
        "A proofhouse profile",
    )
}
