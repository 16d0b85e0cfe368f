//! What a suite's writer is told: every problem of a file at once, each at its place, with a caret
//! and what to do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use proofhouse::suite::{SuiteError, load};

/// A suite of one case with one step, to be broken in one place.
const WHOLE: &str = r#"proofhouse: 1
suite: example
title: An example
cases:
  - id: sse.done
    title: The stream ends
    level: must
    source: ["a specification"]
    why: Clients wait.
    needs: [stream]
    matrix: {usage: [true, false]}
    steps:
      - name: ask
        request:
          path: /chat/completions
          json: {model: "${model}", stream_options: {include_usage: "${usage}"}}
        transport: {timeout: 60s}
        expect:
          - stream: done
          - {that: "chunks[*].usage", null: true, allow_empty: true, if: "!${usage}"}
        capture: {id: "body.id"}
      - name: again
        after: 200ms
        request: {method: GET, path: "/models/${id}"}
        transport: {connection: "reuse:ask"}
        expect:
          - {that: step.ask.status, same_as: "query:status"}
"#;

fn problems(text: &str) -> Vec<(&'static str, u64, u64, String)> {
    match load::parse("x.yaml", text) {
        Ok(_) => Vec::new(),
        Err(SuiteError::Wrong(error)) => error
            .problems
            .iter()
            .map(|problem| {
                let spot = error.spot(problem);
                (problem.code, spot.line, spot.column, problem.message.clone())
            })
            .collect(),
        Err(other) => panic!("{other}"),
    }
}

/// The one problem of the suite in which `from` is replaced.
fn broken(from: &str, to: &str) -> (&'static str, u64, u64, String) {
    let text = WHOLE.replacen(from, to, 1);
    assert_ne!(text, WHOLE, "`{from}` is not in the suite");
    let mut found = problems(&text);
    assert_eq!(found.len(), 1, "{to}: {found:#?}");
    found.remove(0)
}

fn rendered(text: &str) -> String {
    load::parse("x.yaml", text).unwrap_err().render(false)
}

#[test]
fn the_example_is_without_problems() {
    assert_eq!(problems(WHOLE), []);
    let loaded = load::parse("x.yaml", WHOLE).unwrap();
    let expect = &loaded.suite.cases[0].steps[0].expect[0];
    assert_eq!((expect.spot.line, expect.spot.column), (19, 13));
    assert_eq!(loaded.line(expect.spot), "          - stream: done");
    assert_eq!(loaded.underline(expect.spot), "stream: done".len());
    assert_eq!(loaded.sha256.len(), 64);
}

