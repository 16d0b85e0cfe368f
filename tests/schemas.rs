//! The schemas that editors use are those of the types, and what the repository ships is valid
//! against them. `BLESS=1 cargo test --test schemas` rewrites the files.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::PathBuf;

use proofhouse::{cli, document, plan, profile, project, record, suite};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn schemas() -> [(&'static str, Value); 7] {
    [
        ("schema/suite.json", suite::schema::suite()),
        ("schema/profile.json", profile::schema()),
        ("schema/project.json", project::schema()),
        ("schema/lens.json", cli::lens_schema()),
        ("schema/set.json", suite::set::schema()),
        ("schema/plan.json", plan::schema()),
        ("schema/load.json", record::load::schema()),
    ]
}

fn faults(schema: &Value, instance: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn yaml(text: &str) -> Value {
    let (tree, problems) = document::parse_yaml(text);
    assert_eq!(problems, []);
    tree.unwrap().to_json()
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let bless = blessing();
    for (name, schema) in schemas() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if bless {
            std::fs::create_dir_all(path("schema")).unwrap();
            std::fs::write(path(name), &text).unwrap();
        }
        let committed = std::fs::read_to_string(path(name)).unwrap_or_default();
        assert!(committed == text, "{name} is not the schema of its type: BLESS=1 rewrites it");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own switch")]
fn blessing() -> bool {
    std::env::var_os("BLESS").is_some()
}

#[test]
fn every_shipped_suite_and_profile_is_valid_against_its_schema() {
    let [(_, suites), (_, profiles), ..] = schemas();
    let shipped = suite::builtin::texts().into_iter().map(|file| (file, &suites));
    let shipped =
        shipped.chain(profile::builtin::texts().into_iter().map(|file| (file, &profiles)));
    let sets = suite::set::schema();
    let shipped = shipped.chain(suite::builtin::set_texts().into_iter().map(|file| (file, &sets)));
    for ((name, text), schema) in shipped {
        assert_eq!(faults(schema, &yaml(text)), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_project_template_is_valid_against_its_schema() {
    let (tree, problems) = document::parse_toml(project::template());
    assert_eq!(problems, []);
    assert_eq!(faults(&project::schema(), &tree.unwrap().to_json()), Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_the_loader_refuses() {
    let whole = "proofhouse: 1\nsuite: s\ntitle: t\ncases:\n  - id: a.b\n    title: t\n    level: \
                 must\n    source: [s]\n    why: w\n    steps: [{request: {path: /x}, expect: \
                 [{stream: done}]}]\n";
    let schema = suite::schema::suite();
    assert_eq!(faults(&schema, &yaml(whole)), Vec::<String>::new());
    for (from, to) in [
        ("title: t\ncases", "cases"),
        ("level: must", "level: shall"),
        ("why: w", "wy: w"),
        ("source: [s]", "source: s"),
        ("path: /x", "path: 3"),
        ("stream: done", "strem: done"),
        ("path: /x}", "path: /x}, transport: {connection: reuse}"),
    ] {
        let broken = whole.replace(from, to);
        assert_ne!(broken, whole, "{from}");
        assert_ne!(faults(&schema, &yaml(&broken)), Vec::<String>::new(), "{to}");
        assert!(suite::load::parse("x.yaml", &broken).is_err(), "{to}");
    }
}
