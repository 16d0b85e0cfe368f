//! How clients turn bytes into events and values: shared between the lenses of one language.

pub(super) mod eventsource;
pub(super) mod http;
pub(super) mod js;
pub(super) mod json;
pub(super) mod node;
pub(super) mod python;
