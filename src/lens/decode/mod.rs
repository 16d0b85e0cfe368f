//! How clients turn bytes into events and values: shared between the lenses of one language.

pub(super) mod http;
pub(super) mod json;
pub(super) mod python;
