//! `~/.aws/config` and `~/.aws/credentials`.

use std::collections::BTreeMap;

use super::{CredentialsError, Surroundings};

/// The keys of one section.
pub(super) type Section = BTreeMap<String, String>;

/// Both files.
#[derive(Default)]
pub(super) struct Profiles {
    profiles: BTreeMap<String, Section>,
    sessions: BTreeMap<String, Section>,
}

impl Profiles {
    /// Reads both files; one that is not there is empty.
    pub(super) fn read(surroundings: &Surroundings) -> Result<Self, CredentialsError> {
        let mut profiles = Self::default();
        for (variable, below_home, is_config) in [
            ("AWS_CONFIG_FILE", ".aws/config", true),
            ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", false),
        ] {
            let Some(path) = surroundings.file(variable, below_home) else { continue };
            match std::fs::read_to_string(&path) {
                // The credentials file has the last word, as in the SDKs.
                Ok(text) => profiles.take(&text, is_config),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    let name = format!("the file `{}`", path.display());
                    return Err(CredentialsError::source(&name, error));
                }
            }
        }
        Ok(profiles)
    }

    fn take(&mut self, text: &str, is_config: bool) {
        let mut section: Option<&mut Section> = None;
        for line in text.lines() {
            // An indented line belongs to a nested setting, such as `s3 =`.
            let is_nested = line.starts_with([' ', '\t']);
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.split(']').next()) {
                let mut words = name.split_whitespace();
                let place = match (words.next(), words.next()) {
                    (Some("profile"), Some(name)) if is_config => Some((false, name)),
                    (Some("sso-session"), Some(name)) if is_config => Some((true, name)),
                    (Some(name), None) if !is_config || name == "default" => Some((false, name)),
                    _ => None,
                };
                section = place.map(|(is_session, name)| {
                    let map = if is_session { &mut self.sessions } else { &mut self.profiles };
                    map.entry(name.trim_matches(['"', '\'']).to_owned()).or_default()
                });
            } else if let (Some(section), Some((key, value))) = (&mut section, line.split_once('='))
                && !is_nested
            {
                // A comment after a value begins with a space.
                let value = value.split(" #").next().unwrap_or(value).trim();
                section.insert(key.trim().to_ascii_lowercase(), value.to_owned());
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Section> {
        self.profiles.get(name)
    }

    pub(super) fn session(&self, name: &str) -> Option<&Section> {
        self.sessions.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read_as_the_sdks_read_them() {
        let mut profiles = Profiles::default();
        profiles.take(
            "# a comment\n[default]\nregion = us-east-1 # here\n[profile ci]\nROLE_ARN=arn:x\ns3 =\n  max = 3\n\
             [sso-session corp]\nsso_region = eu-west-1\n[other]\nregion = nowhere\n",
            true,
        );
        profiles.take("[ci]\naws_access_key_id = AKID\n[profile odd]\nx = 1\n", false);
        let value = |profile: &str, key: &str| profiles.get(profile)?.get(key).cloned();
        assert_eq!(value("default", "region").as_deref(), Some("us-east-1"));
        assert_eq!(value("ci", "role_arn").as_deref(), Some("arn:x"));
        assert_eq!(value("ci", "aws_access_key_id").as_deref(), Some("AKID"));
        assert_eq!(value("ci", "max"), None);
        assert_eq!(profiles.session("corp").unwrap()["sso_region"], "eu-west-1");
        assert!(profiles.get("other").is_none() && profiles.get("odd").is_none());
    }
}
