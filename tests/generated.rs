//! Pages that are made from the code. `BLESS=1 cargo test --test generated` writes them anew.
#![expect(clippy::disallowed_methods, reason = "it is steered by BLESS")]

use std::path::Path;

use proofhouse::assert;

#[test]
fn the_page_of_stream_rules_is_made_from_their_files() {
    let mut page = String::from(
        "# Stream rules\n\nEach is an assertion of its own: `- stream: done`, or with a setting \
         `- stream: {closes_within: 2s}`.\nThis page is made from `src/assert/stream/`; \
         `proofhouse explain done` prints one of them.\n",
    );
    for rule in assert::rules() {
        page.push_str("\n## ");
        page.push_str(rule.name);
        page.push_str("\n\n");
        // Sections of a rule stand one below its own heading.
        page.push_str(rule.docs.trim().replace("\n# ", "\n### ").as_str());
        page.push('\n');
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/stream-rules.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/stream-rules.md is out of date: BLESS=1 cargo test --test generated"
    );
}
