//! Sets: selections of built-in cases that have a name, such as `core`.
//!
//! A set picks and adds nothing. It is given where a suite is (`--suite core`), and may be narrowed
//! further with `--select` and `--skip`.

use std::path::Path;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::builtin;
use super::capability;
use super::load::{self, Loaded, SuiteError};
use super::schema::titled;
use super::select::{SelectError, Selection};
use crate::document::{self, At, DocumentError, Kind, Node, Problem};
use crate::text::did_you_mean;
use crate::verdict::Level;

/// The version of the format that this binary reads.
const VERSION: u64 = 1;

static SCHEMA: LazyLock<Value> = LazyLock::new(document::shape::schema_of::<Set>);

/// One set file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The format's version; this binary reads version 1.
    pub proofhouse_set: At<u32>,
    /// The set's id, as `--suite` takes it.
    pub set: At<String>,
    /// One line for people.
    pub title: String,
    /// Patterns of the cases that are in it, as `--select` takes them; every case if absent.
    #[serde(default)]
    pub select: Vec<String>,
    /// Patterns of the cases that are not, as `--skip` takes them.
    #[serde(default)]
    pub skip: Vec<String>,
    /// Only cases of these levels.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// Capabilities that whoever names the set agrees to: a profile's `no` to them, which is mostly
    /// a caution, does not count.
    #[serde(default)]
    pub allow: Vec<At<String>>,
}

/// Every built-in set, by file name.
pub fn all() -> Result<Vec<Set>, SuiteError> {
    builtin::set_texts().iter().map(|(origin, text)| parse(origin, text)).collect()
}

/// The JSON Schema of set files, for editors.
pub fn schema() -> Value {
    titled(document::shape::schema_of::<Set>(), "A proofhouse set of cases")
}

/// Whether a file is a set: it says so with its first key.
pub fn is_set(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("proofhouse_set"))
}

/// Reads a set and lints it. `origin` is how messages call it.
pub fn parse(origin: &str, text: &str) -> Result<Set, SuiteError> {
    let wrong = |problems| Err(SuiteError::Wrong(DocumentError::new(origin, text, problems)));
    let (tree, mut problems) = document::parse_yaml(text);
    let Some(tree) = tree else { return wrong(problems) };
    let (set, shape) = document::read::<Set>(&SCHEMA, &tree);
    problems.extend(shape);
    problems.extend(lint(&tree));
    match set {
        Some(set) if problems.is_empty() => Ok(set),
        _ => wrong(problems),
    }
}

fn lint(tree: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(node) = tree.get("proofhouse_set")
        && let Kind::Number(number) = &node.kind
        && number.as_u64() != Some(VERSION)
    {
        let message = format!("this binary reads sets of version {VERSION}, not {number}");
        problems.push(Problem::new("version", message, node.caret()));
    }
    for node in tree.get("allow").map_or(&[][..], Node::items) {
        let Some(name) = node.text() else { continue };
        if capability::names().any(|known| known == name) {
            continue;
        }
        let problem = Problem::new(
            "unknown-capability",
            format!("unknown capability `{name}`"),
            node.caret(),
        );
        let near = did_you_mean(name, capability::names());
        problems.push(match near {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        });
    }
    problems
}

/// Reads the set in a file, if the file is one.
pub fn file(path: &Path) -> Option<Result<Set, SuiteError>> {
    let text = load::read_text(path).ok()?;
    is_set(&text).then(|| parse(&path.display().to_string(), &text))
}

impl Set {
    /// The suites with only those of their cases that are in the set; suites of which nothing is left
    /// are left out.
    pub fn of(&self, suites: Vec<Loaded>) -> Result<Vec<Loaded>, SelectError> {
        let selection = Selection {
            select: self.select.clone(),
            skip: self.skip.clone(),
            levels: self.levels.clone(),
        };
        let chosen = selection.apply(&suites)?;
        let picked = suites.into_iter().enumerate().map(|(suite, mut loaded)| {
            let mut case = 0;
            loaded.suite.cases.retain(|_| {
                case += 1;
                chosen.iter().any(|chosen| chosen.suite == suite && chosen.case + 1 == case)
            });
            loaded
        });
        Ok(picked.filter(|loaded| !loaded.suite.cases.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::lint;

    #[test]
    fn every_built_in_set_is_named_as_its_file_and_picks_something() {
        let suites = builtin::all().unwrap();
        for (origin, text) in builtin::set_texts() {
            let set =
                parse(&origin, text).unwrap_or_else(|error| panic!("{}", error.render(false)));
            assert_eq!(origin, format!("suites/sets/{}.yaml", *set.set));
            assert!(!builtin::ids().contains(&set.set.value), "{origin} is called like a suite");
            let picked = set.of(suites.clone()).unwrap_or_else(|error| panic!("{origin}: {error}"));
            assert_eq!(lint::across(&picked), []);
        }
    }

    #[test]
    fn a_set_picks_cases_by_pattern_and_level_and_drops_empty_suites() {
        let set = parse(
            "s.yaml",
            "proofhouse_set: 1\nset: s\ntitle: t\nselect: [sse.*]\nskip: [sse.done-sentinel]\nlevels: [must]\n",
        );

        let picked = set.unwrap().of(builtin::all().unwrap()).unwrap();

        assert_eq!(picked.len(), 1);
        assert_eq!(*picked[0].suite.suite, "streaming");
        assert!(picked[0].suite.cases.iter().all(|case| case.level == Level::Must));
        assert!(picked[0].suite.cases.iter().all(|case| *case.id != "sse.done-sentinel"));
    }

    #[test]
    fn what_is_wrong_with_a_set_is_told_where_it_stands() {
        let said = |text: &str| parse("s.yaml", text).unwrap_err().render(false);
        let version = said("proofhouse_set: 2\nset: s\ntitle: t\n");
        assert!(version.contains("s.yaml:1:17") && version.contains("version 1"), "{version}");
        let word = said("proofhouse_set: 1\nset: s\ntitle: t\nallow: [lod]\n");
        assert!(word.contains("did you mean `load`?"), "{word}");
    }
}
