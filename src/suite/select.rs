//! Which cases to run.

use std::fmt;

use regex::Regex;
use thiserror::Error;

use super::load::Loaded;
use super::model::Case;
use crate::text::plural;
use crate::verdict::Level;

/// How many near misses a message names for one pattern.
const NEAR_MAX: usize = 3;

/// What was asked for. An empty list asks for everything, or skips nothing.
///
/// A pattern is a case id (`sse.done-sentinel`), one with `*` (`sse.*`), a suite (`streaming` or
/// `suite:streaming`), an area (`sse`), `tag:x`, `needs:tools` or `level:must`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Patterns of the cases to run.
    pub select: Vec<String>,
    /// Patterns of the cases to leave out.
    pub skip: Vec<String>,
    /// The levels to run.
    pub levels: Vec<Level>,
}

/// A case that was chosen, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chosen {
    /// Which suite.
    pub suite: usize,
    /// Which of its cases.
    pub case: usize,
}

/// A selection that says nothing about these suites.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// Patterns that match no case: a misspelt `--skip` would run what must not run.
    #[error("{}", lines(patterns))]
    Unknown {
        /// In the order given.
        patterns: Vec<Idle>,
    },
    /// Every pattern matches something, and together they leave nothing.
    #[error("the selection leaves none of {}", plural(*of, "case"))]
    Nothing {
        /// How many cases there were.
        of: usize,
    },
}

/// A pattern that matches no case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idle {
    /// The pattern.
    pub pattern: String,
    /// What was perhaps meant, best first.
    pub near: Vec<String>,
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no case matches `{}`", self.pattern)?;
        match self.near.as_slice() {
            [] => Ok(()),
            near => write!(f, "; did you mean `{}`?", near.join("`, `")),
        }
    }
}

fn lines(patterns: &[Idle]) -> String {
    patterns.iter().map(Idle::to_string).collect::<Vec<_>>().join("\n")
}

impl Selection {
    /// The cases to run, in the order of the suites.
    pub fn apply(&self, suites: &[Loaded]) -> Result<Vec<Chosen>, SelectError> {
        let read = |texts: &[String]| -> Vec<Pattern> {
            texts.iter().map(|text| Pattern::read(text, suites)).collect()
        };
        let (select, skip) = (read(&self.select), read(&self.skip));
        let all: Vec<(Chosen, &Loaded, &Case)> = suites
            .iter()
            .enumerate()
            .flat_map(|(suite, loaded)| {
                let cases = loaded.suite.cases.iter().enumerate();
                cases.map(move |(case, at)| (Chosen { suite, case }, loaded, &at.value))
            })
            .collect();

        let idle: Vec<Idle> = select
            .iter()
            .chain(&skip)
            .filter(|pattern| !all.iter().any(|(_, suite, case)| pattern.matches(suite, case)))
            .map(|pattern| Idle { pattern: pattern.text.clone(), near: near(pattern, suites) })
            .collect();
        if !idle.is_empty() {
            return Err(SelectError::Unknown { patterns: idle });
        }

        let any = |patterns: &[Pattern], suite: &Loaded, case: &Case| {
            patterns.iter().any(|pattern| pattern.matches(suite, case))
        };
        let chosen: Vec<Chosen> = all
            .iter()
            .filter(|(_, suite, case)| {
                (select.is_empty() || any(&select, suite, case))
                    && !any(&skip, suite, case)
                    && (self.levels.is_empty() || self.levels.contains(&case.level))
            })
            .map(|(chosen, ..)| *chosen)
            .collect();
        if chosen.is_empty() { Err(SelectError::Nothing { of: all.len() }) } else { Ok(chosen) }
    }
}

struct Pattern {
    text: String,
    kind: Kind,
}

enum Kind {
    Id(Regex),
    Suite(String),
    Area(String),
    Tag(String),
    Needs(String),
    Level(String),
}

impl Pattern {
    fn read(text: &str, suites: &[Loaded]) -> Self {
        let kind = match text.split_once(':') {
            Some(("suite", name)) => Kind::Suite(name.to_owned()),
            Some(("tag", name)) => Kind::Tag(name.to_owned()),
            Some(("needs", name)) => Kind::Needs(name.to_owned()),
            Some(("level", name)) => Kind::Level(name.to_owned()),
            _ if text.contains(['.', '*']) => Kind::Id(glob(text)),
            _ if suites.iter().any(|loaded| *loaded.suite.suite == text) => {
                Kind::Suite(text.to_owned())
            }
            _ => Kind::Area(format!("{text}.")),
        };
        Self { text: text.to_owned(), kind }
    }

