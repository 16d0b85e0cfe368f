//! Profiles from text and files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::model::{Profile, REFERENCE_PROMPTS};
use crate::document::{self, DocumentError, Entry, Kind, Node, Problem};
use crate::suite::load::{hex, read_text};
use crate::suite::select::covers;
use crate::suite::{Loaded, capability};
use crate::text::did_you_mean;

/// The version of the format that this binary reads.
const VERSION: u64 = 1;

static SCHEMA: LazyLock<Value> = LazyLock::new(document::shape::schema_of::<Profile>);

/// A profile with the text it was read from.
#[derive(Clone, Debug)]
pub struct LoadedProfile {
    /// The profile.
    pub profile: Profile,
    /// Its text.
    pub text: String,
    /// The path as given, or `profiles/x.yaml` for one inside the binary.
    pub origin: String,
    /// Of the text, in hexadecimal.
    pub sha256: String,
}

/// A profile that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The file could not be read.
    #[error("profile `{}` cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No built-in profile has that name and no file either.
    #[error("there is no profile `{name}`: neither a built-in one nor a file")]
    Unknown {
        /// The name as given.
        name: String,
        /// What was perhaps meant.
        near: Option<String>,
        /// The built-in profiles.
        known: Vec<String>,
    },
    /// The file is wrong.
    #[error("profile {0}")]
    Wrong(DocumentError),
}

impl ProfileError {
    /// For a terminal: every problem with its line, a caret and what to do; ends with a line end.
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Read { .. } => format!("error: {self}\n"),
            Self::Unknown { near, known, .. } => {
                let near = near.as_ref().map(|near| format!("did you mean `{near}`? "));
                let near = near.unwrap_or_default();
                format!("error: {self}\n  = help: {near}built in are: {}\n", known.join(", "))
            }
            Self::Wrong(error) => error.render(colour),
        }
    }
}

/// Reads a profile and lints it. `origin` is how messages call it.
pub fn parse(origin: &str, text: &str) -> Result<LoadedProfile, ProfileError> {
    let wrong = |problems| Err(ProfileError::Wrong(DocumentError::new(origin, text, problems)));
    let (tree, mut problems) = document::parse_yaml(text);
    let Some(tree) = tree else { return wrong(problems) };
    let (profile, shape) = document::read::<Profile>(&SCHEMA, &tree);
    problems.extend(shape);
    problems.extend(lint(&tree));
    match profile {
        Some(profile) if problems.is_empty() => Ok(LoadedProfile {
            profile,
            text: text.to_owned(),
            origin: origin.to_owned(),
            sha256: hex(&Sha256::digest(text)),
        }),
        _ => wrong(problems),
    }
}

/// Reads the profile in a file.
pub fn file(path: &Path) -> Result<LoadedProfile, ProfileError> {
    let text =
        read_text(path).map_err(|source| ProfileError::Read { path: path.to_owned(), source })?;
    parse(&path.display().to_string(), &text)
}

impl LoadedProfile {
    /// Entries that cover no case of `suites`, which should be all there are: a list of known
    /// deviations that names nothing would never shrink.
    pub fn against(&self, suites: &[Loaded]) -> Result<(), ProfileError> {
        let ids: BTreeSet<&str> = suites
            .iter()
            .flat_map(|loaded| loaded.suite.cases.iter().map(|case| case.id.as_str()))
            .collect();
        let (Some(tree), _) = document::parse_yaml(&self.text) else { return Ok(()) };
        let problems: Vec<Problem> = checks(&tree)
            .filter(|(check, _)| !ids.iter().any(|id| covers(check, id)))
            .map(|(check, node)| {
                let message = format!("no case is called `{check}`");
                let near = did_you_mean(check, ids.iter().copied());
                let mut problem = Problem::new("unknown-check", message, node.caret());
                problem.help = near.map(|near| format!("did you mean `{near}`?"));
                problem
            })
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(ProfileError::Wrong(DocumentError::new(&self.origin, &self.text, problems)))
    }
}

fn checks(tree: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let entries = tree.get("known").map_or(&[][..], Node::items).iter();
    entries.filter_map(|entry| {
        let node = entry.get("check")?;
        Some((node.text()?, node))
    })
}