#[test]
fn each_mistake_is_one_problem_at_its_place() {
    let table: &[(&str, &str, &str, u64, u64)] = &[
        // what is written, what is written instead, code, line, column
        ("proofhouse: 1", "proofhouse: 2", "version", 1, 13),
        ("suite: example", "suite: An Example", "bad-id", 2, 8),
        ("title: An example", "titel: An example", "unknown-key", 3, 1),
        ("title: An example\n", "", "missing-key", 1, 1),
        ("id: sse.done", "id: done", "bad-id", 5, 9),
        ("level: must", "level: shuold", "unknown-value", 7, 12),
        ("why: Clients wait.", "why: ' '", "empty", 9, 10),
        ("source: [\"a specification\"]", "source: []", "empty", 8, 5),
        ("source: [\"a specification\"]", "source: a book", "wrong-type", 8, 13),
        ("needs: [stream]", "needs: [streams]", "unknown-capability", 10, 13),
        ("needs: [stream]", "repeat: {attempts: 0, at_least: 0.5}", "out-of-range", 10, 24),
        ("needs: [stream]", "repeat: {attempts: 3, at_least: 1.5}", "out-of-range", 10, 37),
        ("{usage: [true, false]}", "{usage: [true], spare: [1]}", "unused-matrix", 11, 29),
        ("{usage: [true, false]}", "{usage: []}", "empty", 11, 14),
        ("name: again", "name: ask", "duplicate-step", 22, 15),
        ("name: again", "name: a.b", "bad-id", 22, 15),
        ("path: /chat", "path: chat", "bad-form", 15, 17),
        ("json: {model", "text: hi\n          json: {model", "two-bodies", 16, 11),
        ("${model}", "${modle}", "unknown-name", 16, 26),
        ("${model}", "${model", "template", 16, 26),
        ("${model}", "${2 * seed + 500ms}", "template", 16, 26),
        ("{timeout: 60s}", "{timeout: 60 s}", "bad-form", 17, 30),
        ("{timeout: 60s}", "{timeout: 60s, split: {bytes: 0}}", "out-of-range", 17, 50),
        ("{timeout: 60s}", "{parallel: 0}", "wrong-type", 17, 31),
        ("{timeout: 60s}", "{parallel: 1_0}", "scalar-trap", 17, 31),
        ("{timeout: 60s}", "{disconnect: {}}", "bad-form", 17, 21),
        ("stream: done", "stream: dne", "unknown-value", 19, 21),
        ("\"chunks[*].usage\"", "\"chunks[*\"", "assertion", 20, 14),
        ("allow_empty: true", "allow_emty: true", "unknown-key", 20, 51),
        ("\"!${usage}\"", "\"usage\"", "template", 20, 75),
        ("\"body.id\"", "\"bdoy.id\"", "query", 21, 23),
        ("method: GET", "method: get", "bad-form", 24, 27),
        ("\"/models/${id}\"", "\"/models/${idd}\"", "unknown-name", 24, 47),
        ("reuse:ask", "reuse:again", "unknown-step", 25, 33),
        ("reuse:ask", "resue:ask", "bad-form", 25, 33),
        ("that: step.ask.status", "that: step.aks.status", "unknown-step", 27, 20),
        ("      - name: again", "      - name: again\n        nmae: x", "unknown-key", 23, 9),
        ("cases:", "cases:\n  -", "wrong-type", 5, 4),
    ];
    let mut wrong = Vec::new();
    for &(from, to, code, line, column) in table {
        let found = broken(from, to);
        if (found.0, found.1, found.2) != (code, line, column) {
            wrong.push(format!("{to}: expected {code} at {line}:{column}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn all_problems_of_a_file_are_told_together_in_the_order_of_the_file() {
    let text = WHOLE
        .replace("title: An example", "titel: An example")
        .replace("level: must", "level: shall")
        .replace("60s", "60 s")
        .replace("\"chunks[*].usage\"", "\"chunks[*].usage | nope\"")
        .replace("reuse:ask", "reuse:nobody");
    let codes: Vec<&str> = problems(&text).iter().map(|problem| problem.0).collect();
    assert_eq!(codes, ["unknown-key", "unknown-value", "bad-form", "assertion", "unknown-step"]);
}

#[test]
fn a_misspelt_key_is_shown_with_a_caret_and_the_key_meant() {
    let said = rendered(&WHOLE.replace("    needs: [", "    nedes: ["));
    assert_eq!(
        said,
        "\
error: unknown key `nedes` in a case
  --> x.yaml:10:5
   |
10 |     nedes: [stream]
   |     ^^^^^
   |
   = help: did you mean `needs`? allowed here: id, title, level, source, why, hurts, needs, without, \
         tags, provisional, matrix, repeat, precondition, steps
"
    );
}

#[test]
fn a_case_id_used_twice_is_shown_with_both_lines() {
    let again = "  - id: sse.done\n    title: t\n    level: may\n    source: [s]\n    why: w\n    \
                 steps: [{request: {path: /x}, expect: [{stream: done}]}]\n";
    assert_eq!(
        rendered(&format!("{WHOLE}{again}")),
        "\
error: the case id `sse.done` is used on line 5 and again on line 28
  --> x.yaml:28:9
   |
 5 |   - id: sse.done
   |         -------- first here
...
28 |   - id: sse.done
   |         ^^^^^^^^
   |
   = help: ids are never reused; rename one of them
"
    );
}

#[test]
fn a_key_given_twice_does_not_hide_the_other_problems() {
    let text = WHOLE
        .replace("    level: must\n", "    level: must\n    title: Again\n")
        .replace("needs: [stream]", "needs: [steam]");
    assert_eq!(
        rendered(&text),
        "\
error: the key `title` is given twice
 --> x.yaml:8:5
  |
6 |     title: The stream ends
  |     ----- first here
7 |     level: must
8 |     title: Again
  |     ^^^^^

error: unknown capability `steam`
  --> x.yaml:11:13
   |
11 |     needs: [steam]
   |             ^^^^^
   |
   = help: did you mean `stream`? there are: "
            .to_owned()
            + &proofhouse::suite::capability::names().collect::<Vec<_>>().join(", ")
            + "\n"
    );
}

#[test]
fn a_case_that_expects_nothing_is_refused() {
    let text = WHOLE
        .replace("        expect:\n          - {that: step.ask.status, same_as: \"query:status\"}\n", "")
        .replace(
            "        expect:\n          - stream: done\n          - {that: \"chunks[*].usage\", null: \
             true, allow_empty: true, if: \"!${usage}\"}\n",
            "",
        );
    let found = problems(&text);
    assert_eq!(found[0].0, "vacuous");
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn text_that_is_not_yaml_is_told_where_it_ends_to_be() {
    for (text, line) in
        [("a: [x\nb: 2\n", 2), ("a:\n\tb: 2\n", 2), ("a: !env HOME\n", 1), ("a: *nobody\n", 1)]
    {
        let found = problems(text);
        assert_eq!((found[0].0, found[0].1), ("syntax", line), "{text}: {found:?}");
        assert_eq!(found.len(), 1);
    }
    let said = rendered("proofhouse: 1\n---\nproofhouse: 1\n");
    assert!(said.contains("more than one YAML document"), "{said}");
}

#[test]
fn numbers_that_yaml_reads_otherwise_are_told_once_even_behind_an_anchor() {
    let define =
        "define:\n  x: &x {a: 1_000, b: 1.10, c: 0x1F, d: +1, e: 99999999999999999999999}\n";
    let text = WHOLE
        .replace("cases:", &format!("{define}cases:"))
        .replace("json: {model", "json: {deep: *x, model");
    let found = problems(&text);
    let said: Vec<&str> = found.iter().map(|problem| problem.3.as_str()).collect();
    assert_eq!(
        said,
        [
            "YAML reads the bare `1_000` as the number 1000",
            "YAML reads the bare `1.10` as the number 1.1",
            "YAML reads the bare `0x1F` as the number 31",
            "YAML reads the bare `+1` as the number 1",
            "YAML reads the bare `99999999999999999999999` as the number 1e+23",
        ]
    );
    let plain =
        WHOLE.replace("json: {model", "json: {a: 0.5, b: 10, c: 1.0, d: -3, e: 0, f: '014', model");
    assert_eq!(problems(&plain), []);
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        text +=
            &["a", &level.to_string(), ": &a", &level.to_string(), " [", &items, "]\n"].concat();
    }
    assert_eq!(problems(&text)[0].0, "syntax");
}

#[test]
fn json_is_a_suite_too() {
    let text = r#"{"proofhouse": 1, "suite": "x", "title": "t", "cases": [{"id": "a.b", "title": "t",
        "level": "must", "source": ["s"], "why": "w", "steps": [{"request": {"path": "/x"},
        "expect": [{"stream": "done"}]}]}]}"#;
    assert_eq!(problems(text), []);
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_path() {
    let error = load::file(std::path::Path::new("no/such.yaml")).unwrap_err();
    assert!(error.render(false).starts_with("error: suite `no/such.yaml` cannot be read: "));
}

mod torn {
    //! Files that were cut or mixed up somewhere: whatever is wrong with them is told, somewhere in
    //! the file, and nothing panics.

    use proofhouse::suite::{SuiteError, load};
    use proofhouse::{profile, project};
    use proptest::prelude::*;

    fn told(text: &str) {
        match load::parse("x.yaml", text) {
            Ok(loaded) => assert!(!loaded.suite.cases.is_empty()),
            Err(SuiteError::Wrong(error)) => {
                assert!(!error.problems.is_empty());
                for problem in &error.problems {
                    assert!(problem.span.start <= text.len(), "{problem:?}");
                    assert!(!problem.message.is_empty());
                }
                assert!(error.render(false).starts_with("error: "));
                assert!(error.render(true).contains('\u{1b}'));
            }
            Err(other) => panic!("{other}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_torn_suite_is_told(at in 0..super::WHOLE.len(), length in 0_usize..40, put in "[ -~\n\téü]{0,6}") {
            let mut text = super::WHOLE.to_owned();
            let end = (at + length).min(text.len());
            text.replace_range(at..end, &put);
            told(&text);
        }

        #[test]
        fn any_text_is_told(text in "[\\[\\]{}:,&*!#|>'\"%@`$ \\-\n\tabé0-9.]{0,60}") {
            if let Err(error) = load::parse("x.yaml", &text) {
                error.render(false);
            }
            if let Err(error) = profile::load::parse("x.yaml", &text) {
                error.render(false);
            }
            if let Err(error) = project::parse("proofhouse.toml", &text) {
                error.render(false);
            }
        }
    }
}
