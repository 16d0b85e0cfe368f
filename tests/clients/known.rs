//! `fixtures/lens.yaml`: disagreements that are known, each with its reason.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// The fault; empty for none.
    pub(crate) fault: String,
    /// The scenarios; all if none is named.
    #[serde(default)]
    scenarios: Vec<String>,
    /// Why the lens cannot say what the client does.
    pub(crate) reason: String,
}

impl Known {
    pub(crate) fn covers(&self, fault: &str, scenario: &str) -> bool {
        self.fault == fault
            && (self.scenarios.is_empty() || self.scenarios.iter().any(|name| name == scenario))
    }
}

/// What is listed for a client.
pub(crate) fn of(client: &str) -> Vec<Known> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/lens.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let mut all: BTreeMap<String, Vec<Known>> = serde_saphyr::from_str(&text).unwrap();
    all.remove(client).unwrap_or_default()
}
