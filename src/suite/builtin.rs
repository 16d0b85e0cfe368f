//! The suites inside the binary.

use std::path::Path;

use include_dir::{Dir, include_dir};

use super::load::{self, Loaded, SuiteError};
use super::set::{self, Set};
use crate::text::did_you_mean;

static SUITES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/suites");

/// Every built-in suite file: its name (`suites/streaming.yaml`) and text, by name.
pub fn texts() -> Vec<(String, &'static str)> {
    yaml_files(&SUITES, "suites")
}

/// Every built-in set file: its name (`suites/sets/core.yaml`) and text, by name.
pub fn set_texts() -> Vec<(String, &'static str)> {
    SUITES.get_dir("sets").map_or_else(Vec::new, |sets| yaml_files(sets, "suites"))
}

/// Every built-in suite, by file name.
pub fn all() -> Result<Vec<Loaded>, SuiteError> {
    texts().iter().map(|(origin, text)| load::parse_trusted(origin, text)).collect()
}

/// The ids of the built-in suites, by file name: each is its file's name.
pub fn ids() -> Vec<String> {
    stems(&texts())
}

/// The ids of the built-in sets, likewise.
pub fn set_ids() -> Vec<String> {
    stems(&set_texts())
}

fn stems(files: &[(String, &str)]) -> Vec<String> {
    let stem = |(origin, _): &(String, &str)| {
        Path::new(origin).file_stem().map(|stem| stem.to_string_lossy().into_owned())
    };
    files.iter().filter_map(stem).collect()
}

/// What a name given as a suite means.
#[derive(Debug)]
pub enum Named {
    /// A suite, whole.
    Suite(Box<Loaded>),
    /// A set of built-in cases.
    Set(Set),
}

/// The suite or set of that name or in that file.
pub fn named(name: &str) -> Result<Named, SuiteError> {
    if is_path(name) {
        if let Some(set) = set::file(Path::new(name)) {
            return set.map(Named::Set);
        }
    } else if let Some(set) = set::all()?.into_iter().find(|set| *set.set == name) {
        return Ok(Named::Set(set));
    }
    resolve(name).map(|loaded| Named::Suite(Box::new(loaded)))
}

/// The suite of that name: a file, where the name ends in `.yaml`, `.yml` or `.json` or has a
/// separator in it, else a built-in one.
pub fn resolve(name: &str) -> Result<Loaded, SuiteError> {
    if is_path(name) {
        return load::file(Path::new(name));
    }
    let known = [ids(), set_ids()].concat();
    let file = format!("suites/{name}.yaml");
    match texts().iter().find(|(origin, _)| *origin == file) {
        Some((origin, text)) => load::parse_trusted(origin, text),
        None => Err(SuiteError::Unknown {
            name: name.to_owned(),
            near: did_you_mean(name, known.iter().map(String::as_str)).map(str::to_owned),
            known,
        }),
    }
}

/// Whether a name means a file.
pub(crate) fn is_path(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
    name.contains(['/', '\\'])
        || ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending))
}

/// The YAML files of an embedded folder, by name.
pub(crate) fn yaml_files(dir: &Dir<'static>, folder: &str) -> Vec<(String, &'static str)> {
    let mut files: Vec<_> = dir
        .files()
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "yaml"))
        .filter_map(|file| {
            Some((format!("{folder}/{}", file.path().display()), file.contents_utf8()?))
        })
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::lint;

    #[test]
    fn every_built_in_suite_is_without_problems_and_named_as_its_file() {
        let mut suites: Vec<Loaded> = Vec::new();
        let mut said = String::new();
        for (origin, text) in texts() {
            match load::parse(&origin, text) {
                Ok(loaded) => suites.push(loaded),
                Err(error) => said += &error.render(false),
            }
        }
        assert!(said.is_empty(), "{said}");
        assert_eq!(lint::across(&suites), []);
        let named: Vec<&str> = suites.iter().map(|loaded| loaded.suite.suite.as_str()).collect();
        assert_eq!(named, ids());
    }

    #[test]
    fn a_name_that_is_no_suite_is_answered_with_those_there_are() {
        let error = resolve("no-such-suite").unwrap_err();
        assert!(error.render(false).contains("built in are: "), "{error}");
        assert!(matches!(resolve("./no-such-suite.yaml"), Err(SuiteError::Read { .. })));
    }
}