fn lint(tree: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(node) = tree.get("proofhouse_profile")
        && let Kind::Number(number) = &node.kind
        && number.as_u64() != Some(VERSION)
    {
        let message = format!("this binary reads profiles of version {VERSION}, not {number}");
        problems.push(Problem::new("version", message, node.caret()));
    }
    problems
        .extend(tree.get("capabilities").map_or(&[][..], Node::entries).iter().filter_map(unknown));
    for entry in tree.get("limits").map_or(&[][..], Node::entries) {
        if matches!(&entry.value.kind, Kind::Number(number) if number.as_f64().is_some_and(|n| n <= 0.0))
        {
            let message = format!("`{}` is greater than zero", entry.key);
            problems.push(Problem::new("out-of-range", message, entry.value.caret()));
        }
    }
    problems.extend(unknown_counts(tree));
    let mut seen: Vec<(&str, &Node)> = Vec::new();
    for (check, node) in checks(tree) {
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == check) {
            let message = format!("`{check}` is known twice");
            let problem = Problem::new("duplicate-known", message, node.caret());
            problems.push(problem.also(first.caret(), "first here"));
        }
        seen.push((check, node));
    }
    for known in tree.get("known").map_or(&[][..], Node::items) {
        if let Some(check) = known.get("check")
            && check.text().is_some_and(|text| text.contains('*'))
            && known.get("expires").is_none_or(|node| node.kind == Kind::Null)
        {
            let message = "a pattern needs `expires`: it hides what nobody has seen yet";
            let problem = Problem::new("open-wildcard", message.to_owned(), check.caret());
            problems.push(problem.help("`expires: 2027-01-31`, or name each check".to_owned()));
        }
        if let Some(reason) = known.get("reason")
            && reason.text().is_some_and(|text| text.trim().is_empty())
        {
            let message = "`reason` is empty: say why the deviation is accepted";
            problems.push(Problem::new("empty", message.to_owned(), reason.caret()));
        }
    }
    problems
}

/// Who says that the counts of the reference prompts are known must say them.
fn unknown_counts(tree: &Node) -> Option<Problem> {
    let entry = tree.get("capabilities")?.entry("reference_tokens")?;
    let counts = tree.get("limits").and_then(|limits| limits.get("reference_tokens"));
    let said = counts.map_or(0, |counts| counts.items().len());
    let known = matches!(&entry.value.kind, Kind::Bool(true)) || entry.value.text() == Some("yes");
    if !known || said == REFERENCE_PROMPTS {
        return None;
    }
    let message = format!(
        "`reference_tokens` needs {REFERENCE_PROMPTS} counts under `limits.reference_tokens`, and \
         there are {said}"
    );
    Some(Problem::new("missing-counts", message, entry.key_span.clone()))
}

