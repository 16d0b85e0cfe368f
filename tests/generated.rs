//! Pages that are made from the code. `BLESS=1 cargo test --test generated` writes them anew.
#![expect(clippy::disallowed_methods, reason = "it is steered by BLESS")]

use std::fmt::Write as _;
use std::path::Path;

use proofhouse::assert;
use proofhouse::engine::{Options, Outline, Plan};
use proofhouse::mock::Persona;
use proofhouse::profile::{self, Capability};
use proofhouse::suite::builtin;
use proofhouse::suite::load::Loaded;
use proofhouse::suite::set;
use proofhouse::text::thousands;
use proofhouse::transport::target::Target;
use proofhouse::verdict::Level;

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
    is_current("docs/stream-rules.md", &page);
}

/// Above the lists of `docs/personas.md`.
const PERSONAS: &str = "\
# Personas

`proofhouse mock --persona NAME` answers as a known server does where that differs from OpenAI: a client can be tried
against its ways without the server, and a check can be seen to find them. `proofhouse check --profile NAME` knows the
same deviations, each with a reason, a link, and a day on which the excuse ends.

```console
$ proofhouse mock --persona ollama --port 8089
$ proofhouse check --url http://127.0.0.1:8089/v1 --profile ollama
```

`proofhouse mock --list-personas` prints these lists, `--format json` for scripts. This page is made from
`src/mock/persona/`.

## What a persona is not

- It is no emulator. It deviates in what is listed below, and answers as OpenAI does in everything else: a check that
  passes against a persona says nothing of the real server.
- What is listed was documented, reported, or seen on the wire of the version in the heading. Servers change; some of it
  may be mended in yours. Lists are kept short rather than filled with guesses.
- Everything is played under `/v1` with a bearer token. Azure's `api-key` header, its deployments in the path and its
  `api-version`, the signed requests and short-lived tokens of Amazon Bedrock and SageMaker, what IAM refuses, cold
  starts, and the limits of their front doors on time and size are not played.
- The texts are the mock's. A persona does not think, write or call tools as a model behind such a server would.
";

#[test]
fn the_page_of_personas_is_made_from_their_habits() {
    let mut page = PERSONAS.to_owned();
    for persona in Persona::ALL.into_iter().filter(|persona| *persona != Persona::OpenAi) {
        let title = persona.title();
        let _ =
            write!(page, "\n## {title}\n\n`--persona {0}`, `--profile {0}`\n\n", persona.name());
        for deviation in persona.deviations() {
            let _ = writeln!(page, "- {} ([source]({}))", deviation.what, deviation.link);
        }
    }
    is_current("docs/personas.md", &page);
}

/// Before and after what is made in `docs/catalogue.md`.
const MADE: &str = "<!-- made from suites/: BLESS=1 cargo test --test generated -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn the_numbers_of_the_catalogue_are_those_of_the_suites_and_of_a_dry_run() {
    let name = "docs/catalogue.md";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let page = std::fs::read_to_string(path).expect("the page is there");
    let (before, rest) = page.split_once(MADE).expect("the page says where the numbers stand");
    let (_, after) = rest.split_once(END).expect("and where they end");
    let suites = builtin::all().expect("the built-in suites are right");
    let numbers = format!("{}\n{}", holdings(&suites), costs(&suites));
    is_current(name, &format!("{before}{MADE}{numbers}{END}{after}"));
}

/// What each suite holds, in the order of the program.
fn holdings(suites: &[Loaded]) -> String {
    let mut table = String::from(
        "| suite | about | cases | must | should | may |\n|---|---|---:|---:|---:|---:|\n",
    );
    let levels = [Level::Must, Level::Should, Level::May];
    let count = |loaded: &Loaded| {
        levels.map(|level| loaded.suite.cases.iter().filter(|case| case.level == level).count())
    };
    let mut all = [0; 3];
    for loaded in suites {
        let counts = count(loaded);
        let [must, should, may] = counts;
        let (id, title) = (&loaded.suite.suite.value, &loaded.suite.title);
        let cases = must + should + may;
        let _ = writeln!(table, "| `{id}` | {title} | {cases} | {must} | {should} | {may} |");
        for (sum, count) in all.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let [must, should, may] = all;
    let cases = must + should + may;
    let _ = writeln!(table, "| | | **{cases}** | {must} | {should} | {may} |");
    table
}

/// What a run costs, by the plan that `check --dry-run` prints: at an endpoint of which nothing is
/// known, and at one that offers everything.
fn costs(suites: &[Loaded]) -> String {
    let mut table = String::from(
        "| set | profile | cases | requests | at most | output tokens at most |\n\
         |---|---|---:|---:|---:|---:|\n",
    );
    let target = Target::new("endpoint", "http://127.0.0.1:9/v1").expect("it is an address");
    for set in set::all().expect("the built-in sets are right") {
        let chosen = set.of(suites.to_vec()).expect("it selects something");
        let cases: Vec<_> =
            chosen.iter().map(|loaded| (loaded, loaded.suite.cases.iter().collect())).collect();
        for name in ["generic", "mock"] {
            let file = format!("{}/profiles/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
            let mut profile =
                profile::builtin::resolve(&file).expect("it is there and right").profile;
            for capability in &set.allow {
                if profile.capability(&capability.value) == Capability::No {
                    profile.capabilities.insert(capability.value.clone(), Capability::Probe);
                }
            }
            let (options, cases) = (&Options::default(), &cases[..]);
            let outline = Outline { target: &target, profile: &profile, cases, options };
            let planned = Plan::of(&outline).total();
            let [cases, requests, at_most, tokens] =
                [planned.cases, planned.requests, planned.requests_max, planned.output_tokens_max]
                    .map(|number| {
                        thousands(usize::try_from(number).expect("it is a small number"))
                    });
            let id = &set.set.value;
            let _ = writeln!(
                table,
                "| `{id}` | `{name}` | {cases} | {requests} | {at_most} | {tokens} |"
            );
        }
    }
    table
}

fn is_current(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "{name} is out of date: BLESS=1 cargo test --test generated");
}
