//! The modules stand on floors: each uses only those below it, and the neighbours listed here.
//! `ARCHITECTURE.md` says why.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module: its floor, and the modules of its own floor that it may use.
const FLOORS: &[(&str, u8, &[&str])] = &[
    ("units", 0, &["text"]),
    ("clock", 0, &["units"]),
    ("text", 0, &["units"]),
    ("transcript", 1, &[]),
    ("verdict", 1, &[]),
    ("aws", 2, &[]),
    ("document", 2, &[]),
    ("wire", 2, &[]),
    ("stats", 2, &[]),
    ("dialect", 3, &[]),
    ("leak", 3, &[]),
    ("assert", 4, &[]),
    ("lens", 4, &[]),
    ("suite", 5, &[]),
    ("profile", 5, &["suite", "plan"]),
    ("project", 5, &["suite"]),
    ("plan", 5, &["suite"]),
    ("record", 6, &[]),
    ("transport", 7, &[]),
    ("mock", 7, &[]),
    ("engine", 8, &[]),
    ("load", 8, &[]),
    ("report", 8, &[]),
    ("cli", 9, &[]),
];

/// Edges that the floors would allow and the design does not: the judge and the thing judged
/// share no reading code, and a report is a pure function of a record.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "mock",
        &[
            "wire", "stats", "document", "dialect", "assert", "suite", "profile", "project",
            "record",
        ],
    ),
    ("report", &["transport", "mock", "clock"]),
    // What is measured and what measures it know nothing of each other.
    ("load", &["mock"]),
    ("transport", &["assert", "suite", "record"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a source names after `crate::`, comments left out. `use crate::{a, b}` is not
/// written in this house.
fn uses(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in source.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for rest in line.split("crate::").skip(1) {
            let name: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            assert!(!rest.starts_with('{'), "line {}: name one module for each `use`", index + 1);
            if !name.is_empty() {
                found.push((index + 1, name));
            }
        }
    }
    found
}

#[test]
fn every_module_uses_only_the_floors_below_it() {
    let floors: BTreeMap<&str, (u8, &[&str])> =
        FLOORS.iter().map(|(name, floor, beside)| (*name, (*floor, *beside))).collect();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(module, "main" | "lib") {
            continue;
        }
        let Some((floor, beside)) = floors.get(module) else {
            panic!("`{module}` has no floor: give it one in tests/floors.rs and ARCHITECTURE.md");
        };
        let forbidden = FORBIDDEN.iter().find(|(name, _)| *name == module).map_or(&[][..], |f| f.1);
        for (line, used) in uses(&fs::read_to_string(&file).unwrap()) {
            let Some((used_floor, _)) = floors.get(used.as_str()) else { continue };
            let allowed = used == module || used_floor < floor || beside.contains(&used.as_str());
            if !allowed || forbidden.contains(&used.as_str()) {
                wrong.push(format!("src/{}:{line} uses `{used}`", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "edges that ARCHITECTURE.md does not allow:\n{}", wrong.join("\n"));
}
