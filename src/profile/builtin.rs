//! The profiles inside the binary.

use std::path::Path;

use include_dir::{Dir, include_dir};

use super::load::{self, LoadedProfile, ProfileError};
use crate::suite::builtin::{is_path, yaml_files};
use crate::text::did_you_mean;

static PROFILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// The profile of a target that names none.
pub const DEFAULT: &str = "generic";

/// Every built-in profile file: its name (`profiles/vllm.yaml`) and text, by name.
pub fn texts() -> Vec<(String, &'static str)> {
    yaml_files(&PROFILES, "profiles")
}

/// The names of the built-in profiles.
pub fn names() -> Vec<String> {
    let stem = |(origin, _): &(String, &str)| {
        Path::new(origin).file_stem().map(|stem| stem.to_string_lossy().into_owned())
    };
    texts().iter().filter_map(stem).collect()
}

/// The profile of that name: a file, where the name ends in `.yaml`, `.yml` or `.json` or has a
/// separator in it, else a built-in one.
pub fn resolve(name: &str) -> Result<LoadedProfile, ProfileError> {
    if is_path(name) {
        return load::file(Path::new(name));
    }
    let known = names();
    let file = format!("profiles/{name}.yaml");
    match texts().iter().find(|(origin, _)| *origin == file) {
        Some((origin, text)) => load::parse(origin, text),
        None => Err(ProfileError::Unknown {
            name: name.to_owned(),
            near: did_you_mean(name, known.iter().map(String::as_str)).map(str::to_owned),
            known,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_is_without_problems_and_named_as_its_file() {
        let names = names();
        assert!(names.contains(&DEFAULT.to_owned()), "{names:?}");
        for name in names {
            let loaded = resolve(&name).unwrap_or_else(|error| panic!("{}", error.render(false)));
            assert_eq!(loaded.profile.name, name);
            for known in &loaded.profile.known {
                assert!(known.link.is_some(), "{name}: {} has no link", known.check);
                assert!(known.expires.is_some(), "{name}: {} has no expiry", known.check);
            }
        }
    }

    #[test]
    fn every_known_deviation_of_a_built_in_profile_names_a_built_in_case() {
        let suites = crate::suite::builtin::all().unwrap();
        for name in names() {
            let loaded = resolve(&name).unwrap();
            loaded.against(&suites).unwrap_or_else(|error| panic!("{}", error.render(false)));
        }
    }

    #[test]
    fn a_misspelt_profile_is_answered_with_the_one_meant() {
        let said = resolve("vlm").unwrap_err().render(false);
        assert!(said.contains("did you mean `vllm`?"), "{said}");
    }
}
