//! What the environment says of AWS, read once by whoever may read it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

/// Variables that start with `AWS_`, and the home folder. Values are shown to nobody.
#[derive(Clone, Default)]
pub struct Surroundings {
    variables: BTreeMap<String, SecretString>,
    home: Option<PathBuf>,
}

impl Surroundings {
    /// These variables, and this home.
    pub fn new(
        variables: impl IntoIterator<Item = (String, String)>,
        home: Option<PathBuf>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name, value.into())).collect();
        Self { variables, home }
    }

    /// The variable `name`; `None` when unset or blank.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = self.variables.get(name)?.expose_secret().trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The variable `name`, as a secret.
    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.get(name).map(SecretString::from)
    }

    /// A file that a variable names, or the one below the home folder.
    pub(super) fn file(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let expand = |path: String| match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        };
        let named = self.get(variable).map(expand);
        named.or_else(|| Some(self.home.as_ref()?.join(below_home)))
    }

    /// A folder below the home folder.
    pub(super) fn below_home(&self, path: &str) -> Option<PathBuf> {
        Some(self.home.as_ref()?.join(path))
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.variables.keys()).finish()
    }
}
