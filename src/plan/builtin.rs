//! The plans inside the binary.

use std::path::Path;

use include_dir::{Dir, include_dir};

use super::load::{self, LoadedPlan, PlanError};
use crate::suite::builtin::{is_path, yaml_files};
use crate::text::did_you_mean;

static PLANS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/plans");

/// Every built-in plan file: its name (`plans/chat.yaml`) and text, by name.
pub fn texts() -> Vec<(String, &'static str)> {
    yaml_files(&PLANS, "plans")
}

/// The names of the built-in plans: each is its file's name.
pub fn names() -> Vec<String> {
    let stem = |(origin, _): &(String, &str)| {
        Path::new(origin).file_stem().map(|stem| stem.to_string_lossy().into_owned())
    };
    texts().iter().filter_map(stem).collect()
}

/// The plan of that name: a file, where the name ends in `.yaml`, `.yml` or `.json`, has a separator
/// in it, or is one; else a built-in one.
pub fn resolve(name: &Path) -> Result<LoadedPlan, PlanError> {
    let shown = name.display().to_string();
    if is_path(&shown) || name.is_file() {
        return load::file(name);
    }
    let wanted = format!("plans/{shown}.yaml");
    if let Some((origin, text)) = texts().iter().find(|(origin, _)| *origin == wanted) {
        return load::parse(origin, text, Path::new("."));
    }
    let names = names();
    let near = did_you_mean(&shown, names.iter().map(String::as_str));
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let known = names.join(", ");
    Err(PlanError::Unknown { name: shown, hint: format!("{near}built in are: {known}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Asks;

    #[test]
    fn every_built_in_plan_is_without_problems_and_makes_requests() {
        assert!(names().len() >= 5, "{:?}", names());
        for name in names() {
            let loaded =
                resolve(Path::new(&name)).unwrap_or_else(|e| panic!("{}", e.render(false)));
            assert!(loaded.plan.title.is_some(), "{name}");
            assert!(!Asks::new(loaded, "m").ask(0).body.is_empty());
        }
    }

    #[test]
    fn a_name_that_is_no_plan_is_answered_with_those_there_are() {
        let said = resolve(Path::new("chatt")).unwrap_err().render(false);
        assert!(said.contains("did you mean `chat`?") && said.contains("rag"), "{said}");
    }
}