    fn matches(&self, suite: &Loaded, case: &Case) -> bool {
        match &self.kind {
            Kind::Id(pattern) => pattern.is_match(&case.id),
            Kind::Suite(name) => *suite.suite.suite == *name,
            Kind::Area(area) => case.id.starts_with(area.as_str()),
            Kind::Tag(tag) => case.tags.contains(tag),
            Kind::Needs(name) => case.needs.iter().any(|need| **need == *name),
            Kind::Level(name) => case.level.name() == name,
        }
    }
}

/// `sse.*` as an expression over whole ids.
fn glob(text: &str) -> Regex {
    let parts: Vec<String> = text.split('*').map(regex::escape).collect();
    Regex::new(&format!("^{}$", parts.join(".*"))).expect("escaped text and `.*` are an expression")
}

/// Whether a profile's or a selection's pattern covers an id.
pub fn covers(pattern: &str, id: &str) -> bool {
    pattern == id || (pattern.contains('*') && glob(pattern).is_match(id))
}

/// The words nearest to a pattern among those of its kind.
fn near(pattern: &Pattern, suites: &[Loaded]) -> Vec<String> {
    let cases = || suites.iter().flat_map(|loaded| loaded.suite.cases.iter());
    let ids = || cases().map(|case| case.id.value.clone());
    let names = || suites.iter().map(|loaded| loaded.suite.suite.value.clone());
    let with = |kind: &str, words: Vec<String>| -> Vec<String> {
        words.into_iter().map(|word| format!("{kind}:{word}")).collect()
    };
    let mut words: Vec<String> = match &pattern.kind {
        Kind::Id(_) => ids().collect(),
        Kind::Suite(_) => with("suite", names().collect()),
        Kind::Area(_) => {
            let areas = ids().filter_map(|id| Some(id.split_once('.')?.0.to_owned()));
            names().chain(areas).chain(ids()).collect()
        }
        Kind::Tag(_) => with("tag", cases().flat_map(|case| case.tags.clone()).collect()),
        Kind::Needs(_) => {
            let needs = cases().flat_map(|case| case.needs.iter().map(|need| need.value.clone()));
            with("needs", needs.collect())
        }
        Kind::Level(_) => {
            let levels = [Level::Must, Level::Should, Level::May];
            return with("level", levels.map(|level| level.name().to_owned()).into());
        }
    };
    words.sort();
    words.dedup();
    let stem = pattern.text.trim_end_matches('*').trim_end_matches('.');
    let mut scored: Vec<(f64, String)> = words
        .into_iter()
        .filter_map(|word| {
            let slug = word.split_once('.').map_or(word.as_str(), |(_, slug)| slug);
            let near = [likeness(stem, &word), likeness(stem, slug)];
            let near = near.into_iter().flatten().max_by(f64::total_cmp)?;
            Some((near, word))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    // A clear winner needs no company.
    let best = scored.first().map_or(0.0, |(likeness, _)| *likeness);
    scored.retain(|(likeness, _)| best < 0.9 || *likeness >= 0.9);
    scored.into_iter().take(NEAR_MAX).map(|(_, word)| word).collect()
}

/// How like a word is to what was typed, if it may have been meant: one slip in four letters, or a
/// part of it.
fn likeness(typed: &str, word: &str) -> Option<f64> {
    const PART_MIN: usize = 3;
    let len = typed.chars().count().max(1);
    let slips = strsim::osa_distance(typed, word);
    #[expect(clippy::cast_precision_loss, reason = "a few dozen letters")]
    let likeness = 1.0 - slips as f64 / len as f64;
    if slips <= (len / 4).max(1) && len > 1 {
        Some(likeness)
    } else {
        (len >= PART_MIN && word.contains(typed)).then_some(0.8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::load::parse;

    fn suites() -> Vec<Loaded> {
        let case = |id: &str, level: &str, more: &str| {
            format!(
                "  - {{id: {id}, title: t, level: {level}, source: [s], why: w, {more}\n     \
                 steps: [{{request: {{path: /x}}, expect: [{{stream: done}}]}}]}}\n"
            )
        };
        let suite = |name: &str, cases: &[String]| {
            let text =
                format!("proofhouse: 1\nsuite: {name}\ntitle: t\ncases:\n{}", cases.concat());
            parse("x.yaml", &text).unwrap_or_else(|error| panic!("{}", error.render(false)))
        };
        vec![
            suite(
                "streaming",
                &[
                    case("sse.done-sentinel", "must", "tags: [quick],"),
                    case("sse.incremental", "should", ""),
                    case("chunk.id-stable", "must", ""),
                ],
            ),
            suite("tools", &[case("tools.shape", "must", "needs: [tools],")]),
        ]
    }

    fn chosen(select: &[&str], skip: &[&str]) -> Result<Vec<String>, SelectError> {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let suites = suites();
        let selection = Selection { select: owned(select), skip: owned(skip), levels: Vec::new() };
        let found = selection.apply(&suites)?;
        let id = |chosen: &Chosen| suites[chosen.suite].suite.cases[chosen.case].id.value.clone();
        Ok(found.iter().map(id).collect())
    }

    #[test]
    fn cases_are_chosen_by_id_pattern_suite_area_tag_need_and_level() {
        let sse = ["sse.done-sentinel", "sse.incremental"];
        assert_eq!(chosen(&["sse.done-sentinel"], &[]).unwrap(), sse[..1]);
        assert_eq!(chosen(&["sse.*"], &[]).unwrap(), sse);
        assert_eq!(chosen(&["sse"], &[]).unwrap(), sse);
        assert_eq!(chosen(&["*.id-*"], &[]).unwrap(), ["chunk.id-stable"]);
        assert_eq!(chosen(&["streaming"], &[]).unwrap().len(), 3);
        assert_eq!(chosen(&["suite:tools"], &[]).unwrap(), ["tools.shape"]);
        assert_eq!(chosen(&["tag:quick"], &[]).unwrap(), sse[..1]);
        assert_eq!(chosen(&["needs:tools"], &[]).unwrap(), ["tools.shape"]);
        assert_eq!(chosen(&["level:should"], &[]).unwrap(), ["sse.incremental"]);
        assert_eq!(chosen(&[], &["streaming"]).unwrap(), ["tools.shape"]);
        assert_eq!(chosen(&["tools", "sse.*"], &["sse.incremental"]).unwrap().len(), 2);
    }

    #[test]
    fn levels_narrow_what_the_patterns_chose() {
        let suites = suites();
        let selection = Selection { levels: vec![Level::Should], ..Selection::default() };
        assert_eq!(selection.apply(&suites).unwrap(), [Chosen { suite: 0, case: 1 }]);
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_answered_with_near_misses() {
        let say = |select: &[&str], skip: &[&str]| chosen(select, skip).unwrap_err().to_string();
        assert_eq!(
            say(&["sse.done-sentinal"], &[]),
            "no case matches `sse.done-sentinal`; did you mean `sse.done-sentinel`?"
        );
        assert_eq!(
            say(&["done-sentinel"], &["stremaing"]),
            "no case matches `done-sentinel`; did you mean `sse.done-sentinel`?\n\
             no case matches `stremaing`; did you mean `streaming`?"
        );
        assert_eq!(
            say(&["level:most"], &[]),
            "no case matches `level:most`; did you mean `level:must`, `level:should`, \
             `level:may`?"
        );
        for far in ["nope.nope", "needs:rate_limit", "x"] {
            let said = say(&[far], &[]);
            assert_eq!(said, format!("no case matches `{far}`"));
        }
        assert!(say(&["incremental-"], &[]).contains("`sse.incremental`"));
        assert_eq!(say(&["zzz.*"], &[]), "no case matches `zzz.*`");
    }

    #[test]
    fn patterns_that_leave_nothing_are_an_error_of_their_own() {
        let error = chosen(&["tools"], &["tools.*"]).unwrap_err();
        assert_eq!(error, SelectError::Nothing { of: 4 });
        assert_eq!(error.to_string(), "the selection leaves none of 4 cases");
    }
}
