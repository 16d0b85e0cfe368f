//! The pages about the formats hold every word of the formats, and their examples are valid.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use proofhouse::suite::{CAPABILITIES, load, set, template};
use proofhouse::{profile, suite};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn page(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// The fenced YAML blocks of a page.
fn blocks(page: &str) -> Vec<&str> {
    page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

/// Every property name and every word of an enumeration, anywhere in a schema.
fn words(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("properties", Value::Object(properties)) => {
                        found.extend(properties.keys().cloned());
                        properties.values().for_each(|value| words(value, found));
                    }
                    ("enum", Value::Array(values)) => {
                        found.extend(
                            values.iter().filter_map(|value| value.as_str()).map(str::to_owned),
                        );
                    }
                    _ => words(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        _ => {}
    }
}

fn missing(schema: &Value, page: &str) -> Vec<String> {
    let mut all = BTreeSet::new();
    words(schema, &mut all);
    let quoted: String = page.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(" ");
    let known: BTreeSet<&str> =
        quoted.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    all.into_iter().filter(|word| !known.contains(word.as_str())).collect()
}

#[test]
fn every_suite_in_the_page_is_without_problems() {
    let page = page("docs/suite-format.md");
    let (sets, suites): (Vec<&str>, Vec<&str>) =
        blocks(&page).into_iter().partition(|text| set::is_set(text));
    assert_eq!((suites.len(), sets.len()), (5, 1));
    for text in sets {
        if let Err(error) = set::parse("docs/suite-format.md", text) {
            panic!("{}", error.render(false));
        }
    }
    for text in suites {
        if let Err(error) = load::parse("docs/suite-format.md", text) {
            panic!("{}", error.render(false));
        }
    }
}

#[test]
fn the_profile_in_the_page_is_without_problems() {
    let page = page("docs/profile-format.md");
    for text in blocks(&page) {
        if let Err(error) = profile::load::parse("docs/profile-format.md", text) {
            panic!("{}", error.render(false));
        }
    }
}

#[test]
fn every_word_of_the_formats_is_explained() {
    let json_types = ["array", "boolean", "integer", "number", "object"].map(str::to_owned);
    let mut missing_words = missing(&suite::schema::suite(), &page("docs/suite-format.md"));
    missing_words.extend(missing(&set::schema(), &page("docs/suite-format.md")));
    missing_words.retain(|word| !json_types.contains(word));
    assert_eq!(missing_words, Vec::<String>::new(), "docs/suite-format.md");
    let found = missing(&profile::schema(), &page("docs/profile-format.md"));
    assert_eq!(found, Vec::<String>::new(), "docs/profile-format.md");
}

#[test]
fn every_function_and_variable_of_templates_is_explained() {
    let page = page("docs/suite-format.md");
    for (name, _) in template::VARIABLES {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
    for function in template::FUNCTIONS {
        assert!(page.contains(&format!("| `{}` |", function.usage)), "{}", function.usage);
    }
}

#[test]
fn the_table_of_capabilities_is_that_of_the_code() {
    const MARK: &str = "<!-- capabilities -->\n";
    let mut table = String::from("\n| capability | an endpoint that has it offers |\n|---|---|\n");
    for capability in CAPABILITIES {
        table += &["| `", capability.name, "` | ", capability.means, " |\n"].concat();
    }
    let page = page("docs/suite-format.md");
    let (before, after) = page.split_once(MARK).unwrap();
    let (_, after) = after.split_once("\n## ").unwrap();
    let expected = [before, MARK, &table, "\n## ", after].concat();
    if blessing() {
        std::fs::write(path("docs/suite-format.md"), &expected).unwrap();
    } else {
        assert!(page == expected, "the table of capabilities is old: BLESS=1 rewrites it");
    }
}

#[test]
fn the_table_of_what_is_opted_in_to_is_that_of_the_code() {
    const MARK: &str = "<!-- opt-in -->\n";
    let mut table = String::from("\n| capability | because |\n|---|---|\n");
    for capability in CAPABILITIES {
        if let Some(why) = capability.opt_in {
            table += &["| `", capability.name, "` | ", why, " |\n"].concat();
        }
    }
    let page = page("docs/profile-format.md");
    let (before, after) = page.split_once(MARK).unwrap();
    let (_, after) = after.split_once("\nThe words and their meaning").unwrap();
    let expected = [before, MARK, &table, "\nThe words and their meaning", after].concat();
    if blessing() {
        std::fs::write(path("docs/profile-format.md"), &expected).unwrap();
    } else {
        assert!(page == expected, "the table of what is opted in to is old: BLESS=1 rewrites it");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own switch")]
fn blessing() -> bool {
    std::env::var_os("BLESS").is_some()
}