fn unknown(entry: &Entry) -> Option<Problem> {
    if capability::names().any(|name| name == entry.key) {
        return None;
    }
    let near = did_you_mean(&entry.key, capability::names());
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let known: Vec<_> = capability::names().collect();
    let message = format!("unknown capability `{}`", entry.key);
    let problem = Problem::new("unknown-capability", message, entry.key_span.clone());
    Some(problem.help(format!("{near}there are: {}", known.join(", "))))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::profile::Capability;

    const HEAD: &str = "proofhouse_profile: 1\nname: x\n";

    fn read(rest: &str) -> LoadedProfile {
        parse("p.yaml", &format!("{HEAD}{rest}"))
            .unwrap_or_else(|error| panic!("{}", error.render(false)))
    }

    fn refusal(rest: &str) -> String {
        parse("p.yaml", &format!("{HEAD}{rest}")).unwrap_err().render(false)
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_capability_is_yes_no_or_to_be_found_out() {
        let profile = read("capabilities: {tools: yes, n: no, stream: true, seed: probe}").profile;
        let said = |name| profile.capability(name);
        assert_eq!(said("tools"), Capability::Yes);
        assert_eq!(said("n"), Capability::No);
        assert_eq!(said("stream"), Capability::Yes);
        assert_eq!(said("seed"), Capability::Probe);
        assert_eq!(said("vision"), Capability::Probe);
        assert_eq!(said("batches"), Capability::No, "what costs is opted in to");
        assert!(refusal("capabilities: {tool: yes}").contains("did you mean `tools`?"));
        assert!(refusal("capabilities: {tools: maybe}").contains("expected `yes`, `no`, `probe`"));
    }

    #[test]
    fn counts_of_reference_prompts_that_are_known_are_said() {
        let said = refusal("capabilities: {reference_tokens: yes}");
        assert!(said.contains("needs 3 counts") && said.contains("p.yaml:3:16"), "{said}");
        read("capabilities: {reference_tokens: yes}\nlimits: {reference_tokens: [3, 4, 5]}");
        read("capabilities: {reference_tokens: no}");
    }

    #[test]
    fn what_costs_or_assumes_a_special_server_is_opted_in_to() {
        const LIMITS: &str = "limits: {reference_tokens: [3, 4, 5]}";
        let silent = read("").profile;
        for word in crate::suite::CAPABILITIES {
            let expected = if word.opt_in.is_some() { Capability::No } else { Capability::Probe };
            assert_eq!(silent.capability(word.name), expected, "{}", word.name);
            for (said, means) in [("yes", Capability::Yes), ("probe", Capability::Probe)] {
                let text = format!("capabilities: {{{}: {said}}}\n{LIMITS}", word.name);
                assert_eq!(read(&text).profile.capability(word.name), means, "{}", word.name);
            }
        }
    }

    #[test]
    fn a_deviation_is_known_until_the_day_it_expires() {
        let loaded = read(
            "known:\n  - {check: errors.code-type, reason: r, expires: 2027-01-31}\n  \
             - {check: errors.type, reason: r}\n",
        );
        let at =
            |check, date| loaded.profile.known_for(check, day(date)).map(|found| found.expired);
        assert_eq!(at("errors.code-type", "2027-01-30"), Some(false));
        assert_eq!(at("errors.code-type", "2027-01-31"), Some(true));
        assert_eq!(at("errors.type", "2099-01-01"), Some(false));
        assert_eq!(at("errors.message", "2026-01-01"), None);
    }

    #[test]
    fn the_id_itself_goes_before_a_pattern_and_what_holds_before_what_expired() {
        let loaded = read(
            "known:\n  - {check: 'errors.*', reason: all, expires: 2027-06-30}\n  \
             - {check: errors.type, reason: one, expires: 2027-01-31}\n",
        );
        let reason = |date| {
            let found = loaded.profile.known_for("errors.type", day(date)).unwrap();
            (found.known.reason.as_str(), found.expired)
        };
        assert_eq!(reason("2027-01-01"), ("one", false));
        assert_eq!(reason("2027-03-01"), ("all", false));
        assert_eq!(reason("2028-01-01"), ("one", true));
    }

    #[test]
    fn a_pattern_without_expiry_is_refused() {
        let said = refusal("known:\n  - {check: 'errors.*', reason: r}\n");
        assert!(said.contains("a pattern needs `expires`"), "{said}");
        assert!(said.contains("p.yaml:4:13"), "{said}");
    }

    #[test]
    fn a_date_that_is_none_is_refused_where_it_stands() {
        let said = refusal("known:\n  - {check: errors.type, reason: r, expires: soon}\n");
        assert!(said.contains("expected a day such as `2027-01-31`, found `soon`"), "{said}");
        let said = refusal("known:\n  - {check: errors.type, reason: r, expires: 2027-02-31}\n");
        assert!(said.contains("p.yaml:4:46"), "{said}");
    }

    #[test]
    fn a_check_that_does_not_exist_is_told_once_the_cases_are_known() {
        let suite = "proofhouse: 1\nsuite: e\ntitle: t\ncases:\n  - {id: errors.type, title: t, \
                     level: must, source: [s], why: w, steps: [{request: {path: /x}, expect: \
                     [{stream: done}]}]}\n";
        let suites = [crate::suite::load::parse("e.yaml", suite).unwrap()];
        assert!(read("known:\n  - {check: errors.type, reason: r}\n").against(&suites).is_ok());
        let loaded = read("known:\n  - {check: errors.typ, reason: r}\n");
        let said = loaded.against(&suites).unwrap_err().render(false);
        assert!(said.contains("no case is called `errors.typ`"), "{said}");
        assert!(said.contains("did you mean `errors.type`?"), "{said}");
    }
}
